// The library's remote client with `tursodb --sync-server`, as far as that speaks Hrana: statements and batches that stand alone.
// What it does not have must end in a typed error. node tursodb_server.mjs REMOTE_TOOL     exit 77: tursodb is not installed here
import { spawnSync } from 'node:child_process';
import { assert, run, test } from './support/check.mjs';
import { tursodb } from './support/tursodb.mjs';

const tool = process.argv[2];
const server = await tursodb();
if (server === undefined) {
  console.log('skipped: the npm package @tursodatabase/cli-linux-x64-gnu is not installed, it exists for Linux on x64 only');
  process.exit(77);
}

// One line for each call; see remote_tool.cpp.
function client(...calls) {
  const { stdout, status, error } = spawnSync(tool, [server.url, ...calls.flat()], { encoding: 'utf8', timeout: 60_000 });
  if (error) throw error;
  assert.equal(status, 0, stdout);
  return stdout.trimEnd().split('\n').map((line) => line.trimEnd());
}
let tables = 0;
function withTable(...calls) {
  const table = `t${++tables}`;
  const [created, ...lines] = client(['execute', `CREATE TABLE ${table}(a INTEGER PRIMARY KEY, b REAL, c TEXT, d)`],
    ...calls.map(([verb, sql]) => [verb, sql.replaceAll('T', table)]));
  assert.equal(created, '0');
  return lines;
}

test('execute and query: arguments of every type come back', () => {
  assert.deepEqual(withTable(['arguments', 'insert into T values (?, ?, ?, ?)'], ['query', 'select * from T']).slice(1), ["9007199254740993 1.5 'text' NULL"]);
});
test('execute_batch: a result for each statement', () => {
  assert.deepEqual(withTable(['batch', 'insert into T(a) values (1); insert into T(a) values (2); select 3'], ['query', 'select count(*) from T']), ['3', '2']);
});
test('execute_transactional_batch: all or nothing', () => {
  const lines = withTable(['atomic', 'insert into T(a) values (1); insert into T(a) values (2)'],
    ['atomic', 'insert into T(a) values (3); select * from nowhere'], ['query', 'select count(*) from T']);
  assert.equal(lines[0], '2');
  assert.match(lines[1], /^SqlError: .*no such table: nowhere/);
  assert.equal(lines[2], '2');
});
test('errors: their class, their message, and the connection goes on', () => {
  const lines = withTable(['query', 'select * from nowhere'], ['execute', 'selec'], ['query', 'select 1']);
  assert.match(lines[0], /^SqlError: .*no such table: nowhere/);
  assert.match(lines[1], /^SqlError: .*syntax error/);
  assert.equal(lines[2], '1');
});
test('a transaction: refused as lost, because that server keeps no session for anybody', () => {
  const lines = withTable(['execute', 'begin'], ['execute', 'insert into T(a) values (1)'], ['execute', 'rollback']);
  assert.match(lines.join('\n'), /^(TransactionLost|Protocol|Unsupported)/m);
});

await run({ after: () => server.stop() });
