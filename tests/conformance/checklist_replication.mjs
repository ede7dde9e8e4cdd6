// What a primary for embedded replicas has to do, each point as a test of raw requests: gRPC-web framing, statuses, sessions, rights,
// batches, streams, snapshots, and the SQL of replicas. node checklist_replication.mjs LIBSQL
import { createClient } from '@libsql/client';
import { randomUUID } from 'node:crypto';
import { assert, run, test, until } from './support/check.mjs';
import { authKey, startServer, temporaryFile } from './support/server.mjs';

const key = authKey();
const logged = { args: ['--replication-log', '--admin-listen', '127.0.0.1:0'] };
const server = await startServer(logged);
const guarded = await startServer({ args: ['--replication-log', '--auth-jwt-key-file', key.file] });
const many = await startServer({ data: temporaryFile('many'), args: [...logged.args] });
const plain = await startServer();

// ---- Protobuf, as little of it as the messages have ----

function varint(value) {
  const bytes = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    if (rest <= 127n) return Buffer.from(bytes);
  }
}
const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, value) => {
  const content = Buffer.from(value);
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
};
function parse(message) {
  const fields = {};
  let at = 0;
  const read = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(read());
    let value = Number(read());
    if ((tag & 7) === 2) value = message.subarray(at, at += value);
    (fields[tag >> 3] ??= []).push(value);
  }
  return fields;
}
const frame = (message, flag = 0) => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};
function frames(body) {
  const found = [];
  for (let at = 0; at < body.length;) {
    const size = body.readUInt32BE(at + 1);
    found.push({ flag: body[at], message: body.subarray(at + 5, at + 5 + size) });
    at += 5 + size;
  }
  return found;
}

// ---- calls ----

const kWeb = 'application/grpc-web';
const kOpen = { block_reads: false, block_writes: false };
async function post(path, body, { to = server, headers = {}, method = 'POST', signal } = {}) {
  const response = await fetch(to.url + path, {
    method, signal, headers: { 'content-type': kWeb, ...headers }, ...(method === 'POST' && { body }),
  });
  const answer = Buffer.from(await response.arrayBuffer());
  return { http: response.status, headers: response.headers, body: answer };
}
// The messages of a call that succeeds, or { status, message } of one that does not.
async function call(path, message, options = {}) {
  const { http, headers, body } = await post(path, options.raw ?? frame(message), options);
  assert.equal(http, 200, `${path}: ${http}`);
  if (headers.get('grpc-status') !== null) {
    assert.equal(body.length, 0);
    return { status: Number(headers.get('grpc-status')), message: decodeURIComponent(headers.get('grpc-message') ?? '') };
  }
  const all = frames(body);
  const trailer = all.at(-1);
  assert.equal(trailer.flag, 0x80);
  const text = trailer.message.toString();
  const status = Number(/^grpc-status:(\d+)\r\n/.exec(text)?.[1]);
  if (status !== 0) return { status, message: /grpc-message:([^\r]*)/.exec(text)?.[1] ?? '' };
  assert.equal(text, 'grpc-status:0\r\n', 'no blank behind the colon, one line');
  return { status: 0, messages: all.slice(0, -1).map((each) => each.message) };
}
const log = (name, message = Buffer.alloc(0), options) => call(`/wal_log.ReplicationLog/${name}`, message, options);
const proxy = (name, message = Buffer.alloc(0), options) => call(`/proxy.Proxy/${name}`, message, options);
async function hello(options = {}) {
  const { status, messages, message } = await log('Hello', number(1, 1), options);
  assert.equal(status, 0, message);
  const fields = parse(messages[0]);
  return { logId: fields[3][0].toString(), token: fields[4][0].toString(), index: fields[5]?.[0], config: fields[6] };
}
const withToken = (token, options = {}) => ({ ...options, headers: { ...options.headers, 'x-session-token': token } });
const offset = (next) => (next === 0 ? Buffer.alloc(0) : number(1, next));
const framesOf = (message) => (parse(message)[1] ?? []).map((each) => parse(each)[1][0]);
const frameNo = (data) => Number(data.readBigUInt64LE(0));
const sizeAfter = (data) => data.readUInt32LE(20);
async function sql(to, ...statements) {
  const client = createClient({ url: to.url, authToken: to === guarded ? key.token({ a: 'rw' }) : undefined });
  for (const statement of statements) await client.execute(statement);
  client.close();
}
const params = (values = []) => bytes(2, Buffer.concat(values.map((value) => bytes(1, bytes(1, value)))));
const bincode = (value) => {
  const data = Buffer.alloc(12);
  data.writeUInt32LE(1, 0);
  data.writeBigInt64LE(BigInt(value), 4);
  return data;
};
const step = (text, values) => bytes(1, bytes(2, Buffer.concat([bytes(1, text), params(values)])));
const program = (id, steps) => Buffer.concat([bytes(1, id), bytes(2, Buffer.concat(steps))]);
async function execute(id, steps, options) {
  const answer = await proxy('Execute', program(id, steps), options);
  if (answer.status !== 0) return answer;
  const fields = parse(answer.messages[0]);
  return {
    status: 0, state: fields[2]?.[0] ?? 0, index: fields[3]?.[0],
    results: (fields[1] ?? []).map((each) => {
      const result = parse(each);
      if (!result[1]) return { rows: parse(result[2]?.[0] ?? Buffer.alloc(0)) };
      const error = parse(result[1][0]);
      return { code: error[1]?.[0] ?? 0, message: error[2]?.[0].toString(), extended: error[3]?.[0] ?? 0 };
    }),
  };
}

