# Changes FILE, an amalgamation of SQLite, so that what may work for minutes on one value looks at interrupts and
# deadlines (src/engine/patience.h): LIKE, GLOB, instr(), replace(), trim(), unhex(), json_patch(), JSON functions with many
# paths, count(*), DROP TABLE, DELETE of all rows, and any function or || after a large value. The results stay the same.
#   cmake -DFILE=.../sqlite3.c -P InterruptibleEngine.cmake
# Every place has to be there exactly once. In a release of SQLite that this was written for anything else ends the build;
# other releases stay as they are.

set(_what "its functions cannot be interrupted")
include("${CMAKE_CURRENT_LIST_DIR}/EngineText.cmake")
if(NOT _known)
  return()
endif()

add("the beginning of btree.c" [==[
/************** Begin file btree.c *******************************************/
]==] [==[
#include "engine/patience.h"
]==])

# -- an interrupt that came before the first step: the library knows whether it was meant for the call, and the statement keeps it
replace("sqlite3Step()" [==[
      ** from interrupting a statement that has not yet started.
      */
      if( db->nVdbeActive==0 ){
]==] [==[
      ** from interrupting a statement that has not yet started.
      */
      if( db->nVdbeActive==0 && (p->prepFlags & LIBSQL_PREPARE_KEEPS_INTERRUPT)==0 ){
]==])

# -- count(*): page after page in one operation
replace("sqlite3BtreeCount()" [==[
  i64 nEntry = 0;                      /* Value to return in *pnEntry */
  int rc;                              /* Return code */

  rc = moveToRoot(pCur);
]==] [==[
  i64 nEntry = 0;                      /* Value to return in *pnEntry */
  int rc;                              /* Return code */
  LibsqlPatience patience = {db, 0, 0};

  rc = moveToRoot(pCur);
]==])
add("the loop of sqlite3BtreeCount()" [==[
  while( rc==SQLITE_OK && !AtomicLoad(&db->u1.isInterrupted) ){
    int iIdx;                          /* Index of child node in parent */
    MemPage *pPage;                    /* Current page of the b-tree */
]==] [==[
    if( libsqlSpend(&patience, 4096) ) return SQLITE_INTERRUPT;
]==])

# -- DROP TABLE, and DELETE of all rows: page after page in one operation. A write that is interrupted is rolled back.
replace("clearDatabasePage()" [==[
  CellInfo info;

  assert( sqlite3_mutex_held(pBt->mutex) );
  if( pgno>btreePagecount(pBt) ){
    return SQLITE_CORRUPT_PGNO(pgno);
  }
]==] [==[
  CellInfo info;

  assert( sqlite3_mutex_held(pBt->mutex) );
  if( pgno>btreePagecount(pBt) ){
    return SQLITE_CORRUPT_PGNO(pgno);
  }
  if( pgno%64==0 && pBt->db!=0 && libsqlMustEnd(pBt->db) ) return SQLITE_INTERRUPT;
]==])

# -- any function, and ||: nothing else looks in an expression with many of them. The loop of the virtual machine is sensitive to
# what it has to keep in registers (one value more, and each statement costs a hundredth more), so what it does itself does not grow.
replace("OP_Function" "(*pCtx->pFunc->xSFunc)(pCtx, pCtx->argc, pCtx->argv);/* IMP: R-24505-23230 */" "libsqlCall(pCtx);")
replace("OP_Concat" [==[
  nByte = pIn1->n;
  nByte += pIn2->n;
  if( nByte>db->aLimit[SQLITE_LIMIT_LENGTH] ){
    goto too_big;
  }
]==] [==[
  nByte = pIn1->n;
  nByte += pIn2->n;
  if( nByte>db->aLimit[SQLITE_LIMIT_LENGTH] || (nByte>LIBSQL_LARGE_VALUE && libsqlEndsBefore(db)) ){
    goto too_big;
  }
]==])
add("too_big" [==[
too_big:
]==] [==[
  if( libsqlWasEnded(db) ){
    rc = SQLITE_INTERRUPT;
    goto abort_due_to_error;
  }
]==])

# -- instr()
add("instrFunc()" [==[
  int isText;
  unsigned char firstChar;
  sqlite3_value *pC1 = 0;
  sqlite3_value *pC2 = 0;
]==] [==[
  LibsqlPatience patience = {sqlite3_context_db_handle(context), 0, 0};
]==])
replace("the comparison of instrFunc()"
  "(zHaystack[0]!=firstChar || memcmp(zHaystack, zNeedle, nNeedle)!=0)"
  "(zHaystack[0]!=firstChar || libsqlCompare(&patience, zHaystack, zNeedle, nNeedle))")
add("the end of instrFunc()" [==[
    if( nNeedle>nHaystack ) N = 0;
  }
]==] [==[
  if( patience.ended ){
    sqlite3_result_error_code(context, SQLITE_INTERRUPT);
    goto endInstr;
  }
]==])

# -- LIKE and GLOB
replace("struct compareInfo" [==[
  u8 noCase;            /* true to ignore case differences */
};
]==] [==[
  u8 noCase;            /* true to ignore case differences */
  LibsqlPatience *pPatience;  /* of a comparison that may take long */
};
#define LIBSQL_LOSES_PATIENCE(pInfo) \
  ((pInfo)->pPatience!=0 && libsqlSpend((pInfo)->pPatience, LIBSQL_WORK_OF_PLACE))
]==])
add("patternCompare() behind *[" [==[
            int bMatch = patternCompare(&zPattern[-1],zString,pInfo,matchOther);
            if( bMatch!=SQLITE_NOMATCH ) return bMatch;
]==] [==[
            if( LIBSQL_LOSES_PATIENCE(pInfo) ) return SQLITE_NOWILDCARDMATCH;
]==])
add("patternCompare() behind an ASCII character" [==[
          zString++;
          bMatch = patternCompare(zPattern,zString,pInfo,matchOther);
          if( bMatch!=SQLITE_NOMATCH ) return bMatch;
]==] [==[
          if( LIBSQL_LOSES_PATIENCE(pInfo) ) return SQLITE_NOWILDCARDMATCH;
]==])
add("patternCompare() behind another character" [==[
          if( c2!=c ) continue;
          bMatch = patternCompare(zPattern,zString,pInfo,matchOther);
          if( bMatch!=SQLITE_NOMATCH ) return bMatch;
]==] [==[
          if( LIBSQL_LOSES_PATIENCE(pInfo) ) return SQLITE_NOWILDCARDMATCH;
]==])
replace("likeFunc()" [==[
  struct compareInfo *pInfo = sqlite3_user_data(context);
  struct compareInfo backupInfo;
]==] [==[
  struct compareInfo *pInfo = sqlite3_user_data(context);
  struct compareInfo backupInfo;
  LibsqlPatience patience = {db, 0, 0};
]==])
replace("the end of likeFunc()" [==[
    sqlite3_result_int(context,
                      patternCompare(zB, zA, pInfo, escape)==SQLITE_MATCH);
]==] [==[
    if( argv[0]->n>1 && argv[1]->n>LIBSQL_LARGE_VALUE/argv[0]->n ){
      if( pInfo!=&backupInfo ) memcpy(&backupInfo, pInfo, sizeof(backupInfo));
      pInfo = &backupInfo;
      pInfo->pPatience = &patience;
    }
    nPat = patternCompare(zB, zA, pInfo, escape)==SQLITE_MATCH;
    if( patience.ended ){
      sqlite3_result_error_code(context, SQLITE_INTERRUPT);
    }else{
      sqlite3_result_int(context, nPat);
    }
]==])

