// The published @libsql/client over HTTP and over WebSocket: every public method, in good cases and in failing ones.
//   node libsql_client.mjs LIBSQL
import { LibsqlBatchError, LibsqlError, createClient } from '@libsql/client';
import { createClient as createHttpClient } from '@libsql/client/http';
import { createClient as createWebClient } from '@libsql/client/web';
import { createClient as createWsClient } from '@libsql/client/ws';
import { assert, run, test, testEach } from './support/check.mjs';
import { authKey, startServer } from './support/server.mjs';

const key = authKey();
const server = await startServer();
const guarded = await startServer({ args: ['--auth-jwt-key-file', key.file] });

const transports = [
  { label: 'http', url: server.url, guardedUrl: guarded.url },
  { label: 'ws', url: server.wsUrl, guardedUrl: guarded.wsUrl },
];
let tables = 0;
// A client and the name of a table that nobody else uses; closed after `body`.
async function withTable(transport, body, { columns = () => 'id INTEGER PRIMARY KEY, v', ...config } = {}) {
  const client = createClient({ url: transport.url, ...config });
  const table = `${transport.label}_${++tables}`;
  try {
    await client.execute(`CREATE TABLE ${table}(${columns(table)})`);
    await body(client, table);
  } finally {
    client.close();
  }
}
async function withClient(transport, body, config = {}) {
  const client = createClient({ url: transport.url, ...config });
  try {
    await body(client);
  } finally {
    client.close();
  }
}
const count = async (client, table) => (await client.execute(`SELECT count(*) FROM ${table}`)).rows[0][0];
const values = async (client, table) => (await client.execute(`SELECT v FROM ${table} ORDER BY id`)).rows.map((row) => row[0]);
const bytes = (value) => Buffer.from(value);

test('createClient: the scheme picks the protocol', () => {
  for (const [create, url, protocol] of [
    [createClient, server.url, 'http'], [createClient, server.wsUrl, 'ws'], [createClient, server.libsqlUrl, 'http'],
    [createHttpClient, server.libsqlUrl, 'http'], [createWsClient, server.libsqlUrl, 'ws'], [createWebClient, server.libsqlUrl, 'http'],
  ]) {
    const client = create({ url });
    assert.equal(client.protocol, protocol);
    assert.equal(client.closed, false);
    client.close();
  }
});
test('createClient: every entry point reaches the server', async () => {
  for (const create of [createClient, createHttpClient, createWsClient, createWebClient]) {
    const client = create({ url: server.libsqlUrl });
    assert.equal((await client.execute('SELECT 41 + 1')).rows[0][0], 42);
    client.close();
  }
});
test('createClient: wrong URLs are refused', () => {
  for (const [url, code] of [
    [`libsql://127.0.0.1?tls=0`, 'URL_INVALID'], [`${server.url}?tls=1`, 'URL_INVALID'], [`${server.wsUrl}?tls=1`, 'URL_INVALID'],
    [`${server.url}?colour=red`, 'URL_PARAM_NOT_SUPPORTED'], [`${server.url}#part`, 'URL_INVALID'], ['ftp://127.0.0.1', 'URL_SCHEME_NOT_SUPPORTED'],
  ]) assert.throws(() => createClient({ url }), { name: 'LibsqlError', code });
  assert.throws(() => createClient({ url: server.url, intMode: 'roman' }), TypeError);
  assert.throws(() => createClient({ url: server.url, encryptionKey: 'k' }), { code: 'ENCRYPTION_KEY_NOT_SUPPORTED' });
});