await sql(server, 'CREATE TABLE t(id INTEGER PRIMARY KEY, v)', "INSERT INTO t(v) VALUES ('a')");

// ---- framing ----

test('a success: content type, one message, a trailer of 20 bytes', async () => {
  const { http, headers, body } = await post('/wal_log.ReplicationLog/Hello', frame(number(1, 1)));
  assert.equal(http, 200);
  assert.equal(headers.get('content-type'), 'application/grpc-web+proto');
  assert.equal(headers.get('access-control-allow-origin'), '*');
  assert.deepEqual(body.subarray(-20), Buffer.from('800000000f677270632d7374617475733a300d0a', 'hex'));
});
test('the four content types; others, and other methods', async () => {
  for (const type of [kWeb, `${kWeb}+proto`, `${kWeb}+proto; charset=x`]) {
    assert.equal((await log('Hello', number(1, 1), { headers: { 'content-type': type } })).status, 0, type);
  }
  for (const type of [`${kWeb}-text`, `${kWeb}-text+proto`]) {
    const { http, body } = await post('/wal_log.ReplicationLog/Hello', frame(number(1, 1)).toString('base64'), { headers: { 'content-type': type } });
    assert.equal(http, 200);
    // Piece by piece: each has a padding of its own.
    const pieces = body.toString().match(/[A-Za-z0-9+/]+={0,2}/g).map((piece) => Buffer.from(piece, 'base64'));
    assert.equal(frames(Buffer.concat(pieces)).at(-1).flag, 0x80);
  }
  for (const type of ['application/json', 'application/grpc', 'text/plain']) {
    assert.equal((await post('/wal_log.ReplicationLog/Hello', frame(number(1, 1)), { headers: { 'content-type': type } })).http, 400, type);
  }
  assert.equal((await post('/wal_log.ReplicationLog/Hello', '', { method: 'GET' })).http, 405);
});
test('unknown methods of known services, and unknown services', async () => {
  assert.equal((await log('Nothing')).status, 12);
  assert.equal((await proxy('Nothing')).status, 12);
  assert.equal((await post('/wal_log.Other/Hello', frame(Buffer.alloc(0)))).http, 404);
});
test('malformed bytes: a status, never a cut connection', async () => {
  const path = '/wal_log.ReplicationLog/BatchLogEntries';
  const { token } = await hello();
  for (const [name, raw, status] of [
    ['an empty body', Buffer.alloc(0), 13], ['a cut head', Buffer.from([0, 0, 0]), 13],
    ['a cut message', Buffer.from([0, 0, 0, 0, 9, 8]), 13], ['a length of 4 GiB', Buffer.from([0, 255, 255, 255, 255, 8, 1]), 11],
    ['compressed', frame(number(1, 1), 1), 13], ['a tag that never ends', frame(Buffer.alloc(11, 255)), 13],
    ['a field cut off', frame(Buffer.from([0x0a, 5, 1])), 13], ['a trailer alone', frame(Buffer.from('x'), 0x80), 13],
  ]) {
    const answer = await call(path, null, withToken(token, { raw }));
    assert.equal(answer.status, status, `${name}: ${answer.status} ${answer.message}`);
  }
  // Of two messages the first counts.
  assert.equal((await call(path, null, withToken(token, { raw: Buffer.concat([frame(offset(0)), frame(offset(9))]) }))).status, 0);
});
test('a server that keeps no log says so', async () => {
  const answer = await log('Hello', number(1, 1), { to: plain });
  assert.equal(answer.status, 12);
  assert.match(answer.message, /--replication-log/);
});

