// The published @tursodatabase/serverless, its own API and the one compatible with @libsql/client: every public method, in good cases
// and in failing ones. node serverless.mjs LIBSQL
import {
  Connection, DatabaseError, ENCRYPTION_KEY_HEADER, Session, Statement, TimeoutError, Transaction, connect, decodeValue, encodeValue,
} from '@tursodatabase/serverless';
import { LibsqlError, createClient } from '@tursodatabase/serverless/compat';
import { assert, run, test } from './support/check.mjs';
import { authKey, startServer } from './support/server.mjs';

const key = authKey();
const server = await startServer();
const guarded = await startServer({ args: ['--auth-jwt-key-file', key.file] });

let tables = 0;
async function withTable(body, columns = 'id INTEGER PRIMARY KEY, v') {
  const db = connect({ url: server.url });
  const table = `t${++tables}`;
  try {
    await db.exec(`CREATE TABLE ${table}(${columns})`);
    await body(db, table);
  } finally {
    await db.close();
  }
}
const count = async (db, table) => (await db.get(`SELECT count(*) AS n FROM ${table}`)).n;
const values = async (db, table) => (await db.all(`SELECT v FROM ${table} ORDER BY id`)).map((row) => row.v);
const numbers = (n) => `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ${n}) SELECT x FROM c`;
const collect = async (rows) => {
  const all = [];
  for await (const row of rows) all.push(row);
  return all;
};

