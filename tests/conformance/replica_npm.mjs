// The published npm package libsql (native) as an embedded replica of `libsql serve`: first and later syncs, writes that the primary
// runs, transactions, encryption, restarts and kills of the primary, namespaces and tokens. Its calls block this process until the
// server has answered. node replica_npm.mjs LIBSQL
//
// What that client (0.5.29) does by itself, and the tests avoid: get() keeps its statement open and with it an old state, so
// everything is read with all(); a closed replica's main file is not complete without its -wal.
import Database from 'libsql';
import { createClient } from '@libsql/client';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { assert, run, test, until } from './support/check.mjs';
import { authKey, startServer, temporaryFile } from './support/server.mjs';

const program = process.argv[2];
const startPrimary = ({ args = [], ...options } = {}) => startServer({ ...options, args: ['--replication-log', ...args] });
let files = 0;
const newFile = () => temporaryFile(`replica-${++files}.db`);
const all = (db, sql, ...args) => db.prepare(sql).all(...args);
const count = (db, table = 't') => all(db, `SELECT count(*) AS n FROM ${table}`)[0].n;

function replicaOf(server, options = {}, file = newFile()) {
  const db = new Database(file, { syncUrl: server.url, authToken: '', ...options });
  db.file = file;
  return db;
}

// What the replica's files hold, read by the program: opens a copy, with its log.
function onDisk(db, sql) {
  const copy = newFile();
  copyFileSync(db.file, copy);
  if (existsSync(`${db.file}-wal`)) copyFileSync(`${db.file}-wal`, `${copy}-wal`);
  return execFileSync(program, [copy, sql], { encoding: 'utf8' }).trim();
}

async function withPrimary(body, { setup = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v)', ...options } = {}) {
  const server = await startPrimary(options);
  const direct = createClient({ url: server.url, authToken: options.token });
  try {
    if (setup) await direct.executeMultiple(setup);
    await body(server, direct);
  } finally {
    direct.close();
    assert.equal(await server.stop(), 0);
  }
}

test('first sync, sync with nothing new, sync of what came since', () => withPrimary(async (server, direct) => {
  await direct.execute("INSERT INTO t(v) VALUES ('a'), ('b')");
  const db = replicaOf(server);
  const first = db.sync();
  assert.equal(first.frames_synced, 3);  // schema, root of the table, its row
  assert.equal(first.frame_no, 2);
  assert.deepEqual(all(db, 'SELECT id, v FROM t').map((row) => row.v), ['a', 'b']);
  assert.equal(db.sync().frames_synced, 0);
  await direct.execute("INSERT INTO t(v) VALUES ('c')");
  assert.equal(count(db), 2);
  assert.deepEqual([db.sync().frames_synced, count(db)], [1, 3]);
  assert.equal(onDisk(db, 'PRAGMA integrity_check; SELECT group_concat(v) FROM t'), 'ok\na,b,c');
  db.close();
}));

test('an empty primary, whose first table comes through the replica', () => withPrimary(async (server, direct) => {
  const db = replicaOf(server);
  db.sync();
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v)');
  db.prepare('INSERT INTO t(v) VALUES (?)').run('x');
  assert.equal(count(db), 1);
  assert.equal((await direct.execute('SELECT v FROM t')).rows[0].v, 'x');
  db.close();
}, { setup: '' }));

test('writes go to the primary, and what is written is read', () => withPrimary(async (server, direct) => {
  const db = replicaOf(server);
  db.sync();
  const result = db.prepare('INSERT INTO t(v) VALUES (?)').run('one');
  assert.deepEqual([result.changes, result.lastInsertRowid], [1, 1]);
  assert.deepEqual(all(db, 'INSERT INTO t(v) VALUES (?) RETURNING id, v', 'two').map((row) => [row.id, row.v]), [[2, 'two']]);
  assert.equal(count(db), 2);
  assert.equal(db.prepare('UPDATE t SET v = ? WHERE id = ?').run('uno', 1).changes, 1);
  db.prepare('INSERT INTO t(v) VALUES (?)').run([Buffer.from([0, 1, 255])]);
  db.prepare('INSERT INTO t(v) VALUES (?)').run([null]);
  assert.deepEqual(all(db, 'SELECT v FROM t ORDER BY id').map((row) => (row.v instanceof ArrayBuffer || row.v instanceof Uint8Array ? [...new Uint8Array(row.v)] : row.v)),
    ['uno', 'two', [0, 1, 255], null]);
  assert.equal((await direct.execute('SELECT count(*) AS n FROM t')).rows[0].n, 4);
  db.close();
}));

test('named parameters, which end this process where the names begin at 0', () => withPrimary(async (server) => {
  const db = replicaOf(server);
  db.sync();
  db.prepare('INSERT INTO t(id, v) VALUES (:id, :v)').run({ id: 7, v: 'named' });
  assert.deepEqual(all(db, 'SELECT id, v FROM t').map((row) => [row.id, row.v]), [[7, 'named']]);
  db.close();
}));

