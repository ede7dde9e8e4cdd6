// What a server of the Hrana protocol has to do over HTTP, each point as a test of raw requests. node checklist_http.mjs LIBSQL
import { assert, run, test, until } from './support/check.mjs';
import { exchange, request, statusOf } from './support/raw.mjs';
import { authKey, startServer, temporaryFile } from './support/server.mjs';

const key = authKey();
const server = await startServer();
const hasty = await startServer({ args: ['--stream-idle-timeout', '1s', '--admin-listen', '127.0.0.1:0'] });
const jealous = await startServer({ args: ['--transaction-timeout', '1s'] });
const many = await startServer({ data: temporaryFile('many'), args: ['--admin-listen', '127.0.0.1:0'] });
const guarded = await startServer({ args: ['--auth-jwt-key-file', key.file] });

// Requests. `send` returns status, content type, text and, where it is JSON, its value.
async function send(path, body, { headers = {}, to = server, method = 'POST' } = {}) {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(to.url + path, { method, headers, body: raw ? body : JSON.stringify(body) });
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.toString();
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, type: response.headers.get('content-type'), text, json, bytes };
}
async function pipeline(requests, { baton, path = '/v3/pipeline', ...options } = {}) {
  const { status, json, text } = await send(path, { baton, requests }, options);
  assert.equal(status, 200, text);
  return json;
}
const stmt = (sql, args, more) => ({ sql, ...(args && { args }), ...more });
const execute = (sql, args, more) => ({ type: 'execute', stmt: stmt(sql, args, more) });
const batch = (steps) => ({ type: 'batch', batch: { steps: steps.map((step) => (typeof step === 'string' ? { stmt: { sql: step } } : step)) } });
const close = { type: 'close' };
const autocommit = { type: 'get_autocommit' };
const protobufBatch = [0x0a, 0x12, 0x0a, 0x12].reduce((inner, tag) => Buffer.concat([Buffer.from([tag, inner.length]), inner]), Buffer.from('SELECT 1'));
const integer = (value) => ({ type: 'integer', value: String(value) });
const text = (value) => ({ type: 'text', value });

// One request on a stream of its own: its result, or its error.
async function one(request, options) {
  const { results } = await pipeline([request, close], options);
  return results[0].type === 'ok' ? results[0].response.result ?? results[0].response : results[0].error;
}
const rows = async (sql, args, more) => (await one(execute(sql, args, more))).rows;
const codeOf = async (request) => (await one(request)).code;
async function cursor(steps, { baton, path = '/v3/cursor', to = server } = {}) {
  const { status, type, text } = await send(path, { baton, ...batch(steps) }, { to });
  assert.equal(status, 200, text);
  const lines = text.trim().split('\n').map((line) => JSON.parse(line));
  return { head: lines[0], entries: lines.slice(1), type };
}
let tables = 0;
async function table(columns = 'id INTEGER PRIMARY KEY, v') {
  const name = `t${++tables}`;
  await one(execute(`CREATE TABLE ${name}(${columns})`));
  return name;
}
const count = async (name) => Number((await rows(`SELECT count(*) FROM ${name}`))[0][0].value);