# -- unhex()
replace("unhexFunc()" [==[
  const u8 *zPass = (const u8*)"";
  int nPass = 0;
  const u8 *zHex = sqlite3_value_text(argv[0]);
]==] [==[
  const u8 *zPass = (const u8*)"";
  int nPass = 0;
  LibsqlPatience patience = {sqlite3_context_db_handle(pCtx), 0, 0};
  const u8 *zHex = sqlite3_value_text(argv[0]);
]==])
replace("the loop of unhexFunc()"
  "if( !strContainsChar(zPass, nPass, ch) ) goto unhex_null;"
  "if( libsqlSpend(&patience, nPass) || !strContainsChar(zPass, nPass, ch) ) goto unhex_null;")
add("the end of unhexFunc()" [==[
 unhex_null:
  sqlite3_free(pBlob);
]==] [==[
  if( patience.ended ) sqlite3_result_error_code(pCtx, SQLITE_INTERRUPT);
]==])

# -- replace()
replace("replaceFunc()" [==[
  int loopLimit;           /* Last zStr[] that might match zPattern[] */
  int i, j;                /* Loop counters */
  unsigned cntExpand;      /* Number zOut expansions */
  sqlite3 *db = sqlite3_context_db_handle(context);
]==] [==[
  int loopLimit;           /* Last zStr[] that might match zPattern[] */
  int i, j;                /* Loop counters */
  unsigned cntExpand;      /* Number zOut expansions */
  sqlite3 *db = sqlite3_context_db_handle(context);
  LibsqlPatience patience = {db, 0, 0};
]==])
replace("the comparison of replaceFunc()"
  "if( zStr[i]!=zPattern[0] || memcmp(&zStr[i], zPattern, nPattern) ){"
  "if( zStr[i]!=zPattern[0] || libsqlCompare(&patience, &zStr[i], zPattern, nPattern) ){")
