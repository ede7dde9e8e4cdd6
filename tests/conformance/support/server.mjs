// Starts `libsql serve` as a child of a test script, which names the program as its first argument, and ends it by its id.
import { spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from './check.mjs';

const program = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'libsql-conformance-'));
const running = new Set();
let started = 0;

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

export const temporaryFile = (name) => join(folder, name);

export class Server {
  #child;
  #exit;

  // The addresses are those of the ready lines; `listening` maps "http" and, with --admin-listen, "admin" to HOST:PORT.
  constructor(child, exit, log, db, listening) {
    this.#child = child;
    this.#exit = exit;
    this.log = log;
    this.db = db;
    this.pid = child.pid;
    this.host = listening.http;
    this.port = Number(listening.http.split(':').at(-1));
    this.url = `http://${listening.http}`;
    this.wsUrl = `ws://${listening.http}`;
    this.libsqlUrl = `libsql://${listening.http}?tls=0`;
    this.adminUrl = listening.admin && `http://${listening.admin}`;
  }

  get alive() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  // A figure of /metrics, summed over namespaces. Needs --admin-listen.
  async gauge(name) {
    const text = await (await fetch(`${this.adminUrl}/metrics`)).text();
    const found = [...text.matchAll(new RegExp(`^libsql_server_${name}(?:{[^}]*})? (\\S+)$`, 'gm'))];
    if (found.length === 0) throw new Error(`/metrics does not say libsql_server_${name}`);
    return found.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  logged() {
    return readFileSync(this.log, 'utf8');
  }

  // SIGTERM; returns the exit code, or the name of the signal that ended it. Shows what the server had to say if it is not 0.
  async stop() {
    this.#child.kill('SIGTERM');
    const code = await this.#exit;
    if (code !== 0) console.log(this.logged().replace(/^/gm, '    server: '));
    return code;
  }

  async kill() {
    this.#child.kill('SIGKILL');
    return this.#exit;
  }
}

// Starts the server and waits until it says where it listens. `db`: the file, a new one by default; `data`: a folder for many
// databases instead; `port`: that of an earlier server; `args`: further flags.
// With LIBSQL_TEST_SERVER=HOST:PORT the tests talk to a server that runs already, to see what another implementation answers.
export async function startServer({ db = temporaryFile(`${++started}.db`), data, port = 0, args = [], env = {} } = {}) {
  if (process.env.LIBSQL_TEST_SERVER) return foreignServer(process.env.LIBSQL_TEST_SERVER);
  const log = temporaryFile(`${++started}.log`);
  const out = openSync(log, 'w');  // A file, because a client that blocks this process would leave a pipe unread.
  const store = data === undefined ? ['--db', db] : ['--data', data, '--enable-namespaces'];
  const child = spawn(program, ['serve', ...store, '--http-listen', `127.0.0.1:${port}`, ...args], {
    stdio: ['ignore', out, out], env: { ...process.env, ...env },
  });
  closeSync(out);
  running.add(child);
  const exit = new Promise((resolve) => child.once('exit', (code, signal) => {
    running.delete(child);
    resolve(signal ?? code);
  }));
  const wanted = ['http', ...(args.includes('--admin-listen') ? ['admin'] : [])];
  for (let waited = 0; waited < 20_000; waited += 20) {
    const text = readFileSync(log, 'utf8');
    const listening = Object.fromEntries(wanted.map((name) => [name, readyLine(text, name)]));
    if (wanted.every((name) => listening[name])) return new Server(child, exit, log, db, listening);
    if (child.exitCode !== null || child.signalCode !== null) break;
    await sleep(20);
  }
  child.kill('SIGKILL');
  throw new Error(`the server did not start:\n${readFileSync(log, 'utf8')}`);
}

function foreignServer(address) {
  const child = { exitCode: null, signalCode: null, kill: () => true };
  return new Server(child, Promise.resolve(0), '/dev/null', undefined, { http: address });
}

// In `libsql: ready http=http://127.0.0.1:8080 admin=http://127.0.0.1:9090`.
function readyLine(text, name) {
  return new RegExp(`\\bready\\b.*\\b${name}=\\w+://([^\\s/]+)`).exec(text)?.[1];
}

// An Ed25519 key: the file for --auth-jwt-key-file, and what signs tokens.
export function authKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const file = temporaryFile(`${++started}.pem`);
  writeFileSync(file, publicKey.export({ type: 'spki', format: 'pem' }));
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    file,
    // A JWT (RFC 7519) signed with EdDSA (RFC 8037). `exp` is in seconds from now.
    token({ exp, ...claims } = {}) {
      const payload = exp === undefined ? claims : { ...claims, exp: Math.floor(Date.now() / 1000) + exp };
      const signed = `${part({ alg: 'EdDSA', typ: 'JWT' })}.${part(payload)}`;
      return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
    },
  };
}
