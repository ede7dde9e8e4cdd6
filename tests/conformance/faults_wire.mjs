// Connections cut at any byte, slow and silent peers, and requests that no client would send. After each the server answers as if
// nothing had happened, and keeps no stream, no transaction and no connection of theirs. node faults_wire.mjs LIBSQL
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createClient } from '@libsql/client';
import { assert, generator, run, sleep, test, until } from './support/check.mjs';
import { close, closeCode, exchange, execute, frame, isClosed, message, open, pipeline, request, sendAndCut, statusOf, upgrade } from './support/raw.mjs';
import { authKey, startServer } from './support/server.mjs';

const key = authKey();
const server = await startServer({ args: ['--admin-listen', '127.0.0.1:0', '--http-slow-timeout', '2s', '--stream-idle-timeout', '2s', '--max-request-size', '1MB'] });
const guarded = await startServer({ args: ['--auth-jwt-key-file', key.file] });
const client = createClient({ url: server.url });
await client.execute('CREATE TABLE marks(v)');

const marks = async () => (await client.execute('SELECT count(*) FROM marks')).rows[0][0];
async function alive() {
  const start = Date.now();
  assert.equal((await client.execute('SELECT 1')).rows[0][0], 1);
  await client.execute('INSERT INTO marks VALUES (0)');  // Nobody has kept the write lock.
  await client.execute('DELETE FROM marks');
  assert.ok(Date.now() - start < 4000, 'the server answers at once');
}
const json = JSON.stringify;

// Cut connections
const kPositions = 200;
const cuts = {
  'an HTTP pipeline': () => pipeline([execute('BEGIN IMMEDIATE'), execute('INSERT INTO marks VALUES (1)'), execute('SELECT count(*) FROM marks')]),
  'an HTTP cursor': () => request('/v3/cursor', json({ batch: { steps: [{ stmt: { sql: 'BEGIN IMMEDIATE' } }, { stmt: { sql: 'INSERT INTO marks VALUES (1)' } }] } })),
  'a chunked HTTP pipeline': () => {
    const body = json({ requests: [execute('BEGIN IMMEDIATE'), execute('INSERT INTO marks VALUES (1)')] });
    const chunks = body.match(/.{1,20}/g).map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
    return request('/v2/pipeline', `${chunks}0\r\n\r\n`, { headers: { 'Transfer-Encoding': 'chunked' } });
  },
  'a WebSocket session': () => Buffer.concat([upgrade('hrana2'), message({ type: 'hello' }),
    ...[{ type: 'open_stream', stream_id: 1 }, { type: 'execute', stream_id: 1, stmt: { sql: 'BEGIN IMMEDIATE' } },
      { type: 'execute', stream_id: 1, stmt: { sql: 'INSERT INTO marks VALUES (1)' } }]
      .map((one, i) => message({ type: 'request', request_id: i, request: one }))]),
};
for (const [what, bytes] of Object.entries(cuts)) {
  test(`${what} cut at ${kPositions} random bytes leaves nothing behind`, async () => {
    const random = generator(7);
    for (let i = 0; i < kPositions; ++i) {
      const whole = bytes();
      await sendAndCut(server, whole.subarray(0, 1 + Math.floor(random() * (whole.length - 1))));
      if (i % 20 === 0) await alive();
    }
    await alive();
    assert.equal(await marks(), 0);
  }, { timeout: 60_000 });
}
test(`answers cut at ${kPositions} random bytes stop their statements`, async () => {
  const random = generator(8);
  const rows = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 5000000) SELECT x, hex(x) FROM c';
  for (let i = 0; i < kPositions; ++i) {
    const socket = await open(server);
    socket.write(request('/v3/cursor', json({ batch: { steps: [{ stmt: { sql: rows } }] } })));
    const wanted = 1 + Math.floor(random() * 100_000);
    let seen = 0;
    await new Promise((resolve) => {
      socket.on('data', (chunk) => {
        seen += chunk.length;
        if (seen >= wanted) resolve(socket.resetAndDestroy());
      });
      socket.on('close', resolve);
    });
    assert.ok(seen > 0);
  }
  await alive();
}, { timeout: 60_000 });
test('an open transaction ends with its WebSocket', async () => {
  for (let i = 0; i < 10; ++i) {
    const socket = await open(server);
    socket.write(cuts['a WebSocket session']());
    await new Promise((resolve) => socket.on('data', (chunk) => chunk.includes('"request_id":2') && resolve()));
    socket.resetAndDestroy();
    await alive();
  }
  assert.equal(await marks(), 0);
});

