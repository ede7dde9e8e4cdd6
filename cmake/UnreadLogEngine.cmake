# Changes FILE, an amalgamation of SQLite, so that a database whose first page could not be read is never written by a checkpoint.
# With a wrong key, a checkpoint would read the log that a crash has left and write it into the file, both with that key, and
# destroy the bytes of page 1 that ciphers keep apart. A wrong key of ATTACH or PRAGMA key comes here as well.
#   cmake -DFILE=.../sqlite3.c -P UnreadLogEngine.cmake
# Every place has to be there exactly once. In a release of SQLite that this was written for anything else ends the build;
# other releases stay as they are.

set(_what "a wrong key may copy a crash's log into the file")
include("${CMAKE_CURRENT_LIST_DIR}/EngineText.cmake")
if(NOT _known)
  return()
endif()

# nPage is set once page 1 has been read and found to be that of a database.
replace("sqlite3BtreeClose()" [==[
    assert( !pBt->pCursor );
    sqlite3PagerClose(pBt->pPager, p->db);
]==] [==[
    assert( !pBt->pCursor );
    sqlite3PagerClose(pBt->pPager, pBt->nPage!=0 ? p->db : 0);
]==])
replace("sqlite3BtreeCheckpoint()" [==[
      rc = SQLITE_LOCKED;
    }else{
      rc = sqlite3PagerCheckpoint(pBt->pPager, p->db, eMode, pnLog, pnCkpt);
]==] [==[
      rc = SQLITE_LOCKED;
    }else if( pBt->nPage==0 && pBt->pPager->pWal!=0 ){
      rc = SQLITE_NOTADB;
    }else{
      rc = sqlite3PagerCheckpoint(pBt->pPager, p->db, eMode, pnLog, pnCkpt);
]==])

file(WRITE "${FILE}" "${_source}")
