// The published @libsql/hrana-client over every transport, version and encoding it has: every public method, in good cases and in
// failing ones. node hrana_client.mjs LIBSQL
import {
  BatchCond, Client, ClosedError, HttpClient, HttpServerError, LibsqlUrlParseError, MisuseError, ProtocolVersionError, ResponseError,
  Sql, Stmt, Stream, WebSocket, WebSocketError, WsClient, openHttp, openWs, parseLibsqlUrl,
} from '@libsql/hrana-client';
import { assert, run, test, testEach, until } from './support/check.mjs';
import { authKey, startServer } from './support/server.mjs';

const key = authKey();
const server = await startServer();
const guarded = await startServer({ args: ['--auth-jwt-key-file', key.file] });

const overWs = (protocols) => (to, token) => new WsClient(new WebSocket(to.wsUrl, protocols), token);
const transports = [
  { label: 'HTTP, version 2, JSON', version: 2, http: true, open: (to, token) => openHttp(to.url, token) },
  { label: 'HTTP, version 3, Protobuf', version: 3, http: true, open: (to, token) => openHttp(to.url, token, undefined, undefined, 3) },
  { label: 'WebSocket, hrana1', version: 1, open: overWs(['hrana1']) },
  { label: 'WebSocket, no subprotocol', version: 1, open: overWs([]) },
  { label: 'WebSocket, hrana2', version: 2, open: (to, token) => openWs(to.wsUrl, token) },
  { label: 'WebSocket, hrana3', version: 3, open: overWs(['hrana3']) },
  { label: 'WebSocket, hrana3-protobuf', version: 3, protobuf: true, open: (to, token) => openWs(to.wsUrl, token, 3) },
];

let tables = 0;
async function withStream({ open }, body, { intMode = 'number' } = {}) {
  const client = open(server);
  client.intMode = intMode;
  try {
    await client.getVersion();
    await body(client.openStream(), client);
  } finally {
    client.close();
  }
}
function withTable(transport, body, columns = 'id INTEGER PRIMARY KEY, v') {
  return withStream(transport, async (stream, client) => {
    const table = `t${++tables}`;
    await stream.run(`CREATE TABLE ${table}(${columns})`);
    await body(stream, table, client);
  });
}
const plain = (row) => Array.from(row);
const count = async (stream, table) => (await stream.queryValue(`SELECT count(*) FROM ${table}`)).value;
const numbers = (n) => `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ${n}) SELECT x, 'row ' || x FROM c`;