test('streams without a transaction, never closed, give way to others', async () => {
  for (let i = 0; i < 300; ++i) {  // There are 128 connections to the database, and streams live for two seconds.
    const answer = await exchange(server, pipeline([execute('INSERT INTO marks VALUES (1)')], { headers: { Connection: 'close' } }));
    assert.equal(statusOf(answer), 200, answer);
  }
  assert.equal(await marks(), 300);
  await alive();
});

// Slow and silent peers
test('a request that arrives byte by byte is answered', async () => {
  const socket = await open(server);
  const answer = new Promise((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())));
  for (const byte of pipeline([execute('SELECT 42'), close])) {
    socket.write(Buffer.from([byte]));
    await sleep(1);  // slow on purpose
  }
  assert.match(await answer, /^HTTP\/1\.1 200 [^]*"42"/);
  socket.destroy();
});
test('silent and half-sent connections are closed after a time, and hinder nobody', async () => {
  const sockets = await Promise.all(Array.from({ length: 60 }, () => open(server)));
  const half = pipeline([execute('SELECT 1')]);
  for (const [i, socket] of sockets.entries()) if (i % 2 === 1) socket.write(half.subarray(0, 20 + i));
  await alive();
  await Promise.all(sockets.filter((_, i) => i % 2 === 1).map((socket) => new Promise((resolve) => {
    socket.resume();
    socket.once('close', resolve);
  })));
  for (const socket of sockets) socket.destroy();
  await alive();
});
test('peers that do not read their answers hinder nobody', async () => {
  const rows = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 3000000) SELECT x, hex(x) FROM c';
  const sockets = await Promise.all(Array.from({ length: 10 }, async () => {
    const socket = await open(server);
    socket.pause();
    socket.write(request('/v3/cursor', json({ batch: { steps: [{ stmt: { sql: rows } }] } })));
    return socket;
  }));
  await until('all of them run', async () => await server.gauge('concurrent_connections') >= 10);
  for (let i = 0; i < 5; ++i) await alive();
  for (const socket of sockets) socket.destroy();
  await alive();
});
test('pipelined requests are answered in order', async () => {
  const answer = await exchange(server, Buffer.concat([1, 2, 3].map((n) => pipeline([execute(`SELECT 'answer ${n}'`), close]))));
  assert.deepEqual(answer.match(/"answer \d"/g).filter((_, i, all) => all.indexOf(all[i]) === i).map((text) => text[8]), ['1', '2', '3']);
});
test('the rest of a refused body is not taken for a request', async () => {
  const hidden = pipeline([execute('INSERT INTO marks VALUES (1)'), close]);
  for (const path of ['/nowhere', '/v2/pipeline']) {
    await exchange(server, request(path, hidden));
    assert.equal(await marks(), 0);
  }
});