// ---- sessions ----

test('Hello: a UUID each for log and session, the newest frame, and no configuration', async () => {
  const first = await hello();
  const kUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
  assert.match(first.logId, kUuid);
  assert.match(first.token, kUuid);
  assert.equal(first.config, undefined);
  assert.deepEqual(await hello(), first);
  await sql(server, "INSERT INTO t(v) VALUES ('b')");
  assert.equal((await hello()).index, first.index + 1);
});
test('Hello of an empty database has no index', async () => {
  const empty = await startServer(logged);
  assert.equal((await hello({ to: empty })).index, undefined);
  await empty.stop();
});
test('calls without a token, and with another one: NO_HELLO; libSQL\'s own log: refused before', async () => {
  for (const name of ['BatchLogEntries', 'LogEntries', 'Snapshot']) {
    assert.deepEqual(await log(name), { status: 9, message: 'NO_HELLO' });
    assert.deepEqual(await log(name, offset(0), withToken(randomUUID())), { status: 9, message: 'NO_HELLO' });
    assert.deepEqual(await log(name, number(2, 1)), { status: 3, message: 'libsql wal not supported' });
  }
});
test('a new configuration of the namespace makes another token', async () => {
  const before = await hello();
  const response = await fetch(`${server.adminUrl}/v1/namespaces/default/config`, { method: 'POST', body: JSON.stringify({ ...kOpen, max_row_size: 1_000_000 }) });
  assert.equal(response.status, 200);
  const after = await hello();
  assert.notEqual(after.token, before.token);
  assert.equal(after.logId, before.logId);
  assert.equal((await log('BatchLogEntries', offset(0), withToken(before.token))).message, 'NO_HELLO');
});
test('x-namespace-bin: padded or not, missing, undecodable, empty, unknown', async () => {
  await fetch(`${many.adminUrl}/v1/namespaces/one/create`, { method: 'POST', body: '{}' });
  const of = (value) => log('Hello', number(1, 1), { to: many, headers: value === undefined ? {} : { 'x-namespace-bin': value } });
  const name = Buffer.from('one').toString('base64');
  assert.equal((await of(name)).status, 0);
  assert.equal((await of(Buffer.from('default').toString('base64').replace(/=+$/, ''))).status, 0);
  assert.deepEqual(await of(undefined), { status: 3, message: 'Missing x-namespace-bin metadata' });
  assert.deepEqual(await of('%%%'), { status: 3, message: "Metadata can't be converted into Bytes" });
  assert.deepEqual(await of(''), { status: 3, message: 'Invalid namespace name' });
  assert.deepEqual(await of(Buffer.from('missing').toString('base64')), { status: 9, message: 'NAMESPACE_DOESNT_EXIST' });
  // One database pays no heed to it.
  assert.equal((await log('Hello', number(1, 1), { headers: { 'x-namespace-bin': 'MTI3' } })).status, 0);
});
test('credentials: which header, none, a wrong one, one for another namespace, one that may only read', async () => {
  const of = (headers, call = log, name = 'Hello', message = number(1, 1)) => call(name, message, { to: guarded, headers });
  const token = (claims) => `Bearer ${key.token(claims)}`;
  assert.equal((await of({ authorization: token({ a: 'rw' }) })).status, 0);
  assert.equal((await of({ 'x-authorization': token({ a: 'rw' }) })).status, 0);
  assert.equal((await of({ authorization: 'Bearer x', 'x-authorization': token({ a: 'rw' }) })).status, 16);
  const none = await of({});
  assert.equal(none.status, 13);
  assert.match(none.message, /Expected authorization header but none given/);
  const wrong = await of({ 'x-authorization': 'Bearer nonsense' });
  assert.equal(wrong.status, 16);
  assert.match(wrong.message, /^AuthError: /);
  assert.notEqual((await of({ 'x-authorization': token({ id: 'other' }) })).status, 0, 'rights of another namespace');
  const readOnly = { 'x-authorization': token({ a: 'ro' }) };
  assert.equal((await of(readOnly)).status, 0);
  const write = await of(readOnly, proxy, 'Execute', program(randomUUID(), [step('CREATE TABLE x(a)')]));
  assert.equal(write.status, 7, write.message);
});

