// The published npm package libsql (native) as a remote client: every public method, in good cases and in failing ones. Its calls
// block this process until the server has answered. node libsql_npm.mjs LIBSQL
import Database from 'libsql';
import { assert, run, test } from './support/check.mjs';
import { authKey, startServer } from './support/server.mjs';

const key = authKey();
const server = await startServer();
const guarded = await startServer({ args: ['--auth-jwt-key-file', key.file] });

let tables = 0;
function withTable(body, columns = 'id INTEGER PRIMARY KEY, v') {
  const db = new Database(server.url);
  const table = `t${++tables}`;
  try {
    db.exec(`CREATE TABLE ${table}(${columns})`);
    return body(db, table);
  } finally {
    db.close();
  }
}
const count = (db, table) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get().n;
const values = (db, table) => db.prepare(`SELECT v FROM ${table} ORDER BY id`).all().map((row) => row.v);

test('new Database: open, memory, inTransaction', () => {
  for (const url of [server.url, `${server.url}/`]) {
    const db = new Database(url);
    assert.deepEqual([db.open, db.memory, db.readonly, db.inTransaction], [true, false, false, false]);
    assert.equal(db.prepare('SELECT 41 + 1 AS x').get().x, 42);
    db.close();
    assert.equal(db.open, false);
  }
});