// Hostile HTTP
const good = json({ requests: [execute('INSERT INTO marks VALUES (1)'), close] });
const refusals = {
  'no HTTP at all': 'hello\r\n\r\n',
  'a request line without a version': 'GET /health\r\n\r\n',
  'control characters': Buffer.from('\u0000\u0001\u0002\r\n\r\n'),
  'a header that never ends': `GET /health HTTP/1.1\r\nX: ${'a'.repeat(200_000)}\r\n\r\n`,
  'too many headers': `GET /health HTTP/1.1\r\n${Array.from({ length: 5000 }, (_, i) => `x-${i}: ${i}\r\n`).join('')}\r\n`,
  'a header without a colon': 'GET /health HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n',
  'a space before the colon': request('/v2/pipeline', good, { headers: { 'Content-Length ': good.length } }),
  'two lengths that differ': request('/v2/pipeline', good, { headers: { 'Content-Length': [good.length, 5] } }),
  'a length and chunks': request('/v2/pipeline', `0\r\n\r\n${good}`, { headers: { 'Content-Length': good.length, 'Transfer-Encoding': 'chunked' } }),
  'a negative length': request('/v2/pipeline', good, { headers: { 'Content-Length': '-1' } }),
  'a length that is no number': request('/v2/pipeline', good, { headers: { 'Content-Length': '1e3' } }),
  'a length beyond 64 bits': request('/v2/pipeline', good, { headers: { 'Content-Length': '99999999999999999999999' } }),
  'a body larger than allowed': request('/v2/pipeline', 'x', { headers: { 'Content-Length': 1_000_000_000_000 } }),
  'an unknown transfer encoding': request('/v2/pipeline', good, { headers: { 'Transfer-Encoding': 'gzip, chunked, identity' } }),
  'a chunk size that is no number': request('/v2/pipeline', 'zz\r\n', { headers: { 'Transfer-Encoding': 'chunked' } }),
  'a chunk size beyond 64 bits': request('/v2/pipeline', 'fffffffffffffffff\r\n', { headers: { 'Transfer-Encoding': 'chunked' } }),
};
for (const [what, bytes] of Object.entries(refusals)) {
  test(`refused or closed: ${what}`, async () => {
    const answer = await exchange(server, bytes);
    assert.ok(answer === '' || (statusOf(answer) >= 400 && statusOf(answer) < 500) || statusOf(answer) === 501, answer.slice(0, 200));
    await alive();
    assert.equal(await marks(), 0);
  });
}
test('refused with 413: chunks that add up to more than allowed', async () => {
  const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
  const answer = await exchange(server, request('/v2/pipeline', chunk.repeat(20), { headers: { 'Transfer-Encoding': 'chunked' } }));
  assert.ok(answer === '' || statusOf(answer) === 413, answer.slice(0, 200));
  await alive();
});