replace("the end of replaceFunc()" [==[
  assert( j+nStr-i+1<=nOut );
  memcpy(&zOut[j], &zStr[i], nStr-i);
]==] [==[
  if( patience.ended ){
    sqlite3_free(zOut);
    sqlite3_result_error_code(context, SQLITE_INTERRUPT);
    return;
  }
  assert( j+nStr-i+1<=nOut );
  memcpy(&zOut[j], &zStr[i], nStr-i);
]==])

# -- trim(), ltrim(), rtrim()
replace("trimFunc()" [==[
  unsigned char **azChar = 0;       /* Individual characters in zCharSet */
  int nChar;                        /* Number of characters in zCharSet */
]==] [==[
  unsigned char **azChar = 0;       /* Individual characters in zCharSet */
  int nChar;                        /* Number of characters in zCharSet */
  LibsqlPatience patience = {sqlite3_context_db_handle(context), 0, 0};
]==])
replace("the left end in trimFunc()" [==[
        if( i>=nChar ) break;
        zIn += len;
]==] [==[
        if( i>=nChar || libsqlSpend(&patience, i+1) ) break;
        zIn += len;
]==])
replace("the right end in trimFunc()" [==[
        if( i>=nChar ) break;
        nIn -= len;
]==] [==[
        if( i>=nChar || libsqlSpend(&patience, i+1) ) break;
        nIn -= len;
]==])
replace("the end of trimFunc()" [==[
    if( zCharSet ){
      sqlite3_free(azChar);
    }
  }
  sqlite3_result_text(context, (char*)zIn, nIn, SQLITE_TRANSIENT);
]==] [==[
    if( zCharSet ){
      sqlite3_free(azChar);
    }
  }
  if( patience.ended ){
    sqlite3_result_error_code(context, SQLITE_INTERRUPT);
    return;
  }
  sqlite3_result_text(context, (char*)zIn, nIn, SQLITE_TRANSIENT);
]==])

# -- JSON: each label of a patch is looked for in the whole target, and each path in the whole value
add("the codes of jsonMergePatch()" [==[
#define JSON_MERGE_TOODEEP     4     /* Nested too deep */
]==] [==[
#define JSON_MERGE_ENDED       5     /* The call is to end */
]==])
replace("jsonMergePatch()" [==[
  u32 szPValue;     /* Payload size of the patch value */

  assert( iTarget>=0 && iTarget<pTarget->nBlob );
]==] [==[
  u32 szPValue;     /* Payload size of the patch value */
  LibsqlPatience patience = {pTarget->db, 0, 0};

  assert( iTarget>=0 && iTarget<pTarget->nBlob );
]==])
add("the loop of jsonMergePatch()" [==[
  while( iPCursor<iPEnd ){  /* Algorithm line 07 */
]==] [==[
    if( libsqlSpend(&patience, iTEndBE + pTarget->delta - iTStart) ) return JSON_MERGE_ENDED;
]==])
replace("the codes in jsonPatchFunc()" [==[
    }else if( rc==JSON_MERGE_TOODEEP ){
      sqlite3_result_error(ctx, "JSON nested too deep", -1);
    }else{
]==] [==[
    }else if( rc==JSON_MERGE_TOODEEP ){
      sqlite3_result_error(ctx, "JSON nested too deep", -1);
    }else if( rc==JSON_MERGE_ENDED ){
      sqlite3_result_error_code(ctx, SQLITE_INTERRUPT);
    }else{
]==])
add("the loop of jsonInsertIntoBlob()" [==[
  for(i=1; i<argc-1; i+=2){
    if( sqlite3_value_type(argv[i])==SQLITE_NULL ) continue;
]==] [==[
    if( p->nBlob>LIBSQL_LARGE_VALUE && libsqlMustEnd(sqlite3_context_db_handle(ctx)) ){
      sqlite3_result_error_code(ctx, SQLITE_INTERRUPT);
      jsonParseFree(p);
      return;
    }
]==])
add("the loop of jsonExtractFunc()" [==[
    /* With a single PATH argument */
    const char *zPath = (const char*)sqlite3_value_text(argv[i]);
    int nPath;
    u32 j;
]==] [==[
    if( p->nBlob>LIBSQL_LARGE_VALUE && libsqlMustEnd(sqlite3_context_db_handle(ctx)) ){
      sqlite3_result_error_code(ctx, SQLITE_INTERRUPT);
      goto json_extract_error;
    }
]==])

file(WRITE "${FILE}" "${_source}")
