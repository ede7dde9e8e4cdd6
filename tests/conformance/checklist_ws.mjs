// What a server of the Hrana protocol has to do over WebSocket, each point as a test of raw messages. node checklist_ws.mjs LIBSQL
import { WebSocket } from '@libsql/hrana-client';
import { createClient } from '@libsql/client';
import { assert, run, test } from './support/check.mjs';
import { exchange, statusOf, upgrade } from './support/raw.mjs';
import { authKey, startServer } from './support/server.mjs';

const key = authKey();
const server = await startServer();
const guarded = await startServer({ args: ['--auth-jwt-key-file', key.file] });
const client = createClient({ url: server.url });

// A session in JSON: `send` a message, `ask` for the answer to a request, `closed` for the code at its end.
class Session {
  #socket;
  #waiting = [];
  #answers = new Map();
  #nextId = 0;
  received = [];

  static async open(protocol = 'hrana3', to = server) {
    const session = new Session();
    session.#socket = new WebSocket(to.wsUrl, protocol);
    session.closed = new Promise((resolve) => session.#socket.addEventListener('close', ({ code }) => resolve(code)));
    session.#socket.addEventListener('message', ({ data }) => session.#take(JSON.parse(data)));
    await new Promise((resolve, reject) => {
      session.#socket.addEventListener('open', resolve);
      session.#socket.addEventListener('error', ({ message }) => reject(new Error(message)));
    });
    return session;
  }

  static async ready(protocol, to, jwt) {
    const session = await Session.open(protocol, to);
    session.send({ type: 'hello', jwt });
    assert.deepEqual(await session.next(), { type: 'hello_ok' });
    return session;
  }

  #take(message) {
    this.received.push(message);
    const answered = this.#answers.get(message.request_id);
    if (answered) {
      this.#answers.delete(message.request_id);
      answered(message);
    } else {
      this.#waiting.shift()?.(message);
    }
  }

  get protocol() {
    return this.#socket.protocol;
  }

  send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  sendRaw(data) {
    this.#socket.send(data);
  }