// Hostile messages over HTTP
const stmt = (value) => json({ requests: [{ type: 'execute', stmt: { sql: 'SELECT ?', args: [value] } }] });
const malformed = {
  'an empty body': '',
  'half a document': '{"requests":[',
  'two documents': '{"requests":[]}{"requests":[]}',
  'an array': '[]',
  'no requests': '{}',
  'requests that are null': '{"requests":null}',
  'an unknown request': json({ requests: [{ type: 'destroy' }] }),
  'a hundred thousand brackets': '['.repeat(100_000),
  'conditions nested too deep': json({ requests: [{ type: 'batch', batch: { steps: [
    { stmt: { sql: 'SELECT 1' }, condition: JSON.parse(`${'{"type":"not","cond":'.repeat(1000)}{"type":"and","conds":[]}${'}'.repeat(1000)}`) }] } }] }),
  'bytes that are not UTF-8': Buffer.concat([Buffer.from('{"requests":[{"type":"execute","stmt":{"sql":"SELECT \''), Buffer.from([0xff, 0xfe]), Buffer.from('\'"}}]}')]),
  'half a surrogate pair': '{"requests":[{"type":"execute","stmt":{"sql":"SELECT \'\\ud800\'"}}]}',
  'base64 with a wrong letter': stmt({ type: 'blob', base64: '!!!!' }),
  'base64 of a wrong length': stmt({ type: 'blob', base64: 'A' }),
  'an integer too large': stmt({ type: 'integer', value: '9223372036854775808' }),
  'an integer that is malformed': stmt({ type: 'integer', value: '12abc' }),
  'a float too large': '{"requests":[{"type":"execute","stmt":{"sql":"SELECT ?","args":[{"type":"float","value":1e400}]}}]}',
  'a value of an unknown type': stmt({ type: 'date', value: '1' }),
  'an id out of range': json({ requests: [{ type: 'store_sql', sql_id: 2 ** 40, sql: 'SELECT 1' }] }),
  'a text that was never stored': json({ requests: [{ type: 'execute', stmt: { sql_id: 5 } }] }),
  'a condition about a later step': json({ requests: [{ type: 'batch', batch: { steps: [{ stmt: { sql: 'SELECT 1' }, condition: { type: 'ok', step: 7 } }] } }] }),
  'a baton that is none': json({ baton: 'AAAA', requests: [] }),
  'a baton of a megabyte': json({ baton: 'A'.repeat(900_000), requests: [] }),
};
for (const [what, body] of Object.entries(malformed)) {
  test(`answered with 400: ${what}`, async () => {
    for (const path of ['/v2/pipeline', '/v3/pipeline']) {
      const answer = await exchange(server, request(path, body, { headers: { Connection: 'close' } }));
      assert.equal(statusOf(answer), 400, answer.slice(0, 200));
    }
    await alive();
  });
}
const varints = {
  'a length beyond the end': [0x12, 0xff, 0xff, 0xff, 0x7f], 'a varint without an end': [0x12, ...Array(20).fill(0xff)],
  'a varint of eleven bytes': [0x12, ...Array(10).fill(0x80), 1], 'a wire type that does not exist': [0x17, 0], 'field number zero': [0x02, 0],
  'half a message': [0x12, 0x10, 0x12], 'a group without an end': [0x13],
  'conditions nested too deep': (() => {
    let condition = Buffer.from([0x22, 0]);
    const wrap = (tag, inner) => {
      const size = [];
      for (let n = inner.length; ; n >>= 7) {
        if (n < 128) {
          size.push(n);
          break;
        }
        size.push((n & 127) | 128);
      }
      return Buffer.concat([Buffer.from([tag, ...size]), inner]);
    };
    for (let i = 0; i < 2000; ++i) condition = wrap(0x1a, condition);
    return [...wrap(0x12, wrap(0x1a, wrap(0x0a, wrap(0x0a, wrap(0x0a, condition)))))];
  })(),
};
for (const [what, bytes] of Object.entries(varints)) {
  test(`answered with 400, Protobuf: ${what}`, async () => {
    const answer = await exchange(server, request('/v3-protobuf/pipeline', Buffer.from(bytes), { headers: { Connection: 'close' } }));
    assert.equal(statusOf(answer), 400, answer.slice(0, 200));
    await alive();
  });
}
test('random bytes and random changes of good requests never do harm', async () => {
  const random = generator(99);
  const byte = () => Math.floor(random() * 256);
  const seeds = [['/v2/pipeline', Buffer.from(json({ requests: [execute('SELECT 1'), { type: 'describe', sql: 'SELECT ?' }, close] }))],
    ['/v3-protobuf/pipeline', Buffer.from('1210120e0a0c0a0853454c4543542031280112020a00', 'hex')],
    ['/v3/cursor', Buffer.from(json({ batch: { steps: [{ stmt: { sql: 'SELECT ?', args: [{ type: 'blob', base64: 'AAA' }] } }] } }))]];
  for (let i = 0; i < 300; ++i) {
    const [path, seed] = seeds[i % seeds.length];
    const bytes = i % 4 === 3 ? Buffer.from(Array.from({ length: 200 }, byte)) : Buffer.from(seed);
    for (let n = Math.floor(random() * 6); n > 0; --n) bytes[Math.floor(random() * bytes.length)] = byte();
    const status = statusOf(await exchange(server, request(path, bytes, { headers: { Connection: 'close' } })));
    assert.ok(status === 200 || status === 400, `${status}: ${bytes.toString('base64')}`);
  }
  await alive();
}, { timeout: 60_000 });