test('errors of the primary have their codes', () => withPrimary(async (server) => {
  const db = replicaOf(server);
  db.sync();
  db.prepare('INSERT INTO t(id) VALUES (1)').run();
  assert.throws(() => db.prepare('INSERT INTO t(id) VALUES (1)').run(), /UNIQUE constraint failed: t\.id/);
  assert.throws(() => db.prepare('INSERT INTO missing VALUES (1)').run(), /no such table: missing/);
  assert.equal(count(db), 1);
  db.close();
}));

test('transactions: committed, rolled back, and reading what they wrote', () => withPrimary(async (server, direct) => {
  const db = replicaOf(server);
  db.sync();
  db.exec('BEGIN');
  db.prepare('INSERT INTO t(v) VALUES (?)').run('inside');
  assert.equal(count(db), 1, 'inside the transaction');
  assert.equal((await direct.execute('SELECT count(*) AS n FROM t')).rows[0].n, 0, 'outside it');
  db.exec('COMMIT');
  assert.equal((await direct.execute('SELECT count(*) AS n FROM t')).rows[0].n, 1);
  db.exec('BEGIN');
  db.prepare('DELETE FROM t').run();
  db.exec('ROLLBACK');
  assert.equal(count(db), 1);
  const insertMany = db.transaction((rows) => {
    for (const v of rows) db.prepare('INSERT INTO t(v) VALUES (?)').run(v);
  });
  insertMany(['a', 'b', 'c']);
  assert.throws(() => db.transaction(() => {
    db.prepare('DELETE FROM t').run();
    throw new Error('changed my mind');
  })(), /changed my mind/);
  assert.equal(count(db), 4);
  db.close();
}));

test('two replicas: each sees what the other wrote after its sync', () => withPrimary(async (server) => {
  const [a, b] = [replicaOf(server), replicaOf(server)];
  a.sync();
  b.sync();
  for (let i = 0; i < 20; ++i) a.prepare('INSERT INTO t(v) VALUES (?)').run(`a${i}`);
  assert.equal(count(b), 0);
  assert.equal(b.sync().frames_synced, 20);
  assert.equal(count(b), 20);
  b.prepare('DELETE FROM t WHERE id > 10').run();
  a.sync();
  assert.equal(count(a), 10);
  a.close();
  b.close();
}));

test('a large commit, a schema that changes, a database that shrinks', () => withPrimary(async (server, direct) => {
  const db = replicaOf(server);
  db.sync();
  await direct.execute('INSERT INTO t(v) SELECT randomblob(3000) FROM generate_series(1, 3000)');
  assert.ok(db.sync().frames_synced > 3000);
  assert.equal(count(db), 3000);
  await direct.executeMultiple('ALTER TABLE t ADD COLUMN w; UPDATE t SET w = id; CREATE INDEX tw ON t(w); DELETE FROM t WHERE id > 5');
  execFileSync(program, [server.db, 'VACUUM']);  // another process
  db.sync();
  assert.deepEqual(all(db, 'SELECT sum(w) AS s FROM t')[0].s, 15);
  assert.equal(onDisk(db, 'PRAGMA integrity_check; SELECT count(*) FROM t; PRAGMA page_count'), (await direct.execute('PRAGMA page_count'))
    .rows.map((row) => `ok\n5\n${row.page_count}`)[0]);
  db.close();
}));

test('a commit beyond what one message may hold, and a log that keeps nothing: through snapshots', async () => {
  await withPrimary(async (server, direct) => {
    await direct.execute('INSERT INTO t(v) SELECT randomblob(4000) FROM generate_series(1, 6000)');
    const db = replicaOf(server);
    db.sync();
    assert.equal(count(db), 6000);
    assert.equal(onDisk(db, 'PRAGMA integrity_check'), 'ok');
    db.close();
  });
  await withPrimary(async (server, direct) => {
    const db = replicaOf(server);
    for (let i = 0; i < 3; ++i) {
      await direct.execute("INSERT INTO t(v) VALUES ('x')");
      db.sync();
      assert.equal(count(db), i + 1);
    }
    db.prepare('INSERT INTO t(v) VALUES (?)').run('y');
    assert.equal(count(db), 4);
    assert.equal(onDisk(db, 'PRAGMA integrity_check'), 'ok');
    db.close();
  }, { args: ['--max-log-size', '0'] });
});