// prepare and the methods of a statement
test('prepare, run: changes and lastInsertRowid', () => withTable((db, table) => {
  const insert = db.prepare(`INSERT INTO ${table}(v) VALUES (?)`);
  assert.deepEqual([insert.run('a').changes, insert.run('b').lastInsertRowid, insert.run(['c']).lastInsertRowid], [1, 2, 3]);
  assert.equal(db.prepare(`UPDATE ${table} SET v = v || '!'`).run().changes, 3);
  assert.deepEqual(values(db, table), ['a!', 'b!', 'c!']);
  assert.equal(db.prepare(`DELETE FROM ${table} WHERE id > ?`).run(1).changes, 2);
}));
test('get: the first row, or undefined', () => withTable((db, table) => {
  db.exec(`INSERT INTO ${table} VALUES (1, 'one'), (2, 'two')`);
  const select = db.prepare(`SELECT * FROM ${table} WHERE id = ?`);
  assert.deepEqual([select.get(1).v, select.get(2).v, select.get(3)], ['one', 'two', undefined]);
}));
test('all and iterate: every row, over many pages', () => withTable((db) => {
  const sql = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ?) SELECT x, hex(x) AS h FROM c';
  assert.equal(db.prepare(sql).all(5000).length, 5000);
  assert.deepEqual(db.prepare(sql).all(0 + 1).map((row) => row.x), [1]);
  let sum = 0;
  for (const row of db.prepare(sql).iterate(1000)) sum += row.x;
  assert.equal(sum, 500500);
  assert.deepEqual(db.prepare('SELECT 1 WHERE 0').all(), []);
}));
test('iterate: other statements run while rows are still on their way', () => withTable((db, table) => {
  const rows = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 200000) SELECT x, hex(x) AS h FROM c';
  let seen = 0;
  for (const row of db.prepare(rows).iterate()) {
    seen += 1;
    if (row.x % 50_000 !== 0) continue;
    db.prepare(`INSERT INTO ${table}(v) VALUES (?)`).run(row.x);
    assert.equal(count(db, table), row.x / 50_000);
  }
  assert.equal(seen, 200_000);
}));
test('raw, pluck, columns, reader', () => withTable((db, table) => {
  db.exec(`INSERT INTO ${table} VALUES (1, 'one'), (2, 'two')`);
  const select = db.prepare(`SELECT id, v FROM ${table} ORDER BY id`);
  assert.deepEqual(select.columns().map((column) => column.name), ['id', 'v']);
  assert.equal(select.reader, true);
  assert.deepEqual(select.raw().all().map((row) => Array.from(row)), [[1, 'one'], [2, 'two']]);
  select.raw(false);
  assert.deepEqual(select.pluck().all(), [1, 2]);
}));
test('safeIntegers and defaultSafeIntegers: 64-bit integers as bigint', () => withTable((db, table) => {
  db.exec(`INSERT INTO ${table}(v) VALUES (9223372036854775807), (-9223372036854775808), (9007199254740993)`);
  const expected = [9223372036854775807n, -9223372036854775808n, 9007199254740993n];
  assert.deepEqual(db.prepare(`SELECT v FROM ${table} ORDER BY id`).safeIntegers().all().map((row) => row.v), expected);
  db.defaultSafeIntegers();
  assert.deepEqual(values(db, table), expected);
  assert.equal(db.prepare(`SELECT v FROM ${table}`).safeIntegers(false).get().v, 2 ** 63);
}));
test('every kind of value comes back', () => withTable((db) => {
  const select = db.prepare('SELECT ?1 AS v, typeof(?1) AS t');
  for (const [value, type, back = value] of [
    [null, 'null'], ['', 'text'], ['naïve ☃ 中文 🎉', 'text'], [1.5, 'real'], [-1e308, 'real'], [3, 'real'], [7n, 'integer', 7],
  ]) assert.deepEqual([select.get([value]).v, select.get([value]).t], [back, type], String(value));
  for (const size of [0, 1, 3, 200_000]) {
    const blob = Buffer.alloc(size, 7);
    assert.deepEqual(Buffer.from(select.get([blob]).v), blob);
    assert.equal(select.get([blob]).t, 'blob');
  }
}));
test('?NNN arguments go by number', () => withTable((db) => {
  assert.deepEqual(Array.from(db.prepare('SELECT ?2, ?1, ?2').raw().get('a', 'b')), ['b', 'a', 'b']);
}));
test('named arguments, which this client leaves out, are an error and not NULL', () => withTable((db, table) => {
  assert.throws(() => db.prepare(`INSERT INTO ${table}(v) VALUES (:v)`).run({ v: 'x' }), /value for parameter :v not found|ARGS_INVALID|Arguments/);
  assert.equal(count(db, table), 0);
}));
test('wrong numbers of arguments', () => withTable((db) => {
  assert.throws(() => db.prepare('SELECT ?, ?').get(1));
  assert.throws(() => db.prepare('SELECT ?').get(1, 2));
}));
test('RETURNING through get and all', () => withTable((db, table) => {
  assert.equal(db.prepare(`INSERT INTO ${table}(v) VALUES (?) RETURNING id`).get('x').id, 1);
  assert.deepEqual(db.prepare(`INSERT INTO ${table}(v) VALUES ('y'), ('z') RETURNING id`).all().map((row) => row.id), [2, 3]);
}));
test('prepare, run, get, all, iterate: errors have the message of the server', () => withTable((db, table) => {
  for (const sql of ['SELECT * FROM nowhere', `SELECT missing FROM ${table}`]) {
    assert.throws(() => db.prepare(sql).all(), /no such (table: nowhere|column: missing)/);
  }
  assert.throws(() => db.prepare('SELEC 1').get(), /syntax error/);
  const insert = db.prepare(`INSERT INTO ${table} VALUES (1, ?) RETURNING v`);
  insert.get('a');
  for (const call of ['run', 'get', 'all']) assert.throws(() => insert[call]('b'), /UNIQUE constraint failed: t\d+\.id/, call);
  assert.throws(() => Array.from(insert.iterate('b')), /UNIQUE constraint failed/);
  assert.deepEqual(values(db, table), ['a']);
}));
test('statements outlive an error and can be run again', () => withTable((db, table) => {
  const insert = db.prepare(`INSERT INTO ${table}(id) VALUES (?)`);
  insert.run(1);
  assert.throws(() => insert.run(1));
  assert.equal(insert.run(2).changes, 1);
}));

// exec
test('exec: many statements, transactions, comments', () => withTable((db, table) => {
  db.exec(`INSERT INTO ${table}(v) VALUES (1); -- one\n INSERT INTO ${table}(v) VALUES (2);`);
  db.exec('BEGIN');
  assert.equal(db.inTransaction, true);
  db.exec(`INSERT INTO ${table}(v) VALUES (3)`);
  db.exec('ROLLBACK');
  assert.equal(db.inTransaction, false);
  assert.deepEqual(values(db, table), [1, 2]);
}));
test('exec: what failed is told, what ran before stays', () => withTable((db, table) => {
  assert.throws(() => db.exec(`INSERT INTO ${table} VALUES (1, 1); INSERT INTO ${table} VALUES (1, 2); INSERT INTO ${table} VALUES (3, 3)`),
    /UNIQUE constraint failed/);
  assert.deepEqual(values(db, table), [1]);
  assert.throws(() => db.exec('SELEC 1'));
}));

