// The published drizzle-orm over @libsql/client: its migrations, and what it makes of queries, over HTTP and over WebSocket.
//   node drizzle.mjs LIBSQL
import { mkdirSync, writeFileSync } from 'node:fs';
import { createClient } from '@libsql/client';
import { and, asc, count, desc, eq, gt, relations, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/libsql';
import { migrate } from 'drizzle-orm/libsql/migrator';
import { blob, index, integer, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { assert, run, testEach } from './support/check.mjs';
import { startServer, temporaryFile } from './support/server.mjs';

const servers = { http: await startServer(), ws: await startServer() };

const users = sqliteTable('users', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  name: text('name').notNull().default('nobody'),
  email: text('email'),
  score: real('score'),
  born: integer('born', { mode: 'timestamp' }),
  active: integer('active', { mode: 'boolean' }),
  settings: text('settings', { mode: 'json' }),
  picture: blob('picture', { mode: 'buffer' }),
}, (table) => [uniqueIndex('users_email').on(table.email)]);
const posts = sqliteTable('posts', {
  id: integer('id').primaryKey(),
  author: integer('author').notNull().references(() => users.id, { onDelete: 'cascade' }),
  title: text('title').notNull(),
}, (table) => [index('posts_author').on(table.author)]);
const usersRelations = relations(users, ({ many }) => ({ posts: many(posts) }));
const postsRelations = relations(posts, ({ one }) => ({ author: one(users, { fields: [posts.author], references: [users.id] }) }));
const schema = { users, posts, usersRelations, postsRelations };

// What drizzle-kit generates: a journal, and one file for each migration, whose statements stand between its markers. The second
// migration alters columns as the dialect `turso` does.
const steps = [
  ['0000_start', [
    'CREATE TABLE `users` (\n\t`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,\n\t`name` text,\n\t`email` text,\n\t`score` real,\n\t`born` integer,\n\t`active` integer,\n\t`settings` text,\n\t`picture` blob\n);\n',
    'CREATE TABLE `posts` (\n\t`id` integer PRIMARY KEY NOT NULL,\n\t`author` integer NOT NULL,\n\t`title` text NOT NULL\n);\n',
    'CREATE INDEX `posts_author` ON `posts` (`author`);']],
  ['0001_alter', [
    'ALTER TABLE `users` ALTER COLUMN "name" TO "name" text NOT NULL DEFAULT \'nobody\';',
    'CREATE UNIQUE INDEX `users_email` ON `users` (`email`);',
    'ALTER TABLE `posts` ALTER COLUMN "author" TO "author" integer NOT NULL REFERENCES users(id) ON DELETE cascade ON UPDATE no action;']],
];
function migrations(length) {
  const folder = temporaryFile(`migrations-${length}`);
  mkdirSync(`${folder}/meta`, { recursive: true });
  const entries = steps.slice(0, length).map(([tag, statements], idx) => {
    writeFileSync(`${folder}/${tag}.sql`, statements.join('\n--> statement-breakpoint\n'));
    return { idx, version: '6', when: 1700000000000 + idx, tag, breakpoints: true };
  });
  writeFileSync(`${folder}/meta/_journal.json`, JSON.stringify({ version: '7', dialect: 'turso', entries }));
  return folder;
}

testEach([{ label: 'http', url: servers.http.url }, { label: 'ws', url: servers.ws.wsUrl }], ({ url }, test) => {
  const client = createClient({ url });
  const db = drizzle(client, { schema });

  test('migrate() runs each migration once, in order', async () => {
    await migrate(db, { migrationsFolder: migrations(1) });
    await migrate(db, { migrationsFolder: migrations(1) });
    assert.equal((await db.all(sql`SELECT count(*) AS n FROM __drizzle_migrations`))[0].n, 1);
    await client.execute("INSERT INTO users(name, email) VALUES ('old', 'old@x')");
    await migrate(db, { migrationsFolder: migrations(2) });
    await migrate(db, { migrationsFolder: migrations(2) });
    assert.equal((await db.all(sql`SELECT count(*) AS n FROM __drizzle_migrations`))[0].n, 2);
    assert.match((await db.all(sql`SELECT sql FROM sqlite_schema WHERE name = 'posts'`))[0].sql, /REFERENCES users\(id\) ON DELETE cascade/);
    assert.deepEqual((await db.select({ name: users.name }).from(users)).map((row) => row.name), ['old']);
  });
  test('many requests at once after a migration find the new schema', async () => {
    const results = await Promise.allSettled(Array.from({ length: 40 }, (_, i) =>
      db.insert(users).values({ email: `${i % 4}@y`, score: 0 }).onConflictDoUpdate({ target: users.email, set: { score: sql`score + 1` } })));
    assert.deepEqual(results.filter((result) => result.status === 'rejected').map((result) => String(result.reason.cause ?? result.reason)), []);
    const [row] = await db.select({ n: count(), sum: sql`sum(score)` }).from(users).where(gt(users.email, '0@x'));
    assert.deepEqual([row.n, row.sum], [5, 36]);  // "old@x" has no score
    await db.delete(users);
  });
  test('insert, returning, and values of every mode', async () => {
    const values = { name: 'Änne', email: 'a@x', score: 1.5, born: new Date(86400000), active: true, settings: { theme: ['dark'] }, picture: Buffer.from([0, 255]) };
    const [row] = await db.insert(users).values(values).returning();
    assert.ok(row.id > 0);
    const [read] = await db.select().from(users).where(eq(users.id, row.id));
    for (const got of [row, read]) assert.deepEqual({ ...got, picture: Buffer.from(got.picture) }, { id: row.id, ...values });
    const [defaulted] = await db.insert(users).values({ email: 'b@x' }).returning();
    assert.equal(defaulted.name, 'nobody');
  });
  test('update and delete tell the rows', async () => {
    assert.equal((await db.update(users).set({ score: 2 }).where(eq(users.email, 'b@x'))).rowsAffected, 1);
    assert.equal((await db.delete(users).where(eq(users.email, 'nope'))).rowsAffected, 0);
  });
  test('joins, relations and prepared statements', async () => {
    const [{ id }] = await db.select({ id: users.id }).from(users).where(eq(users.email, 'a@x'));
    await db.insert(posts).values([{ id: 1, author: id, title: 'one' }, { id: 2, author: id, title: 'two' }]);
    const joined = await db.select({ name: users.name, title: posts.title }).from(posts).innerJoin(users, eq(posts.author, users.id)).orderBy(desc(posts.id));
    assert.deepEqual(joined, [{ name: 'Änne', title: 'two' }, { name: 'Änne', title: 'one' }]);
    const found = await db.query.users.findFirst({ where: eq(users.id, id), columns: { name: true }, with: { posts: { columns: { title: true }, orderBy: asc(posts.id) } } });
    assert.deepEqual(found, { name: 'Änne', posts: [{ title: 'one' }, { title: 'two' }] });
    const prepared = db.select().from(posts).where(and(eq(posts.author, sql.placeholder('author')), gt(posts.id, 1))).prepare();
    assert.deepEqual((await prepared.all({ author: id })).map((row) => row.title), ['two']);
  });
  test('transactions are committed, rolled back, and nested', async () => {
    const total = async () => (await db.select({ n: count() }).from(posts))[0].n;
    const before = await total();
    const [{ id }] = await db.select({ id: users.id }).from(users).where(eq(users.email, 'a@x'));
    await db.transaction(async (tx) => { await tx.insert(posts).values({ author: id, title: 'in' }); });
    assert.equal(await total(), before + 1);
    await assert.rejects(db.transaction(async (tx) => {
      await tx.insert(posts).values({ author: id, title: 'out' });
      tx.rollback();
    }));
    assert.equal(await total(), before + 1);
  });
  test('a batch, and errors that name their cause', async () => {
    const [inserted, selected] = await db.batch([
      db.insert(users).values({ email: 'batch@x' }).returning({ email: users.email }), db.select({ n: count() }).from(users).where(eq(users.email, 'batch@x'))]);
    assert.deepEqual([inserted, selected], [[{ email: 'batch@x' }], [{ n: 1 }]]);
    await assert.rejects(db.insert(users).values({ email: 'batch@x' }), (error) => /UNIQUE constraint failed: users.email/.test(`${error} ${error.cause}`));
    await assert.rejects(db.insert(posts).values({ author: 12345, title: 'x' }), (error) => /FOREIGN KEY/.test(`${error} ${error.cause}`));
  });
  test('a cascade that the altered column asks for', async () => {
    await db.delete(users).where(eq(users.email, 'a@x'));
    assert.equal((await db.select({ n: count() }).from(posts))[0].n, 0);
    client.close();
  });
});

await run({ after: async () => { for (const server of Object.values(servers)) assert.equal(await server.stop(), 0); } });
