# Writes OUTPUT, the amalgamation INPUT with what loses errors and data in SQLite3 Multiple Ciphers mended:
#   cmake -DINPUT=.../sqlite3.c -DOUTPUT=.../sqlite3.c -P MendEngine.cmake
# Each place is looked for inside one function and has to be there exactly once, as the authors wrote it or as it is mended;
# anything else ends the build, because a release that looks different has to be read anew. SQLite without that layer, and a
# source in which all is mended already, go through byte for byte.

file(READ "${INPUT}" _source)

if(NOT _source MATCHES "sqlite3mc_vfs_create" AND NOT _source MATCHES "static int mcIoRead\\(")
  file(COPY_FILE "${INPUT}" "${OUTPUT}")
  return()
endif()

# How often `text` occurs in `whole`.
function(count_of whole text out)
  string(LENGTH "${text}" _size)
  set(_count 0)
  string(FIND "${whole}" "${text}" _at)
  while(NOT _at EQUAL -1)
    math(EXPR _count "${_count} + 1")
    math(EXPR _at "${_at} + ${_size}")
    string(SUBSTRING "${whole}" ${_at} -1 whole)
    string(FIND "${whole}" "${text}" _at)
  endwhile()
  set(${out} ${_count} PARENT_SCOPE)
endfunction()

# mend(HEAD BEFORE AFTER): in the function that begins with HEAD and a line with its brace, BEFORE becomes AFTER.
function(mend head before after)
  string(REGEX MATCH "[A-Za-z0-9_]+\\(" _name "${head}")
  string(REPLACE "(" "()" _name "${_name}")
  count_of("${_source}" "${head}\n{\n" _functions)
  if(NOT _functions EQUAL 1)
    message(FATAL_ERROR "${INPUT} has ${_functions} definitions of ${_name} where one is expected, so its loss of I/O errors "
      "cannot be mended. Read its I/O layer and adapt cmake/MendEngine.cmake.")
  endif()
  string(FIND "${_source}" "${head}\n{\n" _start)
  string(SUBSTRING "${_source}" ${_start} -1 _rest)
  string(FIND "${_rest}" "\n}\n" _length)
  string(SUBSTRING "${_rest}" 0 ${_length} _function)
  count_of("${_function}" "${before}" _faulty)
  count_of("${_function}" "${after}" _mended)
  if(_faulty EQUAL 1 AND _mended EQUAL 0)
    string(FIND "${_function}" "${before}" _place)
    string(LENGTH "${before}" _size)
    math(EXPR _place "${_start} + ${_place}")
    math(EXPR _behind "${_place} + ${_size}")
    string(SUBSTRING "${_source}" 0 ${_place} _head)
    string(SUBSTRING "${_source}" ${_behind} -1 _tail)
    string(CONCAT _source "${_head}" "${after}" "${_tail}")
    set(_source "${_source}" PARENT_SCOPE)
    set(_changed TRUE PARENT_SCOPE)
  elseif(NOT (_faulty EQUAL 0 AND _mended EQUAL 1))
    message(FATAL_ERROR "${INPUT}: in ${_name} the place that loses an I/O error is found ${_faulty} times and mended ${_mended} "
      "times where one of them is expected once. Read its I/O layer and adapt cmake/MendEngine.cmake.")
  endif()
endfunction()

set(_changed FALSE)

# Of the errors of a read only "fewer bytes than asked for" was told; all others became SQLITE_OK, for plain files too, and the
# engine took what stood in its buffer for the page.
mend("static int mcIoRead(sqlite3_file* pFile, void* buffer, int count, sqlite3_int64 offset)"
[[
  if (rc == SQLITE_IOERR_SHORT_READ)
  {
    return rc;
  }
]] [[
  if (rc != SQLITE_OK)
  {
    return rc;
  }
]])

# The same for the second read, of the whole page around a part of it, such as the change counter in page 1.
mend("static int mcReadMainDb(sqlite3_file* pFile, void* buffer, int count, sqlite3_int64 offset)"
[[
      rc = REALFILE(pFile)->pMethods->xRead(REALFILE(pFile), pageBuffer, pageSize, prevOffset);
      if (rc == SQLITE_IOERR_SHORT_READ)
]] [[
      rc = REALFILE(pFile)->pMethods->xRead(REALFILE(pFile), pageBuffer, pageSize, prevOffset);
      if (rc != SQLITE_OK)
]])