  next() {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  // Resolves to the whole answer.
  ask(request, id = this.#nextId++) {
    const answer = new Promise((resolve) => this.#answers.set(id, resolve));
    this.send({ type: 'request', request_id: id, request });
    return answer;
  }

  async ok(request) {
    const answer = await this.ask(request);
    assert.equal(answer.type, 'response_ok', JSON.stringify(answer));
    assert.equal(answer.response.type, request.type);
    return answer.response;
  }

  async code(request) {
    const answer = await this.ask(request);
    assert.equal(answer.type, 'response_error', JSON.stringify(answer));
    return answer.error.code;
  }

  ping() {
    return new Promise((resolve) => {
      this.#socket.once('pong', (data) => resolve(data.toString()));
      this.#socket.ping('are you there');
    });
  }

  close() {
    this.#socket.close();
    return this.closed;
  }

  drop() {
    this.#socket.terminate();
  }
}
const stream = (type, stream_id = 1, more = {}) => ({ type, stream_id, ...more });
const execute = (sql, stream_id = 1) => stream('execute', stream_id, { stmt: { sql } });
const value = (response) => response.result.rows[0][0].value;
const numbers = (n) => `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ${n}) SELECT x FROM c`;
const openCursor = (sql, cursor_id = 1, stream_id = 1) => stream('open_cursor', stream_id, { cursor_id, batch: { steps: [{ stmt: { sql } }] } });

test('47. the subprotocol is the best of those offered, in the server’s order', async () => {
  for (const [offered, chosen] of [[['hrana1', 'hrana2'], 'hrana2'], [['hrana2', 'hrana3', 'hrana3-protobuf'], 'hrana3-protobuf'],
    [['hrana3', 'hrana1'], 'hrana3'], [['hrana9', 'hrana1'], 'hrana1']]) {
    const session = await Session.open(offered);
    assert.equal(session.protocol, chosen);
    assert.ok([1000, 1005].includes(await session.close()));
  }
});
test('47. none offered means hrana1, and no header; none in common is refused', async () => {
  const none = await exchange(server, upgrade());
  assert.equal(statusOf(none), 101);
  assert.doesNotMatch(none, /sec-websocket-protocol/i);
  assert.equal(statusOf(await exchange(server, upgrade('hrana9, graphql'))), 400);
});
test('48. requests may follow hello at once; before it they end the connection', async () => {
  const session = await Session.open();
  session.send({ type: 'hello' });
  const answers = [session.ask(stream('open_stream')), session.ask(execute('SELECT 5')), session.ask(stream('close_stream'))];
  assert.deepEqual((await Promise.all(answers)).map((answer) => answer.type), ['response_ok', 'response_ok', 'response_ok']);
  assert.equal(session.received[0].type, 'hello_ok');
  await session.close();
  const early = await Session.open();
  early.ask(stream('open_stream'));
  assert.equal(await early.closed, 1008);
});
test('49. hello with a bad token is answered, then the connection is closed', async () => {
  for (const [jwt, code] of [[undefined, 'AUTH_HEADER_NOT_FOUND'], ['x.y.z', 'AUTH_JWT_INVALID'], [key.token({ exp: -600 }), 'AUTH_JWT_EXPIRED']]) {
    const session = await Session.open('hrana2', guarded);
    session.send({ type: 'hello', ...(jwt && { jwt }) });
    const answer = await session.next();
    assert.deepEqual([answer.type, answer.error.code], ['hello_error', code]);
    assert.equal(await session.closed, 1000);
  }
});
test('49. a second hello brings a new identity', async () => {
  const session = await Session.ready('hrana2', guarded, key.token({ a: 'ro' }));
  await session.ok(stream('open_stream'));
  assert.equal((await session.ask(execute('CREATE TABLE second(v)'))).type, 'response_error');
  session.send({ type: 'hello', jwt: key.token({ a: 'rw' }) });
  assert.deepEqual(await session.next(), { type: 'hello_ok' });
  await session.ok(stream('open_stream', 2));
  await session.ok(execute('CREATE TABLE second(v)', 2));
  await session.close();
});
test('50. text in Protobuf mode, binary in JSON mode and invalid JSON end the connection', async () => {
  const protobuf = await Session.open('hrana3-protobuf');
  protobuf.sendRaw('{"type":"hello"}');
  assert.equal(await protobuf.closed, 1003);
  const json = await Session.open('hrana3');
  json.sendRaw(Buffer.from('{}'));
  assert.equal(await json.closed, 1003);
  const invalid = await Session.open('hrana3');
  invalid.sendRaw('{"type":');
  assert.equal(await invalid.closed, 1007);
});
test('51. one stream in order, two streams at the same time, ids used again', async () => {
  const session = await Session.ready();
  await session.ok(stream('open_stream', 1));
  await session.ok(stream('open_stream', 2));
  const slow = session.ok(execute(`SELECT count(*) FROM (${numbers(2_000_000)})`, 1));
  const after = session.ok(execute("SELECT 'after'", 1));
  const order = [];
  await Promise.all([slow.then(() => order.push('slow')), after.then(() => order.push('after')), session.ok(execute('SELECT 1', 2)).then(() => order.push('other'))]);
  assert.deepEqual(order, ['other', 'slow', 'after']);
  await session.ok(stream('close_stream', 1));
  await session.ok(stream('open_stream', 1));
  assert.equal(value(await session.ok(execute('SELECT 7', 1))), '7');
  assert.equal((await session.ask(execute('SELECT 8', 1), 3)).request_id, 3);
  assert.equal((await session.ask(execute('SELECT 8', 1), 3)).request_id, 3);
  await session.close();
});
test('52. stored SQL belongs to the connection, at most 150 texts', async () => {
  const session = await Session.ready();
  await session.ok(stream('open_stream', 1));
  await session.ok(stream('open_stream', 2));
  const stored = Array.from({ length: 150 }, (_, i) => session.ok({ type: 'store_sql', sql_id: i, sql: `SELECT ${i}${' '.repeat(6000)}` }));
  await Promise.all(stored);
  for (const id of [1, 2]) assert.equal(value(await session.ok(stream('execute', id, { stmt: { sql_id: 149 } }))), '149');
  assert.equal(await session.code({ type: 'store_sql', sql_id: 150, sql: 'SELECT 1' }), 'SQL_STORE_TOO_MANY');
  await session.ok({ type: 'close_sql', sql_id: 0 });
  await session.ok({ type: 'close_sql', sql_id: 999 });
  await session.ok({ type: 'store_sql', sql_id: 151, sql: 'SELECT 151' });
  const other = await Session.ready();
  await other.ok(stream('open_stream'));
  other.ask(stream('execute', 1, { stmt: { sql_id: 149 } }));
  assert.equal(await other.closed, 1008);
  await session.close();
});
test('53. a ping is answered, and a dropped socket rolls back', async () => {
  await client.execute('CREATE TABLE dropped(v)');
  const session = await Session.ready();
  assert.equal(await session.ping(), 'are you there');
  await session.ok(stream('open_stream'));
  await session.ok(execute('BEGIN IMMEDIATE'));
  await session.ok(execute('INSERT INTO dropped VALUES (1)'));
  session.drop();
  await client.execute('INSERT INTO dropped VALUES (2)');
  assert.equal((await client.execute('SELECT group_concat(v) FROM dropped')).rows[0][0], '2');
});
test('54. fetch_cursor gives at most what was asked for, and nothing after the end', async () => {
  const session = await Session.ready();
  await session.ok(stream('open_stream'));
  await session.ok(openCursor(numbers(5)));
  const fetch = (max_count) => session.ok({ type: 'fetch_cursor', cursor_id: 1, max_count });
  const types = [];
  let done = false;
  for (const size of [1, 2, 2, 100, 100]) {
    const response = await fetch(size);
    assert.ok(response.entries.length <= size);
    types.push(...response.entries.map((entry) => entry.type));
    done ||= response.done;
  }
  assert.equal(done, true);
  assert.deepEqual(types, ['step_begin', ...Array(5).fill('row'), 'step_end']);
  assert.deepEqual(await fetch(10), { type: 'fetch_cursor', entries: [], done: true });
  await session.ok({ type: 'close_cursor', cursor_id: 1 });
  await session.close();
});
test('54. a step_end of JSON tells the rowid as a string', async () => {
  await client.execute('CREATE TABLE rowids(v)');
  const session = await Session.ready();
  await session.ok(stream('open_stream'));
  await session.ok(openCursor('INSERT INTO rowids VALUES (1)'));
  const { entries } = await session.ok({ type: 'fetch_cursor', cursor_id: 1, max_count: 10 });
  assert.deepEqual(entries[1], { type: 'step_end', affected_row_count: 1, last_insert_rowid: '1' });
  await session.close();
});
test('54. close_stream closes its cursor', async () => {
  const session = await Session.ready();
  await session.ok(stream('open_stream'));
  await session.ok(openCursor(numbers(1_000_000)));
  await session.ok({ type: 'fetch_cursor', cursor_id: 1, max_count: 3 });
  await session.ok(stream('close_stream'));
  await session.ok(stream('open_stream'));
  await session.ok(openCursor('SELECT 1', 2));
  await session.ok({ type: 'close_cursor', cursor_id: 2 });
  await session.close();
});
test('a cursor whose batch cannot be compiled is an error, and closing it is no harm', async () => {
  const session = await Session.ready();
  await session.ok(stream('open_stream'));
  const opened = session.ask(openCursor('SELEC 1'));
  const fetched = session.ask({ type: 'fetch_cursor', cursor_id: 1, max_count: 10 });
  const closed = session.ask({ type: 'close_cursor', cursor_id: 1 });
  assert.equal((await opened).error.code, 'SQL_PARSE_ERROR');
  assert.equal((await fetched).error.code, 'CURSOR_NOT_OPEN');
  assert.equal((await closed).type, 'response_ok');
  assert.equal(value(await session.ok(execute('SELECT 1'))), '1');
  await session.close();
});
test('a statement of a dropped socket is interrupted', async () => {
  const session = await Session.ready();
  await session.ok(stream('open_stream'));
  await session.ok(execute('BEGIN IMMEDIATE'));
  session.ask(execute('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c'));
  await session.ok({ type: 'open_stream', stream_id: 2 });  // the server has read what came before
  session.drop();
  const start = Date.now();
  await client.execute('CREATE TABLE interrupted(v)');
  assert.ok(Date.now() - start < 3000);
});
test('many sessions at once', async () => {
  const sessions = await Promise.all(Array.from({ length: 50 }, () => Session.ready()));
  await Promise.all(sessions.map(async (session, i) => {
    await session.ok(stream('open_stream'));
    assert.equal(value(await session.ok(execute(`SELECT ${i}`))), String(i));
    await session.close();
  }));
});

await run({ after: async () => {
  client.close();
  for (const one of [server, guarded]) assert.equal(await one.stop(), 0);
} });
