// The workload of bench/pgo_workload.cpp through a JavaScript package with the better-sqlite3 API. Prints one line per use,
// "NAME OPERATIONS_PER_SECOND".
//   node workload.mjs PACKAGE DIRECTORY      an empty working directory
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const [name, directory] = process.argv.slice(2);
const { default: Database } = await import(name);
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });

function measure(use, operations, work) {
  const start = process.hrtime.bigint();
  work();
  console.log(use, Math.round(operations / (Number(process.hrtime.bigint() - start) / 1e9)));
}

let sum = 0;
const db = new Database(join(directory, 'workload.db'));
db.exec('PRAGMA journal_mode=WAL');
db.exec('PRAGMA synchronous=NORMAL');
db.exec('PRAGMA cache_size=-2000'); // the engine's default; better-sqlite3 is compiled with another one
db.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER, c REAL, d TEXT, e TEXT)');

const rows = 300000;
const insert = db.prepare('INSERT INTO t VALUES (?, ?, ?, ?, ?)');
measure('bulk_insert', rows, () => {
  db.exec('BEGIN IMMEDIATE');
  for (let i = 0; i < rows; i++) insert.run(i, i * 7, 0.5 * i, 'a short text', 'x');
  db.exec('COMMIT');
});

const selects = 200000;
const select = db.prepare('SELECT b, d FROM t WHERE a = ?');
measure('point_select', selects, () => {
  for (let i = 0; i < selects; i++) sum += select.get((i * 7919) % rows).b;
});

const scans = 5;
const scan = db.prepare('SELECT * FROM t');
measure('scan', scans * rows, () => {
  for (let i = 0; i < scans; i++) for (const row of scan.iterate()) sum += row.a + row.b + row.c + row.d.length + row.e.length;
});

const transactions = 20000;
const update = db.prepare('UPDATE t SET b = b + 1 WHERE a = ?');
measure('one_row_transaction', transactions, () => {
  for (let i = 0; i < transactions; i++) update.run((i * 7919) % rows);
});

const groups = 3;
const group = db.prepare('SELECT b % 100 AS g, count(*), avg(c) FROM t GROUP BY 1 ORDER BY 3');
measure('aggregate', groups * rows, () => {
  for (let i = 0; i < groups; i++) for (const row of group.all()) sum += row.g;
});

db.close();
rmSync(directory, { recursive: true, force: true });
if (sum === 0) process.exit(1);
