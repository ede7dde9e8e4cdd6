// The server is killed with SIGKILL again and again in the middle of 1,000 write transactions of several clients. What it had
// acknowledged is there after the restart, and nothing that it had not is there by half. node faults_kill.mjs LIBSQL
import { createClient } from '@libsql/client';
import { assert, generator, run, test } from './support/check.mjs';
import { startServer, temporaryFile } from './support/server.mjs';

const kTransactions = 1000;
const kKills = 6;
const kClients = 6;
const random = generator(20240601);
const db = temporaryFile('ledger.db');

// One transaction: two rows of the same number, in one of the ways in which a client can send it.
async function transfer(client, id, way) {
  const row = (part) => ({ sql: 'INSERT INTO ledger(id, part, filler) VALUES (?, ?, ?)', args: [BigInt(id), BigInt(part), 'x'.repeat(200)] });
  if (way === 0) return client.batch([row(0), row(1)], 'write');
  const tx = await client.transaction('write');
  try {
    await tx.execute(row(0));
    if (way === 1) await tx.execute(row(1));
    else await tx.executeMultiple(`INSERT INTO ledger(id, part) VALUES (${id}, 1)`);
    return await tx.commit();
  } finally {
    tx.close();
  }
}

test('1000 write transactions of six clients, over HTTP and WebSocket, while the server is killed six times', async () => {
  const acknowledged = new Set();
  const tried = [];
  let server = await startServer({ db });
  const setup = createClient({ url: server.url });
  await setup.execute('CREATE TABLE ledger(id INTEGER, part INTEGER, filler TEXT, PRIMARY KEY (id, part))');
  setup.close();
  for (let kills = 0, next = 0; next < kTransactions; ++kills) {
    // At a moment of its own in this life of the server; the last life ends with the last transaction.
    const share = kills < kKills ? Math.round((kTransactions / (kKills + 1)) * (0.6 + 0.8 * random())) : Infinity;
    let left = share;
    let killed;
    await Promise.all(Array.from({ length: kClients }, async (_, i) => {
      const client = createClient({ url: i % 2 === 0 ? server.url : server.wsUrl });
      while (killed === undefined && next < kTransactions) {
        const id = next++;
        tried.push(id);
        try {
          await transfer(client, id, id % 3);
          acknowledged.add(id);
        } catch (error) {
          if (killed === undefined) throw error;
        }
        if (--left <= 0 && killed === undefined) killed = server.kill();  // The others are in the middle of theirs.
      }
      client.close();
    }));
    if (killed === undefined) break;
    assert.equal(await killed, 'SIGKILL');
    server = await startServer({ db });
    const reader = createClient({ url: server.url });
    assert.equal((await reader.execute('PRAGMA integrity_check')).rows[0][0], 'ok');
    reader.close();
  }
  const reader = createClient({ url: server.url });
  const { rows } = await reader.execute('SELECT id, count(*) AS n FROM ledger GROUP BY id');
  const parts = new Map(rows.map((row) => [row.id, row.n]));
  for (const id of acknowledged) assert.equal(parts.get(id), 2, `transaction ${id} was acknowledged`);
  for (const id of tried) assert.ok([undefined, 2].includes(parts.get(id)), `transaction ${id} is there by half`);
  assert.equal((await reader.execute('PRAGMA integrity_check')).rows[0][0], 'ok');
  assert.equal(tried.length, kTransactions);
  console.log(`    ${acknowledged.size} of ${tried.length} transactions acknowledged, ${parts.size} stored`);
  assert.ok(acknowledged.size > kTransactions / 2);
  reader.close();
  assert.equal(await server.stop(), 0);
}, { timeout: 200_000 });

await run();