test('1. greetings and /health need no credentials, /info is not there', async () => {
  for (const path of ['/v2', '/v3', '/v3-protobuf', '/health']) {
    assert.equal((await send(path, undefined, { method: 'GET', to: guarded })).status, 200, path);
  }
  assert.ok((await send('/info', undefined, { method: 'GET' })).status >= 400);
});
test('2. a pipeline with the baton missing, null, and without a Content-Type', async () => {
  for (const body of [{ requests: [execute('SELECT 1'), close] }, { baton: null, requests: [execute('SELECT 1'), close] }]) {
    for (const headers of [{}, { 'content-type': 'application/json' }, { 'content-type': 'text/plain' }]) {
      const { status, json } = await send('/v2/pipeline', Buffer.from(JSON.stringify(body)), { headers });
      assert.equal(status, 200);
      assert.equal(json.baton, null);
    }
  }
});
test('3. unknown members are ignored, unknown requests are not', async () => {
  const extra = { x: 1, y: [{}] };
  const { results } = await pipeline([{ ...extra, type: 'execute', stmt: { ...extra, sql: 'SELECT ?', args: [{ ...extra, ...integer(1) }], replication_index: null } },
    { ...extra, ...close }]);
  assert.equal(results[0].response.result.rows[0][0].value, '1');
  assert.equal((await send('/v3/pipeline', { requests: [{ type: 'dance' }] })).status, 400);
  assert.equal((await send('/v3/pipeline', { requests: [{}] })).status, 400);
});
test('4. a result for each request, of its type', async () => {
  const requests = [execute('SELECT 1'), batch(['SELECT 1']), { type: 'sequence', sql: 'SELECT 1; SELECT 2' }, { type: 'describe', sql: 'SELECT 1' },
    { type: 'store_sql', sql_id: 1, sql: 'SELECT 1' }, { type: 'close_sql', sql_id: 1 }, autocommit, close];
  const { results } = await pipeline(requests);
  assert.deepEqual(results.map((result) => [result.type, result.response.type]), requests.map((request) => ['ok', request.type]));
});
test('5. an error does not stop later requests', async () => {
  const { results } = await pipeline([execute('SELEC'), execute('SELECT 2'), close]);
  assert.deepEqual(results.map((result) => result.type), ['error', 'ok', 'ok']);
});
test('6. without close the baton is a new one', async () => {
  const first = await pipeline([execute('BEGIN')]);
  const second = await pipeline([execute('SELECT 1')], { baton: first.baton });
  assert.ok(first.baton && second.baton && first.baton !== second.baton);
  await pipeline([close], { baton: second.baton });
});
test('7. close gives no baton, and the old one is refused', async () => {
  const first = await pipeline([execute('BEGIN')]);
  assert.equal((await pipeline([close], { baton: first.baton })).baton, null);
  assert.notEqual((await send('/v3/pipeline', { baton: first.baton, requests: [] })).status, 200);
});
test('8. a baton used before is refused, and the stream goes on', async () => {
  const first = await pipeline([execute('BEGIN')]);
  const second = await pipeline([], { baton: first.baton });
  assert.equal((await send('/v3/pipeline', { baton: first.baton, requests: [] })).status, 400);
  const third = await pipeline([autocommit, close], { baton: second.baton });
  assert.equal(third.results[0].response.is_autocommit, false);
});
test('9. of two requests at once with one baton, one succeeds', async () => {
  const { baton } = await pipeline([execute('BEGIN')]);
  const slow = execute('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 300000) SELECT count(*) FROM c');
  const answers = await Promise.all([0, 1].map(() => send('/v3/pipeline', { baton, requests: [slow, close] })));
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 400]);
});
test('10. an idle stream in a transaction expires and is rolled back', async () => {
  const { baton } = await pipeline([execute('BEGIN IMMEDIATE'), execute('CREATE TABLE expired(v)')], { to: hasty });
  assert.equal(await hasty.gauge('stream_handles'), 1);
  await until('it expires', async () => await hasty.gauge('stream_handles') === 0);
  const { status, type, json } = await send('/v3/pipeline', { baton, requests: [execute('COMMIT')] }, { to: hasty });
  assert.deepEqual([status, type, json.code], [400, 'application/json', 'STREAM_EXPIRED']);
  const { results } = await pipeline([execute('SELECT * FROM expired'), close], { to: hasty });
  assert.equal(results[0].error.code, 'SQLITE_UNKNOWN');
});
test('11. a baton changed in one letter is refused', async () => {
  const { baton } = await pipeline([execute('BEGIN')]);
  for (const at of [0, Math.floor(baton.length / 2), baton.length - 2]) {
    const changed = baton.slice(0, at) + (baton[at] === 'A' ? 'B' : 'A') + baton.slice(at + 1);
    assert.equal((await send('/v3/pipeline', { baton: changed, requests: [] })).status, 400);
  }
  await pipeline([close], { baton });
});
test('12. pipelines and cursors share batons', async () => {
  const name = await table();
  const first = await pipeline([execute('BEGIN')]);
  const second = await cursor([`INSERT INTO ${name}(v) VALUES (1)`], { baton: first.baton });
  const third = await pipeline([execute('COMMIT'), close], { baton: second.head.baton });
  assert.equal(third.results[0].type, 'ok');
  assert.equal(await count(name), 1);
});
test('13. no requests at all', async () => assert.deepEqual((await pipeline([])).results, []));
test('14. SQL that is unknown, missing or twice given ends the stream with 400', async () => {
  for (const bad of [{ sql_id: 9 }, {}, { sql: 'SELECT 1', sql_id: 9 }]) {
    const { baton } = await pipeline([execute('BEGIN')]);
    assert.equal((await send('/v3/pipeline', { baton, requests: [{ type: 'execute', stmt: bad }] })).status, 400);
    assert.notEqual((await send('/v3/pipeline', { baton, requests: [] })).status, 200);
  }
});
test('15. stored SQL: at most 50 texts of 5000 bytes', async () => {
  const store = (sql_id, sql) => ({ type: 'store_sql', sql_id, sql });
  const { results } = await pipeline([...Array.from({ length: 51 }, (_, i) => store(i, 'SELECT 1')), close]);
  assert.deepEqual(results.slice(48, 51).map((result) => result.error?.code), [undefined, undefined, 'SQL_STORE_TOO_MANY']);
  const fit = `SELECT '${'x'.repeat(4991)}'`;
  assert.equal(fit.length, 5000);
  const sizes = await pipeline([store(0, fit), store(1, `${fit} `), close]);
  assert.deepEqual(sizes.results.map((result) => result.error?.code), [undefined, 'SQL_STORE_TOO_LARGE', undefined]);
});
test('16. stored SQL belongs to its stream', async () => {
  const { baton } = await pipeline([{ type: 'store_sql', sql_id: 1, sql: 'SELECT 1' }]);
  assert.equal((await send('/v3/pipeline', { requests: [{ type: 'execute', stmt: { sql_id: 1 } }] })).status, 400);
  const { results } = await pipeline([{ type: 'execute', stmt: { sql_id: 1 } }, { type: 'close_sql', sql_id: 99 }, close], { baton });
  assert.deepEqual(results.map((result) => result.type), ['ok', 'ok', 'ok']);
});
test('17. content types, to the letter', async () => {
  const requests = [execute('SELECT 1'), close];
  const protobuf = Buffer.from('1210120e0a0c0a0853454c4543542031280112020a00', 'hex');
  assert.equal((await send('/v2/pipeline', { requests })).type, 'application/json');
  assert.equal((await send('/v3/pipeline', { requests })).type, 'application/json');
  assert.equal((await send('/v3-protobuf/pipeline', protobuf)).type, 'application/x-protobuf');
  assert.equal((await send('/v3/cursor', batch(['SELECT 1']))).type, 'text/plain');
  assert.equal((await send('/v3-protobuf/cursor', protobufBatch)).type, 'application/octet-stream');
  for (const bad of [await send('/v3/pipeline', '{'), await send('/v3/pipeline', { requests }, { to: guarded })]) {
    assert.ok(bad.status >= 400 && ['application/json', 'text/plain'].includes(bad.type), bad.type);
  }
});
test('18. every error has a code', async () => {
  for (const request of [execute('SELEC'), execute(''), execute('SELECT 1; SELECT 2'), execute('SELECT * FROM nowhere'),
    execute('SELECT ?'), execute('SELECT missing'), { type: 'describe', sql: 'SELEC' }, { type: 'sequence', sql: 'SELECT * FROM nowhere' }]) {
    const error = await one(request);
    assert.deepEqual([typeof error.code, typeof error.message], ['string', 'string']);
  }
});
test('19. last_insert_rowid is always there: a string or null', async () => {
  const name = await table();
  for (const sql of ['SELECT 1', `INSERT INTO ${name}(v) VALUES (1)`, `UPDATE ${name} SET v = 2`, `CREATE INDEX ${name}_i ON ${name}(v)`]) {
    const result = await one(execute(sql));
    assert.ok('last_insert_rowid' in result && (result.last_insert_rowid === null || typeof result.last_insert_rowid === 'string'), sql);
  }
});
test('20. rowid and counts of INSERT, UPDATE and SELECT', async () => {
  const name = await table();
  const { results } = await pipeline([execute(`INSERT INTO ${name}(v) VALUES (1), (2)`), execute(`UPDATE ${name} SET v = 3`), execute('SELECT 1'), close]);
  assert.deepEqual(results.slice(0, 3).map(({ response: { result } }) => [result.last_insert_rowid, result.affected_row_count]), [['2', 2], [null, 2], [null, 0]]);
});
test('21. codes of errors that the engine finds', async () => {
  const name = await table('id INTEGER PRIMARY KEY');
  assert.equal(await codeOf(execute('SELECT * FROM nowhere')), 'SQLITE_UNKNOWN');
  const input = await one(execute('SELECT missing'));
  assert.equal(input.code, 'SQL_INPUT_ERROR');
  assert.match(input.message, /no such column: missing \(at offset 7\)/);
  assert.equal(await codeOf(execute(`INSERT INTO ${name} VALUES (1), (1)`)), 'SQLITE_CONSTRAINT');
});
test('22. one statement, no statement, many', async () => {
  assert.equal(await codeOf(execute('SELECT 1; SELECT 2')), 'SQL_MANY_STATEMENTS');
  assert.equal((await rows('SELECT 1; -- x')).length, 1);
  assert.equal(await codeOf(execute('--')), 'SQL_NO_STATEMENT');
});
test('23. arguments that do not fit', async () => {
  const named = (name, value) => ({ named_args: [{ name, value }] });
  for (const request of [execute('SELECT ?', []), execute('SELECT ?', [integer(1), integer(2)]),
    execute('SELECT :a', [], named('b', integer(1))), execute('SELECT ?', [], named('a', integer(1)))]) {
    assert.equal(await codeOf(request), 'ARGS_INVALID');
  }
  assert.equal(await codeOf(execute('SELECT ?, :a', [integer(1)], named('a', integer(1)))), 'ARGS_BOTH_POSITIONAL_AND_NAMED');
});
test('24. names without a prefix, and numbers', async () => {
  const named_args = [{ name: 'a', value: text('x') }];
  for (const prefix of [':', '@', '$']) assert.deepEqual(await rows(`SELECT ${prefix}a`, [], { named_args }), [[text('x')]]);
  assert.deepEqual(await rows('SELECT ?2, ?1', [text('1'), text('2')]), [[text('2'), text('1')]]);
  assert.deepEqual(await rows('SELECT ?3, ?1', [text('1'), text('2'), text('3')]), [[text('3'), text('1')]]);
});
test('25. integers at the ends of their range', async () => {
  for (const value of ['-9223372036854775808', '9223372036854775807', '9007199254740993']) {
    assert.deepEqual(await rows('SELECT ?', [integer(value)]), [[integer(value)]]);
  }
  const number = await send('/v3/pipeline',
    '{"requests":[{"type":"execute","stmt":{"sql":"SELECT ?","args":[{"type":"integer","value":9007199254740993}]}},{"type":"close"}]}');
  assert.ok(number.status === 400 || number.text.includes('"9007199254740993"'), number.text);
});
test('26. a float stays a float', async () => {
  assert.deepEqual(await rows('SELECT typeof(?1), ?1', [{ type: 'float', value: 1 }]), [[text('real'), { type: 'float', value: 1 }]]);
  const { text: raw } = await send('/v3/pipeline', { requests: [execute('SELECT 1.0'), close] });
  assert.match(raw, /"value":\s*1\.0/);
});
test('27. base64 with and without padding, and with an escape', async () => {
  for (const base64 of ['"/w"', '"/w=="', '"\\/w=="']) {
    const { json } = await send('/v3/pipeline',
      `{"requests":[{"type":"execute","stmt":{"sql":"SELECT ?","args":[{"type":"blob","base64":${base64}}]}},{"type":"close"}]}`);
    assert.deepEqual(json.results[0].response.result.rows, [[{ type: 'blob', base64: '/w' }]]);
  }
});
test('28. infinity is null in JSON', async () => {
  assert.deepEqual(await rows('SELECT 9e999, -9e999'), [[{ type: 'float', value: null }, { type: 'float', value: null }]]);
});
test('29. text that is not UTF-8 is an error, or replaced, and no crash', async () => {
  const { results } = await pipeline([execute("SELECT CAST(x'ff' AS TEXT)"), execute('SELECT 1'), close]);
  assert.equal(results[0].type, 'error');
  assert.equal(results[1].type, 'ok');
});
test('30. a batch is compiled whole, but its tables are looked up step by step', async () => {
  const name = await table();
  const insert = `INSERT INTO ${name}(v) VALUES (1)`;
  assert.equal(await codeOf(batch([insert, insert, 'SELEC'])), 'SQL_PARSE_ERROR');
  assert.equal(await count(name), 0);
  const { step_results, step_errors } = await one(batch([insert, insert, 'SELECT * FROM nowhere']));
  assert.deepEqual(step_results.map((result) => result !== null), [true, true, false]);
  assert.deepEqual(step_errors.map((error) => error?.code), [undefined, undefined, 'SQLITE_UNKNOWN']);
  assert.equal(await count(name), 2);
});
test('31. a skipped step counts as not succeeded', async () => {
  const step = (condition) => ({ stmt: { sql: 'SELECT 1' }, condition });
  const { step_results, step_errors } = await one(batch(['SELECT * FROM nowhere', step({ type: 'ok', step: 0 }),
    step({ type: 'error', step: 1 }), step({ type: 'ok', step: 1 })]));
  assert.deepEqual(step_results.map((result) => result !== null), [false, false, true, false]);
  assert.deepEqual(step_errors.slice(1), [null, null, null]);
});
test('32. a condition about its own or a later step is refused and runs nothing', async () => {
  const name = await table();
  for (const step of [1, 2]) {
    const late = { stmt: { sql: 'SELECT 1' }, condition: { type: 'not', cond: { type: 'ok', step } } };
    const { status } = await send('/v3/pipeline', { requests: [batch([`INSERT INTO ${name}(v) VALUES (1)`, late, 'SELECT 1'])] });
    assert.equal(status, 400);
  }
  assert.equal(await count(name), 0);
});
test('33. `and` of nothing is true, `or` of nothing false', async () => {
  const { step_results } = await one(batch(['and', 'or'].map((type) => ({ stmt: { sql: 'SELECT 1' }, condition: { type, conds: [] } }))));
  assert.deepEqual(step_results.map((result) => result !== null), [true, false]);
});
test('34. a transaction as a chain of conditions is atomic, with every BEGIN', async () => {
  const name = await table();
  const chain = (begin, ...sql) => {
    const steps = [{ stmt: { sql: begin } }, ...sql.map((text, i) => ({ stmt: { sql: text }, condition: { type: 'ok', step: i } }))];
    const commit = steps.length;
    steps.push({ stmt: { sql: 'COMMIT' }, condition: { type: 'ok', step: commit - 1 } });
    steps.push({ stmt: { sql: 'ROLLBACK' }, condition: { type: 'not', cond: { type: 'ok', step: commit } } });
    return one(batch(steps));
  };
  for (const begin of ['BEGIN IMMEDIATE', 'BEGIN DEFERRED', 'BEGIN']) {
    await chain(begin, `INSERT INTO ${name} VALUES (1, 1)`, `INSERT INTO ${name} VALUES (1, 2)`, 'SELECT 1');
    assert.equal(await count(name), 0);
  }
  for (const begin of ['BEGIN TRANSACTION READONLY', 'BEGIN READONLY']) {
    const { step_errors } = await chain(begin, `SELECT * FROM ${name}`);
    assert.deepEqual(step_errors, [null, null, null, null]);
  }
  await chain('BEGIN IMMEDIATE', `INSERT INTO ${name} VALUES (1, 1)`, `INSERT INTO ${name} VALUES (2, 2)`);
  assert.equal(await count(name), 2);
});
test('35. get_autocommit and is_autocommit, on /v3 and on /v2', async () => {
  for (const path of ['/v2/pipeline', '/v3/pipeline']) {
    const probe = { stmt: { sql: 'SELECT 1' }, condition: { type: 'is_autocommit' } };
    const { results } = await pipeline([autocommit, execute('BEGIN'), autocommit, batch([probe]), execute('COMMIT'), autocommit, close], { path });
    assert.deepEqual([0, 2, 5].map((i) => results[i].response.is_autocommit), [true, false, true]);
    assert.deepEqual(results[3].response.result.step_results, [null]);
  }
});
test('36. rows of a batch step come even when they are not wanted', async () => {
  const name = await table();
  const { step_results } = await one(batch([{ stmt: { sql: `INSERT INTO ${name}(v) VALUES (1) RETURNING v`, want_rows: false } }]));
  assert.deepEqual(step_results[0].rows, [[integer(1)]]);
});
test('37. a sequence is parsed whole, and run one by one', async () => {
  const name = await table();
  assert.equal(await codeOf({ type: 'sequence', sql: `INSERT INTO ${name}(v) VALUES (1); SELEC` }), 'SQL_PARSE_ERROR');
  assert.equal(await count(name), 0);
  assert.equal(await codeOf({ type: 'sequence', sql: `INSERT INTO ${name}(v) VALUES (1); SELECT * FROM nowhere` }), 'SQLITE_UNKNOWN');
  assert.equal(await count(name), 1);
});
test('38. describe of an INSERT', async () => {
  const name = await table();
  const { params, cols, is_explain, is_readonly } = await one({ type: 'describe', sql: `INSERT INTO ${name} VALUES (:a, ?2)` });
  assert.deepEqual([params, cols, is_explain, is_readonly], [[{ name: ':a' }, { name: '?2' }], [], false, false]);
});
test('39. cursor: baton first, step_begin for an INSERT, a numeric rowid, an end, nothing for skipped steps', async () => {
  const name = await table();
  const never = { stmt: { sql: 'SELECT 1' }, condition: { type: 'or', conds: [] } };
  const { head, entries } = await cursor([`INSERT INTO ${name}(v) VALUES (1)`, never, `SELECT * FROM ${name}`]);
  assert.equal(typeof head.baton, 'string');
  assert.deepEqual(entries.map((entry) => `${entry.type} ${entry.step ?? ''}`.trim()),
    ['step_begin 0', 'step_end', 'step_begin 2', 'row', 'step_end', 'replication_index']);
  assert.deepEqual([entries[0].cols, entries[1].affected_row_count, entries[1].last_insert_rowid], [[], 1, 1]);
  await pipeline([close], { baton: head.baton });
});
test('40. cursor: a failing step is step_error, later ones run, and the probe of autocommit works', async () => {
  const probe = { stmt: { sql: 'SELECT 1' }, condition: { type: 'is_autocommit' } };
  for (const bad of ['SELECT * FROM nowhere', 'SELEC 1']) {
    const { head, entries } = await cursor([bad, probe]);
    assert.deepEqual(entries.map((entry) => entry.type).filter((type) => type !== 'replication_index'), ['step_error', 'step_begin', 'row', 'step_end'], bad);
    await pipeline([close], { baton: head.baton });
  }
});
test('41. Protobuf cursor: length-delimited items, none of field 6', async () => {
  const { status, bytes } = await send('/v3-protobuf/cursor', protobufBatch);
  assert.equal(status, 200);
  const fields = [];
  for (let at = 0, item = 0; at < bytes.length; ++item) {
    const size = bytes[at];
    assert.ok(size < 128 && at + 1 + size <= bytes.length);
    if (item > 0) fields.push(bytes[at + 1] >> 3);
    at += 1 + size;
  }
  assert.deepEqual(fields, [1, 4, 2]);
});
test('42. the legacy POST /: results, an error, null; an open transaction is refused', async () => {
  const name = await table();
  const answer = await send('/', { statements: [`INSERT INTO ${name}(v) VALUES (1)`, { q: 'SELECT * FROM nowhere' }, 'SELECT 1'] });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json.map((item) => (item === null ? null : Object.keys(item)[0])), ['results', 'error', null]);
  const named = await send('/', { statements: [{ q: 'SELECT :a AS a, 1 AS i', params: { ':a': 'x' } }, { q: 'SELECT ?, ?', params: [null, 1.5] }] });
  assert.deepEqual(named.json.map((item) => item.results.rows), [[['x', 1]], [[null, 1.5]]]);
  assert.deepEqual(named.json[0].results.columns, ['a', 'i']);
  assert.equal((await send('/', { statements: ['BEGIN'] })).status, 400);
});
test('43. tokens: none, expired, of another namespace, for reading', async () => {
  const name = 'guarded_table';
  const ask = (token, ...requests) => send('/v3/pipeline', { requests: [...requests, close] }, { to: guarded, headers: token && { authorization: `Bearer ${token}` } });
  assert.equal((await ask(key.token({ a: 'rw' }), execute(`CREATE TABLE ${name}(v)`))).status, 200);
  assert.equal((await ask(undefined, execute('SELECT 1'))).status, 401);
  assert.equal((await ask(key.token({ exp: -600 }), execute('SELECT 1'))).status, 401);
  assert.equal((await ask(key.token({ id: 'elsewhere' }), execute('SELECT 1'))).status, 404);
  assert.equal((await ask(key.token({ p: { rw: { ns: ['elsewhere'] } } }), execute('SELECT 1'))).status, 404);
  assert.equal((await ask(key.token({ p: { ro: { ns: ['default'] } } }), execute('SELECT 1'))).status, 200);
  assert.equal((await ask(key.token({ a: 'ro' }), batch(['SELECT 1', `INSERT INTO ${name} VALUES (1)`]))).status, 403);
  const left = await ask(key.token({ a: 'ro' }), execute(`SELECT count(*) FROM ${name}`));
  assert.deepEqual(left.json.results[0].response.result.rows, [[integer(0)]]);
});
test('44. a token that expired 30 seconds ago is still good, 120 seconds is not', async () => {
  for (const [exp, status] of [[-30, 200], [-120, 401], [60, 200]]) {
    assert.equal((await send('/v3/pipeline', { requests: [close] }, { to: guarded, headers: { authorization: `Bearer ${key.token({ exp })}` } })).status, status);
  }
});
test('45. x-namespace chooses before Host, and what is not there is 404', async () => {
  const create = await fetch(`${many.adminUrl}/v1/namespaces/shop/create`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  assert.equal(create.status, 200, await create.text());
  const ask = (name, sql) => send('/v3/pipeline', { requests: [execute(sql), close] }, { to: many, headers: { 'x-namespace': name } });
  assert.equal((await ask('shop', 'CREATE TABLE here(v)')).json.results[0].type, 'ok');
  assert.equal((await ask('default', 'SELECT * FROM here')).json.results[0].error.code, 'SQLITE_UNKNOWN');
  const bin = await send('/v3/pipeline', { requests: [execute('SELECT * FROM here'), close] }, { to: many,
    headers: { 'x-namespace': 'default', 'x-namespace-bin': Buffer.from('shop').toString('base64').replace(/=*$/, '') } });
  assert.equal(bin.json.results[0].type, 'ok');
  assert.equal((await ask('nowhere', 'SELECT 1')).status, 404);
  // By Host only: fetch() sets that header itself.
  const raw = (host) => exchange(many, request('/v3/pipeline', JSON.stringify({ requests: [execute('SELECT * FROM here'), close] }), { host }));
  assert.match(await raw('shop.example.org'), /^HTTP\/1.1 200 [^]*"ok"/);
  assert.equal(statusOf(await raw('nowhere.example.org')), 404);
});
test('46. a write lock held too long goes to the writer that waits', async () => {
  const name = 'locked';
  await pipeline([execute(`CREATE TABLE ${name}(v)`), close], { to: jealous });
  const { baton } = await pipeline([execute('BEGIN IMMEDIATE'), execute(`INSERT INTO ${name}(v) VALUES ('held')`)], { to: jealous });
  const start = Date.now();
  await pipeline([execute(`INSERT INTO ${name}(v) VALUES ('waited')`), close], { to: jealous });
  assert.ok(Date.now() - start >= 800);
  const { results } = await pipeline([execute(`INSERT INTO ${name}(v) VALUES ('late')`), execute('SELECT 1'), close], { baton, to: jealous });
  assert.deepEqual(results.map((result) => result.error?.code), ['TRANSACTION_TIMEOUT', 'TRANSACTION_TIMEOUT', undefined]);
  const after = await pipeline([execute(`SELECT v FROM ${name}`), close], { to: jealous });
  assert.deepEqual(after.results[0].response.result.rows, [[text('waited')]]);
});

await run({ after: async () => {
  for (const one of [server, hasty, jealous, many, guarded]) assert.equal(await one.stop(), 0);
} });
