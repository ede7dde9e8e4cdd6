// Offline writes: the published npm package libsql with `offline: true` against `libsql serve --offline-sync`, and the protocol's
// requests made by hand, whole and broken. node offline_npm.mjs LIBSQL
import Database from 'libsql';
import { createClient } from '@libsql/client';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { assert, run, test, until } from './support/check.mjs';
import { authKey, startServer, temporaryFile } from './support/server.mjs';

const program = process.argv[2];
const kFrame = 4120;
let files = 0;
const newFile = () => temporaryFile(`offline-${++files}.db`);
const all = (db, sql, ...args) => db.prepare(sql).all(...args);
const values = (db) => all(db, 'SELECT v FROM t ORDER BY id').map((row) => row.v);

function clientOf(server, options = {}, file = newFile()) {
  const db = new Database(file, { syncUrl: server.url, authToken: '', offline: true, ...options });
  db.file = file;
  return db;
}

async function withServer(body, { setup = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v)', args = [], ...options } = {}) {
  const server = await startServer({ ...options, args: ['--offline-sync', ...args] });
  const direct = createClient({ url: server.url });
  try {
    if (setup) await direct.executeMultiple(setup);
    await body(server, direct);
  } finally {
    direct.close();
    assert.equal(await server.stop(), 0);
  }
}

const rows = async (direct) => (await direct.execute('SELECT v FROM t ORDER BY id')).rows.map((row) => row.v);
const generationOf = async (server) => (await (await fetch(`${server.url}/info`)).json()).current_generation;
const push = (server, path, body, headers = {}) => fetch(`${server.url}/sync/${path}`, { method: 'POST', body, headers });

// Frames as another writer would make them: of a copy of the image in which `sql` has run, with its log.
async function framesFor(server, generation, sql) {
  const file = newFile();
  const image = Buffer.from(await (await fetch(`${server.url}/export/${generation}`)).arrayBuffer());
  writeFileSync(file, image);
  const db = new Database(file);
  db.exec('PRAGMA journal_mode=WAL');
  for (const statement of sql) db.exec(statement);
  const log = readFileSync(`${file}-wal`);
  db.close();
  return log.subarray(32);
}

test('bootstrap, writes offline, push, and another client that gets them', () => withServer(async (server, direct) => {
  await direct.execute("INSERT INTO t(v) VALUES ('server')");
  const a = clientOf(server);
  assert.deepEqual(values(a), ['server']);
  a.prepare('INSERT INTO t(v) VALUES (?)').run('a1');
  a.prepare('INSERT INTO t(v) VALUES (?)').run('a2');
  assert.deepEqual(await rows(direct), ['server']);
  a.sync();
  assert.deepEqual(await rows(direct), ['server', 'a1', 'a2']);
  const b = clientOf(server);
  b.sync();
  assert.deepEqual(values(b), ['server', 'a1', 'a2']);
  await direct.execute("INSERT INTO t(v) VALUES ('server again')");
  b.sync();
  assert.deepEqual(values(b), ['server', 'a1', 'a2', 'server again']);
  assert.equal((await direct.execute('PRAGMA integrity_check')).rows[0].integrity_check, 'ok');
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
  const metric = (name) => Number(new RegExp(`^libsql_server_${name}\\{namespace="default"\\} (\\d+)$`, 'm').exec(metrics)[1]);
  assert.ok(metric('replica_pushes_total') >= 1);
  assert.ok(metric('replica_pulls_total') >= 1);
  assert.ok(metric('replica_snapshots_total') >= 2, 'the images that both began with');
  assert.equal(metric('replicas'), 1, 'those of one address that give themselves no name');
}, { args: ['--admin-listen', '127.0.0.1:0'] }));