// Connection
test('connect: a Connection, outside a transaction', () => withTable(async (db) => {
  assert.ok(db instanceof Connection);
  assert.equal(db.inTransaction, false);
  assert.throws(() => connect({}), /url is required/);
  assert.throws(() => connect({ url: server.url, requestHeaders: { Host: 'x' } }), DatabaseError);
}));
test('run: changes and lastInsertRowid, with each way to give arguments', () => withTable(async (db, table) => {
  assert.deepEqual(await db.run(`INSERT INTO ${table}(v) VALUES (?)`, 'a'), { changes: 1, lastInsertRowid: 1 });
  assert.deepEqual(await db.run(`INSERT INTO ${table}(v) VALUES (?), (?)`, ['b', 'c']), { changes: 2, lastInsertRowid: 3 });
  assert.deepEqual(await db.run(`INSERT INTO ${table}(v) VALUES (?), (?)`, 'd', 'e'), { changes: 2, lastInsertRowid: 5 });
  for (const prefix of [':', '@', '$']) await db.run(`INSERT INTO ${table}(v) VALUES (${prefix}v)`, { v: prefix });
  await db.run(`INSERT INTO ${table}(v) VALUES (?2 || ?1)`, { 1: 'x', 2: 'y' });
  assert.deepEqual(await values(db, table), ['a', 'b', 'c', 'd', 'e', ':', '@', '$', 'yx']);
  assert.deepEqual(await db.run(`DELETE FROM ${table}`), { changes: 9, lastInsertRowid: undefined });
}));
test('get, all, iterate', () => withTable(async (db, table) => {
  await db.run(`INSERT INTO ${table}(v) VALUES ('a'), ('b')`);
  assert.deepEqual(await db.get(`SELECT * FROM ${table} WHERE id = ?`, 2), { id: 2, v: 'b' });
  assert.equal(await db.get(`SELECT * FROM ${table} WHERE id = ?`, 3), undefined);
  assert.deepEqual(await db.all(`SELECT * FROM ${table} ORDER BY id`), [{ id: 1, v: 'a' }, { id: 2, v: 'b' }]);
  assert.deepEqual(await collect(db.iterate(`SELECT v FROM ${table} WHERE id > :id`, { id: 1 })), [{ v: 'b' }]);
  assert.equal((await db.all(numbers(20_000))).length, 20_000);
}));
test('run, get, all: errors have code and message, and the connection goes on', () => withTable(async (db, table) => {
  for (const [sql, args, code, message] of [
    ['SELEC 1', [], 'SQL_PARSE_ERROR', /syntax error/], ['SELECT 1; SELECT 2', [], 'SQL_MANY_STATEMENTS', /./], ['', [], 'SQL_NO_STATEMENT', /./],
    ['SELECT * FROM nowhere', [], 'SQLITE_UNKNOWN', /no such table: nowhere/], ['SELECT ?', [], 'ARGS_INVALID', /./], ['SELECT 1', [1], 'ARGS_INVALID', /./],
    [`INSERT INTO ${table}(id) VALUES (1), (1)`, [], 'SQLITE_CONSTRAINT', /UNIQUE constraint failed/],
  ]) {
    for (const method of ['run', 'get', 'all']) await assert.rejects(db[method](sql, args), { name: 'DatabaseError', code, message }, sql);
    await assert.rejects(collect(db.iterate(sql, args)), { name: 'DatabaseError', code, message }, sql);
  }
  assert.equal(db.inTransaction, false);
  assert.equal(await count(db, table), 0);
}));
test('every kind of value comes back', () => withTable(async (db) => {
  db.defaultSafeIntegers();
  for (const [value, type, back = value] of [
    [null, 'null'], ['', 'text'], ['naïve ☃ 中文 🎉', 'text'], ['nul \u0000', 'text'], [1.5, 'real'], [5e-324, 'real'], [-1.7976931348623157e308, 'real'],
    [3, 'integer', 3n], [true, 'integer', 1n], [2n ** 63n - 1n, 'integer'], [-(2n ** 63n), 'integer'], [2 ** 60, 'real'],
  ]) assert.deepEqual(await db.get('SELECT ?1 AS v, typeof(?1) AS t', [value]), { v: back, t: type });
  for (const size of [0, 1, 2, 3, 500_000]) {
    const { v, t } = await db.get('SELECT ?1 AS v, typeof(?1) AS t', [new Uint8Array(size).fill(9)]);
    assert.deepEqual([t, Buffer.from(v)], ['blob', Buffer.alloc(size, 9)]);
  }
  assert.equal((await db.get('SELECT 9e999 AS v')).v, null);
  await assert.rejects(db.get('SELECT ?', [NaN]), /finite/);
  db.defaultSafeIntegers(false);
  assert.equal((await db.get('SELECT 7 AS v')).v, 7);
}));
test('encodeValue and decodeValue agree with the server', () => withTable(async (db) => {
  for (const value of [null, 'x', 7, 1.5, new Uint8Array([1, 2])]) {
    const { v } = await db.get('SELECT ? AS v', [value]);
    const decoded = decodeValue(encodeValue(value));
    assert.deepEqual(v instanceof Uint8Array ? Buffer.from(v) : v, decoded);
  }
}));
test('exec: many statements, a failing one, a syntax error', () => withTable(async (db, table) => {
  assert.equal(await db.exec(`INSERT INTO ${table} VALUES (1, 1); INSERT INTO ${table} VALUES (2, 2)`), undefined);
  await assert.rejects(db.exec(`INSERT INTO ${table} VALUES (3, 3); INSERT INTO ${table} VALUES (1, 1)`), { name: 'DatabaseError', code: 'SQLITE_CONSTRAINT' });
  await assert.rejects(db.exec(`INSERT INTO ${table} VALUES (4, 4); SELEC`), { code: 'SQL_PARSE_ERROR' });
  assert.deepEqual(await values(db, table), [1, 2, 3]);
}));
test('inTransaction follows BEGIN and COMMIT, whichever method runs them', () => withTable(async (db, table) => {
  for (const method of ['exec', 'run']) {
    await db[method]('BEGIN');
    assert.equal(db.inTransaction, true);
    await db.run(`INSERT INTO ${table}(v) VALUES (1)`);
    assert.equal(db.inTransaction, true);
    await assert.rejects(db.run('SELECT * FROM nowhere'));
    assert.equal(db.inTransaction, true);
    await db[method]('ROLLBACK');
    assert.equal(db.inTransaction, false);
  }
  assert.equal(await count(db, table), 0);
}));
test('pragma', () => withTable(async (db, table) => {
  const { rows, columns } = await db.pragma(`table_info(${table})`);
  assert.ok(columns.includes('name'));
  assert.deepEqual(rows.map((row) => row.name), ['id', 'v']);
}));

