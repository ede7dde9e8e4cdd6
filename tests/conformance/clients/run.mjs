// Clients published for other languages, each at the versions that the lock file beside its program pins, against `libsql serve`.
// What they need is fetched and built once, in WORK; without the toolchain, or without a network for the first run, the test is
// skipped.
//   node run.mjs LIBSQL go|rust|python WORK        exit 77: skipped
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../support/server.mjs';

const [, , , language, work] = process.argv;
const source = fileURLToPath(new URL(`${language}/`, import.meta.url));
const folder = resolve(work, language);
mkdirSync(folder, { recursive: true });

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(77);
}
function attempt(program, args, options = {}) {
  return spawnSync(program, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26, ...options });
}
function build(program, args, options) {
  const { status, stdout, stderr } = attempt(program, args, options);
  if (status === 0) return;
  console.log(`${stdout}${stderr}`);
  process.exit(1);
}
// What comes from a registry: not there is no fault of ours, but another hash than the one in the lock file is one.
function fetchOrSkip(program, args, options) {
  const { status, stdout, stderr } = attempt(program, args, options);
  if (status === 0) return;
  console.log(`${stdout}${stderr}`);
  if (/checksum|hash(es)? (mismatch|do not match)|DO NOT MATCH/i.test(`${stdout}${stderr}`)) process.exit(1);
  skip('the packages cannot be fetched');
}
function requireTool(program, args) {
  if (attempt(program, args).status !== 0) skip(`${program} is not installed`);
}
// The sources lie in the work folder too, so that nothing is written beside the originals.
function copySources(names) {
  for (const name of names) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    const content = readFileSync(join(source, name));
    if (!existsSync(join(folder, name)) || !readFileSync(join(folder, name)).equals(content)) copyFileSync(join(source, name), join(folder, name));
  }
}

// Cargo.lock beside the sources holds versions and hashes. Where packages come from is for the machine's cargo to say: each that
// has a hash gets the line that a lock file made here has.
function lockRust() {
  const pinned = readFileSync(join(source, 'Cargo.lock'), 'utf8');
  const lock = join(folder, 'Cargo.lock');
  const without = (text) => text.replace(/^source = .*\n/gm, '');
  if (existsSync(lock) && without(readFileSync(lock, 'utf8')) === pinned) return;
  rmSync(lock, { force: true });
  fetchOrSkip('cargo', ['generate-lockfile', '--quiet']);
  const [from] = /^source = .*$/m.exec(readFileSync(lock, 'utf8'));
  writeFileSync(lock, pinned.replace(/^checksum = /gm, `${from}\nchecksum = `));
}

const prepare = {
  go() {
    requireTool('go', ['version']);
    copySources(['go.mod', 'go.sum', 'main.go']);
    fetchOrSkip('go', ['mod', 'download']);
    build('go', ['build', '-mod=readonly', '-o', 'client', '.']);
    return [join(folder, 'client')];
  },
  rust() {
    requireTool('cargo', ['--version']);
    copySources(['Cargo.toml', 'src/main.rs']);
    lockRust();
    fetchOrSkip('cargo', ['fetch', '--locked']);
    build('cargo', ['build', '--locked', '--offline', '--quiet', '--target-dir', join(folder, 'target')]);
    return [join(folder, 'target/debug/libsql-rust-client')];
  },
  python() {
    requireTool('python3', ['-c', 'import ensurepip, venv']);
    copySources(['requirements.txt', 'main.py']);
    const wanted = createHash('sha256').update(readFileSync(join(source, 'requirements.txt'))).digest('hex');
    const stamp = join(folder, 'installed');
    if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
      rmSync(join(folder, 'venv'), { recursive: true, force: true });
      build('python3', ['-m', 'venv', 'venv']);
      fetchOrSkip(join(folder, 'venv/bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps',
        '--only-binary=:all:', '--require-hashes', '-r', 'requirements.txt']);
      writeFileSync(stamp, wanted);
    }
    return [join(folder, 'venv/bin/python'), 'main.py'];
  },
};

const [program, ...args] = prepare[language]();
const server = await startServer();
const child = spawn(program, [...args, server.url, server.wsUrl], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
process.on('exit', () => child.kill('SIGKILL'));
const code = await new Promise((resolve) => child.once('exit', (status, signal) => resolve(signal ?? status)));
const ended = await server.stop();
if (ended !== 0) console.log(`not ok - the server ends when it is told to: ${ended}`);
process.exit(code === 0 && ended === 0 ? 0 : 1);