testEach(transports, (transport, test) => {
  // execute
  test('execute(sql) returns columns, types, rows by index and name', () => withTable(transport, async (client, table) => {
    await client.execute(`INSERT INTO ${table} VALUES (1, 'Ada', 1.5), (2, NULL, NULL)`);
    const result = await client.execute(`SELECT id, name, height, id + 1 FROM ${table} ORDER BY id`);
    assert.deepEqual(result.columns, ['id', 'name', 'height', 'id + 1']);
    assert.deepEqual(result.columnTypes, ['INTEGER', 'TEXT', 'REAL', '']);
    assert.equal(result.rows.length, 2);
    assert.equal(result.rows[0].name, 'Ada');
    assert.equal(result.rows[0][2], 1.5);
    assert.equal(result.rows[0].length, 4);
    assert.equal(result.rows[1].name, null);
    assert.equal(result.rowsAffected, 0);
    assert.deepEqual(result.toJSON().rows, [[1, 'Ada', 1.5, 2], [2, null, null, 3]]);
  }, { columns: () => 'id INTEGER PRIMARY KEY, name TEXT, height REAL' }));
  test('execute counts changed rows and tells the rowid', () => withTable(transport, async (client, table) => {
    const insert = await client.execute(`INSERT INTO ${table}(v) VALUES (1), (2), (3)`);
    assert.equal(insert.rowsAffected, 3);
    assert.equal(insert.lastInsertRowid, 3n);
    assert.deepEqual(insert.columns, []);
    const update = await client.execute(`UPDATE ${table} SET v = v + 1 WHERE id > 1`);
    assert.equal(update.rowsAffected, 2);
    assert.equal(update.lastInsertRowid, undefined);
    assert.equal((await client.execute(`DELETE FROM ${table}`)).rowsAffected, 3);
    assert.equal((await client.execute(`SELECT 1 FROM ${table}`)).rows.length, 0);
    const large = await client.execute({ sql: `INSERT INTO ${table}(id) VALUES (?)`, args: [9223372036854775807n] });
    assert.equal(large.lastInsertRowid, 9223372036854775807n);
  }));
  test('execute with RETURNING returns rows', () => withTable(transport, async (client, table) => {
    const result = await client.execute(`INSERT INTO ${table}(v) VALUES ('a'), ('b') RETURNING id, v`);
    assert.deepEqual(result.toJSON().rows, [[1, 'a'], [2, 'b']]);
    assert.equal(result.lastInsertRowid, 2n);
  }));
  test('execute keeps columns of the same name', () => withClient(transport, async (client) => {
    const result = await client.execute('SELECT 1 AS a, 2 AS a');
    assert.deepEqual(result.columns, ['a', 'a']);
    assert.deepEqual([result.rows[0].a, result.rows[0][1]], [1, 2]);
  }));
  test('execute binds every kind of positional argument', () => withClient(transport, async (client) => {
    const kinds = [
      [null, 'null', null], ['text', 'text', 'text'], ['', 'text', ''], [1.5, 'real', 1.5], [3, 'real', 3], [7n, 'integer', 7],
      [true, 'integer', 1], [false, 'integer', 0], [new Date(1700000000000), 'real', 1700000000000], [new RegExp('a+'), 'text', '/a+/'],
    ];
    for (const [argument, type, expected] of kinds) {
      const { rows } = await client.execute({ sql: 'SELECT typeof(?1), ?1', args: [argument] });
      assert.deepEqual([rows[0][0], rows[0][1]], [type, expected], String(argument));
    }
    for (const blob of [new Uint8Array([0, 255, 1]), new Uint8Array([0, 255, 1]).buffer]) {
      const { rows } = await client.execute('SELECT typeof(?1), ?1', [blob]);
      assert.equal(rows[0][0], 'blob');
      assert.deepEqual(bytes(rows[0][1]), Buffer.from([0, 255, 1]));
    }
  }));
  test('execute binds named arguments in all three prefixes, with and without it', () => withClient(transport, async (client) => {
    for (const prefix of [':', '@', '$']) {
      for (const name of ['word', `${prefix}word`]) {
        const { rows } = await client.execute({ sql: `SELECT ${prefix}word || '!'`, args: { [name]: 'hi' } });
        assert.equal(rows[0][0], 'hi!');
      }
    }
    const { rows } = await client.execute({ sql: 'SELECT :a, @b, $a', args: { a: 'x', b: 'y' } });
    assert.deepEqual([rows[0][0], rows[0][1], rows[0][2]], ['x', 'y', 'x']);
  }));
  test('execute binds ?NNN by number', () => withClient(transport, async (client) => {
    const { rows } = await client.execute('SELECT ?2, ?1, ?2', ['one', 'two']);
    assert.deepEqual([rows[0][0], rows[0][1], rows[0][2]], ['two', 'one', 'two']);
  }));
  test('execute refuses too few, too many and unknown arguments', () => withClient(transport, async (client) => {
    for (const [sql, args] of [['SELECT ?, ?', [1]], ['SELECT ?', [1, 2]], ['SELECT 1', [1]], ['SELECT :a', { b: 1 }], ['SELECT :a', [1]]]) {
      await assert.rejects(client.execute({ sql, args }), { name: 'LibsqlError', code: 'ARGS_INVALID' }, sql);
    }
  }));
  test('execute lets the client refuse what cannot be sent', () => withClient(transport, async (client) => {
    for (const value of [NaN, Infinity, -Infinity, 2n ** 63n, -(2n ** 63n) - 1n]) {
      await assert.rejects(client.execute('SELECT ?', [value]), RangeError, String(value));
    }
    for (const value of [undefined, Symbol('s'), () => 1]) await assert.rejects(client.execute('SELECT ?', [value]), TypeError);
    assert.equal((await client.execute('SELECT 1')).rows[0][0], 1);
  }));
  for (const [mode, expected] of [['number', 42], ['bigint', 42n], ['string', '42']]) {
    test(`execute with intMode ${mode}`, () => withClient(transport, async (client) => {
      assert.equal((await client.execute('SELECT 42')).rows[0][0], expected);
      const largest = client.execute('SELECT 9223372036854775807, -9223372036854775808');
      if (mode === 'number') return assert.rejects(largest, RangeError);
      const [row] = (await largest).rows;
      const convert = mode === 'bigint' ? (x) => x : String;
      return assert.deepEqual([row[0], row[1]], [convert(9223372036854775807n), convert(-9223372036854775808n)]);
    }, { intMode: mode }));
  }
  test('execute returns 64-bit integers to the last digit', () => withTable(transport, async (client, table) => {
    for (const value of [0n, 1n, -1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      await client.execute({ sql: `INSERT OR REPLACE INTO ${table}(id, v) VALUES (1, ?)`, args: [value] });
      assert.deepEqual(await values(client, table), [value]);
    }
  }, { intMode: 'bigint' }));
  test('execute returns floating-point numbers to the last bit', () => withTable(transport, async (client, table) => {
    for (const value of [0, -0, 0.1, -1.5, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e15, 1e16, 123456789.123456789]) {
      await client.execute({ sql: `INSERT OR REPLACE INTO ${table}(id, v) VALUES (1, ?)`, args: [value] });
      const [read] = await values(client, table);
      assert.ok(Object.is(read, value) || (value === 0 && read === 0), `${read} instead of ${value}`);
    }
  }));
  test('execute: an infinite result is an error of the client, which has no way to read it', () => withClient(transport, async (client) => {
    await assert.rejects(client.execute('SELECT 9e999'), { code: /HRANA_PROTO_ERROR|HRANA_CLOSED_ERROR/ });
    assert.equal((await client.execute('SELECT 1')).rows[0][0], 1);
  }));
  test('execute carries empty and large blobs', () => withTable(transport, async (client, table) => {
    for (const size of [0, 1, 2, 3, 65_536, 1_500_000]) {
      const blob = Buffer.alloc(size, 'libsql');
      const { rows } = await client.execute({ sql: `INSERT INTO ${table}(v) VALUES (?) RETURNING v, length(v), typeof(v)`, args: [new Uint8Array(blob)] });
      assert.deepEqual(bytes(rows[0][0]), blob);
      assert.deepEqual([rows[0][1], rows[0][2]], [size, 'blob']);
    }
  }));
  test('execute carries text of any script, with quotes, controls and NUL', () => withTable(transport, async (client, table) => {
    for (const text of ['', "it's", 'naïve ☃ 中文 🎉', '\u0001\t\r\n"\\/', 'a\u0000b', '\u2028\ufeff', 'x'.repeat(300_000)]) {
      const { rows } = await client.execute({ sql: `INSERT INTO ${table}(v) VALUES (?) RETURNING v`, args: [text] });
      assert.equal(rows[0][0], text);
    }
    assert.equal((await client.execute("SELECT '🎉' AS \"emoji 🎉\"")).columns[0], 'emoji 🎉');
  }));
  test('execute names SQL that cannot be parsed, no statement, and two statements', () => withClient(transport, async (client) => {
    for (const [sql, code] of [
      ['SELEC 1', 'SQL_PARSE_ERROR'], ['SELECT (', 'SQL_PARSE_ERROR'], ['', 'SQL_NO_STATEMENT'], ['-- nothing', 'SQL_NO_STATEMENT'],
      ['SELECT 1; SELECT 2', 'SQL_MANY_STATEMENTS'],
    ]) await assert.rejects(client.execute(sql), { name: 'LibsqlError', code }, sql);
    assert.equal((await client.execute('SELECT 1; -- one')).rows[0][0], 1);
  }));
  test('execute names unknown tables, columns and functions', () => withTable(transport, async (client, table) => {
    await assert.rejects(client.execute('SELECT * FROM nowhere'), { code: 'SQLITE_UNKNOWN', message: /no such table: nowhere/ });
    await assert.rejects(client.execute(`SELECT missing FROM ${table}`), { code: 'SQL_INPUT_ERROR', message: /no such column: missing/ });
    await assert.rejects(client.execute('SELECT missing()'), { code: 'SQL_INPUT_ERROR', message: /no such function: missing/ });
    await assert.rejects(client.execute(`CREATE TABLE ${table}(a)`), { code: 'SQL_INPUT_ERROR', message: /already exists/ });
    await assert.rejects(client.execute('COMMIT'), { code: 'SQLITE_UNKNOWN', message: /no transaction is active/ });
  }));
  test('execute names broken constraints', () => withTable(transport, async (client, table) => {
    await client.execute(`INSERT INTO ${table} VALUES (1, 'a', 1, NULL)`);
    for (const [row, message] of [
      ["(1, 'b', 1, NULL)", /UNIQUE constraint failed: \w+\.id/], ["(2, 'a', 1, NULL)", /UNIQUE constraint failed: \w+\.u/],
      ["(2, NULL, 1, NULL)", /NOT NULL constraint failed: \w+\.u/], ["(2, 'b', -1, NULL)", /CHECK constraint failed/],
      ["(2, 'b', 1, 77)", /FOREIGN KEY constraint failed/],
    ]) await assert.rejects(client.execute(`INSERT INTO ${table} VALUES ${row}`), { name: 'LibsqlError', code: 'SQLITE_CONSTRAINT', message }, row);
    assert.equal(await count(client, table), 1);
  }, { columns: (table) => `id INTEGER PRIMARY KEY, u TEXT NOT NULL UNIQUE, c INTEGER CHECK (c > 0), p REFERENCES ${table}(id)` }));
  test('execute: calls at once are all answered', () => withTable(transport, async (client, table) => {
    await Promise.all(Array.from({ length: 100 }, (_, i) => client.execute({ sql: `INSERT INTO ${table} VALUES (?, ?)`, args: [i, i] })));
    const sums = await Promise.all(Array.from({ length: 50 }, () => client.execute(`SELECT sum(v), count(*) FROM ${table}`)));
    for (const { rows } of sums) assert.deepEqual([rows[0][0], rows[0][1]], [4950, 100]);
  }));
  test('execute returns many rows', () => withClient(transport, async (client) => {
    const { rows } = await client.execute(
      'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 50000) SELECT x, hex(x) FROM c');
    assert.equal(rows.length, 50000);
    assert.equal(rows[49999][0], 50000);
  }));

  // batch
  for (const mode of [undefined, 'write', 'deferred']) {
    test(`batch(…, ${mode}) is atomic and returns a result for each statement`, () => withTable(transport, async (client, table) => {
      const results = await client.batch([
        `INSERT INTO ${table}(v) VALUES ('a')`, { sql: `INSERT INTO ${table}(v) VALUES (?)`, args: ['b'] },
        [`INSERT INTO ${table}(v) VALUES (:v)`, { v: 'c' }], [`SELECT count(*) AS n FROM ${table}`],
      ], mode);
      assert.deepEqual(results.map((result) => result.rowsAffected), [1, 1, 1, 0]);
      assert.deepEqual(results.map((result) => result.lastInsertRowid), [1n, 2n, 3n, undefined]);
      assert.equal(results[3].rows[0].n, 3);
      await assert.rejects(
        client.batch([`INSERT INTO ${table}(v) VALUES ('d')`, `INSERT INTO ${table}(id) VALUES (1)`, `DELETE FROM ${table}`], mode),
        (error) => error instanceof LibsqlBatchError && error.statementIndex === 1 && error.code === 'SQLITE_CONSTRAINT');
      assert.deepEqual(await values(client, table), ['a', 'b', 'c']);
    }));
  }
  test('batch in read mode reads, and refuses to write', () => withTable(transport, async (client, table) => {
    const results = await client.batch(['SELECT 1', `SELECT count(*) FROM ${table}`], 'read');
    assert.deepEqual(results.map((result) => result.rows[0][0]), [1, 0]);
    await assert.rejects(client.batch(['SELECT 1', `INSERT INTO ${table}(v) VALUES (1)`], 'read'),
      (error) => error instanceof LibsqlBatchError && error.statementIndex === 1 && error.code === 'SQLITE_READONLY');
    assert.equal(await count(client, table), 0);
  }));
  test('batch of no statements', () => withClient(transport, async (client) => assert.deepEqual(await client.batch([]), [])));
  test('batch in an unknown mode is refused by the client', () => withClient(transport, async (client) => {
    await assert.rejects(client.batch(['SELECT 1'], 'loud'), RangeError);
  }));
  test('batch with a syntax error executes nothing', () => withTable(transport, async (client, table) => {
    await assert.rejects(client.batch([`INSERT INTO ${table}(v) VALUES (1)`, 'SELEC 1']), { code: 'SQL_PARSE_ERROR' });
    assert.equal(await count(client, table), 0);
  }));
  test('batch that ends its own transaction fails where the rest is missing', () => withTable(transport, async (client, table) => {
    await assert.rejects(client.batch([`INSERT INTO ${table}(v) VALUES (1)`, 'ROLLBACK', 'SELECT 1'], 'write'),
      { name: 'LibsqlError', code: 'SQLITE_UNKNOWN', message: /cannot commit/ });
    assert.equal(await count(client, table), 0);
  }));
  test('batch of hundreds of statements, repeated, distinct and long texts', () => withTable(transport, async (client, table) => {
    const repeated = Array.from({ length: 200 }, (_, i) => ({ sql: `INSERT INTO ${table}(v) VALUES (?)`, args: [i] }));
    const distinct = Array.from({ length: 60 }, (_, i) => `INSERT INTO ${table}(v) VALUES (${i} + 1000)`);
    const long = `INSERT INTO ${table}(v) VALUES (length('${'x'.repeat(6000)}'))`;
    const results = await client.batch([...repeated, ...distinct, long], 'write');
    assert.equal(results.length, 261);
    assert.equal(await count(client, table), 261);
    assert.equal((await client.execute(`SELECT v FROM ${table} WHERE id = 261`)).rows[0][0], 6000);
  }));
  test('batch: several at once take turns', () => withTable(transport, async (client, table) => {
    await client.execute(`INSERT INTO ${table} VALUES (1, 0)`);
    await Promise.all(Array.from({ length: 40 }, () => client.batch([`UPDATE ${table} SET v = v + 1`, 'SELECT 1'], 'write')));
    assert.deepEqual(await values(client, table), [40]);
  }));

  // migrate
  test('migrate runs without foreign keys and turns them on again', () => withTable(transport, async (client, table) => {
    await client.execute(`CREATE TABLE ${table}_child(id INTEGER PRIMARY KEY, parent REFERENCES ${table}(id))`);
    await client.batch([`INSERT INTO ${table} VALUES (1, 'p')`, `INSERT INTO ${table}_child VALUES (1, 1)`]);
    const results = await client.migrate([
      `CREATE TABLE ${table}_new(id INTEGER PRIMARY KEY, v, extra TEXT DEFAULT 'x')`, `INSERT INTO ${table}_new(id, v) SELECT id, v FROM ${table}`,
      `DROP TABLE ${table}`, `ALTER TABLE ${table}_new RENAME TO ${table}`,
    ]);
    assert.equal(results.length, 4);
    assert.equal((await client.execute(`SELECT extra FROM ${table}`)).rows[0][0], 'x');
    await assert.rejects(client.execute(`INSERT INTO ${table}_child VALUES (2, 99)`), { code: 'SQLITE_CONSTRAINT' });
  }));
  test('migrate undoes everything when a statement fails', () => withTable(transport, async (client, table) => {
    await assert.rejects(client.migrate([`ALTER TABLE ${table} ADD COLUMN w`, `INSERT INTO ${table}(missing) VALUES (1)`]),
      (error) => error instanceof LibsqlBatchError && error.statementIndex === 1);
    assert.deepEqual((await client.execute(`SELECT * FROM ${table}`)).columns, ['id', 'v']);
  }));

  // executeMultiple
  test('executeMultiple runs every statement of a text', () => withTable(transport, async (client, table) => {
    const nothing = await client.executeMultiple(`INSERT INTO ${table}(v) VALUES (1); -- one;
      INSERT INTO ${table}(v) VALUES (';'); SELECT * FROM ${table};
      CREATE TRIGGER ${table}_t AFTER INSERT ON ${table} BEGIN UPDATE ${table} SET v = 0 WHERE id = 1; SELECT 1; END;`);
    assert.equal(nothing, undefined);
    assert.deepEqual(await values(client, table), [1, ';']);
    await client.executeMultiple('');
    await client.executeMultiple(' ; -- nothing\n ;');
  }));
  test('executeMultiple: a failing statement leaves what ran before it', () => withTable(transport, async (client, table) => {
    await assert.rejects(client.executeMultiple(`INSERT INTO ${table} VALUES (1, 1); INSERT INTO ${table} VALUES (1, 2); INSERT INTO ${table} VALUES (3, 3)`),
      { name: 'LibsqlError', code: 'SQLITE_CONSTRAINT' });
    assert.deepEqual(await values(client, table), [1]);
  }));
  test('executeMultiple: a syntax error anywhere runs nothing', () => withTable(transport, async (client, table) => {
    await assert.rejects(client.executeMultiple(`INSERT INTO ${table}(v) VALUES (1); SELEC 1`), { code: 'SQL_PARSE_ERROR' });
    assert.equal(await count(client, table), 0);
  }));
  test('executeMultiple: a transaction left open is rolled back', () => withTable(transport, async (client, table) => {
    await client.executeMultiple(`BEGIN; INSERT INTO ${table}(v) VALUES (1)`);
    await client.execute(`INSERT INTO ${table}(v) VALUES (2)`);
    assert.deepEqual(await values(client, table), [2]);
  }));

  // transaction
  for (const mode of [undefined, 'write', 'deferred']) {
    test(`transaction(${mode}): execute, batch and executeMultiple, then commit`, () => withTable(transport, async (client, table) => {
      const tx = await client.transaction(mode);
      assert.equal(tx.closed, false);
      const first = await tx.execute({ sql: `INSERT INTO ${table}(v) VALUES (?)`, args: ['a'] });
      assert.deepEqual([first.rowsAffected, first.lastInsertRowid], [1, 1n]);
      const results = await tx.batch([`INSERT INTO ${table}(v) VALUES ('b')`, { sql: `SELECT v FROM ${table} WHERE v = :v`, args: { v: 'b' } }]);
      assert.equal(results[1].rows[0][0], 'b');
      await tx.executeMultiple(`INSERT INTO ${table}(v) VALUES ('c'); INSERT INTO ${table}(v) VALUES ('d')`);
      assert.equal(await count(client, table), 0, 'not visible from outside');
      await tx.commit();
      assert.equal(tx.closed, true);
      assert.deepEqual(await values(client, table), ['a', 'b', 'c', 'd']);
    }));
  }
  test('transaction: executeMultiple and batch may come first', () => withTable(transport, async (client, table) => {
    const first = await client.transaction();
    await first.executeMultiple(`INSERT INTO ${table}(v) VALUES (1); INSERT INTO ${table}(v) VALUES (2)`);
    await first.commit();
    const second = await client.transaction();
    await second.batch([`INSERT INTO ${table}(v) VALUES (3)`, `INSERT INTO ${table}(v) VALUES (4)`]);
    await second.commit();
    assert.deepEqual(await values(client, table), [1, 2, 3, 4]);
  }));
  test('transaction: rollback and close undo', () => withTable(transport, async (client, table) => {
    const tx = await client.transaction('write');
    await tx.execute(`INSERT INTO ${table}(v) VALUES (1)`);
    await tx.rollback();
    assert.equal(tx.closed, true);
    await tx.rollback();
    const closed = await client.transaction('write');
    await closed.execute(`INSERT INTO ${table}(v) VALUES (2)`);
    closed.close();
    assert.equal(closed.closed, true);
    await client.execute(`INSERT INTO ${table}(v) VALUES (3)`);
    assert.deepEqual(await values(client, table), [3]);
  }));
  test('transaction: nothing was executed', () => withClient(transport, async (client) => {
    await (await client.transaction()).commit();
    await (await client.transaction()).rollback();
    (await client.transaction()).close();
  }));
  test('transaction: after its end every call says so', () => withTable(transport, async (client, table) => {
    const tx = await client.transaction();
    await tx.execute(`INSERT INTO ${table}(v) VALUES (1)`);
    await tx.commit();
    for (const call of [() => tx.execute('SELECT 1'), () => tx.batch(['SELECT 1']), () => tx.executeMultiple('SELECT 1'), () => tx.commit()]) {
      await assert.rejects(call(), { name: 'LibsqlError', code: 'TRANSACTION_CLOSED' });
    }
  }));
  test('transaction: a failing statement leaves it open', () => withTable(transport, async (client, table) => {
    const tx = await client.transaction('write');
    await tx.execute(`INSERT INTO ${table} VALUES (1, 'a')`);
    await assert.rejects(tx.execute(`INSERT INTO ${table} VALUES (1, 'b')`), { code: 'SQLITE_CONSTRAINT' });
    await assert.rejects(tx.execute('SELEC'), { code: 'SQL_PARSE_ERROR' });
    await assert.rejects(tx.batch([`INSERT INTO ${table} VALUES (2, 'c')`, `INSERT INTO ${table} VALUES (1, 'd')`, 'SELECT 1']),
      (error) => error instanceof LibsqlBatchError && error.statementIndex === 1);
    await assert.rejects(tx.executeMultiple('SELECT * FROM nowhere'), { code: 'SQLITE_UNKNOWN' });
    assert.equal(tx.closed, false);
    await tx.execute(`INSERT INTO ${table} VALUES (3, 'e')`);
    await tx.commit();
    assert.deepEqual(await values(client, table), ['a', 'c', 'e']);
  }));
  test('transaction: ended by a statement of its own', () => withTable(transport, async (client, table) => {
    const tx = await client.transaction('write');
    await tx.execute(`INSERT INTO ${table}(v) VALUES (1)`);
    await tx.execute('ROLLBACK');
    await assert.rejects(tx.commit(), { code: 'SQLITE_UNKNOWN', message: /no transaction is active/ });
    assert.equal(await count(client, table), 0);
  }));
  test('transaction in read mode keeps its snapshot and refuses to write', () => withTable(transport, async (client, table) => {
    await client.execute(`INSERT INTO ${table}(v) VALUES (1)`);
    const tx = await client.transaction('read');
    assert.equal((await tx.execute(`SELECT count(*) FROM ${table}`)).rows[0][0], 1);
    await client.execute(`INSERT INTO ${table}(v) VALUES (2)`);
    assert.equal((await tx.execute(`SELECT count(*) FROM ${table}`)).rows[0][0], 1);
    await assert.rejects(tx.execute(`INSERT INTO ${table}(v) VALUES (3)`), { code: 'SQLITE_READONLY' });
    await tx.commit();
    assert.equal(await count(client, table), 2);
  }));
  test('transaction: writers at once wait for each other', () => withTable(transport, async (client, table) => {
    await client.execute(`INSERT INTO ${table} VALUES (1, 0)`);
    await Promise.all(Array.from({ length: 10 }, async () => {
      const tx = await client.transaction('write');
      const { rows } = await tx.execute(`SELECT v FROM ${table}`);
      await new Promise(setImmediate);  // the others go on
      await tx.execute({ sql: `UPDATE ${table} SET v = ?`, args: [BigInt(rows[0][0]) + 1n] });
      await tx.commit();
    }));
    assert.deepEqual(await values(client, table), [10]);
  }));
  test('transaction: readers go on while one writes', () => withTable(transport, async (client, table) => {
    const writer = await client.transaction('write');
    await writer.execute(`INSERT INTO ${table}(v) VALUES (1)`);
    const readers = await Promise.all(Array.from({ length: 5 }, async () => {
      const reader = await client.transaction('read');
      const { rows } = await reader.execute(`SELECT count(*) FROM ${table}`);
      await reader.rollback();
      return rows[0][0];
    }));
    assert.deepEqual(readers, [0, 0, 0, 0, 0]);
    await writer.commit();
    assert.equal(await count(client, table), 1);
  }));
  test('transaction: an upgrade of an old snapshot is busy', () => withTable(transport, async (client, table) => {
    const tx = await client.transaction('deferred');
    await tx.execute(`SELECT * FROM ${table}`);
    await client.execute(`INSERT INTO ${table}(v) VALUES (1)`);
    await assert.rejects(tx.execute(`INSERT INTO ${table}(v) VALUES (2)`), { code: 'SQLITE_BUSY' });
    await tx.rollback();
    assert.deepEqual(await values(client, table), [1]);
  }));
  test('transaction in an unknown mode is refused by the client', () => withClient(transport, async (client) => {
    const tx = await client.transaction('loud');
    await assert.rejects(tx.execute('SELECT 1'), RangeError);
    tx.close();
  }));

  // sync, close, reconnect
  test('sync is not for remote databases', () => withClient(transport, async (client) => {
    assert.throws(() => client.sync(), { name: 'LibsqlError', code: 'SYNC_NOT_SUPPORTED' });
  }));
  test('close: every later call is refused', async () => {
    const client = createClient({ url: transport.url });
    assert.equal((await client.execute('SELECT 1')).rows[0][0], 1);
    client.close();
    assert.equal(client.closed, true);
    for (const call of [() => client.execute('SELECT 1'), () => client.batch(['SELECT 1']), () => client.migrate(['SELECT 1']),
      () => client.executeMultiple('SELECT 1'), () => client.transaction()]) {
      await assert.rejects(call(), { name: 'LibsqlError', code: transport.label === 'ws' ? 'CLIENT_CLOSED' : 'UNKNOWN' });
    }
    client.close();
  });
  test('close ends an open transaction', () => withTable(transport, async (client, table) => {
    const other = createClient({ url: transport.url });
    const tx = await other.transaction('write');
    await tx.execute(`INSERT INTO ${table}(v) VALUES (1)`);
    other.close();
    await client.execute(`INSERT INTO ${table}(v) VALUES (2)`);
    assert.deepEqual(await values(client, table), [2]);
  }));
  test('reconnect opens a closed client', async () => {
    const client = createClient({ url: transport.url });
    client.close();
    await client.reconnect();
    assert.equal(client.closed, false);
    assert.equal((await client.execute('SELECT 1')).rows[0][0], 1);
    await client.reconnect();
    assert.equal((await client.execute('SELECT 2')).rows[0][0], 2);
    client.close();
  });

  // authToken
  const guardedClient = (authToken, url = transport.guardedUrl) => createClient({ url, authToken });
  test('authToken: a good token works, also in the URL', async () => {
    for (const client of [guardedClient(key.token()), guardedClient(key.token({ exp: 60 })),
      guardedClient(undefined, `${transport.guardedUrl}?authToken=${key.token()}`)]) {
      assert.equal((await client.execute('SELECT 1')).rows[0][0], 1);
      client.close();
    }
  });
  test('authToken: none, a foreign, a mangled and an expired one are refused', async () => {
    const good = key.token();
    for (const [token, code] of [
      [undefined, 'AUTH_HEADER_NOT_FOUND'], [authKey().token(), 'AUTH_JWT_INVALID'], ['nonsense', 'AUTH_JWT_INVALID'],
      [`${good.slice(0, -4)}AAAA`, 'AUTH_JWT_INVALID'], [key.token({ exp: -120 }), 'AUTH_JWT_EXPIRED'],
    ]) {
      const client = guardedClient(token);
      await assert.rejects(client.execute('SELECT 1'), (error) => error instanceof LibsqlError && error.code === code, code);
      client.close();
    }
  });
  test('authToken: one for reading reads, and cannot write', async () => {
    const writer = guardedClient(key.token({ a: 'rw' }));
    await writer.execute(`CREATE TABLE IF NOT EXISTS ${transport.label}_guarded(v)`);
    const reader = guardedClient(key.token({ a: 'ro' }));
    assert.equal((await reader.execute(`SELECT count(*) FROM ${transport.label}_guarded`)).rows[0][0], 0);
    for (const call of [() => reader.execute(`INSERT INTO ${transport.label}_guarded VALUES (1)`),
      () => reader.batch(['SELECT 1', `INSERT INTO ${transport.label}_guarded VALUES (1)`], 'write'),
      () => reader.executeMultiple(`INSERT INTO ${transport.label}_guarded VALUES (1)`)]) {
      await assert.rejects(call(), (error) => error instanceof LibsqlError);
    }
    assert.equal((await writer.execute(`SELECT count(*) FROM ${transport.label}_guarded`)).rows[0][0], 0);
    reader.close();
    writer.close();
  });
});

test('fetch: one of the user carries every request of the HTTP client', async () => {
  const paths = [];
  const client = createClient({ url: server.url, fetch: (request) => {
    paths.push(`${request.method} ${new URL(request.url).pathname}`);
    return fetch(request);
  } });
  await client.execute('SELECT 1');
  await client.batch(['SELECT 1', 'SELECT 2']);
  assert.deepEqual(paths, ['POST /v2/pipeline', 'POST /v2/pipeline']);
  client.close();
});
test('remoteEncryptionKey: its header does no harm', async () => {
  const client = createClient({ url: server.url, remoteEncryptionKey: 'c2VjcmV0' });
  assert.equal((await client.execute('SELECT 1')).rows[0][0], 1);
  client.close();
});
test('concurrency: a limit of one works', async () => {
  const client = createClient({ url: server.url, concurrency: 1 });
  const results = await Promise.all(Array.from({ length: 20 }, (_, i) => client.execute('SELECT ?', [BigInt(i)])));
  assert.deepEqual(results.map(({ rows }) => rows[0][0]), Array.from({ length: 20 }, (_, i) => i));
  client.close();
});

await run({ after: async () => {
  for (const one of [server, guarded]) assert.equal(await one.stop(), 0);
} });