test('a transaction of more frames than one request takes', () => withServer(async (server, direct) => {
  const a = clientOf(server);
  a.sync();
  a.exec('BEGIN');
  const insert = a.prepare('INSERT INTO t(v) VALUES (?)');
  for (let i = 0; i < 400; ++i) insert.run('x'.repeat(3000) + i);
  a.exec('COMMIT');
  a.sync();
  assert.equal((await direct.execute('SELECT count(*) AS n FROM t')).rows[0].n, 400);
  const b = clientOf(server);
  b.sync();
  assert.deepEqual(values(b), values(a));
  a.prepare('DELETE FROM t WHERE id > 5').run();
  a.sync();
  b.sync();
  assert.equal(values(b).length, 5);
  assert.equal((await direct.execute('PRAGMA integrity_check')).rows[0].integrity_check, 'ok');
}));

test('a conflict is refused, and nothing of it is applied', () => withServer(async (server, direct) => {
  const a = clientOf(server);
  a.sync();
  await direct.execute("INSERT INTO t(v) VALUES ('server')");
  a.prepare('INSERT INTO t(v) VALUES (?)').run('mine');
  assert.throws(() => a.sync(), /InvalidPushFrameConflict|conflict/i);
  assert.deepEqual(await rows(direct), ['server']);
  assert.deepEqual(values(a), ['mine']);
}));

test('tables of all kinds, and a change of the schema', () => withServer(async (server, direct) => {
  const a = clientOf(server);
  a.exec('CREATE TABLE plain(x, y)');
  a.exec('CREATE TABLE pair(x, y, PRIMARY KEY(x, y)) WITHOUT ROWID');
  a.exec('CREATE VIEW seen AS SELECT x FROM plain');
  a.exec('CREATE TRIGGER tr AFTER INSERT ON plain BEGIN INSERT INTO pair VALUES (new.x, new.y); END');
  a.exec('INSERT INTO plain VALUES (1, 9e999), (2, -9e999)');
  a.exec('ALTER TABLE t RENAME TO renamed');
  a.sync();
  assert.deepEqual((await direct.execute('SELECT x, y > 1e308 AS big FROM pair ORDER BY x')).rows.map((row) => [row.x, row.big]), [[1, 1], [2, 0]]);
  assert.equal((await direct.execute('SELECT count(*) AS n FROM renamed')).rows[0].n, 0);
  assert.equal((await direct.execute('SELECT sum(x) AS n FROM seen')).rows[0].n, 3);
}));

test('the server restarts, and is killed', async () => {
  let server = await startServer({ args: ['--offline-sync'] });
  const start = async () => startServer({ db: server.db, port: server.port, args: ['--offline-sync'] });
  let direct = createClient({ url: server.url });
  await direct.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v)');
  const a = clientOf(server);
  a.prepare('INSERT INTO t(v) VALUES (?)').run('before');
  a.sync();
  direct.close();
  const generation = await generationOf(server);
  await server.stop();
  server = await start();
  assert.equal(await generationOf(server), generation);
  a.prepare('INSERT INTO t(v) VALUES (?)').run('between');
  a.sync();
  await server.kill();
  server = await start();
  assert.equal(await generationOf(server), generation);
  direct = createClient({ url: server.url });
  assert.deepEqual(await rows(direct), ['before', 'between']);
  a.prepare('INSERT INTO t(v) VALUES (?)').run('after');
  a.sync();
  assert.deepEqual(await rows(direct), ['before', 'between', 'after']);
  const b = clientOf(server);
  b.sync();
  assert.deepEqual(values(b), values(a));
  direct.close();
  assert.equal(await server.stop(), 0);
});