// prepare and Statement
test('prepare: columns, reader, run, get, all, iterate', () => withTable(async (db, table) => {
  const insert = await db.prepare(`INSERT INTO ${table}(v) VALUES (?)`);
  assert.ok(insert instanceof Statement);
  assert.deepEqual([insert.reader, insert.columns()], [false, []]);
  assert.deepEqual(await insert.run('a'), { changes: 1, lastInsertRowid: 1 });
  assert.deepEqual(await insert.run(['b']), { changes: 1, lastInsertRowid: 2 });
  const select = await db.prepare(`SELECT id, v FROM ${table} WHERE id >= :id ORDER BY id`);
  assert.equal(select.reader, true);
  assert.deepEqual(select.columns().map((column) => column.name), ['id', 'v']);
  assert.equal(select.columns()[0].type, 'INTEGER');
  assert.deepEqual(await select.get({ id: 2 }), { id: 2, v: 'b' });
  assert.equal(await select.get({ id: 3 }), undefined);
  assert.deepEqual(await select.all({ id: 1 }), [{ id: 1, v: 'a' }, { id: 2, v: 'b' }]);
  assert.deepEqual(await collect(select.iterate({ id: 2 })), [{ id: 2, v: 'b' }]);
  await assert.rejects(insert.run([1, 2]), { code: 'ARGS_INVALID' });
}));
test('raw, pluck, safeIntegers', () => withTable(async (db) => {
  const select = await db.prepare("SELECT 9007199254740993 AS big, 'x' AS x");
  assert.deepEqual(await select.raw().get(), [9007199254740992, 'x']);
  assert.deepEqual(await select.safeIntegers().all(), [[9007199254740993n, 'x']]);
  assert.deepEqual(await select.pluck().all(), [9007199254740993n]);
  assert.deepEqual(await collect(select.iterate()), [9007199254740993n]);
  assert.deepEqual(await select.pluck(false).safeIntegers(false).get(), { big: 9007199254740992, x: 'x' });
}));
test('prepare: what cannot be compiled is refused', () => withTable(async (db) => {
  await assert.rejects(db.prepare('SELECT * FROM nowhere'), { name: 'DatabaseError', message: /no such table: nowhere/ });
  await assert.rejects(db.prepare('SELEC 1'), { name: 'DatabaseError', message: /syntax error/ });
  assert.deepEqual(await db.get('SELECT 1 AS x'), { x: 1 });
}));
test('a Statement of its own session streams, also when left early', async () => {
  const statement = new Statement({ url: server.url }, numbers(100_000), [{ name: 'x', decltype: null }]);
  let seen = 0;
  for await (const row of statement.iterate()) {
    seen += row.x;
    if (row.x === 100) break;
  }
  assert.equal(seen, 5050);
  assert.equal((await collect(new Statement({ url: server.url }, numbers(3000)).raw().iterate())).length, 3000);
});

// batch
test('batch without a mode: each statement on its own', () => withTable(async (db, table) => {
  const results = await db.batch([`INSERT INTO ${table}(v) VALUES ('a')`, { sql: `INSERT INTO ${table}(v) VALUES (?)`, args: ['b'] },
    { sql: `SELECT * FROM ${table} WHERE v = :v`, args: { v: 'b' } }]);
  assert.deepEqual(results.map((result) => result.rowsAffected), [1, 1, 0]);
  assert.deepEqual(results[2].columns, ['id', 'v']);
  assert.deepEqual(results[2].rows, [{ id: 2, v: 'b' }]);
  assert.deepEqual((await db.batch([`SELECT v FROM ${table}`], { raw: true }))[0].rows, [['a'], ['b']]);
  await assert.rejects(db.batch([`INSERT INTO ${table} VALUES (3, 'c')`, `INSERT INTO ${table} VALUES (1, 'd')`]), { code: 'SQLITE_CONSTRAINT' });
  assert.deepEqual(await values(db, table), ['a', 'b', 'c']);
  assert.deepEqual(await db.batch([]), []);
  await assert.rejects(db.batch('SELECT 1'), TypeError);
}));
for (const mode of ['write', 'read', 'deferred', 'immediate', 'exclusive']) {
  test(`batch(…, '${mode}') is atomic`, () => withTable(async (db, table) => {
    await db.batch([`INSERT INTO ${table} VALUES (1, 'a')`, `INSERT INTO ${table} VALUES (2, 'b')`], mode);
    assert.equal(db.inTransaction, false);
    await assert.rejects(db.batch([`INSERT INTO ${table} VALUES (3, 'c')`, `INSERT INTO ${table} VALUES (1, 'd')`, 'SELECT 1'], mode), { code: 'SQLITE_CONSTRAINT' });
    assert.equal(db.inTransaction, false);
    assert.deepEqual(await values(db, table), ['a', 'b']);
  }));
}
test('batch with a syntax error runs nothing in a transaction', () => withTable(async (db, table) => {
  await assert.rejects(db.batch([`INSERT INTO ${table} VALUES (1, 'a')`, 'SELEC 1'], 'write'), { code: 'SQL_PARSE_ERROR' });
  assert.equal(await count(db, table), 0);
}));

