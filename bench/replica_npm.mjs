// npm libsql as replicas, for bench_replica. node bench/replica_npm.mjs inserts|first URL FILE COUNT
import Database from 'libsql';

const [what, syncUrl, file, count] = process.argv.slice(2);
const replica = (name) => new Database(`${file}-${name}.db`, { syncUrl, authToken: '' });
const seconds = (work) => {
  const begin = performance.now();
  work();
  return (performance.now() - begin) / 1000;
};
const rows = (db) => db.prepare('SELECT count(*) AS n FROM t').all()[0].n;

if (what === 'first') {
  console.log(`npm libsql: first sync ${seconds(() => replica('first').sync()).toFixed(2)} s`);
} else {
  const [writer, reader] = [replica('writer'), replica('reader')];
  writer.sync();
  reader.sync();
  const before = rows(reader);
  const writing = seconds(() => {
    for (let i = 0; i < count; ++i) writer.prepare('INSERT INTO t(v) VALUES (?)').run(`value ${i}`);
  });
  const reading = seconds(() => reader.sync());
  if (rows(reader) - before !== Number(count)) throw new Error('rows are missing');
  console.log(`npm libsql: ${count} inserts ${writing.toFixed(3)} s; their sync ${reading.toFixed(3)} s; together ${(writing + reading).toFixed(3)} s`);
}