test('killed while it takes pushes, it has all that it said ok to', async () => {
  let server = await startServer({ args: ['--offline-sync'] });
  let direct = createClient({ url: server.url });
  await direct.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v)');
  direct.close();
  const g = await generationOf(server);
  const statements = Array.from({ length: 300 }, (_, i) => `INSERT INTO t(v) VALUES (${i})`);
  const frames = await framesFor(server, g, statements);
  const n = frames.length / kFrame;
  let known = 0;  // frames that the server said ok to
  for (let round = 0; round < 8 && known < n; ++round) {
    // The last one is killed in its middle, somewhere.
    for (let i = 0; i <= 2 * round && known < n; ++i) {
      const end = Math.min(n, known + 3);
      const request = push(server, `${g}/${known + 1}/${end + 1}`, frames.subarray(known * kFrame, end * kFrame)).then((reply) => reply.json());
      if (i === 2 * round) {
        for (let turn = 0; turn < 2 * round; ++turn) await new Promise(setImmediate);
        await Promise.allSettled([request, server.kill()]);
        const said = await request.catch(() => undefined);
        if (said !== undefined) known = said.max_frame_no;
      } else {
        const said = await request;
        assert.equal(said.status, 'ok');
        known = said.max_frame_no;
      }
    }
    if (server.alive) await server.kill();
    server = await startServer({ db: server.db, port: server.port, args: ['--offline-sync'] });
    assert.equal(await generationOf(server), g);
    const last = await (await push(server, `${g}/${n + 1}/${n + 2}`, frames.subarray((n - 1) * kFrame))).json();
    if (known < n) assert.ok(last.max_frame_no >= known, `${last.max_frame_no} of ${known}`);
    direct = createClient({ url: server.url });
    assert.equal((await direct.execute('PRAGMA integrity_check')).rows[0].integrity_check, 'ok');
    const there = await rows(direct);
    assert.deepEqual(there, there.map((_, i) => i));
    assert.ok(there.length >= known - n + statements.length, `${there.length} rows, ${known} frames`);
    direct.close();
  }
  assert.equal(await server.stop(), 0);
});

test('off, nobody finds anything', async () => {
  const server = await startServer({ args: ['--replication-log'] });
  for (const path of ['/info', '/export/1', '/sync/1/1/2']) assert.equal((await fetch(server.url + path)).status, 404, path);
  assert.equal((await push(server, '1/1/2', Buffer.alloc(kFrame))).status, 404);
  assert.equal(await server.stop(), 0);
});

test('for one namespace, as the admin API says', async () => {
  const server = await startServer({ args: ['--replication-log', '--admin-listen', '127.0.0.1:0'] });
  const configure = (more) => fetch(`${server.adminUrl}/v1/namespaces/default/config`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ block_reads: false, block_writes: false, ...more }),
  });
  assert.equal((await fetch(`${server.url}/info`)).status, 404);
  assert.equal((await configure({ offline_sync: true })).status, 200);
  assert.equal((await (await fetch(`${server.adminUrl}/v1/namespaces/default/config`)).json()).offline_sync, true);
  assert.equal((await fetch(`${server.url}/info`)).status, 200);
  const generation = await generationOf(server);
  const frames = await framesFor(server, generation, ['CREATE TABLE t(v)']);
  assert.equal((await configure({ offline_sync: true, block_writes: true })).status, 200);
  assert.equal((await push(server, `${generation}/1/${1 + frames.length / kFrame}`, frames)).status, 403);
  assert.equal((await configure({ offline_sync: false })).status, 200);
  assert.equal((await fetch(`${server.url}/info`)).status, 404);
  assert.equal(await server.stop(), 0);
  const without = await startServer({ args: ['--admin-listen', '127.0.0.1:0'] });
  const refused = await fetch(`${without.adminUrl}/v1/namespaces/default/config`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"block_reads":false,"block_writes":false,"offline_sync":true}',
  });
  assert.equal(refused.status, 400);
  assert.equal(await without.stop(), 0);
});

test('tokens: none, one that may only read, one that may write', async () => {
  const key = authKey();
  const server = await startServer({ args: ['--offline-sync', '--auth-jwt-key-file', key.file] });
  const bearer = (access) => ({ authorization: `Bearer ${key.token({ a: access })}` });
  assert.equal((await fetch(`${server.url}/info`)).status, 401);
  const info = await (await fetch(`${server.url}/info`, { headers: bearer('ro') })).json();
  const path = `${info.current_generation}/1/2`;
  assert.equal((await fetch(`${server.url}/sync/${path}`, { headers: bearer('ro') })).status, 400);
  assert.equal((await push(server, path, Buffer.alloc(kFrame), bearer('ro'))).status, 403);
  assert.equal((await push(server, path, Buffer.alloc(kFrame), bearer('rw'))).status, 400);  // it names page 0
  assert.equal(await server.stop(), 0);
});