// transaction and transactionAsync
for (const kind of ['default', 'deferred', 'immediate', 'exclusive']) {
  test(`transaction().${kind} commits, and rolls back when its function throws`, () => withTable(async (db, table) => {
    const insert = db.transaction(async (value, fail) => {
      assert.equal(db.inTransaction, true);
      await db.run(`INSERT INTO ${table}(v) VALUES (?)`, value);
      if (fail) throw new Error('enough');
      return value;
    });
    assert.equal(await insert[kind]('a', false), 'a');
    await assert.rejects(insert[kind]('b', true), /enough/);
    assert.deepEqual(await values(db, table), ['a']);
    assert.throws(() => db.transaction(1), TypeError);
  }));
  test(`transactionAsync().${kind} has a session of its own`, () => withTable(async (db, table) => {
    let kept;
    const work = db.transactionAsync(async (tx, fail) => {
      kept = tx;
      assert.ok(tx instanceof Transaction);
      assert.equal(tx.open, true);
      await tx.exec(`INSERT INTO ${table}(v) VALUES (1)`);
      await tx.run(`INSERT INTO ${table}(v) VALUES (?)`, 2);
      await (await tx.prepare(`INSERT INTO ${table}(v) VALUES (?)`)).run(3);
      await tx.batch([`INSERT INTO ${table}(v) VALUES (4)`, { sql: `INSERT INTO ${table}(v) VALUES (?)`, args: [5] }]);
      assert.equal((await tx.get(`SELECT count(*) AS n FROM ${table}`)).n, 5);
      assert.equal((await tx.all(`SELECT * FROM ${table}`)).length, 5);
      assert.equal((await collect(tx.iterate(`SELECT * FROM ${table}`))).length, 5);
      assert.equal((await tx.execute(`SELECT max(v) AS m FROM ${table} WHERE v < ?`, [5])).rows[0].m, 4);
      if (kind !== 'exclusive') assert.equal(await count(db, table), 0, 'not visible from outside');
      await assert.rejects(tx.run('SELECT * FROM nowhere'));
      if (fail) throw new Error('enough');
      return 'done';
    });
    await assert.rejects(work[kind](true), /enough/);
    assert.equal(await count(db, table), 0);
    assert.equal(await work[kind](false), 'done');
    assert.equal(await count(db, table), 5);
    assert.equal(kept.open, false);
    await assert.rejects(kept.run('SELECT 1'), TypeError);
    assert.throws(() => db.transactionAsync(() => {}), TypeError);
  }));
}
test('transactionAsync: several at once take turns', () => withTable(async (db, table) => {
  await db.run(`INSERT INTO ${table} VALUES (1, 0)`);
  const add = db.transactionAsync(async (tx, n) => {
    const { v } = await tx.get(`SELECT v FROM ${table}`);
    await tx.run(`UPDATE ${table} SET v = ?`, v + n);
  });
  await Promise.all(Array.from({ length: 12 }, () => add.immediate(1)));
  assert.deepEqual(await values(db, table), [12]);
}));
test('calls at once on one connection take turns', () => withTable(async (db, table) => {
  await Promise.all(Array.from({ length: 40 }, (_, i) => db.run(`INSERT INTO ${table}(v) VALUES (?)`, i)));
  assert.equal(await count(db, table), 40);
}));