// transaction
for (const kind of ['default', 'deferred', 'immediate', 'exclusive']) {
  test(`transaction().${kind} commits, and rolls back when its function throws`, () => withTable((db, table) => {
    // Prepared inside: this client ends the session with the first run of a statement that it prepared before BEGIN.
    const insert = (value) => db.prepare(`INSERT INTO ${table}(v) VALUES (?)`).run(value);
    const many = db.transaction((list) => {
      for (const value of list) {
        assert.equal(db.inTransaction, true);
        insert(value);
      }
      return list.length;
    });
    assert.equal(many[kind](['a', 'b']), 2);
    assert.equal(db.inTransaction, false);
    assert.throws(() => db.transaction(() => {
      insert('c');
      throw new Error('enough');
    })[kind](), /enough/);
    assert.throws(() => db.transaction(() => db.prepare(`INSERT INTO ${table}(id) VALUES (1)`).run())[kind](), /UNIQUE/);
    assert.deepEqual(values(db, table), ['a', 'b']);
    assert.throws(() => db.transaction('no function'), TypeError);
  }));
}
test('transaction: not visible to another connection before its commit', () => withTable((db, table) => {
  const other = new Database(server.url);
  db.transaction(() => {
    db.prepare(`INSERT INTO ${table}(v) VALUES (1)`).run();
    assert.equal(count(db, table), 1);
    assert.equal(count(other, table), 0);
  })();
  assert.equal(count(other, table), 1);
  other.close();
}));
test('transaction: all() and iterate() inside see its rows', () => withTable((db, table) => {
  db.transaction(() => {
    for (let i = 0; i < 150; ++i) db.prepare(`INSERT INTO ${table}(v) VALUES (?)`).run(i);
    assert.equal(db.prepare(`SELECT * FROM ${table}`).all().length, 150);
    assert.equal(Array.from(db.prepare(`SELECT * FROM ${table}`).iterate()).length, 150);
  }).immediate();
  assert.equal(count(db, table), 150);
}));

// pragma, and what is not for remote databases
test('pragma', () => withTable((db, table) => {
  assert.deepEqual(db.pragma(`table_info(${table})`).map((row) => row.name), ['id', 'v']);
  assert.equal(db.pragma('encoding')[0].encoding, 'UTF-8');
  assert.throws(() => db.pragma(1), TypeError);
}));
test('sync, backup, serialize, function, aggregate, table, unsafeMode, authorizer: refused by the client', () => withTable((db) => {
  assert.throws(() => db.sync());
  for (const call of [() => db.backup('f'), () => db.serialize(), () => db.function('f', () => 1), () => db.aggregate('f', {}),
    () => db.table('t', {}), () => db.unsafeMode()]) assert.throws(call, /not implemented/);
  assert.equal(db.prepare('SELECT 1 AS x').get().x, 1);
}));
test('interrupt of an idle connection does no harm', () => withTable((db) => {
  try {
    db.interrupt();
  } catch {
    // The client may say that it cannot; what counts is that the connection goes on.
  }
  assert.equal(db.prepare('SELECT 1 AS x').get().x, 1);
}));
test('close: later calls are refused', () => {
  const db = new Database(server.url);
  db.close();
  assert.throws(() => db.prepare('SELECT 1'));
  assert.throws(() => db.exec('SELECT 1'));
});

// authentication and transport
test('authToken: a good one works, others are refused', () => {
  const open = (authToken) => new Database(guarded.url, { authToken });
  const db = open(key.token({ exp: 60 }));
  db.exec('CREATE TABLE IF NOT EXISTS guarded(v)');
  db.close();
  for (const token of ['', 'nonsense', authKey().token(), key.token({ exp: -120 })]) {
    assert.throws(() => open(token).prepare('SELECT 1').get(), /401/);
  }
  const reader = open(key.token({ a: 'ro' }));
  assert.equal(reader.prepare('SELECT count(*) AS n FROM guarded').get().n, 0);
  assert.throws(() => reader.exec('INSERT INTO guarded VALUES (1)'), /403/);
  reader.close();
});
test('an address where nobody listens is an error', () => {
  assert.throws(() => new Database('http://127.0.0.1:1').prepare('SELECT 1').get());
});

await run({ after: async () => {
  for (const one of [server, guarded]) assert.equal(await one.stop(), 0);
} });