test('requests by hand: pull, push, the same once more, another one in its place, a gap', () => withServer(async (server, direct) => {
  const g = await generationOf(server);
  const end = await fetch(`${server.url}/sync/${g}/1/129`);
  assert.deepEqual([end.status, await end.json()], [400, { status: 'checkpoint_needed', generation: g, max_frame_no: 0, baton: null }]);
  const frames = await framesFor(server, g, ["INSERT INTO t(v) VALUES ('a')", "INSERT INTO t(v) VALUES ('b')"]);
  const n = frames.length / kFrame;
  const ok = { status: 'ok', generation: g, max_frame_no: n, baton: null };
  assert.deepEqual(await (await push(server, `${g}/1/${n + 1}`, frames)).json(), ok);
  assert.deepEqual(await (await push(server, `${g}/1/${n + 1}`, frames)).json(), ok, 'a resend');
  assert.deepEqual(await rows(direct), ['a', 'b']);
  const pulled = Buffer.from(await (await fetch(`${server.url}/sync/${g}/1/129`)).arrayBuffer());
  assert.equal(pulled.length, frames.length);
  for (let i = 0; i < n; ++i) {
    assert.deepEqual(pulled.subarray(i * kFrame, i * kFrame + 8), frames.subarray(i * kFrame, i * kFrame + 8));
    assert.deepEqual(pulled.subarray(i * kFrame + 24, (i + 1) * kFrame), frames.subarray(i * kFrame + 24, (i + 1) * kFrame));
  }
  const other = await framesFor(server, g, ["INSERT INTO t(v) VALUES ('other')"]);
  assert.equal((await (await push(server, `${g}/1/${1 + other.length / kFrame}`, other)).json()).status, 'conflict');
  assert.deepEqual(await (await push(server, `${g}/9/${9 + n}`, frames)).json(), ok, 'told where the server is');
  assert.deepEqual(await (await push(server, `${g - 1}/1/${n + 1}`, frames)).json(), { status: 'conflict', generation: g, max_frame_no: 0, baton: null });
  assert.deepEqual(await rows(direct), ['a', 'b']);
}));

test('a transaction in parts: its baton is good once, and who comes between wins', () => withServer(async (server, direct) => {
  const g = await generationOf(server);
  const frames = await framesFor(server, g, ['CREATE TABLE u(x)']);
  const n = frames.length / kFrame;
  assert.ok(n >= 2);
  const first = frames.subarray(0, kFrame);
  const rest = frames.subarray(kFrame);
  const begun = await (await push(server, `${g}/1/2`, first)).json();
  assert.deepEqual([begun.status, begun.max_frame_no], ['ok', 1]);
  assert.match(begun.baton, /^[0-9a-f]{32}$/);
  assert.equal((await (await push(server, `${g}/2/${n + 1}/ffff`, rest)).json()).max_frame_no, 0, 'another baton');
  assert.equal((await (await push(server, `${g}/2/${n + 1}`, rest)).json()).max_frame_no, 0, 'no baton');
  assert.equal((await direct.execute("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'u'")).rows[0].n, 0);
  const done = await (await push(server, `${g}/2/${n + 1}/${begun.baton}`, rest)).json();
  assert.deepEqual(done, { status: 'ok', generation: g, max_frame_no: n, baton: null });
  assert.equal((await direct.execute('SELECT count(*) AS n FROM u')).rows[0].n, 0);

  const more = await framesFor(server, g, ['CREATE TABLE w(x)']);  // of the image, so what it says of page 1 is old
  const again = await (await push(server, `${g}/${n + 1}/${n + 2}`, more.subarray(0, kFrame))).json();
  await direct.execute("INSERT INTO t(v) VALUES ('between')");
  const late = await push(server, `${g}/${n + 2}/${n + 1 + more.length / kFrame}/${again.baton}`, more.subarray(kFrame));
  assert.equal((await late.json()).status, 'conflict');
  assert.deepEqual(await rows(direct), ['between']);
}));