// close, reconnect, time-outs, headers
test('close and reconnect', () => withTable(async (db, table) => {
  const other = connect({ url: server.url });
  await other.exec('BEGIN IMMEDIATE');
  await other.run(`INSERT INTO ${table}(v) VALUES (1)`);
  await other.close();
  for (const call of ['run', 'get', 'all', 'exec', 'prepare', 'pragma']) await assert.rejects(other[call]('SELECT 1'), /not open/, call);
  await assert.rejects(other.batch(['SELECT 1']), /not open/);
  await db.run(`INSERT INTO ${table}(v) VALUES (2)`);
  assert.deepEqual(await values(db, table), [2]);
  await other.reconnect();
  assert.equal(await count(other, table), 1);
  await other.close();
}));
test('queryTimeout ends a long query with a TimeoutError, and the server goes on', () => withTable(async (db) => {
  await assert.rejects(db.get('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c', { queryTimeout: 200 }), TimeoutError);
  assert.deepEqual(await db.get('SELECT 1 AS x'), { x: 1 });
}));
test('requestHeaders and the encryption key header do no harm', async () => {
  assert.equal(ENCRYPTION_KEY_HEADER, 'x-turso-encryption-key');
  const db = connect({ url: server.url, remoteEncryptionKey: 'c2VjcmV0', requestHeaders: { 'x-extra': '1' } });
  assert.deepEqual(await db.get('SELECT 1 AS x', { requestHeaders: { 'x-more': '2' } }), { x: 1 });
  await db.close();
});
test('authToken: a good one works, others are refused', async () => {
  const open = (authToken) => connect({ url: guarded.url, authToken });
  const writer = open(key.token({ exp: 60 }));
  await writer.exec('CREATE TABLE IF NOT EXISTS guarded(v)');
  for (const [token, message] of [[undefined, /authorization header/i], [authKey().token(), /JWT is invalid/], [key.token({ exp: -120 }), /JWT has expired/]]) {
    await assert.rejects(open(token).get('SELECT 1'), { name: 'DatabaseError', message });
    await assert.rejects(open(token).exec('SELECT 1'), { name: 'DatabaseError', message: /401/ });
  }
  const reader = open(key.token({ a: 'ro' }));
  assert.deepEqual(await reader.get('SELECT count(*) AS n FROM guarded'), { n: 0 });
  await assert.rejects(reader.run('INSERT INTO guarded VALUES (1)'), DatabaseError);
  assert.deepEqual(await writer.get('SELECT count(*) AS n FROM guarded'), { n: 0 });
  await Promise.all([reader.close(), writer.close()]);
});

// Session
test('Session: execute, describe, sequence, batch, close', async () => {
  const session = new Session({ url: server.url });
  assert.deepEqual((await session.execute('SELECT ? AS x', [5])).rows[0].x, 5);
  assert.deepEqual((await session.describe('SELECT :a AS x')).params.map((param) => param.name), [':a']);
  await session.sequence('BEGIN; SELECT 1');
  assert.equal(session.inTransaction, true);
  assert.equal((await session.batch(['SELECT 1 AS a', 'SELECT 2 AS b'])).length, 2);
  await session.close();
  assert.equal(session.inTransaction, false);
});