// ---- frames ----

test('BatchLogEntries: consecutive numbers, whole commits, nothing behind the end', async () => {
  const { token, index } = await hello();
  const all = framesOf((await log('BatchLogEntries', offset(0), withToken(token))).messages[0]);
  assert.deepEqual(all.map(frameNo), Array.from({ length: index + 1 }, (_, i) => i));
  assert.ok(all.every((data) => data.length === 4120));
  assert.ok(sizeAfter(all.at(-1)) > 0);
  const some = framesOf((await log('BatchLogEntries', offset(index), withToken(token))).messages[0]);
  assert.deepEqual(some, [all.at(-1)]);
  for (const next of [index + 1, index + 1000, 2 ** 50]) {
    const { messages } = await log('BatchLogEntries', offset(next), withToken(token));
    assert.equal(messages[0].length, 0);
  }
});
test('a batch ends at a commit behind 1,024 frames', async () => {
  const big = await startServer(logged);
  await sql(big, 'CREATE TABLE t(v)', ...Array.from({ length: 4 }, () => 'INSERT INTO t SELECT randomblob(4000) FROM generate_series(1, 400)'));
  const { token, index } = await hello({ to: big });
  const seen = [];
  for (let next = 0; next <= index;) {
    const part = framesOf((await log('BatchLogEntries', offset(next), withToken(token, { to: big }))).messages[0]);
    assert.ok(sizeAfter(part.at(-1)) > 0, 'a commit is never cut');
    seen.push(part.length);
    next = frameNo(part.at(-1)) + 1;
  }
  assert.ok(seen[0] >= 1024 && seen[0] < 1600, `${seen}`);
  await big.stop();
});
test('LogEntries: what there is, then each commit as it comes; ends with the configuration', async () => {
  const { token, index } = await hello();
  const response = await fetch(`${server.url}/wal_log.ReplicationLog/LogEntries`, {
    method: 'POST', headers: { 'content-type': kWeb, 'x-session-token': token }, body: frame(offset(index)),
  });
  const reader = response.body.getReader();
  let buffered = Buffer.alloc(0);
  const next = async () => {
    while (buffered.length < 5 || buffered.length < 5 + buffered.readUInt32BE(1)) {
      const { value, done } = await reader.read();
      if (done) return undefined;
      buffered = Buffer.concat([buffered, value]);
    }
    const size = buffered.readUInt32BE(1);
    const found = { flag: buffered[0], message: buffered.subarray(5, 5 + size) };
    buffered = buffered.subarray(5 + size);
    return found;
  };
  const numberOf = ({ message }) => frameNo(parse(message)[1][0]);
  assert.equal(numberOf(await next()), index);
  for (let i = 1; i <= 3; ++i) {
    await sql(server, `INSERT INTO t(v) VALUES ('live ${i}')`);
    assert.equal(numberOf(await next()), index + i);
  }
  await fetch(`${server.adminUrl}/v1/namespaces/default/config`, { method: 'POST', body: JSON.stringify(kOpen) });
  let last = await next();
  while (last.flag === 0) last = await next();
  assert.equal(last.message.toString(), 'grpc-status:0\r\n');
});
test('Snapshot: falling numbers from the newest, every page once, the size on the last alone', async () => {
  const { token, index } = await hello();
  const { messages } = await log('Snapshot', offset(0), withToken(token));
  const all = messages.map((message) => parse(message)[1][0]);
  const numbers = all.map(frameNo);
  assert.equal(numbers[0], index);
  assert.ok(numbers.every((value, i) => i === 0 || value < numbers[i - 1]));
  const pages = all.map((data) => data.readUInt32LE(16));
  assert.equal(new Set(pages).size, pages.length);
  assert.deepEqual(all.map(sizeAfter).map((size, i) => size > 0 === (i === all.length - 1)).includes(false), false);
  assert.equal(sizeAfter(all.at(-1)), pages.length);
  assert.equal(pages.at(-1), 1);
});
test('a log that keeps nothing: NEED_SNAPSHOT, a snapshot, then an empty batch', async () => {
  const short = await startServer({ args: ['--max-log-size', '0'] });
  await sql(short, 'CREATE TABLE t(v)', 'INSERT INTO t VALUES (1)');
  const { token, index } = await hello({ to: short });
  assert.deepEqual(await log('BatchLogEntries', offset(0), withToken(token, { to: short })), { status: 9, message: 'NEED_SNAPSHOT' });
  const { messages } = await log('Snapshot', offset(0), withToken(token, { to: short }));
  assert.equal(frameNo(parse(messages[0])[1][0]), index);
  const rest = await log('BatchLogEntries', offset(index + 1), withToken(token, { to: short }));
  assert.equal(rest.messages[0].length, 0);
  await short.stop();
});