test('of many pushes at once to the same place one is taken, and SQL goes on beside them', () => withServer(async (server, direct) => {
  const g = await generationOf(server);
  const rivals = [];
  for (let i = 0; i < 6; ++i) rivals.push(await framesFor(server, g, [`INSERT INTO t(v) VALUES ('${i}'), ('${i} too')`]));
  const answers = await Promise.all(rivals.map(async (frames) => (await push(server, `${g}/1/${1 + frames.length / kFrame}`, frames)).json()));
  assert.deepEqual(answers.map((each) => each.status).sort(), ['conflict', 'conflict', 'conflict', 'conflict', 'conflict', 'ok']);
  const winner = answers.findIndex((each) => each.status === 'ok');
  assert.deepEqual(await rows(direct), [`${winner}`, `${winner} too`]);

  const inserts = Array.from({ length: 40 }, (_, i) => direct.execute({ sql: 'INSERT INTO t(v) VALUES (?)', args: [`sql ${i}`] }));
  const pushes = Array.from({ length: 40 }, (_, i) => push(server, `${g}/2/${2 + rivals[i % 6].length / kFrame}`, rivals[i % 6]).then((reply) => reply.json()));
  await Promise.all(inserts);
  for (const said of await Promise.all(pushes)) assert.ok(['ok', 'conflict'].includes(said.status), said.status);
  assert.equal((await direct.execute('PRAGMA integrity_check')).rows[0].integrity_check, 'ok');
}));

test('a push waits for a transaction of SQL, and sees what it did', () => withServer(async (server, direct) => {
  const g = await generationOf(server);
  const frames = await framesFor(server, g, ["INSERT INTO t(v) VALUES ('pushed')"]);
  const path = `${g}/1/${1 + frames.length / kFrame}`;
  const idle = await direct.transaction('write');
  await idle.execute('SELECT 1');  // which begins it
  const waiting = push(server, path, frames);
  await until('the push waits', async () => await server.gauge('writers_waiting') === 1);
  await idle.rollback();
  assert.equal((await (await waiting).json()).status, 'ok');
  const busy = await direct.transaction('write');
  await busy.execute("INSERT INTO t(v) VALUES ('by SQL')");
  const next = await framesFor(server, g, ["INSERT INTO t(v) VALUES ('pushed')", "INSERT INTO t(v) VALUES ('again')"]);
  const late = push(server, `${g}/2/${1 + next.length / kFrame}`, next.subarray(kFrame));
  await until('the push waits', async () => await server.gauge('writers_waiting') === 1);
  await busy.commit();
  assert.equal((await (await late).json()).status, 'conflict');
  assert.deepEqual(await rows(direct), ['pushed', 'by SQL']);
}, { args: ['--admin-listen', '127.0.0.1:0'] }));

test('replicas of the first protocol follow what was pushed, and the metrics tell of it', () => withServer(async (server, direct) => {
  const copy = newFile();
  const sync = () => execFileSync(program, ['sync', '--quiet', copy, server.url], { encoding: 'utf8' });
  sync();
  const a = clientOf(server);
  a.exec('CREATE TABLE u(x)');
  a.exec("INSERT INTO u VALUES ('pushed')");
  a.sync();
  await direct.execute("INSERT INTO u VALUES ('by SQL')");
  sync();
  assert.equal(execFileSync(program, [copy, 'PRAGMA integrity_check; SELECT group_concat(x) FROM u'], { encoding: 'utf8' }).trim(), 'ok\npushed,by SQL');
  assert.equal(await server.gauge('replica_pushes_total'), 1);
  assert.ok(await server.gauge('replica_pulls_total') >= 1);
}, { args: ['--admin-listen', '127.0.0.1:0'] }));

