# Changes FILE, an amalgamation of SQLite, so that whoever copies a write-ahead log (src/engine/wal_watch.h) is asked before the
# log begins anew, and so that the log stays when the last connection goes.
#   cmake -DFILE=.../sqlite3.c -P WatchedLogEngine.cmake
# Every place has to be there exactly once. In a release of SQLite that this was written for anything else ends the build;
# other releases stay as they are.

set(_what "nobody can follow a database's log")
include("${CMAKE_CURRENT_LIST_DIR}/EngineText.cmake")
if(NOT _known)
  return()
endif()

add("the beginning of pager.c" [==[
/************** Begin file pager.c *******************************************/
]==] [==[
static int libsqlLogIsWatched(const char *zName);
]==])
replace("walRestartHdr()" [==[
static void walRestartHdr(Wal *pWal, u32 salt1){
]==] [==[
#include "engine/wal_watch.h"
static void walRestartHdr(Wal *pWal, u32 salt1){
]==])

# A writer that finds all frames in the database file goes back to the first frame. It may as well not.
replace("walRestartLog()" [==[
      rc = walLockExclusive(pWal, WAL_READ_LOCK(1), WAL_NREADER-1);
      if( rc==SQLITE_OK ){
        /* If all readers are using WAL_READ_LOCK(0) (in other words if no
]==] [==[
      rc = walLockExclusive(pWal, WAL_READ_LOCK(1), WAL_NREADER-1);
      if( rc==SQLITE_OK && !libsqlLogMayRestart(pWal, salt1) ){
        walUnlockExclusive(pWal, WAL_READ_LOCK(1), WAL_NREADER-1);
        rc = SQLITE_BUSY;
      }
      if( rc==SQLITE_OK ){
        /* If all readers are using WAL_READ_LOCK(0) (in other words if no
]==])

# A log of no bytes has no salts that could tell what it went on from, so TRUNCATE does what RESTART does.
replace("the truncation in walCheckpoint()" [==[
        if( eMode==SQLITE_CHECKPOINT_TRUNCATE ){
]==] [==[
        if( eMode==SQLITE_CHECKPOINT_TRUNCATE && !libsqlLogIsWatched(pWal->zWalName) ){
]==])

# The last connection has copied all frames into the database file, and nobody else can come.
replace("the end of sqlite3WalClose()" [==[
        if( bPersist!=1 ){
          /* Try to delete the WAL file if the checkpoint completed and
]==] [==[
        if( libsqlLogIsWatched(pWal->zWalName) ){
          libsqlLogShrinks(pWal, sync_flags);
        }else if( bPersist!=1 ){
          /* Try to delete the WAL file if the checkpoint completed and
]==])

replace("the salts of a new log in sqlite3WalFrames()" [==[
    if( pWal->nCkpt==0 ) sqlite3_randomness(8, pWal->hdr.aSalt);
]==] [==[
    if( pWal->nCkpt==0 ) libsqlLogBegins(pWal);
]==])

# Leaving the mode that has a log.
add("sqlite3PagerCloseWal()" [==[
  assert( pPager->journalMode==PAGER_JOURNALMODE_WAL );

  /* If the log file is not already open, but does exist in the file-system,
  ** it may need to be checkpointed before the connection can switch to
  ** rollback mode. Open it now so this can happen.
  */
]==] [==[
  if( libsqlLogIsWatched(pPager->zWal) ) return SQLITE_BUSY;

]==])

file(WRITE "${FILE}" "${_source}")
