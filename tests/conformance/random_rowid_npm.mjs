// Tables with RANDOM ROWID between libSQL's npm package and this library: each reads and writes what the other has made.
//   node random_rowid_npm.mjs LIBSQL        exit 77: the package is not installed
import { createClient } from '@libsql/client';
import { spawnSync } from 'node:child_process';
import { assert, run, test } from './support/check.mjs';
import { startServer, temporaryFile } from './support/server.mjs';

let Database;
try {
  ({ default: Database } = await import('libsql'));
} catch {
  console.log('skipped: the npm package libsql is not installed');
  process.exit(77);
}

const statements = ['CREATE TABLE t(a UNIQUE, b) RANDOM ROWID', 'CREATE TABLE s(id INTEGER PRIMARY KEY, a INT) STRICT, random /* */ rowid',
  'CREATE TABLE w(k PRIMARY KEY, v) RANDOM ROWID, WITHOUT ROWID', "INSERT INTO t VALUES (1, 'x'), (2, 'y')", 'INSERT INTO s(a) VALUES (3)',
  "INSERT INTO w VALUES ('k', 1)"];
const schema = 'SELECT group_concat(sql, x\'0a\') FROM sqlite_schema WHERE sql IS NOT NULL';
const rows = "SELECT group_concat(a || b, ' ') || (SELECT sum(a) FROM s) || (SELECT k FROM w), min(rowid) > 2 FROM t";

// What the shell prints for this SQL text, or the error.
function shell(file, sql) {
  const { stdout, stderr } = spawnSync(process.argv[2], [file], { input: sql, encoding: 'utf8' });
  return (stdout + stderr).trim();
}
function theirs(file, ...sql) {
  const db = new Database(file);
  let answer = '';
  for (const text of sql) {
    const statement = db.prepare(text);
    if (/^(SELECT|PRAGMA)/.test(text)) answer = statement.raw().all().map((row) => row.join('|')).join('\n');
    else statement.run();
  }
  db.close();
  return answer;
}

test('what libSQL makes is read, changed and given back', () => {
  const file = temporaryFile('theirs.db');
  const written = theirs(file, ...statements, schema);
  assert.equal(shell(file, schema), written);
  assert.match(shell(file, rows), /\|1$/);
  for (const sql of ["INSERT INTO t VALUES (4, 'ours')", 'INSERT INTO s(a) VALUES (5)', 'ALTER TABLE t RENAME TO u', 'ALTER TABLE u ADD COLUMN c',
    'VACUUM', 'ALTER TABLE u RENAME TO t']) {
    assert.equal(shell(file, sql), '', sql);
    assert.equal(shell(file, 'PRAGMA integrity_check'), 'ok', sql);
  }
  assert.equal(theirs(file, "INSERT INTO t VALUES (6, 'theirs', 0)", 'SELECT count(*), count(DISTINCT rowid), min(rowid) > 4 FROM t'), '4|4|1');
  assert.equal(theirs(file, 'PRAGMA integrity_check'), 'ok');
  assert.equal(shell(file, 'SELECT count(*) FROM t; PRAGMA integrity_check'), '4\nok');
});

test('what is made here is read by libSQL', () => {
  const file = temporaryFile('ours.db');
  assert.equal(shell(file, statements.join(';\n')), '');
  assert.equal(theirs(file, schema), shell(file, schema));
  assert.equal(theirs(file, rows), shell(file, rows));
  assert.equal(theirs(file, 'PRAGMA integrity_check'), 'ok');
});

test('what libSQL refuses is refused in its words', () => {
  for (const sql of ['CREATE TABLE e(a INTEGER PRIMARY KEY AUTOINCREMENT) RANDOM ROWID', 'CREATE TABLE e(a) RANDOM ROW_ID',
    'CREATE TABLE e(a) RANDOM ROWID, WITHOUT ROWID', 'CREATE TABLE e(a) RANDOM ROWID WITHOUT ROWID', 'CREATE TABLE e(a) "random" rowid']) {
    let message = '';
    try {
      theirs(':memory:', sql);
    } catch (error) {
      message = error.message;
    }
    assert.notEqual(message, '');
    assert.ok(shell(':memory:', sql).includes(message), `${shell(':memory:', sql)} instead of ${message}`);
  }
});

test('VACUUM mends the order of rows that libSQL’s VACUUM has left', () => {
  const file = temporaryFile('vacuumed.db');
  theirs(file, 'CREATE TABLE t(a) RANDOM ROWID', 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT i FROM n',
    'VACUUM');
  assert.equal(shell(file, 'SELECT count(*), sum(a) FROM t; VACUUM; PRAGMA integrity_check; SELECT count(*), sum(a) FROM t'), '500|125250\nok\n500|125250');
  assert.equal(theirs(file, 'PRAGMA integrity_check'), 'ok');
});

test('a server takes the statements from libSQL’s client, and its dump can be loaded by libSQL', async () => {
  const server = await startServer(process.argv[2]);
  const client = createClient({ url: server.url });
  await client.batch(statements, 'write');
  const { lastInsertRowid } = await client.execute("INSERT INTO t VALUES (7, 'z')");
  assert.ok(lastInsertRowid > 7n);
  const dump = await (await fetch(`${server.url}/dump`)).text();
  await server.stop();
  const db = new Database(':memory:');
  db.exec(dump);
  assert.equal(db.prepare('SELECT count(*) FROM t').raw().get()[0], 3);
  assert.match(db.prepare("SELECT sql FROM sqlite_schema WHERE name = 't'").raw().get()[0], /RANDOM ROWID$/);
});

await run();
