// Bytes on a TCP connection, for what no well-behaved client would send.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

// An HTTP/1.1 request. A `Content-Length` is added unless `headers` frame the body; a header that is an array is repeated.
export function request(path, body = '', { method = 'POST', host = '127.0.0.1', headers = {} } = {}) {
  const content = Buffer.from(body);
  const framed = Object.keys(headers).some((name) => /^(content-length|transfer-encoding)$/i.test(name));
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...(framed ? [] : [`Content-Length: ${content.length}`])];
  for (const [name, value] of Object.entries(headers)) for (const one of [value].flat()) lines.push(`${name}: ${one}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), content]);
}

export const pipeline = (requests, options) => request('/v2/pipeline', JSON.stringify({ requests }), options);
export const execute = (sql) => ({ type: 'execute', stmt: { sql } });
export const close = { type: 'close' };

export function open(server) {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});  // A reset is one of the things that may happen here.
      resolve(socket);
    });
  });
}

// Sends `bytes` and returns what came back, as Latin-1: when the peer closed, when `complete` says of it that it is all, or
// when nothing came for `quiet` milliseconds.
export async function exchange(server, bytes, { quiet = 300, limit = 15_000, complete = () => false } = {}) {
  const socket = await open(server);
  const chunks = [];
  const answer = () => Buffer.concat(chunks).toString('latin1');
  await new Promise((resolve) => {
    let timer;
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const wait = (milliseconds) => {
      clearTimeout(timer);
      timer = setTimeout(done, milliseconds);
    };
    wait(limit);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (complete(answer())) done();
      else wait(quiet);
    });
    socket.on('close', done);
    socket.write(bytes);
  });
  socket.destroy();
  return answer();
}

export const statusOf = (answer) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

// Sends `bytes`, then resets the connection.
export async function sendAndCut(server, bytes) {
  const socket = await open(server);
  await new Promise((resolve) => socket.write(bytes, resolve));
  socket.resetAndDestroy();
}

export function upgrade(protocol) {
  return request('/', '', { method: 'GET', headers: {
    'Content-Length': 0, Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13,
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'), ...(protocol && { 'Sec-WebSocket-Protocol': protocol }),
  } });
}

// A WebSocket frame (RFC 6455, section 5.2), masked with zeros unless `masked` is false.
export function frame(payload, { opcode = 1, final = true, masked = true, reserved = 0, length } = {}) {
  const content = Buffer.from(payload);
  const size = length ?? content.length;
  const head = [((final ? 1 : 0) << 7) | (reserved << 4) | opcode];
  if (size < 126) {
    head.push((masked ? 128 : 0) | size);
  } else if (size < 65_536) {
    head.push((masked ? 128 : 0) | 126, size >> 8, size & 255);
  } else {
    const long = Buffer.alloc(8);
    long.writeBigUInt64BE(BigInt(size));
    head.push((masked ? 128 : 0) | 127, ...long);
  }
  return Buffer.concat([Buffer.from(head), Buffer.alloc(masked ? 4 : 0), content]);
}

export const message = (value, options) => frame(JSON.stringify(value), options);

// Whether a server has said all that it will on a WebSocket.
export const isClosed = (answer) => answer.includes('\r\n\r\n') && closeCode(answer) !== undefined;

// The close code in what a server sent on a WebSocket, or undefined. Frames are read from the end of the handshake on.
export function closeCode(answer) {
  const bytes = Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1');
  for (let at = 0; at + 2 <= bytes.length;) {
    let size = bytes[at + 1] & 127;
    let head = 2;
    const more = { 126: 2, 127: 8 }[size] ?? 0;
    if (at + head + more > bytes.length) return undefined;  // the rest is under way
    if (more === 2) size = bytes.readUInt16BE(at + head);
    else if (more === 8) size = Number(bytes.readBigUInt64BE(at + head));
    head += more;
    if (at + head + size > bytes.length) return undefined;
    if ((bytes[at] & 15) === 8) return size >= 2 ? bytes.readUInt16BE(at + head) : 1005;
    at += head + size;
  }
  return undefined;
}
