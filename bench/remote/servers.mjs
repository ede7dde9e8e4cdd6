// `libsql serve` beside `tursodb --sync-server`, both asked by the same HTTP client. That server closes the connection after each
// answer and knows neither `close` nor cursors, so both are asked without; the second measurement of ours keeps its connections.
//   node bench/remote/servers.mjs build/release/cli/libsql [ROUNDS]
import { startServer } from '../../tests/conformance/support/server.mjs';
import { tursodb } from '../../tests/conformance/support/tursodb.mjs';
import { inTurns, measure, poster, print } from './support.mjs';

const rounds = Number(process.argv[3] ?? 5);
const kRows = 10_000;
const ours = await startServer();
const theirs = await tursodb();
if (theirs === undefined) console.log('tursodb is not installed here: only libsql serve is measured');

const execute = (sql, args = []) => JSON.stringify({ requests: [{ type: 'execute', stmt: { sql, args } }] });
const servers = [['libsql serve, kept connections', poster(ours.port, '/v2/pipeline')],
  ['libsql serve, a connection each', poster(ours.port, '/v2/pipeline', { keepAlive: false })],
  ...(theirs ? [['tursodb, a connection each', poster(theirs.port, '/v2/pipeline', { keepAlive: false })]] : [])];
for (const [, post] of servers.slice(1)) {
  await post(execute('CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL)'));
  for (let first = 1; first <= kRows; first += 500) {
    await post(execute(`INSERT INTO item VALUES ${Array.from({ length: 500 }, (_, i) => `(${first + i}, 'item ${first + i}', ${first + i}.5)`).join(',')}`));
  }
}

const key = (i) => 1 + ((i * 7919) % kRows);
const select = (i) => execute('SELECT id, name, price FROM item WHERE id = ?', [{ type: 'integer', value: String(key(i)) }]);
for (const parallel of [1, 16, 64]) {
  print(`point select, ${parallel} at a time`, await inTurns(
    servers.map(([name, post]) => ({ name, run: () => measure((i) => post(select(i)), { parallel }) })), rounds));
}
const steps = [{ stmt: { sql: 'BEGIN' } }, ...Array.from({ length: 100 }, (_, i) => ({ stmt: {
  sql: 'UPDATE item SET price = price + 1 WHERE id = ?', args: [{ type: 'integer', value: String(key(i)) }] } })), { stmt: { sql: 'COMMIT' } }];
const batch = JSON.stringify({ requests: [{ type: 'batch', batch: { steps } }] });
print('batches of 100 updates', await inTurns(servers.map(([name, post]) => ({ name, run: () => measure(() => post(batch)) })), rounds));

await ours.stop();
await theirs?.stop();
process.exit(0);