# The older form of encrypted logs: without its number a page was written as plain text, and the result of one write was
# replaced by that of the next.
mend("static int mcWriteWal(sqlite3_file* pFile, const void* buffer, int count, sqlite3_int64 offset)"
[[
      if (rc == SQLITE_OK)
      {
        pageNo = sqlite3Get4byte(ac);
      }
]] [[
      if (rc != SQLITE_OK)
      {
        return rc;
      }
      pageNo = sqlite3Get4byte(ac);
]])
mend("static int mcWriteWal(sqlite3_file* pFile, const void* buffer, int count, sqlite3_int64 offset)"
[[
        rc = REALFILE(pFile)->pMethods->xWrite(REALFILE(pFile), buffer, walFrameHeaderSize, offset);
        rc = REALFILE(pFile)->pMethods->xWrite(REALFILE(pFile), bufferEncrypted, pageSize, offset+walFrameHeaderSize);
]] [[
        rc = REALFILE(pFile)->pMethods->xWrite(REALFILE(pFile), buffer, walFrameHeaderSize, offset);
        if (rc != SQLITE_OK)
        {
          return rc;
        }
        rc = REALFILE(pFile)->pMethods->xWrite(REALFILE(pFile), bufferEncrypted, pageSize, offset+walFrameHeaderSize);
]])

# Where a page is as large as a sector, a header of the journal was taken for the page whose number was written last, and
# encrypted: with it everything behind it was lost to a rollback after a crash. Headers stand at multiples of 8, pages 4 behind.
mend("static int mcWriteMainJournal(sqlite3_file* pFile, const void* buffer, int count, sqlite3_int64 offset)"
[[
    if (count == pageSize && mcFile->pageNo != 0)
]] [[
    if (count == pageSize && mcFile->pageNo != 0 && offset % 8 == 4)
]])

# While the key changes, what a rollback takes from the journal was put back with the new key. It is put back with the key that
# it was read with: the page that was read from the journal last is the one that is written next.
mend("static int mcReadMainJournal(sqlite3_file* pFile, const void* buffer, int count, sqlite3_int64 offset)"
[[
      rc = sqlite3mcGetCodecLastError(codec);
      mcFile->pageNo = 0;
]] [[
      rc = sqlite3mcGetCodecLastError(codec);
      mcFile->pMainDb->pageNo = mcFile->pageNo;
      mcFile->pageNo = 0;
]])
mend("static int mcWriteMainDb(sqlite3_file* pFile, const void* buffer, int count, sqlite3_int64 offset)"
[[
        void* bufferEncrypted = sqlite3mcCodec(mcFile->codec, data, pageNo, 6);
]] [[
        void* bufferEncrypted = sqlite3mcCodec(mcFile->codec, data, pageNo, mcFile->pageNo == pageNo ? 7 : 6);
        mcFile->pageNo = 0;
]])

# The salt of the key stands in page 1. A machine that stopped while the key changed left another one there, or none, and the
# journal that holds the old page could not be read: the whole database was lost. The salt is taken from the journal then.
mend("SQLITE_PRIVATE unsigned char* mcReadDatabaseHeader(Codec* codec, unsigned char* dbHeader)"
[[
  if (fd == NULL || sqlite3OsRead(fd, dbHeader, KEYSALT_LENGTH, 0) != SQLITE_OK)
]] [[
  extern int libsql_engine_journal_salt(Pager*, unsigned char*);
  if (fd == NULL || (libsql_engine_journal_salt(pPager, dbHeader) != SQLITE_OK && sqlite3OsRead(fd, dbHeader, KEYSALT_LENGTH, 0) != SQLITE_OK))
]])

# A change of the key that failed left its transaction open where it had copied the whole database, so that a later statement
# committed half of it; and after a decryption that failed, pages were written as plain text into the encrypted file.
set(_rekey "SQLITE_API int\nsqlite3_rekey_v2(sqlite3* db, const char* zDbName, const void* zKey, int nKey)")
mend("${_rekey}"
[[
      sqlite3mcCopyCipher(codec, 1);
    }
]] [[
      sqlite3mcCopyCipher(codec, 1);
      sqlite3mcSetHasWriteCipher(codec, 1);
    }
]])
mend("${_rekey}"
[[
  sqlite3mcSetWriteReserved(codec, -1);

]] [[
  sqlite3mcSetWriteReserved(codec, -1);
  if (rc != SQLITE_OK && db->autoCommit)
  {
    sqlite3_mutex_enter(db->mutex);
    sqlite3BtreeRollback(pBt, SQLITE_OK, 0);
    sqlite3_mutex_leave(db->mutex);
  }

]])

if(_changed)
  file(WRITE "${OUTPUT}" "${_source}")
else()
  file(COPY_FILE "${INPUT}" "${OUTPUT}")
endif()
