// The web console in a headless Chromium. node console.mjs LIBSQL CHROMIUM
import { assert, run, test, until } from './support/check.mjs';
import { Page } from './support/browser.mjs';
import { startServer } from './support/server.mjs';

const browser = process.argv[3];
const server = await startServer({ args: ['--console'] });
const page = await Page.open(browser);
const text = (selector) => page.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText`);

// Types SQL, runs it as a click does, and waits for the end.
async function runSql(sql) {
  await page.evaluate(`document.getElementById('sql').value = ${JSON.stringify(sql)}; document.getElementById('run').click()`);
  await until('the button can be used again', () => page.evaluate(`!document.getElementById('run').disabled`));
  return text('#results');
}

test('the page opens and connects', async () => {
  await page.go(`${server.url}/console`);
  assert.equal(await page.evaluate('document.title'), 'libsql console');
  await until('it is connected', async () => (await text('#state')) === 'connected');
  assert.equal(await text('#schema'), 'No tables yet');
});

test('a script runs statement by statement, and the schema follows', async () => {
  const shown = await runSql(`CREATE TABLE things(id INTEGER PRIMARY KEY, name TEXT, size REAL, raw BLOB); -- a; remark
    INSERT INTO things VALUES (1, 'a;b', 1.5, x'00ff'), (9007199254740993, 'it''s', NULL, NULL);
    CREATE TRIGGER t AFTER DELETE ON things BEGIN INSERT INTO things(name) VALUES ('gone'); SELECT 1; END;
    SELECT * FROM things`);
  assert.match(shown, /2 rows changed/);
  assert.match(shown, /9007199254740993\tit's\tNULL\tNULL/);
  assert.match(shown, /1\ta;b\t1.5\tblob, 2 bytes/);
  await until('the table is listed', async () => (await text('#schema')).includes('things'));
});

test('the columns of a table are listed, and a click shows its rows', async () => {
  assert.deepEqual(
    await page.evaluate(`[...document.querySelectorAll('#schema li')].map((item) => item.textContent)`),
    ['id INTEGER (key)', 'name TEXT', 'size REAL', 'raw BLOB']);
  await page.evaluate(`document.querySelector('#schema summary button').click()`);
  await until('rows are shown', async () => (await text('#results')).includes('2 rows'));
});

test('an error is shown with its code, and what follows still runs', async () => {
  const shown = await runSql('SELECT * FROM missing; SELECT 42 AS answer');
  assert.match(shown, /no such table: missing \(SQLITE_UNKNOWN\)/);
  assert.match(shown, /answer\n42/);
});

test('what a database holds is text to the page, never markup', async () => {
  await runSql(`SELECT '<img src=x onerror="window.hit = 1"><b>bold</b>' AS "<i>column</i>"`);
  assert.equal(await page.evaluate('window.hit'), undefined);
  assert.equal(await page.evaluate(`document.querySelectorAll('#results img, #results b, #results i').length`), 0);
  assert.match(await text('#results'), /<b>bold<\/b>/);
});

test('many rows are cut to what a page can show', async () => {
  const shown = await runSql(`WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 5000) SELECT i FROM c`);
  assert.match(shown, /5000 rows, the first 1000 are shown/);
  assert.equal(await page.evaluate(`document.querySelectorAll('#results tbody tr').length`), 1000);
});

test('the page may load nothing from elsewhere', async () => {
  const refused = await page.evaluate(
    `fetch('http://127.0.0.2:1/').then(() => 'answered', (error) => String(error))`);
  assert.match(refused, /TypeError/);
  assert.ok(page.messages.some((message) => message.includes('Content Security Policy')), page.messages.join('\n'));
});

test('without --console there is no page', async () => {
  const other = await startServer();
  assert.equal((await fetch(`${other.url}/console`)).status, 404);
  await other.stop();
});

await run({ after: async () => {
  await page.close();
  await server.stop();
} });