// Hostile WebSockets
const hello = message({ type: 'hello' });
const ask = (id, one) => message({ type: 'request', request_id: id, request: one });
const sessions = {
  'a frame without a mask': [upgrade('hrana2'), frame('{"type":"hello"}', { masked: false })],
  'a frame of a length that does not exist': [upgrade('hrana2'), frame('x', { length: 2 ** 62 })],
  'a frame larger than allowed': [upgrade('hrana2'), frame('x', { length: 2 ** 31 })],
  'a reserved bit': [upgrade('hrana2'), frame('{"type":"hello"}', { reserved: 4 })],
  'a reserved opcode': [upgrade('hrana2'), frame('x', { opcode: 3 })],
  'a control frame in pieces': [upgrade('hrana2'), frame('x', { opcode: 9, final: false })],
  'a control frame too large': [upgrade('hrana2'), frame('x'.repeat(200), { opcode: 9 })],
  'a continuation of nothing': [upgrade('hrana2'), frame('x', { opcode: 0 })],
  'a message inside a message': [upgrade('hrana2'), frame('{"type"', { final: false }), frame('{"type":"hello"}')],
  'text that is not UTF-8': [upgrade('hrana2'), frame(Buffer.from([0xff, 0xfe]))],
};
for (const [what, parts] of Object.entries(sessions)) {
  test(`WebSocket closed: ${what}`, async () => {
    const answer = await exchange(server, Buffer.concat(parts), { quiet: 1000, complete: isClosed });
    assert.equal(statusOf(answer), 101);
    const code = closeCode(answer);
    assert.ok(code === undefined || (code >= 1002 && code <= 1009), String(code));
    await alive();
  });
}
const closes = {
  'no JSON': [1007, 'hrana2', frame('{"type":')], 'an unknown message': [1007, 'hrana2', message({ type: 'bye' })],
  'a request before hello': [1008, 'hrana2', ask(0, { type: 'open_stream', stream_id: 0 })],
  'a second hello in hrana1': [1008, 'hrana1', hello, hello], 'binary in hrana2': [1003, 'hrana2', frame('x', { opcode: 2 })],
  'text in hrana3-protobuf': [1003, 'hrana3-protobuf', hello], 'no Protobuf': [1007, 'hrana3-protobuf', frame(Buffer.from([0xff, 0xff]), { opcode: 2 })],
  'a stream that is not open': [1008, 'hrana2', hello, ask(0, { type: 'execute', stream_id: 7, stmt: { sql: 'SELECT 1' } })],
  'a stream opened twice': [1008, 'hrana2', hello, ask(0, { type: 'open_stream', stream_id: 1 }), ask(1, { type: 'open_stream', stream_id: 1 })],
  'a cursor that is not open': [1008, 'hrana3', hello, ask(0, { type: 'fetch_cursor', cursor_id: 1, max_count: 1 })],
};
for (const [what, [code, protocol, ...parts]] of Object.entries(closes)) {
  test(`WebSocket closed with ${code}: ${what}`, async () => {
    const answer = await exchange(server, Buffer.concat([upgrade(protocol), ...parts]), { quiet: 1000, complete: isClosed });
    assert.equal(statusOf(answer), 101);
    assert.equal(closeCode(answer), code);
    await alive();
  });
}
test('WebSocket messages in pieces, with pings between, are put together', async () => {
  const text = '{"type":"hello"}';
  const answer = await exchange(server, Buffer.concat([upgrade('hrana2'), frame(text.slice(0, 5), { final: false }), frame('ping', { opcode: 9 }),
    ...[...text.slice(5, -1)].map((letter) => frame(letter, { opcode: 0, final: false })), frame('}', { opcode: 0 })]));
  assert.match(answer, /hello_ok/);
  assert.match(answer, /\x8a\x04ping/);
});

// Forged tokens
test('forged tokens are refused with 401', async () => {
  const [head, body, signature] = key.token({ a: 'ro' }).split('.');
  const part = (value) => Buffer.from(json(value)).toString('base64url');
  const hmac = (text) => createHmac('sha256', readFileSync(key.file)).update(text).digest('base64url');
  const hs256 = `${part({ alg: 'HS256', typ: 'JWT' })}.${body}`;
  const forged = {
    'another payload': `${head}.${part({ a: 'rw' })}.${signature}`, 'no signature': `${head}.${body}.`, 'two parts': `${head}.${body}`,
    'algorithm none': `${part({ alg: 'none' })}.${body}.`, 'HS256 with the public key': `${hs256}.${hmac(hs256)}`,
    'a cut signature': `${head}.${body}.${signature.slice(0, 20)}`, 'four parts': `${head}.${body}.${signature}.x`, 'an empty token': '',
    'a long token': 'A'.repeat(6000), 'a zero signature': `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`,
  };
  for (const [what, token] of Object.entries(forged)) {
    const answer = await exchange(guarded, pipeline([execute('SELECT 1')], { headers: { Authorization: `Bearer ${token}`, Connection: 'close' } }));
    assert.equal(statusOf(answer), 401, what);
  }
  const ok = await exchange(guarded, pipeline([execute('SELECT 1')], { headers: { Authorization: `Bearer ${key.token()}`, Connection: 'close' } }));
  assert.equal(statusOf(ok), 200);
});

// What is left
test('afterwards no stream and no connection is left', async () => {
  await until('the streams are gone', async () => {
    for (const name of ['stream_handles', 'websockets', 'concurrent_connections']) if (await server.gauge(name) !== 0) return false;
    return true;
  }, 15_000);
  await alive();
});

await run({ after: async () => {
  client.close();
  for (const one of [server, guarded]) assert.equal(await one.stop(), 0);
} });
