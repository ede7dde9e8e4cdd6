// The replica of the published npm package libsql for the replica campaign: the commands of replica_worker.cpp, as far as
// they mean something here. node replica_worker_npm.mjs PATH URL WHO KEY
//
// get() keeps a statement open, so everything is read with all(). A failed call leaves this client's connection unusable at
// times, so the database is opened anew after each.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import Database from 'libsql';

const [path, url, who, key] = process.argv.slice(2);
const pad = (n) => {
  const mix = (n * 7 + Number(who));
  return `pad${who}/${n}`.repeat(mix % 127 === 0 ? 30000 : mix % 13 === 0 ? 700 : 1 + (n % 17));
};
const stateSql = process.env.LIBSQL_CAMPAIGN_STATE;
const say = (line) => writeSync(1, `${line.replaceAll('\n', ' ')}\n`);
let db;

function open() {
  db ??= new Database(path, { syncUrl: url, authToken: '', ...(key ? { encryptionCipher: 'aes256cbc', encryptionKey: key } : {}) });
  return db;
}

function put(n) {
  const insert = () => db.prepare('INSERT INTO w VALUES (?, ?, ?)').run(Number(who), n, pad(n));
  if (n % 2) return insert();
  return db.transaction(insert)();
}

const commands = {
  heal: () => '',
  fault: () => '',
  clock: () => '',
  work(first, count, seed) {
    for (let n = first; n < first + count; ++n) {
      put(n);
      say(`ack ${n}`);
      if ((n + seed) % 4 === 1) db.sync();
    }
    return '';
  },
  sync() {
    const { frame_no, frames_synced } = open().sync();
    return `${frame_no} ${frames_synced} 0`;
  },
  state() {
    const [{ far, good }] = db.prepare(stateSql).all();
    return far + (good ? '' : ' broken');
  },
  digest: () => '-',
  check: () => db.prepare('PRAGMA integrity_check').all()[0].integrity_check,
};

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...args] = line.split(' ');
  try {
    open();
    say(`ok ${commands[verb](...args.map(Number))}`);
  } catch (error) {
    say(`err ${error}`);
    try {
      db?.close();
    } catch { /* it is broken */ }
    db = undefined;
  }
}