// The API compatible with @libsql/client
async function withClient(body) {
  const client = createClient({ url: server.url });
  const table = `t${++tables}`;
  try {
    await client.execute(`CREATE TABLE ${table}(id INTEGER PRIMARY KEY, v)`);
    await body(client, table);
  } finally {
    client.close();
  }
}
const column = async (client, table) => (await client.execute(`SELECT v FROM ${table} ORDER BY id`)).rows.map((row) => row.v);
test('compat createClient: protocol, closed, refused options', () => withClient(async (client) => {
  assert.deepEqual([client.protocol, client.closed], ['http', false]);
  assert.throws(() => createClient({ url: server.url, intMode: 'bigint' }), { name: 'LibsqlError', code: 'UNSUPPORTED_CONFIG' });
  assert.throws(() => createClient({}), { code: 'MISSING_URL' });
}));
test('compat execute', () => withClient(async (client, table) => {
  const inserted = await client.execute({ sql: `INSERT INTO ${table}(v) VALUES (?)`, args: ['a'] });
  assert.deepEqual([inserted.rowsAffected, inserted.lastInsertRowid], [1, 1n]);
  const selected = await client.execute(`SELECT * FROM ${table} WHERE v = ?`, ['a']);
  assert.deepEqual([selected.columns, selected.columnTypes, selected.rows[0].v], [['id', 'v'], ['INTEGER', ''], 'a']);
  assert.equal(selected.toJSON().rowsAffected, 0);
  await assert.rejects(client.execute(`INSERT INTO ${table}(id) VALUES (1)`), { name: 'LibsqlError', code: 'SQLITE_CONSTRAINT', message: /UNIQUE/ });
  await assert.rejects(client.execute('SELEC'), { name: 'LibsqlError', code: 'SQL_PARSE_ERROR' });
}));
test('compat batch and migrate', () => withClient(async (client, table) => {
  const results = await client.batch([`INSERT INTO ${table}(v) VALUES ('a')`, { sql: `SELECT * FROM ${table} WHERE v = ?`, args: ['a'] }], 'write');
  assert.equal(results[1].rows[0].v, 'a');
  for (const mode of ['write', 'deferred', undefined]) {
    await assert.rejects(client.batch([`INSERT INTO ${table}(v) VALUES ('b')`, `INSERT INTO ${table}(id) VALUES (1)`], mode), { code: 'SQLITE_CONSTRAINT' });
  }
  await client.migrate([`ALTER TABLE ${table} ADD COLUMN w`, `UPDATE ${table} SET w = 1`]);
  await assert.rejects(client.migrate([`ALTER TABLE ${table} ADD COLUMN z`, `UPDATE ${table} SET missing = 1`]), LibsqlError);
  assert.deepEqual((await client.execute(`SELECT * FROM ${table}`)).columns, ['id', 'v', 'w']);
}));
test('compat executeMultiple', () => withClient(async (client, table) => {
  await client.executeMultiple(`INSERT INTO ${table}(v) VALUES (1); INSERT INTO ${table}(v) VALUES (2)`);
  await assert.rejects(client.executeMultiple('SELECT * FROM nowhere'), { name: 'LibsqlError', code: 'SQLITE_UNKNOWN' });
  assert.deepEqual(await column(client, table), [1, 2]);
}));
for (const mode of ['write', 'deferred', 'read']) {
  test(`compat transaction('${mode}')`, () => withClient(async (client, table) => {
    const tx = await client.transaction(mode);
    assert.equal(tx.closed, false);
    await tx.execute({ sql: `INSERT INTO ${table}(v) VALUES (?)`, args: ['a'] });
    await tx.execute(`INSERT INTO ${table}(v) VALUES (?)`, ['b']);
    await tx.batch([`INSERT INTO ${table}(v) VALUES ('c')`]);
    await tx.executeMultiple(`INSERT INTO ${table}(v) VALUES ('d'); INSERT INTO ${table}(v) VALUES ('e')`);
    await assert.rejects(tx.execute(`INSERT INTO ${table}(id) VALUES (1)`), { code: 'SQLITE_CONSTRAINT' });
    await tx.commit();
    assert.equal(tx.closed, true);
    await assert.rejects(tx.execute('SELECT 1'), { code: 'TRANSACTION_CLOSED' });
    const undone = await client.transaction(mode);
    await undone.execute(`DELETE FROM ${table}`);
    await undone.rollback();
    const closed = await client.transaction(mode);
    await closed.execute(`DELETE FROM ${table}`);
    closed.close();
    assert.equal(closed.closed, true);
    assert.deepEqual(await column(client, table), ['a', 'b', 'c', 'd', 'e']);
  }));
}
test('compat sync and close', () => withClient(async (client) => {
  await assert.rejects(client.sync(), { code: 'NOT_SUPPORTED' });
  client.close();
  assert.equal(client.closed, true);
  for (const call of [() => client.execute('SELECT 1'), () => client.batch(['SELECT 1']), () => client.transaction(), () => client.executeMultiple('SELECT 1')]) {
    await assert.rejects(call(), { code: 'CLIENT_CLOSED' });
  }
}));

await run({ after: async () => {
  // The rows that were left early are still on their way to node's client, and the server would wait for it.
  await globalThis[Symbol.for('undici.globalDispatcher.1')].destroy();
  for (const one of [server, guarded]) assert.equal(await one.stop(), 0);
} });
