# Changes FILE, an amalgamation of SQLite, for what libSQL's language and its schemas have beyond SQLite's.
#   cmake -DFILE=.../sqlite3.c -P LibsqlLanguageEngine.cmake
# Every place has to be there exactly once. In a release of SQLite that this was written for anything else ends the build;
# other releases stay as they are.

set(_what "it has no RANDOM ROWID, no BEGIN READONLY, and no statistics of libSQL's vector indexes")
include("${CMAKE_CURRENT_LIST_DIR}/EngineText.cmake")
if(NOT _known)
  return()
endif()

# -- CREATE TABLE t(...) RANDOM ROWID: rows get random keys where the statement gives none. SQLite as it is cannot read a schema
# with such a table at all. It chooses rowids at random itself, once the greatest one is taken; OP_NewRowid does so at once if its P5
# is set.
add("the flags of a table" [==[
#define TF_Imposter       0x00020000 /* An imposter table */
]==] [==[
#define TF_RandomRowid    0x00040000 /* New rows get a random rowid */
]==])

# WITHOUT is a name wherever no table option may stand, and so is RANDOM that comes as the same token.
replace("the tokens in sqlite3RunParser()" [==[
    pParse->sLastToken.z = zSql;
    pParse->sLastToken.n = (u32)n;
    sqlite3Parser(pEngine, tokenType, pParse->sLastToken);
]==] [==[
    if( tokenType==TK_ID ){
      if( n==6 && sqlite3StrNICmp(zSql, "random", 6)==0 ){
        tokenType = TK_WITHOUT;
      }else if( n==8 && (lastTokenParsed==TK_BEGIN || lastTokenParsed==TK_TRANSACTION)
             && sqlite3StrNICmp(zSql, "readonly", 8)==0 ){
        pParse->libsqlReadOnly = 1;
        if( lastTokenParsed==TK_BEGIN ) tokenType = TK_DEFERRED;
      }
    }
    pParse->sLastToken.z = zSql;
    pParse->sLastToken.n = (u32)n;
    sqlite3Parser(pEngine, tokenType, pParse->sLastToken);
]==])
replace("the table option WITHOUT ROWID"
  "    yymsp[-1].minor.yy391 = TF_WithoutRowid | TF_NoVisibleRowid;\n"
  "    yymsp[-1].minor.yy391 = sqlite3_strnicmp(yymsp[-1].minor.yy0.z,\"random\",6)==0 ? TF_RandomRowid\n\
                                                          : TF_WithoutRowid | TF_NoVisibleRowid;\n")
add("the table options in sqlite3EndTable()" [==[
  assert( (p->tabFlags & TF_HasPrimaryKey)!=0
       || (p->iPKey<0 && sqlite3PrimaryKeyIndex(p)==0) );
]==] [==[

  if( tabOpts & TF_RandomRowid ){
    if( p->tabFlags & TF_Autoincrement ){
      sqlite3ErrorMsg(pParse, "AUTOINCREMENT not allowed on RANDOM ROWID tables");
      return;
    }
    p->tabFlags |= TF_RandomRowid;
  }
]==])

