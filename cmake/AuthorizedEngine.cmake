# Changes FILE, an amalgamation of SQLite, so that an authorizer's word about a column holds for RETURNING, too.
#   cmake -DFILE=.../sqlite3.c -P AuthorizedEngine.cmake
# The place has to be there exactly once. In a release of SQLite that this was written for anything else ends the build;
# other releases stay as they are.

set(_what "RETURNING shows columns that an authorizer ignores")
include("${CMAKE_CURRENT_LIST_DIR}/EngineText.cmake")
if(NOT _known)
  return()
endif()

# The names of a RETURNING clause are resolved twice: once for the names of the result's columns, when the authorizer is asked and
# its SQLITE_IGNORE makes a NULL of the column in a copy that is thrown away, and once for the values, unasked.
add("the columns of RETURNING in lookupName()" [==[
            if( pParse->bReturning ){
              eNewExprOp = TK_REGISTER;
]==] [==[
#ifndef SQLITE_OMIT_AUTHORIZATION
              if( pParse->db->xAuth ){
                const int iDb = sqlite3SchemaToIndex(pParse->db, pSchema);
                const int iName = iCol>=0 ? iCol : pTab->iPKey;
                const char *zName = iName>=0 ? pTab->aCol[iName].zCnName : "ROWID";
                if( iDb>=0 && sqlite3AuthReadCol(pParse, pTab->zName, zName, iDb)==SQLITE_IGNORE ){
                  eNewExprOp = TK_NULL;
                }
              }
#endif
]==])

file(WRITE "${FILE}" "${_source}")
