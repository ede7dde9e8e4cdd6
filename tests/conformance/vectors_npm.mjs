// Vectors written by the loadable extension, in the sqlite3 program, are read by libSQL's npm package, and the reverse. Blobs and
// distances must agree to the last bit, error messages to the last letter.
//   node vectors_npm.mjs EXTENSION SQLITE3 PROJECT_DIR        exit 77: the package is not installed
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [extension, sqlite3, project] = process.argv.slice(2);
if (!existsSync(join(project, 'node_modules/libsql'))) {
  console.log('skipped: the npm package libsql is not installed');
  process.exit(77);
}
const Database = createRequire(join(project, 'package.json'))('libsql');
const folder = mkdtempSync(join(tmpdir(), 'libsql-vectors-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

let checks = 0;
const failures = [];
function check(what, actual, expected) {
  checks += 1;
  if (actual !== expected) failures.push(`${what}: ${actual} instead of ${expected}`);
}

function ours(file, sql) {
  const run = spawnSync(sqlite3, ['-batch', '-init', '/dev/null', file], {
    input: `.load ${extension}\n${sql}\n`, encoding: 'utf8', maxBuffer: 1 << 26,
  });
  return { out: run.stdout.trimEnd(), error: run.stderr.trim() };
}
function oursOrThrow(file, sql) {
  const { out, error } = ours(file, sql);
  if (error !== '') throw new Error(`sqlite3: ${error}`);
  return out;
}

// Numbers that are the same in every run (mulberry32).
let state = 12345;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

function texts() {
  const styles = [
    () => normal().toFixed(6), () => String(normal()), () => (normal() * 10 ** Math.floor(random() * 12 - 6)).toExponential(5),
    () => String(Math.floor(random() * 200 - 100)), () => ['0', '-0', '+1', '.5', '1.', '1e-40', '65519', '-7e4'][Math.floor(random() * 8)],
  ];
  const pairs = [];
  for (const n of [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 100, 128, 384, 1025, 1536]) {
    for (const style of styles) {
      const vector = () => `[${Array.from({ length: n }, style).join(random() < 0.5 ? ',' : ' , ')}]`;
      pairs.push([vector(), vector()]);
    }
  }
  return pairs;
}

const constructors = ['vector32', 'vector64', 'vector16', 'vectorb16', 'vector8', 'vector1bit'];
const schema = `create table texts(id integer primary key, a text, b text);
  create table vectors(id integer, type text, a blob, b blob, cos real, l2 real, extract text);
  create table converted(id integer, source text, target text, v blob);`;
const l2 = (type) => (type === 'vector1bit' ? 'null' : 'vector_distance_l2(a, b)');
const fill = constructors.map((type) => `insert into vectors select id, '${type}', a, b, vector_distance_cos(a, b), ${l2(type)}, vector_extract(a)
    from (select id, ${type}(a) as a, ${type}(b) as b from texts);`)
  .concat(constructors.flatMap((source) => constructors.map((target) =>
    `insert into converted select id, '${source}', '${target}', ${target}(a) from vectors where type = '${source}';`))).join('\n');

// Statements that count what the reader finds different from what the writer stored. The alignment bytes of libSQL's float8 blobs are
// whatever was in memory, so those blobs are compared by their elements. And its decimal conversion, that of SQLite 3.45, puts about one
// double of fifteen digits in 3000 off by one in the last place, where ours rounds correctly: float64 from text is compared as float32.
const counts = constructors.flatMap((type) => [
  [`${type}: blob`, `select count(*) from vectors v join texts t using (id) where v.type = '${type}' and ${
    { vector8: 'vector64(v.a) is not vector64(vector8(t.a))', vector64: 'vector32(v.a) is not vector32(vector64(t.a))' }[type] ??
    `v.a is not ${type}(t.a)`}`],
  [`${type}: cosine`, `select count(*) from vectors where type = '${type}' and cos is not vector_distance_cos(a, b)`],
  [`${type}: l2`, `select count(*) from vectors where type = '${type}' and l2 is not ${l2(type)}`],
  ...constructors.map((target) => [`${type} to ${target}`, `select count(*) from converted c join vectors v on v.id = c.id and v.type = c.source
     where c.source = '${type}' and c.target = '${target}' and
     ${target === 'vector8' ? `vector64(c.v) is not vector64(vector8(v.a))` : `c.v is not ${target}(v.a)`}`]),
]);

function compareExtracts(writer, stored, read) {
  for (const [key, text] of stored) {
    const mine = read.get(key).slice(1, -1).split(',').map(Number);
    const theirs = text.slice(1, -1).split(',').map(Number);
    // SQLite versions differ in the last of the six digits of about one number in 20 000.
    const same = mine.length === theirs.length &&
      mine.every((x, i) => Object.is(x, theirs[i]) || Math.abs(x - theirs[i]) <= 1.5e-5 * Math.abs(x));
    check(`${writer} ${key}: vector_extract`, same ? 'same' : read.get(key), 'same');
  }
}

const pairs = texts();
const values = pairs.map(([a, b], i) => `(${i},'${a}','${b}')`).join(',');
const insertTexts = `insert into texts values ${values};`;

// Written here, read by libSQL.
const ourFile = join(folder, 'ours.db');
oursOrThrow(ourFile, `${schema} ${insertTexts} ${fill}`);
let database = new Database(ourFile);
check('rows', database.prepare('select count(*) n from vectors').get().n, pairs.length * constructors.length);
for (const [what, sql] of counts) check(`ours read by libSQL, ${what}`, Object.values(database.prepare(sql).get())[0], 0);
const key = (row) => `${row.id} ${row.type}`;
const extracts = (rows) => new Map(rows.map((row) => [key(row), row.extract]));
compareExtracts('ours', extracts(database.prepare('select id, type, extract from vectors').all()),
  extracts(database.prepare('select id, type, vector_extract(a) as extract from vectors').all()));
database.close();

// Written by libSQL, read here.
const theirFile = join(folder, 'theirs.db');
database = new Database(theirFile);
database.exec(`${schema} ${insertTexts} ${fill}`);
const theirExtracts = extracts(database.prepare('select id, type, extract from vectors').all());
database.close();
for (const [what, sql] of counts) check(`libSQL's read by ours, ${what}`, oursOrThrow(theirFile, `${sql};`), '0');
const lines = oursOrThrow(theirFile, `select id || ' ' || type || '|' || vector_extract(a) from vectors;`).split('\n');
compareExtracts("libSQL's", theirExtracts, new Map(lines.map((line) => line.split('|'))));

// The same errors.
database = new Database(':memory:');
const wrong = [
  `vector(NULL)`, `vector(1)`, `vector(1.5)`, `vector('')`, `vector('x')`, `vector('[')`, `vector('[1')`, `vector('[1]x')`, `vector('[,]')`,
  `vector('[1,]')`, `vector('[1,,2]')`, `vector('[ ,1]')`, `vector('[nan]')`, `vector('[inf]')`, `vector('[1e]')`, `vector('[.]')`,
  `vector('[.e1]')`, `vector('[+-1]')`, `vector('[0x1]')`, `vector('[1_0]')`, `vector64('[a b]')`, `vector(x'00')`, `vector(x'000001')`,
  `vector(x'000000000000')`, `vector(x'0000000002')`, `vector(x'03')`, `vector(x'04')`, `vector(x'07')`, `vector64(x'ff')`,
  `vector(zeroblob(262148))`, `vector16(zeroblob(262148))`, `vector_extract(NULL)`, `vector_extract(x'03')`, `vector_extract(x'00')`,
  `vector_distance_cos('[1,2,3]','[1,2]')`, `vector_distance_cos('[1]',vector64('[1]'))`, `vector_distance_cos('abc','[1,2]')`,
  `vector_distance_cos('[x]','[1]')`, `vector_distance_cos('[1x]','[1]')`, `vector_distance_cos('[1]','[1x]')`, `vector_distance_cos(5,NULL)`,
  `vector_distance_cos('[x]',NULL)`, `vector_distance_l2(vector1bit('[1]'),vector1bit('[1]'))`,
  `vector_distance_l2(vector1bit('[1]'),vector1bit('[1,1]'))`, `vector_distance_l2(x'00',NULL)`,
  `vector8(x'05060000004000000040000004')`, `vector8(x'0506AABB0000004000000040000404')`,
];
for (const expression of wrong) {
  let expected;
  try {
    expected = `accepted: ${JSON.stringify(database.prepare(`select hex(${expression})`).get())}`;
  } catch (failure) {
    expected = failure.message;
  }
  // The program puts the place before the message and the result code after it.
  const actual = ours(':memory:', `select ${expression};`).error.replace(/^[^:]*line \d+: /, '').replace(/ \(\d+\)$/, '');
  check(expression, actual, expected);
}
database.close();

for (const failure of failures.slice(0, 30)) console.log(failure.slice(0, 500));
console.log(`${checks} checks, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
