// Databases that libSQL's npm package encrypted are read and written here, and the reverse; and plain files written here
// open in the sqlite3 program.
//   node encryption_npm.mjs TOOL SQLITE3 PROJECT_DIR        exit 77: the package is not installed
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [tool, sqlite3, project] = process.argv.slice(2);
if (!existsSync(join(project, 'node_modules/libsql'))) {
  console.log('skipped: the npm package libsql is not installed');
  process.exit(77);
}
const Database = createRequire(join(project, 'package.json'))('libsql');
const folder = mkdtempSync(join(tmpdir(), 'libsql-encryption-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

let checks = 0;
const failures = [];
function check(what, actual, expected) {
  checks += 1;
  if (actual !== expected) failures.push(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

// This library: the cells, one a line; after a failure the name of its error code.
function ours(file, sql, { cipher = 'aes256cbc', key = 'the key', mode = 'wal' } = {}) {
  const run = spawnSync(tool, [file, cipher, mode, sql], {
    env: { ...process.env, LIBSQL_TEST_KEY: key }, encoding: 'utf8', maxBuffer: 1 << 26,
  });
  if (run.signal !== null) throw new Error(`the tool died of ${run.signal}`);
  return run.stdout.trimEnd();
}

// The npm package: `use` gets the open database.
function theirs(file, use, key = 'the key') {
  const db = new Database(file, { encryptionCipher: 'aes256cbc', encryptionKey: key });
  try {
    return use(db);
  } finally {
    db.close();
  }
}
function theirValue(file, sql) {
  return theirs(file, (db) => Object.values(db.prepare(sql).get())[0]);
}
const looksEncrypted = (file) => !readFileSync(file).subarray(0, 15).equals(Buffer.from('SQLite format 3'));

const manyRows =
  "CREATE TABLE big(id INTEGER PRIMARY KEY, body TEXT); " +
  'INSERT INTO big WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 2000) ' +
  "SELECT x, printf('%d-%s', x, hex(zeroblob(100))) FROM c";
const digest = "SELECT count(*) || ' ' || sum(length(body)) || ' ' || min(body) FROM big";

// Theirs, then ours, then theirs again.
{
  const file = join(folder, 'theirs.db');
  theirs(file, (db) => {
    db.exec("CREATE TABLE t(a INTEGER, b TEXT, c BLOB); INSERT INTO t VALUES (1, 'theirs', x'00ff')");
    db.exec(manyRows);
  });
  check('theirs is encrypted', looksEncrypted(file), true);
  check('theirs reads here', ours(file, 'SELECT a, b, c FROM t'), "1\n'theirs'\nx'00ff'");
  check('their many rows read here', ours(file, digest), `'${theirValue(file, digest)}'`);
  check('theirs is sound here', ours(file, 'PRAGMA integrity_check'), "'ok'");
  check('a wrong key is refused here', ours(file, 'SELECT 1', { key: 'other' }), 'NotADatabase');
  check('another cipher is refused here', ours(file, 'SELECT 1', { cipher: 'chacha20' }), 'NotADatabase');
  ours(file, "INSERT INTO t VALUES (2, 'ours', NULL); UPDATE big SET body = body || 'x' WHERE id % 2");
  check('what was written here reads there', theirValue(file, "SELECT group_concat(b) FROM t"), 'theirs,ours');
  check('many rows changed here read there', theirValue(file, digest), ours(file, digest).slice(1, -1));
  check('it is sound there', theirValue(file, 'PRAGMA integrity_check'), 'ok');
  check('still encrypted', looksEncrypted(file), true);
}

// Ours, then theirs, then ours again; in both journal modes.
for (const mode of ['wal', 'delete']) {
  const file = join(folder, `ours-${mode}.db`);
  check(`${mode}: ours is made`, ours(file, `CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'ours'); ${manyRows}`, { mode }), '');
  check(`${mode}: ours is encrypted`, looksEncrypted(file), true);
  check(`${mode}: ours reads there`, theirValue(file, 'SELECT b FROM t'), 'ours');
  check(`${mode}: our many rows read there`, theirValue(file, digest), ours(file, digest, { mode }).slice(1, -1));
  theirs(file, (db) => db.exec("INSERT INTO t VALUES (2, 'theirs')"));
  check(`${mode}: what was written there reads here`, ours(file, 'SELECT group_concat(b) FROM t', { mode }), "'ours,theirs'");
  check(`${mode}: sound on both sides`,
    ours(file, 'PRAGMA integrity_check', { mode }) + theirValue(file, 'PRAGMA integrity_check'), "'ok'ok");
  let refused = false;
  try {
    theirs(file, (db) => db.prepare('SELECT * FROM t').all(), 'other');
  } catch {
    refused = true;
  }
  check(`${mode}: a wrong key is refused there`, refused, true);
}

// Plain files in the sqlite3 program, and back.
for (const mode of ['wal', 'delete']) {
  const file = join(folder, `plain-${mode}.db`);
  ours(file, `CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'ours'); ${manyRows}`, { cipher: 'none', mode });
  const shell = (sql) => {
    const run = spawnSync(sqlite3, ['-batch', '-init', '/dev/null', file, sql], { encoding: 'utf8' });
    return (run.stdout + run.stderr).trim();
  };
  check(`${mode}: sqlite3 finds it sound`, shell('PRAGMA integrity_check'), 'ok');
  check(`${mode}: sqlite3 sees the mode`, shell('PRAGMA journal_mode'), mode);
  check(`${mode}: sqlite3 reads it`, shell('SELECT b FROM t'), 'ours');
  check(`${mode}: sqlite3 reads many rows`, shell(digest), ours(file, digest, { cipher: 'none', mode }).slice(1, -1));
  check(`${mode}: sqlite3 writes it`, shell("INSERT INTO t VALUES (2, 'theirs')"), '');
  check(`${mode}: and it reads here`, ours(file, 'SELECT b FROM t WHERE a = 2', { cipher: 'none', mode }), "'theirs'");
  check(`${mode}: sound here`, ours(file, 'PRAGMA integrity_check', { cipher: 'none', mode }), "'ok'");
  const plain = new Database(file);
  check(`${mode}: npm libsql reads it`, plain.prepare('SELECT group_concat(b) AS b FROM t').get().b, 'ours,theirs');
  plain.close();
}

console.log(`${checks} checks, ${failures.length} failures`);
for (const failure of failures) console.log(failure);
process.exit(failures.length === 0 ? 0 : 1);
