// The server part of tursodb, which an optional npm package carries for Linux on x64.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { sleep } from './check.mjs';
import { temporaryFile } from './server.mjs';

export function tursodbProgram() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('@tursodatabase/cli-linux-x64-gnu/package.json')), 'tursodb');
  } catch {
    return undefined;
  }
}

const freePort = () => new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
const answers = (port) => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1');
  socket.on('connect', () => resolve(true)).on('error', () => resolve(false)).on('connect', () => socket.destroy());
});

// Starts `tursodb --sync-server` on a file of its own, or returns undefined where it cannot be had.
export async function tursodb() {
  const program = tursodbProgram();
  if (program === undefined) return undefined;
  const port = await freePort();  // It cannot choose one and tell.
  const child = spawn(program, [temporaryFile(`tursodb-${port}.db`), '--sync-server', `127.0.0.1:${port}`], { stdio: 'ignore' });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  process.on('exit', () => child.kill('SIGKILL'));
  for (let waited = 0; !(await answers(port)); waited += 50) {
    if (waited > 10_000 || child.exitCode !== null) throw new Error('tursodb did not start');
    await sleep(50);
  }
  return { port, url: `http://127.0.0.1:${port}`, stop: () => (child.kill('SIGKILL'), exit) };
}