testEach(transports, (transport, test) => {
  const { version } = transport;

  // Client
  test('getVersion, openStream, client, closed', () => withStream(transport, async (stream, client) => {
    assert.equal(await client.getVersion(), version);
    assert.ok(client instanceof Client && client instanceof (transport.http ? HttpClient : WsClient));
    assert.ok(stream instanceof Stream);
    assert.equal(stream.client(), client);
    assert.deepEqual([client.closed, stream.closed], [false, false]);
  }));
  test('close of the client ends its streams', async () => {
    const client = transport.open(server);
    await client.getVersion();
    const stream = client.openStream();
    assert.equal((await stream.queryValue('SELECT 1')).value, 1);
    client.close();
    assert.equal(client.closed, true);
    await assert.rejects(async () => stream.queryValue('SELECT 1'), ClosedError);
    await assert.rejects(async () => client.openStream().queryValue('SELECT 1'), ClosedError);
  });
  test('intMode of client and stream', () => withStream(transport, async (stream) => {
    const largest = 'SELECT 9223372036854775807, -9223372036854775808';
    assert.deepEqual(plain((await stream.queryRow(largest)).row), [9223372036854775807n, -9223372036854775808n]);
    stream.intMode = 'string';
    assert.deepEqual(plain((await stream.queryRow(largest)).row), ['9223372036854775807', '-9223372036854775808']);
    stream.intMode = 'number';
    await assert.rejects(stream.queryRow(largest), RangeError);
    assert.equal((await stream.queryValue('SELECT 9007199254740991')).value, 9007199254740991);
  }, { intMode: 'bigint' }));

  // Stream: query, queryRow, queryValue, run
  test('query returns names, types, rows', () => withTable(transport, async (stream, table) => {
    await stream.run(`INSERT INTO ${table} VALUES (1, 'one'), (2, NULL)`);
    const result = await stream.query(`SELECT id, v, id * 2 FROM ${table} ORDER BY id`);
    assert.deepEqual(result.columnNames, ['id', 'v', 'id * 2']);
    if (version >= 2) assert.deepEqual(result.columnDecltypes, ['INTEGER', undefined, undefined]);
    assert.deepEqual(result.rows.map(plain), [[1, 'one', 2], [2, null, 4]]);
    assert.equal(result.rows[0].v, 'one');
    assert.equal(result.affectedRowCount, 0);
    assert.deepEqual((await stream.query(`SELECT * FROM ${table} WHERE 0`)).rows, []);
  }));
  test('queryRow and queryValue return the first, or undefined', () => withStream(transport, async (stream) => {
    assert.deepEqual(plain((await stream.queryRow("SELECT 1, 'x' UNION ALL SELECT 2, 'y'")).row), [1, 'x']);
    assert.equal((await stream.queryRow('SELECT 1 WHERE 0')).row, undefined);
    assert.equal((await stream.queryValue("SELECT 'a', 'b'")).value, 'a');
    assert.equal((await stream.queryValue('SELECT 1 WHERE 0')).value, undefined);
    assert.equal((await stream.queryValue('SELECT NULL')).value, null);
  }));
  test('run counts rows and tells the rowid', () => withTable(transport, async (stream, table) => {
    const inserted = await stream.run(`INSERT INTO ${table}(id, v) VALUES (41, 1), (42, 2)`);
    assert.deepEqual([inserted.affectedRowCount, inserted.lastInsertRowid], [2, 42n]);
    const updated = await stream.run(`UPDATE ${table} SET v = 0`);
    assert.deepEqual([updated.affectedRowCount, updated.lastInsertRowid], [2, undefined]);
    const large = await stream.run(`INSERT INTO ${table}(id) VALUES (-9223372036854775808)`);
    assert.equal(large.lastInsertRowid, -9223372036854775808n);
  }));
  test('every kind of value comes back as it was bound', () => withStream(transport, async (stream) => {
    for (const [value, type, back = value] of [
      [null, 'null'], ['', 'text'], ['naïve ☃ 中文 🎉', 'text'], ['nul \u0000 inside', 'text'], [0.1, 'real'], [-1.7976931348623157e308, 'real'],
      [5e-324, 'real'], [3, 'real'], [2n ** 63n - 1n, 'integer'], [-(2n ** 63n), 'integer'], [0n, 'integer'], [-1n, 'integer'],
      [true, 'integer', 1n], [false, 'integer', 0n], [new Date(86400000), 'real', 86400000], [{ toString: () => 'object' }, 'text', 'object'],
    ]) assert.deepEqual(plain((await stream.queryRow(['SELECT ?1, typeof(?1)', [value]])).row), [back, type]);
    for (const size of [0, 1, 255, 100_000]) {
      const blob = new Uint8Array(size).fill(0xa5);
      for (const argument of [blob, blob.buffer]) {
        const { row } = await stream.queryRow(['SELECT ?1, typeof(?1)', [argument]]);
        assert.equal(row[1], 'blob');
        assert.deepEqual(new Uint8Array(row[0]), blob);
      }
    }
  }, { intMode: 'bigint' }));
  test('what cannot be sent is refused by the client', () => withStream(transport, async (stream) => {
    for (const value of [NaN, Infinity, 2n ** 63n]) await assert.rejects(async () => stream.query(['SELECT ?', [value]]), RangeError);
    await assert.rejects(async () => stream.query(['SELECT ?', [undefined]]), TypeError);
  }));

  // Stmt
  test('Stmt: bindIndexes, bindIndex, bindName, unbindAll', () => withStream(transport, async (stream) => {
    assert.deepEqual(plain((await stream.queryRow(new Stmt('SELECT ?, ?2').bindIndexes(['a', 'b']))).row), ['a', 'b']);
    assert.deepEqual(plain((await stream.queryRow(new Stmt('SELECT ?1, ?2, ?3').bindIndex(3, 'c').bindIndex(1, 'a'))).row), ['a', null, 'c']);
    assert.deepEqual(plain((await stream.queryRow(new Stmt('SELECT :a, @b, $c').bindName('a', 1n).bindName('@b', 2n).bindName('c', 3n))).row), [1, 2, 3]);
    assert.deepEqual(plain((await stream.queryRow(['SELECT :a || @b', { a: 'x', b: 'y' }])).row), ['xy']);
    const stmt = new Stmt('SELECT 1').bindIndexes([1]).bindName('a', 1);
    assert.equal((await stream.queryValue(stmt.unbindAll())).value, 1);
    assert.throws(() => stmt.bindIndex(0, 1), RangeError);
  }));
  test('arguments that do not fit are refused by the server', () => withStream(transport, async (stream) => {
    for (const stmt of [['SELECT ?, ?', [1]], ['SELECT ?', [1, 2]], ['SELECT :a', { b: 1 }], ['SELECT :a', [1]]]) {
      await assert.rejects(stream.query(stmt), (error) => error instanceof ResponseError && error.code === 'ARGS_INVALID', stmt[0]);
    }
    await assert.rejects(stream.query(new Stmt('SELECT ?, :a').bindIndexes([1]).bindName('a', 1)), { code: 'ARGS_BOTH_POSITIONAL_AND_NAMED' });
  }));
  test('errors have code and message, and leave the stream usable', () => withTable(transport, async (stream, table) => {
    for (const [sql, code, message] of [
      ['SELEC 1', 'SQL_PARSE_ERROR', /parsed/], ['', 'SQL_NO_STATEMENT', /./], ['SELECT 1; SELECT 2', 'SQL_MANY_STATEMENTS', /./],
      ['SELECT * FROM nowhere', 'SQLITE_UNKNOWN', /no such table: nowhere/], ['SELECT missing', 'SQL_INPUT_ERROR', /no such column: missing/],
      [`INSERT INTO ${table} VALUES (NULL, NULL), ('text', 1)`, 'SQLITE_MISMATCH', /datatype mismatch/],
      [`INSERT INTO ${table}(id) VALUES (5), (5)`, 'SQLITE_CONSTRAINT', /UNIQUE constraint failed: t\d+\.id/],
    ]) await assert.rejects(stream.query(sql), (error) => error instanceof ResponseError && error.code === code && message.test(error.message), sql);
    assert.equal(await count(stream, table), 0);
  }));
  test('requests of one stream are answered in order', () => withTable(transport, async (stream, table) => {
    const calls = Array.from({ length: 50 }, (_, i) => stream.run([`INSERT INTO ${table}(v) VALUES (?)`, [BigInt(i)]]));
    const rowids = (await Promise.all(calls)).map((result) => result.lastInsertRowid);
    assert.deepEqual(rowids, Array.from({ length: 50 }, (_, i) => BigInt(i + 1)));
  }));
  test('streams of one client are sessions of their own', () => withTable(transport, async (stream, table, client) => {
    const other = client.openStream();
    await stream.run('BEGIN IMMEDIATE');
    await stream.run(`INSERT INTO ${table}(v) VALUES (1)`);
    assert.equal(await count(other, table), 0);
    await stream.run('COMMIT');
    assert.equal(await count(other, table), 1);
    assert.deepEqual((await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      const many = client.openStream();
      const { value } = await many.queryValue(['SELECT ?', [BigInt(i)]]);
      many.close();
      return value;
    }))), Array.from({ length: 20 }, (_, i) => i));
  }));

  // close, closeGracefully
  test('close of a stream rolls back and refuses later calls', () => withTable(transport, async (stream, table, client) => {
    const other = client.openStream();
    await other.run('BEGIN IMMEDIATE');
    await other.run(`INSERT INTO ${table}(v) VALUES (1)`);
    other.close();
    assert.equal(other.closed, true);
    await assert.rejects(async () => other.query('SELECT 1'), ClosedError);
    await stream.run(`INSERT INTO ${table}(v) VALUES (2)`);
    assert.deepEqual((await stream.query(`SELECT v FROM ${table}`)).rows.map(plain), [[2]]);
    other.close();
  }));
  test('closeGracefully answers what was asked before', () => withStream(transport, async (stream) => {
    const answers = [stream.queryValue('SELECT 1'), stream.queryValue('SELECT 2')];
    stream.closeGracefully();
    assert.equal(stream.closed, true);
    await assert.rejects(async () => stream.query('SELECT 3'), ClosedError);
    assert.deepEqual((await Promise.all(answers)).map((answer) => answer.value), [1, 2]);
  }));

  // Batch
  test('batch: query, queryRow, queryValue and run as steps', () => withTable(transport, async (stream, table) => {
    const batch = stream.batch();
    const steps = [
      batch.step().run([`INSERT INTO ${table}(v) VALUES (?)`, ['a']]), batch.step().query(`SELECT * FROM ${table}`),
      batch.step().queryRow(`SELECT v, id FROM ${table}`), batch.step().queryValue(`SELECT count(*) FROM ${table}`),
    ];
    await batch.execute();
    const [inserted, all, row, value] = await Promise.all(steps);
    assert.equal(inserted.lastInsertRowid, 1n);
    assert.deepEqual(all.rows.map(plain), [[1, 'a']]);
    assert.deepEqual(plain(row.row), ['a', 1]);
    assert.equal(value.value, 1);
    assert.throws(() => batch.execute(), MisuseError);
  }));
  test('batch of no steps', () => withStream(transport, (stream) => stream.batch().execute()));
  test('batch: a failing step does not stop the rest', () => withTable(transport, async (stream, table) => {
    const batch = stream.batch();
    const steps = [batch.step().run(`INSERT INTO ${table}(id) VALUES (1)`), batch.step().run(`INSERT INTO ${table}(id) VALUES (1)`),
      batch.step().queryValue(`SELECT count(*) FROM ${table}`)];
    const failing = assert.rejects(steps[1], { code: 'SQLITE_CONSTRAINT' });
    await batch.execute();
    await failing;
    assert.equal((await steps[2]).value, 1);
  }));
  test('batch: a syntax error refuses all of it', () => withTable(transport, async (stream, table) => {
    const batch = stream.batch();
    batch.step().run(`INSERT INTO ${table}(id) VALUES (1)`).catch(() => {});
    batch.step().run('SELEC 1').catch(() => {});
    await assert.rejects(batch.execute(), (error) => error instanceof ResponseError && error.code === 'SQL_PARSE_ERROR');
    assert.equal(await count(stream, table), 0);
  }));
  test('BatchCond: ok, error, not, and, or decide what runs', () => withStream(transport, async (stream) => {
    const batch = stream.batch();
    const good = batch.step();
    const bad = batch.step();
    const goodResult = good.run('SELECT 1');
    const badResult = assert.rejects(bad.run('SELECT * FROM nowhere'), ResponseError);
    const skipped = batch.step().condition(BatchCond.ok(bad));
    const skippedResult = skipped.run('SELECT 1');
    const { ok, error, not, and, or } = BatchCond;
    const cases = [
      ['ok of a success', ok(good), true], ['ok of a failure', ok(bad), false], ['ok of a skipped step', ok(skipped), false],
      ['error of a success', error(good), false], ['error of a failure', error(bad), true], ['error of a skipped step', error(skipped), true],
      ['not', not(ok(good)), false], ['not of not', not(not(ok(good))), true], ['and of none', and(batch, []), true], ['or of none', or(batch, []), false],
      ['and', and(batch, [ok(good), error(bad)]), true], ['and with a false one', and(batch, [ok(good), ok(bad)]), false],
      ['or with a true one', or(batch, [ok(bad), ok(good)]), true], ['or of false ones', or(batch, [ok(bad), error(good)]), false],
    ];
    const results = cases.map(([, condition]) => batch.step().condition(condition).queryValue('SELECT 1'));
    const both = batch.step().condition(ok(good)).condition(ok(bad)).queryValue('SELECT 1');
    await batch.execute();
    await goodResult;
    await badResult;
    assert.equal(await skippedResult, undefined);
    for (const [i, [name, , expected]] of cases.entries()) assert.equal((await results[i]) !== undefined, expected, name);
    assert.equal(await both, undefined);
  }));
  test('BatchCond of another batch, of an unused step, and a step used twice are refused by the client', () => withStream(transport, async (stream) => {
    const batch = stream.batch();
    const step = batch.step();
    step.run('SELECT 1').catch(() => {});
    assert.throws(() => step.run('SELECT 1'), MisuseError);
    assert.throws(() => BatchCond.ok(batch.step()), MisuseError);
    assert.throws(() => BatchCond.and(stream.batch(), [BatchCond.ok(step)]), MisuseError);
    await batch.execute();
  }));
  test('batch: a transaction in conditional steps is atomic', () => withTable(transport, async (stream, table) => {
    const batch = stream.batch();
    const begin = batch.step();
    begin.run('BEGIN IMMEDIATE').catch(() => {});
    const one = batch.step().condition(BatchCond.ok(begin));
    one.run(`INSERT INTO ${table}(id) VALUES (1)`).catch(() => {});
    const two = batch.step().condition(BatchCond.ok(one));
    const twoResult = assert.rejects(two.run(`INSERT INTO ${table}(id) VALUES (1)`), { code: 'SQLITE_CONSTRAINT' });
    const commit = batch.step().condition(BatchCond.ok(two));
    const commitResult = commit.run('COMMIT');
    const rollbackResult = batch.step().condition(BatchCond.not(BatchCond.ok(commit))).run('ROLLBACK');
    await batch.execute();
    await twoResult;
    assert.equal(await commitResult, undefined);
    assert.notEqual(await rollbackResult, undefined);
    assert.equal(await count(stream, table), 0);
  }));

  // Version 2: sequence, describe, storeSql
  if (version < 2) {
    test('sequence, describe and storeSql need version 2', () => withStream(transport, async (stream, client) => {
      await assert.rejects(async () => stream.sequence('SELECT 1'), ProtocolVersionError);
      await assert.rejects(async () => stream.describe('SELECT 1'), ProtocolVersionError);
      assert.throws(() => client.storeSql('SELECT 1'), ProtocolVersionError);
    }));
  } else {
    const sqlOwner = (stream, client) => (transport.http ? stream : client);
    test('sequence runs all, or fails with what ran before left', () => withTable(transport, async (stream, table) => {
      assert.equal(await stream.sequence(`INSERT INTO ${table}(v) VALUES (1); INSERT INTO ${table}(v) VALUES (2); -- end`), undefined);
      await stream.sequence('');
      await assert.rejects(stream.sequence(`INSERT INTO ${table} VALUES (3, 3); INSERT INTO ${table} VALUES (3, 4)`), { code: 'SQLITE_CONSTRAINT' });
      await assert.rejects(stream.sequence(`INSERT INTO ${table} VALUES (5, 5); SELEC`), { code: 'SQL_PARSE_ERROR' });
      assert.equal(await count(stream, table), 3);
    }));
    test('describe tells parameters, columns, explain and readonly', () => withTable(transport, async (stream, table) => {
      assert.deepEqual(await stream.describe(`SELECT id, v AS w, 1 FROM ${table} WHERE id = ?`), {
        paramNames: [undefined], isExplain: false, isReadonly: true,
        columns: [{ name: 'id', decltype: 'INTEGER' }, { name: 'w', decltype: undefined }, { name: '1', decltype: undefined }],
      });
      assert.deepEqual(await stream.describe(`INSERT INTO ${table} VALUES (:a, ?2)`),
        { paramNames: [':a', '?2'], columns: [], isExplain: false, isReadonly: false });
      assert.deepEqual((await stream.describe('SELECT ?3, @x, $y')).paramNames, [undefined, undefined, '?3', '@x', '$y']);
      const explained = await stream.describe(`EXPLAIN QUERY PLAN SELECT * FROM ${table}`);
      assert.equal(explained.isExplain, true);
      assert.equal(await count(stream, table), 0);
      await assert.rejects(stream.describe('SELECT * FROM nowhere'), ResponseError);
    }));
    test('storeSql: a text is sent once and used by query, run, batch, describe and sequence', () => withTable(transport, async (stream, table, client) => {
      const owner = sqlOwner(stream, client);
      const insert = owner.storeSql(`INSERT INTO ${table}(v) VALUES (?)`);
      const select = owner.storeSql(`SELECT count(*) FROM ${table}`);
      assert.ok(insert instanceof Sql);
      await stream.run([insert, ['a']]);
      await stream.run(new Stmt(insert).bindIndexes(['b']));
      assert.equal((await stream.queryValue(select)).value, 2);
      const batch = stream.batch();
      const steps = [batch.step().run([insert, ['c']]), batch.step().queryValue(select)];
      await batch.execute();
      assert.equal((await steps[1]).value, 3);
      await steps[0];
      assert.deepEqual((await stream.describe(insert)).paramNames, [undefined]);
      await stream.sequence(select);
      insert.close();
      assert.equal(insert.closed, true);
      await assert.rejects(async () => stream.run([insert, ['d']]), ClosedError);
      const again = owner.storeSql('SELECT 7');
      assert.equal((await stream.queryValue(again)).value, 7);
      const foreign = transport.open(server);
      await foreign.getVersion();
      await assert.rejects(async () => foreign.openStream().query(again), MisuseError);
      foreign.close();
    }));
    test('storeSql: many texts, closed and stored again', () => withStream(transport, async (stream, client) => {
      const owner = sqlOwner(stream, client);
      for (let round = 0; round < 4; ++round) {
        const texts = Array.from({ length: 40 }, (_, i) => owner.storeSql(`SELECT ${round * 100 + i}`));
        const answers = await Promise.all(texts.map((text) => stream.queryValue(text)));
        assert.deepEqual(answers.map((answer) => answer.value), Array.from({ length: 40 }, (_, i) => round * 100 + i));
        for (const text of texts) text.close();
        await stream.queryValue('SELECT 1');
      }
    }));
    test('storeSql: beyond the limit it fails', () => withStream(transport, async (stream, client) => {
      const owner = sqlOwner(stream, client);
      const limit = transport.http ? 50 : 150;
      const texts = Array.from({ length: limit + 1 }, (_, i) => owner.storeSql(`SELECT ${i}`));
      if (transport.http) {
        await until('the stream is closed', () => stream.closed);  // So this client takes the error SQL_STORE_TOO_MANY.
      } else {
        assert.equal((await stream.queryValue(texts[limit - 1])).value, limit - 1);
        await until('the text is closed', () => texts[limit].closed);
        assert.equal(stream.closed, false);
      }
    }));
  }

  // Version 3: getAutocommit, isAutocommit, cursors
  if (version < 3) {
    test('getAutocommit, isAutocommit and cursors need version 3', () => withStream(transport, async (stream) => {
      await assert.rejects(async () => stream.getAutocommit(), ProtocolVersionError);
      assert.throws(() => BatchCond.isAutocommit(stream.batch()), ProtocolVersionError);
      const batch = stream.batch(true);
      batch.step().run('SELECT 1').catch(() => {});
      await assert.rejects(async () => batch.execute(), ProtocolVersionError);
    }));
  } else {
    test('getAutocommit follows BEGIN and COMMIT', () => withStream(transport, async (stream) => {
      assert.equal(await stream.getAutocommit(), true);
      await stream.run('BEGIN');
      assert.equal(await stream.getAutocommit(), false);
      await stream.run('COMMIT');
      assert.equal(await stream.getAutocommit(), true);
    }));
    test('BatchCond.isAutocommit decides at its step', () => withStream(transport, async (stream) => {
      const batch = stream.batch();
      const isAutocommit = BatchCond.isAutocommit(batch);
      const before = batch.step().condition(isAutocommit).queryValue('SELECT 1');
      batch.step().run('BEGIN').catch(() => {});
      const inside = batch.step().condition(isAutocommit).queryValue('SELECT 2');
      const not = batch.step().condition(BatchCond.not(isAutocommit)).queryValue('SELECT 3');
      batch.step().run('ROLLBACK').catch(() => {});
      await batch.execute();
      assert.equal((await before).value, 1);
      assert.equal(await inside, undefined);
      assert.equal((await not).value, 3);
    }));
    test('cursor: a batch that streams', () => withTable(transport, async (stream, table) => {
      const batch = stream.batch(true);
      const inserted = batch.step().run(`INSERT INTO ${table}(v) VALUES ('x')`);
      const failing = batch.step();
      const failed = assert.rejects(failing.run('SELECT * FROM nowhere'), { code: 'SQLITE_UNKNOWN' });
      const skipped = batch.step().condition(BatchCond.ok(failing)).run('SELECT 1');
      const rows = batch.step().query(numbers(25_000));
      const late = assert.rejects(batch.step().run(`INSERT INTO ${table}(id) VALUES (1)`), { code: 'SQLITE_CONSTRAINT' });
      const value = batch.step().queryValue("SELECT 'end'");
      await batch.execute();
      await Promise.all([failed, late]);
      assert.equal((await inserted).affectedRowCount, 1);
      assert.equal(await skipped, undefined);
      const { rows: all, columnNames } = await rows;
      assert.deepEqual(columnNames, ['x', "'row ' || x"]);
      assert.equal(all.length, 25_000);
      assert.deepEqual(plain(all[24_999]), [25_000, 'row 25000']);
      assert.equal((await value).value, 'end');
      assert.equal(await count(stream, table), 1);
    }));
    test('cursor: entries one by one, closed early', () => withStream(transport, async (stream) => {
      const cursor = await stream._openCursor({ steps: [{ stmt: { sql: numbers(200_000), args: [], namedArgs: [], wantRows: true } }] });
      const begin = await cursor.next();
      assert.deepEqual([begin.type, begin.step, begin.cols.map((col) => col.name)], ['step_begin', 0, ['x', "'row ' || x"]]);
      for (let i = 1; i <= 3; ++i) assert.deepEqual((await cursor.next()).row, [BigInt(i), `row ${i}`]);
      cursor.close();
      assert.equal(cursor.closed, true);
      await assert.rejects(cursor.next(), ClosedError);
      assert.equal((await stream.queryValue('SELECT 5')).value, 5);
    }));
    test('cursor: one after the other, and requests between', () => withStream(transport, async (stream) => {
      for (let round = 0; round < 3; ++round) {
        const batch = stream.batch(true);
        const rows = batch.step().query(numbers(1000 + round));
        await batch.execute();
        assert.equal((await rows).rows.length, 1000 + round);
        assert.equal((await stream.queryValue('SELECT 1')).value, 1);
      }
    }));
    test('cursor: a syntax error is an error, and the client goes on', () => withStream(transport, async (stream, client) => {
      const batch = stream.batch(true);
      const step = batch.step().run('SELEC 1');
      const outcomes = await Promise.allSettled([batch.execute(), Promise.race([step, new Promise((resolve) => setTimeout(resolve, 200))])]);
      // Over WebSocket this client puts the error into a ClosedError of its cursor.
      const reasons = outcomes.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.cause ?? reason);
      assert.ok(reasons.some((reason) => reason instanceof ResponseError && reason.code === 'SQL_PARSE_ERROR'), String(reasons));
      assert.equal(client.closed, false);
      assert.equal((await client.openStream().queryValue('SELECT 1')).value, 1);
    }));
    test('cursor inside a transaction', () => withTable(transport, async (stream, table) => {
      await stream.run('BEGIN');
      const batch = stream.batch(true);
      const inserted = batch.step().run(`INSERT INTO ${table}(v) VALUES (1)`);
      await batch.execute();
      await inserted;
      assert.equal(await stream.getAutocommit(), false);
      await stream.run('ROLLBACK');
      assert.equal(await count(stream, table), 0);
    }));
  }

  // Authentication
  test('a good token works', async () => {
    const client = transport.open(guarded, key.token({ exp: 60 }));
    await client.getVersion();
    assert.equal((await client.openStream().queryValue('SELECT 1')).value, 1);
    client.close();
  });
  test('no token, a foreign and an expired one are refused', async () => {
    for (const [token, code] of [[undefined, 'AUTH_HEADER_NOT_FOUND'], [authKey().token(), 'AUTH_JWT_INVALID'], [key.token({ exp: -3600 }), 'AUTH_JWT_EXPIRED']]) {
      const client = transport.open(guarded, token);
      await client.getVersion();
      await assert.rejects(async () => client.openStream().query('SELECT 1'), (error) => error instanceof ResponseError && error.code === code);
      client.close();
    }
  });
});