replace("the algorithm of OP_NewRowid" [==[
    if( !pC->useRandomRowid ){
      rc = sqlite3BtreeLast(pC->uc.pCursor, &res);
]==] [==[
    if( pOp->p5 ) pC->useRandomRowid = 1;
    if( !pC->useRandomRowid ){
      rc = sqlite3BtreeLast(pC->uc.pCursor, &res);
]==])
replace("the beginning of insert.c" [==[
/************** Begin file insert.c ******************************************/
]==] [==[
/************** Begin file insert.c ******************************************/
static void libsqlAddNewRowid(Vdbe *v, const Table *pTab, int iCur, int regRowid, int regAutoinc){
  sqlite3VdbeAddOp3(v, OP_NewRowid, iCur, regRowid, regAutoinc);
  if( pTab->tabFlags & TF_RandomRowid ) sqlite3VdbeChangeP5(v, 1);
}
]==])
foreach(_before
    "        if( pIpk->op==TK_NULL && !IsVirtual(pTab) ){\n          "
    "          addr1 = sqlite3VdbeAddOp1(v, OP_NotNull, regRowid); VdbeCoverage(v);\n          "
    "      sqlite3VdbeAddOp2(v, OP_Null, 0, regRowid);\n    }else{\n      ")
  replace("the new rowids in sqlite3Insert()"
    "${_before}sqlite3VdbeAddOp3(v, OP_NewRowid, iDataCur, regRowid, regAutoinc);"
    "${_before}libsqlAddNewRowid(v, pTab, iDataCur, regRowid, regAutoinc);")
endforeach()

# Tables copied page by page: INSERT ... SELECT chooses new rowids, one by one; VACUUM keeps them.
replace("the tables of xferOptimization()" [==[
  if( (db->flags & SQLITE_CountRows)!=0 ){
    return 0;  /* xfer opt does not play well with PRAGMA count_changes */
  }
]==] [==[
  if( (db->flags & SQLITE_CountRows)!=0 ){
    return 0;  /* xfer opt does not play well with PRAGMA count_changes */
  }
  if( (pDest->tabFlags & TF_RandomRowid)!=0 && pDest->iPKey<0 && (db->mDbFlags & DBFLAG_Vacuum)==0 ){
    return 0;
  }
]==])
replace("the rowids in xferOptimization()"
  "    }else if( pDest->pIndex==0 && !(db->mDbFlags & DBFLAG_VacuumInto) ){\n"
  "    }else if( pDest->pIndex==0 && !(db->mDbFlags & DBFLAG_VacuumInto) && !(pDest->tabFlags & TF_RandomRowid) ){\n")
# libSQL's VACUUM appends rows with new rowids that are in no order. Put where they belong, they are found again.
add("the places in xferOptimization()" [==[
      sqlite3VdbeAddOp1(v, OP_SeekEnd, iDest);
      insFlags = OPFLAG_APPEND|OPFLAG_USESEEKRESULT|OPFLAG_PREFORMAT;
]==] [==[
      if( pDest->tabFlags & TF_RandomRowid ) insFlags &= ~OPFLAG_USESEEKRESULT;
]==])

# -- BEGIN READONLY and BEGIN TRANSACTION READONLY: a deferred transaction that refuses to write, as the library's own do. The flag
# counts only while a transaction is open, and each BEGIN sets it anew.
add("struct Parse" [==[
  bft disableTriggers:1; /* True to disable triggers */
]==] [==[
  bft libsqlReadOnly :1; /* BEGIN READONLY */
]==])
add("the flags of a connection" [==[
#define SQLITE_Comments       HI(0x00040) /* Enable SQL comments */
]==] [==[
#define SQLITE_ReadTransaction HI(0x00080) /* The open transaction may not write */
]==])
replace("the end of sqlite3BeginTransaction()" [==[
      sqlite3VdbeUsesBtree(v, i);
    }
  }
  sqlite3VdbeAddOp0(v, OP_AutoCommit);
]==] [==[
      sqlite3VdbeUsesBtree(v, i);
    }
  }
  sqlite3VdbeAddOp3(v, OP_AutoCommit, 0, 0, type==TK_DEFERRED && pParse->libsqlReadOnly);
]==])
add("the beginning of a transaction in OP_AutoCommit" [==[
      db->autoCommit = (u8)desiredAutoCommit;
]==] [==[
      if( !desiredAutoCommit ) db->flags &= ~(u64)SQLITE_ReadTransaction;
      if( pOp->p3 ) db->flags |= SQLITE_ReadTransaction;
]==])
replace("the beginning of a transaction in OP_Savepoint" [==[
          db->autoCommit = 0;
          db->isTransactionSavepoint = 1;
]==] [==[
          db->autoCommit = 0;
          db->flags &= ~(u64)SQLITE_ReadTransaction;
          db->isTransactionSavepoint = 1;
]==])
replace("OP_Transaction" [==[
  if( pOp->p2 && (db->flags & (SQLITE_QueryOnly|SQLITE_CorruptRdOnly))!=0 ){
]==] [==[
  if( pOp->p2 && (db->flags & SQLITE_ReadTransaction)!=0 && db->autoCommit==0 ){
    rc = SQLITE_READONLY;
    goto abort_due_to_error;
  }
  if( pOp->p2 && (db->flags & (SQLITE_QueryOnly|SQLITE_CorruptRdOnly))!=0 ){
]==])

# -- ANALYZE. libSQL leaves the B-tree of a vector index empty and hides it from its planner; to any other SQLite it is an index
# that covers no row. A line in sqlite_stat1 that calls it unordered keeps others from reading it in the place of the table.
replace("the indexes in analyzeOneTable()" [==[
    /*
    ** Pseudo-code for loop that calls stat_push():
]==] [==[
    if( libsqlIsVectorIndex(pIdx) ){
      sqlite3VdbeAddOp2(v, OP_Count, iTabCur, regTemp);
      sqlite3VdbeLoadString(v, regTemp2, " 1 unordered");
      sqlite3VdbeAddOp3(v, OP_Concat, regTemp2, regTemp, regStat1);
      sqlite3VdbeAddOp4(v, OP_MakeRecord, regTabname, 3, regTemp, "BBB", 0);
      sqlite3VdbeAddOp2(v, OP_NewRowid, iStatCur, regNewRowid);
      sqlite3VdbeAddOp3(v, OP_Insert, iStatCur, regTemp, regNewRowid);
#ifdef SQLITE_ENABLE_PREUPDATE_HOOK
      sqlite3VdbeChangeP4(v, -1, (char*)pStat1, P4_TABLE);
#endif
      sqlite3VdbeChangeP5(v, OPFLAG_APPEND);
      continue;
    }
    /*
    ** Pseudo-code for loop that calls stat_push():
]==])
add("the beginning of analyze.c" [==[
/************** Begin file analyze.c *****************************************/
]==] [==[
static int libsqlIsVectorIndex(const Index*);  /* engine/vector_guard.h */
]==])

file(WRITE "${FILE}" "${_source}")
