// The published @libsql/client/web in a headless Chromium, on a page of another origin than the server's: over fetch() and over
// the browser's WebSocket. node client_web.mjs LIBSQL CHROMIUM
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assert, run, testEach, until } from './support/check.mjs';
import { Page } from './support/browser.mjs';
import { authKey, startServer } from './support/server.mjs';

const modules = {
  '@libsql/client/web': '@libsql/client/lib-esm/web.js',
  '@libsql/core/api': '@libsql/core/lib-esm/api.js',
  '@libsql/core/config': '@libsql/core/lib-esm/config.js',
  '@libsql/core/uri': '@libsql/core/lib-esm/uri.js',
  '@libsql/core/util': '@libsql/core/lib-esm/util.js',
  '@libsql/hrana-client': '@libsql/hrana-client/lib-esm/index.js',
  '@libsql/isomorphic-ws': '@libsql/isomorphic-ws/web.mjs',
  'js-base64': 'js-base64/base64.mjs',
  'promise-limit': 'promise-limit/index.js',
};
const importMap = JSON.stringify({ imports: Object.fromEntries(Object.entries(modules).map(([name, path]) => [name, `/modules/${path}`])) });
const html = `<!doctype html><title>client</title><script type="importmap">${importMap}</script>
<script type="module">import * as client from '@libsql/client/web'; globalThis.libsql = client;</script>`;

// The page and the packages as they are installed; the one in CommonJS gets what a bundler would put around it.
const pages = createServer((request, response) => {
  try {
    if (request.url === '/') return response.setHeader('content-type', 'text/html').end(html);
    const path = decodeURI(new URL(request.url, 'http://x').pathname);
    if (!path.startsWith('/modules/') || path.includes('..')) return response.writeHead(404).end();
    let text = readFileSync(fileURLToPath(new URL(`../../node_modules/${path.slice(9)}`, import.meta.url)), 'utf8');
    if (path.endsWith(modules['promise-limit'])) text = `const module = { exports: {} };\n${text}\nexport default module.exports;`;
    response.setHeader('content-type', 'text/javascript').end(text);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));

const key = authKey();
const server = await startServer({ args: ['--auth-jwt-key-file', key.file] });
const page = await Page.open(process.argv[3]);
await page.go(`http://127.0.0.1:${pages.address().port}/`);
await until('the page has loaded the client', () => page.evaluate('globalThis.libsql !== undefined'));

const token = key.token({ a: 'rw' });
// Runs the body of an async function of `client` in the page; its value comes back as JSON.
function inPage(url, body, authToken = token) {
  return page.evaluate(`(async () => {
    const client = libsql.createClient(${JSON.stringify({ url, authToken })});
    try { return await (async (client) => { ${body} })(client); } finally { client.close(); }
  })()`);
}

testEach([{ label: 'fetch', url: server.url }, { label: 'WebSocket', url: server.wsUrl }], ({ label, url }, test) => {
  const table = `web_${label}`;
  test('the origin of the page is another than the server’s', async () => {
    assert.notEqual(await page.evaluate('location.origin'), server.url);
  });
  test('statements with arguments, and values of every type', async () => {
    assert.deepEqual(await inPage(url, `
      await client.execute('CREATE TABLE ${table}(id INTEGER PRIMARY KEY, v)');
      const { rowsAffected, lastInsertRowid } = await client.execute({ sql: 'INSERT INTO ${table}(v) VALUES (?), (?)', args: ['a', 'b'] });
      const { rows } = await client.execute({ sql: 'SELECT :i, :r, :t, :b, :n', args: { i: 9007199254740991, r: 1.5, t: 'täxt', b: new Uint8Array([0, 255]), n: null } });
      return [rowsAffected, Number(lastInsertRowid), rows[0][0], rows[0][1], rows[0][2], [...new Uint8Array(rows[0][3])], rows[0][4]];`),
    [2, 2, 9007199254740991, 1.5, 'täxt', [0, 255], null]);
  });
  test('a batch is one transaction', async () => {
    assert.deepEqual(await inPage(url, `
      const results = await client.batch(['INSERT INTO ${table}(v) VALUES (1)', 'SELECT count(*) FROM ${table}'], 'write');
      let message = 'no error';
      try { await client.batch(['INSERT INTO ${table}(v) VALUES (2)', 'SELECT nope'], 'write'); } catch (error) { message = error.message; }
      return [results[1].rows[0][0], /no such column/.test(message), (await client.execute('SELECT count(*) FROM ${table}')).rows[0][0]];`),
    [3, true, 3]);
  });
  test('an interactive transaction', async () => {
    assert.deepEqual(await inPage(url, `
      const counts = [];
      for (const end of ['commit', 'rollback']) {
        const transaction = await client.transaction('write');
        await transaction.execute("INSERT INTO ${table}(v) VALUES ('tx')");
        await transaction[end]();
        counts.push((await client.execute('SELECT count(*) FROM ${table}')).rows[0][0]);
      }
      return counts;`), [4, 4]);
  });
  test('migrate', async () => {
    assert.equal(await inPage(url, `
      await client.migrate(['CREATE TABLE ${table}_m(a)', 'ALTER TABLE ${table}_m ALTER COLUMN a TO a INTEGER NOT NULL DEFAULT 5', 'INSERT INTO ${table}_m DEFAULT VALUES']);
      return (await client.execute('SELECT a FROM ${table}_m')).rows[0][0];`), 5);
  });
  test('a token that is none is refused with a code that the page can read', async () => {
    const outcome = await inPage(url, `try { await client.execute('SELECT 1'); return 'no error'; } catch (error) { return error.message; }`, 'nope');
    assert.match(outcome, /401|auth|token|JWT|Unauthorized/i);
  });
});

await run({
  after: async () => {
    await page.close();
    pages.close();
    assert.equal(await server.stop(), 0);
  },
});