test('every malformed request is refused, and changes nothing', () => withServer(async (server, direct) => {
  const g = await generationOf(server);
  const frames = await framesFor(server, g, ["INSERT INTO t(v) VALUES ('a')"]);
  const last = frames.length / kFrame + 1;
  const changed = (at, bytes) => {
    const copy = Buffer.from(frames);
    Buffer.from(bytes).copy(copy, at);
    return copy;
  };
  const page1 = Buffer.alloc(kFrame);
  page1.writeUInt32BE(1, 0);
  page1.writeUInt32BE(2, 4);
  const database = (edit) => {
    const copy = Buffer.from(page1);
    copy.write('SQLite format 3\0', 24);
    copy.set([0x10, 0, 2, 2], 24 + 16);
    edit(copy);
    return copy;
  };
  for (const [what, path, body, status] of [
    ['no body', `${g}/1/2`, Buffer.alloc(0), 400],
    ['a byte too few', `${g}/1/${last}`, frames.subarray(1), 400],
    ['a frame too few', `${g}/1/${last + 1}`, frames, 400],
    ['a frame too many', `${g}/1/2`, Buffer.concat([frames, frames]), 400],
    ['4 billion frames', `${g}/1/4294967295`, frames, 400],
    ['page 0', `${g}/1/${last}`, changed(0, [0, 0, 0, 0]), 400],
    ['the page of the lock bytes', `${g}/1/${last}`, changed(0, [0, 4, 0, 1]), 400],
    ['a commit of pages that never came', `${g}/1/${last}`, changed(frames.length - kFrame + 4, [0, 0, 1, 0]), 400],
    ['4 billion pages', `${g}/1/${last}`, changed(frames.length - kFrame + 4, [255, 255, 255, 255]), 400],
    ['a page 1 of zeros', `${g}/1/2`, page1, 400],
    ['another page size', `${g}/1/2`, database((page) => page.set([2, 0], 24 + 16)), 400],
    ['another journal mode', `${g}/1/2`, database((page) => page.set([1, 1], 24 + 18)), 400],
    ['a generation to come', `${g + 1}/1/${last}`, frames, 409],
    ['generation 0', `0/1/${last}`, frames, 404],
    ['frame 0', `${g}/0/${last - 1}`, frames, 404],
    ['an end before its start', `${g}/2/1`, frames, 404],
    ['a number that is none', `${g}/x/2`, frames, 404],
    ['a number of 33 bits', `${g}/4294967296/4294967297`, frames, 404],
    ['a key for a database here', `${g}/1/${last}`, frames, 501],
  ]) {
    const headers = what.startsWith('a key') ? { 'x-turso-encryption-key': 'c2VjcmV0' } : {};
    const answer = await push(server, path, body, headers);
    assert.equal(answer.status, status, `${what}: ${await answer.text()}`);
  }
  assert.equal((await fetch(`${server.url}/sync/${g + 1}/1/2`)).status, 409);
  assert.equal((await fetch(`${server.url}/sync/${g - 1}/1/2`)).status, 410);
  assert.equal((await fetch(`${server.url}/sync/${g}/1/2/baton`)).status, 405);
  assert.equal((await fetch(`${server.url}/sync/${g}/1/2`, { method: 'PUT' })).status, 405);
  assert.equal((await fetch(`${server.url}/info`, { method: 'POST' })).status, 405);
  assert.equal((await fetch(`${server.url}/export/${g + 1}`)).status, 404);
  assert.deepEqual(await rows(direct), []);
  assert.equal((await (await push(server, `${g}/1/${last}`, frames)).json()).status, 'ok', 'it was right all the time');
}));

test('a log that has dropped the beginning: a new generation, to which old copies walk', () => withServer(async (server, direct) => {
  const a = clientOf(server);
  a.sync();
  const before = await generationOf(server);
  for (let i = 0; i < 40; ++i) {
    await direct.execute('INSERT INTO t(v) SELECT hex(randomblob(20000))');
    a.sync();
  }
  const after = await generationOf(server);
  assert.equal(after, before + 1);
  assert.equal((await fetch(`${server.url}/sync/${before}/1/129`)).status, 410);
  a.sync();
  const b = clientOf(server);
  b.sync();
  assert.equal(values(a).length, 40);
  assert.deepEqual(values(b), values(a));
  a.prepare('INSERT INTO t(v) VALUES (?)').run('mine');
  a.sync();
  assert.equal((await rows(direct)).at(-1), 'mine');
}, { args: ['--max-log-size', '1MB'] }));

await run();
