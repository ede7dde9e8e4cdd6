// Files in which libSQL's npm package has made vector indexes: what the shell and the server read of them, which writes they
// refuse, and that libSQL still reads and writes what they left.
//   node vector_index_npm.mjs LIBSQL [SQLITE3]        exit 77: the package is not installed
import { createClient } from '@libsql/client';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { assert, run, test, testEach } from './support/check.mjs';
import { startServer, temporaryFile } from './support/server.mjs';

let Database;
try {
  ({ default: Database } = await import('libsql'));
} catch {
  console.log('skipped: the npm package libsql is not installed');
  process.exit(77);
}

const sqlite3 = process.argv[3];  // another build of SQLite
const refusal = /table "\w+" has a vector index made by libSQL, which this version cannot keep: DROP INDEX "\w+" to write to the table/;
const vector = (seed, n) => `[${Array.from({ length: n }, (_, i) => ((seed * 7919 + i * 104729) % 1000) / 500 - 1).join(',')}]`;

let files = 0;
function makeFile() {
  const file = temporaryFile(`vectors-${++files}.db`);
  const db = new Database(file);
  db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, title TEXT, body TEXT, v F32_BLOB(32));
    CREATE INDEX i ON t(libsql_vector_idx(v, 'compress_neighbors=float1bit'));
    CREATE TABLE w(email TEXT PRIMARY KEY, body TEXT, v F32_BLOB(4)) WITHOUT ROWID;
    CREATE INDEX wi ON w(libsql_vector_idx(v)) WHERE email LIKE 'a%'`);
  const insert = db.prepare('INSERT INTO t VALUES (?, ?, ?, vector32(?))');
  for (let id = 1; id <= 40; ++id) insert.run(id, `title ${id}`, 'x'.repeat(200), vector(id, 32));
  for (const name of ['anna', 'bert', 'carl']) db.prepare('INSERT INTO w VALUES (?, ?, vector32(?))').run(name, 'y', vector(name.length, 4));
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  return file;
}

// What the shell prints for this SQL text, or the error.
function shell(file, sql) {
  const { stdout, stderr } = spawnSync(process.argv[2], [file], { input: sql, encoding: 'utf8' });
  return (stdout + stderr).trim();
}
function nearest(file, id) {
  const db = new Database(file);
  const rows = db.prepare("SELECT id FROM vector_top_k('i', vector32(?), 1)").all(vector(id, 32));
  db.close();
  return rows.map((row) => row.id);
}

const queries = ['SELECT count(*) FROM t', 'SELECT count(id) FROM t', 'SELECT max(id) FROM t', 'SELECT count(*) FROM (SELECT id FROM t)',
  'SELECT count(v) FROM t', 'SELECT count(title) FROM t', 'SELECT sum(id) * 2 / 41 FROM t'];
const writes = ["INSERT INTO t(title) VALUES ('x')", 'DELETE FROM t', 'DELETE FROM t WHERE id = 3', 'UPDATE t SET v = NULL',
  'UPDATE t SET id = id + 100', 'REPLACE INTO t SELECT * FROM t', 'DELETE FROM w', "INSERT INTO w(email) VALUES ('axel')"];

test('the shell counts right, refuses writes, and leaves every byte', () => {
  const file = makeFile();
  const before = readFileSync(file);
  for (const sql of queries) assert.equal(shell(file, sql), '40', sql);
  assert.equal(shell(file, 'SELECT count(*) FROM w; SELECT group_concat(email) FROM w'), '3\nanna,bert,carl');
  for (const sql of writes) assert.match(shell(file, sql), refusal, sql);
  assert.equal(shell(file, 'PRAGMA integrity_check; PRAGMA quick_check'), 'ok\nok');
  assert.ok(readFileSync(file).equals(before));
});

test('VACUUM, REINDEX, RENAME and DROP COLUMN keep the file readable and writable by libSQL', () => {
  const file = makeFile();
  const steps = ['REINDEX', 'REINDEX i', 'VACUUM', "UPDATE t SET title = 'new' WHERE id = 7", 'ALTER TABLE t DROP COLUMN body',
    'ALTER TABLE t RENAME COLUMN title TO name', 'ALTER TABLE t RENAME TO u', 'ALTER TABLE u RENAME COLUMN v TO e', 'ANALYZE'];
  for (const sql of steps) {
    assert.equal(shell(file, sql), '', sql);
    assert.equal(shell(file, 'PRAGMA integrity_check'), 'ok', sql);
    assert.deepEqual(nearest(file, 17), [17], sql);
  }
  const db = new Database(file);
  db.prepare("INSERT INTO u(id, name, e) VALUES (41, 'theirs', vector32(?))").run(vector(41, 32));
  db.exec('DELETE FROM u WHERE id = 17; REINDEX');
  assert.deepEqual(db.prepare('PRAGMA integrity_check').all(), [{ integrity_check: 'ok' }]);
  db.close();
  assert.deepEqual(nearest(file, 41), [41]);
  assert.equal(shell(file, 'SELECT count(*), max(id) FROM u; PRAGMA integrity_check'), '40|41\nok');
});

test('after ANALYZE other builds of SQLite count right, too', () => {
  const file = makeFile();
  assert.equal(shell(file, "UPDATE t SET title = 'new' WHERE id = 7; ANALYZE"), '');
  const statistics = shell(file, "SELECT group_concat(tbl || ' ' || idx || ' ' || stat) FROM sqlite_stat1 WHERE idx LIKE '%i'");
  assert.deepEqual(statistics.split(',').sort(), ['t i 40 1 unordered', 'w wi 3 1 unordered']);
  if (sqlite3) {
    for (const sql of queries) assert.equal(spawnSync(sqlite3, [file, sql], { encoding: 'utf8' }).stdout.trim(), '40', sql);
    assert.equal(spawnSync(sqlite3, [file, 'SELECT count(*) FROM w'], { encoding: 'utf8' }).stdout.trim(), '3');
  }
  assert.deepEqual(nearest(file, 17), [17]);
  const db = new Database(file);
  db.exec('REINDEX');
  db.close();
  assert.equal(shell(file, "SELECT stat FROM sqlite_stat1 WHERE idx = 'i'"), '40 1 unordered');
});

test('DROP INDEX frees the table', () => {
  const file = makeFile();
  assert.equal(shell(file, "DROP INDEX i; DELETE FROM t WHERE id > 30; INSERT INTO t(title) VALUES ('x'); SELECT count(*) FROM t"), '31');
  assert.equal(shell(file, 'PRAGMA integrity_check'), 'ok');
});

test('VACUUM INTO and .backup copy what libSQL can search', () => {
  const file = makeFile();
  const [vacuumed, saved] = [`${file}.vacuumed`, `${file}.saved`];
  assert.equal(shell(file, `VACUUM INTO '${vacuumed}';\n.backup ${saved}`), '');
  for (const copy of [vacuumed, saved]) {
    assert.equal(shell(copy, 'SELECT count(*) FROM t; PRAGMA integrity_check'), '40\nok');
    assert.deepEqual(nearest(copy, 23), [23]);
  }
});

const file = makeFile();
const server = await startServer({ db: file });
testEach([{ label: 'http', url: server.url }, { label: 'ws', url: server.wsUrl }], ({ url }, test) => {
  test('the server counts right in every kind of request', async () => {
    const client = createClient({ url });
    for (const sql of queries) assert.equal((await client.execute(sql)).rows[0][0], 40, sql);
    const results = await client.batch(queries, 'read');
    assert.deepEqual(results.map((result) => result.rows[0][0]), queries.map(() => 40));
    client.close();
  });
  test('the server refuses writes with a text that says why, and undoes the batch', async () => {
    const client = createClient({ url });
    for (const sql of writes) {
      await assert.rejects(client.execute(sql), refusal, sql);
      await assert.rejects(client.batch(['CREATE TABLE other(x)', sql], 'write'), refusal, sql);
      await assert.rejects(client.executeMultiple(`SELECT 1; ${sql}`), refusal, sql);
    }
    assert.equal((await client.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'other'")).rows[0][0], 0);
    client.close();
  });
  test('what libSQL writes into the file meanwhile is guarded too', async () => {
    const client = createClient({ url });
    const name = `late_${url.slice(0, 2)}`;
    await client.execute(`CREATE TABLE ${name}(id INTEGER PRIMARY KEY, body TEXT, v F32_BLOB(3))`);
    await client.execute(`INSERT INTO ${name} VALUES (1, printf('%.500c', 'z'), vector32('[1,2,3]'))`);
    const theirs = new Database(file);
    theirs.exec(`CREATE INDEX ${name}_i ON ${name}(libsql_vector_idx(v))`);
    theirs.close();
    assert.equal((await client.execute(`SELECT count(*) FROM ${name}`)).rows[0][0], 1);
    await assert.rejects(client.execute(`DELETE FROM ${name}`), refusal);
    client.close();
  });
});

await run({ after: async () => assert.equal(await server.stop(), 0) });
