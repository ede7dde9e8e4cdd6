// The published clients beside a plain HTTP client, all against `libsql serve`: a point select and a batch of 100 inserts.
//   node bench/remote/clients.mjs build/release/cli/libsql [ROUNDS]
import { createClient } from '@libsql/client';
import { connect } from '@tursodatabase/serverless';
import Database from 'libsql';
import { startServer } from '../../tests/conformance/support/server.mjs';
import { inTurns, measure, poster, print } from './support.mjs';

const rounds = Number(process.argv[3] ?? 5);
const kRows = 10_000;
const server = await startServer();
const http = createClient({ url: server.url, concurrency: 64 });
const ws = createClient({ url: server.wsUrl, concurrency: 64 });
const serverless = connect({ url: server.url });
const native = new Database(server.url);
const post = poster(server.port, '/v2/pipeline');

await http.executeMultiple(`CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL);
  INSERT INTO item WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ${kRows}) SELECT x, 'item ' || x, x / 7.0 FROM c;
  CREATE TABLE sink(id INTEGER PRIMARY KEY, name TEXT);`);

const select = 'SELECT id, name, price FROM item WHERE id = ?';
const key = (i) => 1 + ((i * 7919) % kRows);
const selectBody = (i) => JSON.stringify({ requests: [
  { type: 'execute', stmt: { sql: select, args: [{ type: 'integer', value: String(key(i)) }] } }, { type: 'close' }] });
const prepared = native.prepare(select);
for (const parallel of [1, 16, 64]) {
  const timed = (name, work) => ({ name, run: () => measure(work, { parallel }) });
  print(`point select, ${parallel} at a time`, await inTurns([
    timed('HTTP client of node', (i) => post(selectBody(i))),
    timed('@libsql/client, http', (i) => http.execute({ sql: select, args: [BigInt(key(i))] })),
    timed('@libsql/client, ws', (i) => ws.execute({ sql: select, args: [BigInt(key(i))] })),
    ...(parallel === 1 ? [  // One blocks, and the other has one session.
      timed('npm libsql', (i) => prepared.get(BigInt(key(i)))),
      timed('@tursodatabase/serverless', (i) => serverless.get(select, [key(i)])),
    ] : []),
  ], rounds));
}

const insert = 'INSERT INTO sink(name) VALUES (?)';
const steps = [{ stmt: { sql: 'BEGIN IMMEDIATE' } },
  ...Array.from({ length: 100 }, (_, i) => ({ condition: { type: 'ok', step: i }, stmt: { sql: insert, args: [{ type: 'text', value: `name ${i}` }] } })),
  { condition: { type: 'ok', step: 100 }, stmt: { sql: 'COMMIT' } }];
const batchBody = JSON.stringify({ requests: [{ type: 'batch', batch: { steps } }, { type: 'close' }] });
const statements = Array.from({ length: 100 }, (_, i) => ({ sql: insert, args: [`name ${i}`] }));
const timed = (name, work) => ({ name, run: () => measure(work) });
print('batches of 100 inserts', await inTurns([
  timed('HTTP client of node', () => post(batchBody)),
  timed('@libsql/client, http', () => http.batch(statements, 'write')),
  timed('@libsql/client, ws', () => ws.batch(statements, 'write')),
  timed('@tursodatabase/serverless', () => serverless.batch(statements, 'immediate')),
], rounds));

http.close();
ws.close();
native.close();
await serverless.close();
await server.stop();
process.exit(0);