// ---- SQL ----

test('Execute: one result for each step, the state, the newest frame', async () => {
  const id = randomUUID();
  const before = (await hello()).index;
  const answer = await execute(id, [step('INSERT INTO t(v) VALUES (?)', [bincode(7)]), step('SELECT v FROM t WHERE v = 7')]);
  assert.equal(answer.state, 0);
  assert.equal(answer.index, before + 1);
  assert.equal(answer.results.length, 2);
  assert.equal(answer.results[0].rows[3][0], 1, 'affected');
  assert.equal(parse(parse(answer.results[1].rows[2][0])[1][0])[1][0].toString('hex'), bincode(7).toString('hex'));
});
test('a transaction over several calls, of one client alone', async () => {
  const [a, b] = [randomUUID(), randomUUID()];
  assert.equal((await execute(a, [step('BEGIN IMMEDIATE'), step("INSERT INTO t(v) VALUES ('in a transaction')")])).state, 2);
  const seen = async (id) => (await execute(id, [step("SELECT 1 FROM t WHERE v = 'in a transaction'")])).results[0].rows[2]?.length ?? 0;
  assert.equal(await seen(a), 1);
  assert.equal(await seen(b), 0);
  assert.equal((await execute(a, [step('ROLLBACK')])).state, 0);
  assert.equal(await seen(a), 0);
});
const inserts = (id, v) => execute(id, [step(`INSERT INTO t(v) VALUES ('${v}')`)]);
const written = async (v) => (await execute(randomUUID(), [step(`SELECT 1 FROM t WHERE v = '${v}'`)])).results[0].rows[2]?.length ?? 0;
test('nothing runs outside a transaction that a failed call has ended, before the client knows', async () => {
  const id = randomUUID();
  await execute(id, [step('BEGIN IMMEDIATE'), step("INSERT INTO t(v) VALUES ('of the lost')")]);
  const later = bytes(1, Buffer.concat([bytes(1, bytes(1, number(1, 9))), bytes(2, Buffer.concat([bytes(1, 'SELECT 1'), params()]))]));
  assert.equal((await proxy('Execute', program(id, [later]))).status, 3);
  assert.notEqual((await proxy('Describe', Buffer.concat([bytes(1, id), bytes(2, 'SELECT 1')]))).status, 0, 'a description tells nobody');
  const next = await inserts(id, 'of the lost');
  assert.deepEqual([next.results[0].code, next.state], [2, 0]);
  assert.equal(await written('of the lost'), 0);
  assert.equal((await inserts(id, 'after it')).results[0].code, undefined);
  assert.equal(await written('after it'), 1);
});
test('nor outside one that was idle for too long', async () => {
  const hasty = await startServer({ args: [...logged.args, '--stream-idle-timeout', '200ms'] });
  await sql(hasty, 'CREATE TABLE t(v)');
  const id = randomUUID();
  await execute(id, [step('BEGIN IMMEDIATE'), step('INSERT INTO t VALUES (1)')], { to: hasty });
  await until('the stream has ended', async () => /^libsql_server_stream_handles 0$/m.test(await (await fetch(`${hasty.adminUrl}/metrics`)).text()));
  assert.notEqual((await proxy('Describe', Buffer.concat([bytes(1, id), bytes(2, 'SELECT 1')]), { to: hasty })).status, 0);
  const next = await execute(id, [step('INSERT INTO t VALUES (2)')], { to: hasty });
  assert.deepEqual([next.results[0].code, next.state], [2, 0]);
  assert.equal((await execute(id, [step('SELECT * FROM t')], { to: hasty })).results[0].rows[2], undefined);
  await hasty.stop();
});
test('calls of one client at once: those that come meanwhile are refused, not run outside its transaction', async () => {
  const id = randomUUID();
  await execute(id, [step('BEGIN IMMEDIATE')]);
  const slow = execute(id, [step('SELECT count(*) FROM generate_series(1, 3000000)')]);
  const others = await Promise.all(Array.from({ length: 20 }, () => inserts(id, 'at once')));
  await slow;
  for (const { results } of others) assert.ok([undefined, 1].includes(results[0].code), `${results[0].code}`);
  await execute(id, [step('ROLLBACK')]);
  assert.equal(await written('at once'), 0);
});
test('a number of another namespace is another client', async () => {
  const id = randomUUID();
  const of = (name) => ({ to: many, headers: { 'x-namespace-bin': Buffer.from(name).toString('base64') } });
  await execute(id, [step('CREATE TABLE mine(a)')], of('one'));
  assert.equal((await execute(id, [step('BEGIN'), step('INSERT INTO mine VALUES (1)')], of('one'))).state, 2);
  const other = await execute(id, [step('SELECT * FROM mine')], of('default'));
  assert.match(other.results[0].message, /no such table: mine/);
  assert.equal((await execute(id, [step('COMMIT')], of('one'))).state, 0);
});
test('errors of statements have codes; calls that are none have a status', async () => {
  const id = randomUUID();
  const { results } = await execute(id, [step("INSERT INTO t(id) VALUES (1)"), step('SELECT * FROM missing')]);
  assert.deepEqual([results[0].code, results[0].extended], [3, 1555]);
  assert.match(results[0].message, /UNIQUE constraint failed: t\.id/);
  assert.match(results[1].message, /no such table: missing/);
  for (const [name, message] of [
    ['no UUID', program('me', [step('SELECT 1')])], ['no program', bytes(1, id)],
    ['no query', Buffer.concat([bytes(1, id), bytes(2, bytes(1, Buffer.alloc(0)))])],
    ['no params', Buffer.concat([bytes(1, id), bytes(2, bytes(1, bytes(2, bytes(1, 'SELECT 1'))))])],
  ]) {
    assert.equal((await proxy('Execute', message)).status, 3, name);
  }
  assert.equal((await proxy('Describe', Buffer.concat([bytes(1, id), bytes(2, 'SELECT * FROM missing')]))).status, 7);
  assert.equal((await execute(id, [])).results.length, 0);
});
test('Describe: columns, and names that begin with an empty one', async () => {
  const { messages } = await proxy('Describe', Buffer.concat([bytes(1, randomUUID()), bytes(2, 'SELECT id, v FROM t WHERE id = :id')]));
  const description = parse(parse(messages[0])[2][0]);
  assert.deepEqual(description[1].map((column) => parse(column)[1][0].toString()), ['id', 'v']);
  assert.deepEqual(description[2].map(String), ['', ':id']);
  assert.deepEqual(description[3], [1]);
});
test('two hundred clients that have written hold no connection', async () => {
  for (let i = 0; i < 200; ++i) assert.equal((await execute(randomUUID(), [step('INSERT INTO t(v) VALUES (1)')])).state, 0);
  await until('none is held', async () => {
    const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
    return /^libsql_server_concurrent_connections 0$/m.test(metrics) && /^libsql_server_stream_handles 0$/m.test(metrics);
  });
});
test('Disconnect ends a transaction', async () => {
  const id = randomUUID();
  await execute(id, [step('BEGIN IMMEDIATE'), step('DELETE FROM t')]);
  assert.equal((await proxy('Disconnect', bytes(1, id))).status, 0);
  assert.ok((await execute(id, [step('SELECT 1 FROM t LIMIT 1')])).results[0].rows[2].length === 1);
});
test('the numbers of the admin API and the metrics', async () => {
  const stats = await (await fetch(`${server.adminUrl}/v1/namespaces/default/stats`)).json();
  assert.equal(stats.replication_index, (await hello()).index);
  assert.ok(stats.embedded_replica_frames_replicated > 0);
  assert.ok(stats.write_requests_delegated >= 200);
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
  assert.match(metrics, /libsql_server_current_frame_no\{namespace="default"\} \d+/);
  assert.match(metrics, /libsql_server_replicas\{namespace="default"\} 1\n/);
  assert.match(metrics, /libsql_server_replica_lag_frames\{namespace="default"\} \d+\n/);
  assert.match(metrics, /libsql_server_replica_pulls_total\{namespace="default"\} [1-9]\d*\n/);
  assert.match(metrics, /libsql_server_replica_snapshots_total\{namespace="default"\} [1-9]\d*\n/);
});

await run({
  after: async () => {
    for (const each of [server, guarded, many, plain]) assert.equal(await each.stop(), 0);
  },
});
