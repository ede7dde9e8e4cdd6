/* Asks whoever copies a database's log before the log begins anew. Included by the copy of the engine that
 * cmake/WatchedLogEngine.cmake makes, in wal.c, where its private declarations are known. */
#pragma once

#include "engine/watched_log.h"

#define LIBSQL_ENGINE_ASKS_LOG_WATCHER 1

static int libsqlLogEvent(int event, Wal* pWal, const u32 nextSalt[2]) {
  LibsqlLogWatcher watcher = AtomicLoad(&libsql_engine_log_watcher);
  LibsqlWatchedLog log;
  if (watcher == 0) return event != kLibsqlLogIsWatched;
  memset(&log, 0, sizeof(log));
  log.name = pWal->zWalName;
  log.file = pWal->pWalFd;
  log.page_size = pWal->szPage;
  log.frame = pWal->hdr.mxFrame;
  log.database_pages = pWal->hdr.nPage;
  log.salt[0] = sqlite3Get4byte((const u8*)&pWal->hdr.aSalt[0]);
  log.salt[1] = sqlite3Get4byte((const u8*)&pWal->hdr.aSalt[1]);
  log.checksum[0] = pWal->hdr.aFrameCksum[0];
  log.checksum[1] = pWal->hdr.aFrameCksum[1];
  if (nextSalt != 0) {
    log.next_salt[0] = nextSalt[0];
    log.next_salt[1] = nextSalt[1];
  }
  return watcher(event, &log);
}

/* Whether somebody copies the log of that name. */
static int libsqlLogIsWatched(const char* zName) {
  LibsqlLogWatcher watcher = AtomicLoad(&libsql_engine_log_watcher);
  LibsqlWatchedLog log;
  if (watcher == 0 || zName == 0) return 0;
  memset(&log, 0, sizeof(log));
  log.name = zName;
  return watcher(kLibsqlLogIsWatched, &log);
}

/* All frames are in the database file, nobody reads them, and the caller holds the lock of writers: false if the log is to go on
 * behind them nevertheless. With true it begins anew, with the salts that walRestartHdr() makes. */
static int libsqlLogMayRestart(Wal* pWal, u32 salt1) {
  u32 next[2];
  next[0] = 1 + sqlite3Get4byte((const u8*)&pWal->hdr.aSalt[0]);
  next[1] = sqlite3Get4byte((const u8*)&salt1);
  return libsqlLogEvent(kLibsqlLogRestarts, pWal, next);
}

/* A log of no frames gets salts by chance, which its header is about to carry. */
static void libsqlLogBegins(Wal* pWal) {
  const WalIndexHdr before = pWal->hdr;
  u32 next[2];
  sqlite3_randomness(8, pWal->hdr.aSalt);
  next[0] = sqlite3Get4byte((const u8*)&pWal->hdr.aSalt[0]);
  next[1] = sqlite3Get4byte((const u8*)&pWal->hdr.aSalt[1]);
  {
    const WalIndexHdr after = pWal->hdr;
    pWal->hdr = before;
    libsqlLogEvent(kLibsqlLogRestarts, pWal, next);
    pWal->hdr = after;
  }
}

/* All frames are in the database file, and nobody else uses it. What stays of the log is a header with its next salts, which
 * prove that nothing came between, and the beginning of a frame that is none, as recovery does not look at a header alone. */
static void libsqlLogShrinks(Wal* pWal, int sync_flags) {
  u8 header[WAL_HDRSIZE + WAL_FRAME_HDRSIZE];
  u32 checksum[2];
  u32 salt1;
  if (pWal->readOnly || pWal->nWiData == 0 || pWal->apWiData[0] == 0) return;
  memcpy(&pWal->hdr, (const void*)walIndexHdr(pWal), sizeof(pWal->hdr)); /* a checkpoint may have left none */
  if (!pWal->hdr.isInit || pWal->hdr.mxFrame == 0) return;
  sqlite3_randomness(4, &salt1);
  if (!libsqlLogMayRestart(pWal, salt1)) return;
  memset(header, 0, sizeof(header));
  sqlite3Put4byte(&header[0], (WAL_MAGIC | SQLITE_BIGENDIAN));
  sqlite3Put4byte(&header[4], WAL_MAX_VERSION);
  sqlite3Put4byte(&header[8], pWal->szPage);
  sqlite3Put4byte(&header[12], pWal->nCkpt + 1);
  sqlite3Put4byte(&header[16], 1 + sqlite3Get4byte((u8*)&pWal->hdr.aSalt[0]));
  memcpy(&header[20], &salt1, 4);
  walChecksumBytes(1, header, WAL_HDRSIZE - 2 * 4, 0, checksum);
  sqlite3Put4byte(&header[24], checksum[0]);
  sqlite3Put4byte(&header[28], checksum[1]);
  if (sqlite3OsWrite(pWal->pWalFd, header, sizeof(header), 0) != SQLITE_OK) return;
  if (sync_flags != 0 && sqlite3OsSync(pWal->pWalFd, CKPT_SYNC_FLAGS(sync_flags)) != SQLITE_OK) return;
  sqlite3OsTruncate(pWal->pWalFd, sizeof(header));
}