test('an encrypted replica: no plain text in its files', () => withPrimary(async (server) => {
  const secret = 'a sentence that nobody else may read';
  const file = newFile();
  const options = { encryptionCipher: 'aes256cbc', encryptionKey: 'secret' };
  const db = replicaOf(server, options, file);
  db.sync();
  db.prepare('INSERT INTO t(v) VALUES (?)').run(secret);
  assert.equal(all(db, 'SELECT v FROM t')[0].v, secret);
  for (const name of [file, `${file}-wal`]) assert.equal(readFileSync(name).includes(secret), false, name);
  db.close();
  const again = replicaOf(server, options, file);
  again.sync();
  assert.equal(all(again, 'SELECT v FROM t')[0].v, secret);
  again.close();
}));

test('the primary ends and comes back: the replica goes on where it was', async () => {
  const file = temporaryFile('restarted.db');
  let server = await startPrimary({ db: file });
  const port = server.port;
  const db = replicaOf(server);
  db.sync();
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v)');
  for (let i = 0; i < 50; ++i) db.prepare('INSERT INTO t(v) VALUES (?)').run(`row ${i}`);
  const log = existsSync(`${file}-log`);
  assert.ok(log);
  for (const end of ['stop', 'kill', 'kill', 'stop']) {
    await server[end]();
    assert.throws(() => db.prepare('INSERT INTO t(v) VALUES (1)').run());
    const before = count(db);
    assert.ok(before >= 50, 'reads go on');
    server = await startPrimary({ db: file, port });
    db.prepare('INSERT INTO t(v) VALUES (?)').run(end);
    assert.equal(count(db), before + 1);
    assert.ok(db.sync().frames_synced < 5, 'not everything once more');
  }
  db.close();
  await server.stop();
});

test('another database in the place of the primary\'s: the replica begins again', async () => {
  const file = temporaryFile('replaced.db');
  let server = await startPrimary({ db: file });
  const port = server.port;
  const db = replicaOf(server);
  db.sync();
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  for (let i = 0; i < 20; ++i) db.prepare('INSERT INTO t(v) VALUES (?)').run('of before');
  await server.stop();
  for (const name of [file, `${file}-wal`, `${file}-shm`]) rmSync(name, { force: true });
  execFileSync(program, [file, "CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t(v) VALUES ('of another')"]);
  server = await startPrimary({ db: file, port });
  db.sync();
  assert.deepEqual(all(db, 'SELECT v FROM t').map((row) => row.v), ['of another']);
  assert.equal(onDisk(db, 'PRAGMA integrity_check'), 'ok');
  db.close();
  await server.stop();
});

test('tokens: of whom may read nothing, only read, write; none; a wrong one', async () => {
  const key = authKey();
  const server = await startPrimary({ args: ['--auth-jwt-key-file', key.file] });
  const writer = replicaOf(server, { authToken: key.token({ a: 'rw' }) });
  writer.sync();
  writer.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v)');
  const reader = replicaOf(server, { authToken: key.token({ a: 'ro' }) });
  reader.sync();
  assert.equal(count(reader), 0);
  assert.throws(() => reader.prepare('INSERT INTO t(v) VALUES (1)').run(), /[Ff]orbidden/);
  assert.throws(() => replicaOf(server, { authToken: 'nonsense' }).sync());
  reader.close();
  writer.close();
  await server.stop();
}, { timeout: 60_000 });

test('sync by itself', () => withPrimary(async (server, direct) => {
  const db = replicaOf(server, { syncPeriod: 0.1 });
  await direct.execute("INSERT INTO t(v) VALUES ('x')");
  const isThere = () => all(db, "SELECT count(*) AS n FROM sqlite_schema WHERE name = 't'")[0].n === 1 && count(db) === 1;
  await until('the replica has synced by itself', isThere);
  assert.equal(count(db), 1);
  db.close();
}));

test('@libsql/client with syncUrl: execute, batch, transaction, executeMultiple', () => withPrimary(async (server, direct) => {
  const client = createClient({ url: `file:${newFile()}`, syncUrl: server.url });
  await client.sync();
  await client.execute({ sql: 'INSERT INTO t(v) VALUES (?)', args: ['one'] });
  await client.batch(["INSERT INTO t(v) VALUES ('two')", "INSERT INTO t(v) VALUES ('three')"], 'write');
  await assert.rejects(client.batch(["INSERT INTO t(v) VALUES ('four')", 'INSERT INTO missing VALUES (1)'], 'write'));
  const tx = await client.transaction('write');
  await tx.execute("INSERT INTO t(v) VALUES ('five')");
  await tx.commit();
  await client.executeMultiple("INSERT INTO t(v) VALUES ('six'); INSERT INTO t(v) VALUES ('seven')");
  const rows = (await client.execute('SELECT v FROM t ORDER BY id')).rows.map((row) => row.v);
  assert.deepEqual(rows, ['one', 'two', 'three', 'five', 'six', 'seven']);
  assert.deepEqual((await direct.execute('SELECT v FROM t ORDER BY id')).rows.map((row) => row.v), rows);
  client.close();
}));

await run();