test('openHttp: an address where nobody listens is an error', async () => {
  const client = openHttp('http://127.0.0.1:1');
  await assert.rejects(client.openStream().query('SELECT 1'));
});
test('openHttp: a path that is not the server’s is an HttpServerError', async () => {
  const client = openHttp(`${server.url}/elsewhere/`);
  await assert.rejects(client.openStream().query('SELECT 1'), (error) => error instanceof HttpServerError && error.status === 404);
});
test('openWs: an address where nobody listens is a WebSocketError', async () => {
  const client = openWs('ws://127.0.0.1:1');
  await assert.rejects(client.getVersion(), WebSocketError);
  assert.equal(client.closed, true);
});
test('openWs: subprotocols that the server does not speak are refused', async () => {
  const client = new WsClient(new WebSocket(server.wsUrl, ['hrana77']));
  await assert.rejects(client.getVersion(), WebSocketError);
});
test('parseLibsqlUrl', () => {
  assert.deepEqual(parseLibsqlUrl('libsql://h.example?authToken=t'), { hranaWsUrl: 'wss://h.example', hranaHttpUrl: 'https://h.example', authToken: 't' });
  assert.deepEqual(parseLibsqlUrl(server.libsqlUrl), { hranaWsUrl: server.wsUrl, hranaHttpUrl: server.url, authToken: undefined });
  for (const url of ['libsql://h?tls=0', 'http://h?tls=1', 'libsql://h?x=1', 'libsql://u:p@h', 'libsql://h#f', 'file:x']) {
    assert.throws(() => parseLibsqlUrl(url), LibsqlUrlParseError);
  }
});

await run({ after: async () => {
  for (const one of [server, guarded]) assert.equal(await one.stop(), 0);
} });
