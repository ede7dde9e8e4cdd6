// A headless Chromium with one page, driven over its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';

const { WebSocket } = createRequire(new URL('../../../package.json', import.meta.url))('ws');

export class Page {
  #process;
  #profile;
  #socket;
  #answers = new Map();
  #listeners = new Map();
  #next = 1;
  // What the page printed and complained of.
  messages = [];

  static async open(program) {
    const page = new Page();
    await page.#start(program);
    return page;
  }

  async #start(program) {
    this.#profile = mkdtempSync(join(tmpdir(), 'libsql-browser-'));
    this.#process = spawn(program, ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
      `--user-data-dir=${this.#profile}`, '--remote-debugging-address=127.0.0.1', '--remote-debugging-port=0', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'] });
    const endpoint = await this.#endpoint();
    const targets = await (await fetch(`http://${new URL(endpoint).host}/json/list`)).json();
    const target = targets.find((entry) => entry.type === 'page');
    this.#socket = new WebSocket(target.webSocketDebuggerUrl, { perMessageDeflate: false });
    await new Promise((resolve, reject) => {
      this.#socket.once('open', resolve);
      this.#socket.once('error', reject);
    });
    this.#socket.on('message', (data) => this.#received(JSON.parse(data)));
    this.#listeners.set('Runtime.exceptionThrown', ({ exceptionDetails }) => this.messages.push(exceptionDetails.text));
    this.#listeners.set('Log.entryAdded', ({ entry }) => this.messages.push(entry.text));
    for (const domain of ['Runtime', 'Log', 'Page', 'Network']) await this.call(`${domain}.enable`);
  }

  // Chromium prints where it listens.
  #endpoint() {
    return new Promise((resolve, reject) => {
      let text = '';
      this.#process.stderr.on('data', (data) => {
        text += data;
        const found = /DevTools listening on (ws:\S+)/.exec(text);
        if (found) resolve(found[1]);
      });
      this.#process.once('exit', () => reject(new Error(`the browser ended: ${text}`)));
    });
  }

  #received(message) {
    if (message.id === undefined) return this.#listeners.get(message.method)?.(message.params);
    const { resolve, reject } = this.#answers.get(message.id);
    this.#answers.delete(message.id);
    if (message.error) reject(new Error(message.error.message)); else resolve(message.result);
  }

  call(method, params = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async go(url) {
    const loaded = new Promise((resolve) => this.#listeners.set('Page.loadEventFired', resolve));
    await this.call('Page.navigate', { url });
    await loaded;
  }

  // The value of an expression in the page; promises are waited for.
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate',
      { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async close() {
    this.#socket?.close();
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
