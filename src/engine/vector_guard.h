/* Files in which libSQL made a vector index. libSQL keeps that index in tables of its own, leaves the B-tree which stands in
 * sqlite_schema empty, and hides it from its planner (observed: npm libsql 0.5.29). To any other SQLite it is the narrowest
 * covering index of its table: count(*) is 0, SELECT id yields nothing, and no error says so.
 *
 * So, whenever the schema is read, such an index becomes a partial one in memory, with a condition that nothing implies. The
 * planner then leaves it alone, integrity_check and REINDEX expect it to be empty, and VACUUM copies it. The file stays as it
 * is. The condition is a function, which is asked for each row that would have to go into the index or out of it, in whatever
 * way: it refuses, for the vectors in libSQL's tables would no longer be those of the rows.
 *
 * Included by amalgamation.c behind the engine, which calls this function where it gave its own for a callback. */

static void libsqlVectorIndexFunction(sqlite3_context* context, int count, sqlite3_value** arguments) {
  if (count > 0) {
    sqlite3_result_value(context, arguments[0]); /* as in libSQL */
  } else {
    sqlite3_result_error(context, "libsql_vector_idx() takes a column", -1);
  }
}

/* REINDEX asks the condition, too, but only takes out what should not be there. */
static int libsqlIsReindex(const char* sql) {
  i64 length;
  int kind = TK_SPACE;
  if (sql == 0) return 0;
  for (; *sql != 0; sql += length) {
    length = sqlite3GetToken((const unsigned char*)sql, &kind);
    if (kind != TK_SPACE && kind != TK_COMMENT && kind != TK_SEMI) break;
  }
  return kind == TK_REINDEX;
}

static void libsqlVectorGuardFunction(sqlite3_context* context, int count, sqlite3_value** arguments) {
  const Vdbe* vdbe = context->pVdbe;
  const sqlite3* db = sqlite3_context_db_handle(context);
  char* text;
  if (vdbe == 0 || vdbe->readOnly || (db->mDbFlags & DBFLAG_Vacuum) != 0 || libsqlIsReindex(vdbe->zSql)) {
    sqlite3_result_int(context, 0); /* integrity_check, VACUUM: the index holds no row */
    return;
  }
  text = sqlite3_mprintf("table \"%w\" has a vector index made by libSQL, which this version cannot keep: DROP INDEX \"%w\" "
                         "to write to the table", sqlite3_value_text(arguments[1]), sqlite3_value_text(arguments[2]));
  if (text == 0) {
    sqlite3_result_error_nomem(context);
    return;
  }
  sqlite3_result_error(context, text, -1);
  sqlite3_free(text);
}

static void libsqlSeeEveryRow(void* arg, sqlite3* db, int op, char const* schema, char const* table, sqlite3_int64 before,
                              sqlite3_int64 after) {}

#define LIBSQL_VECTOR_INDEX "libsql_vector_idx"
#define LIBSQL_VECTOR_GUARD "libsql_vector_guard"

/* Both functions are internal: no SQL text of a user can name them, so nobody makes such an index here. */
static int libsqlHasVectorGuard(sqlite3* db) { return sqlite3FindFunction(db, LIBSQL_VECTOR_GUARD, 3, SQLITE_UTF8, 0) != 0; }

static int libsqlAddVectorGuard(sqlite3* db) {
  const int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS;
  FuncDef* made;
  if (!libsqlHasVectorGuard(db)) {
    if (sqlite3_create_function(db, LIBSQL_VECTOR_INDEX, -1, flags | SQLITE_DETERMINISTIC, 0, libsqlVectorIndexFunction, 0, 0) !=
            SQLITE_OK ||
        sqlite3_create_function(db, LIBSQL_VECTOR_GUARD, 3, flags, 0, libsqlVectorGuardFunction, 0, 0) != SQLITE_OK) {
      return 0;
    }
    made = sqlite3FindFunction(db, LIBSQL_VECTOR_INDEX, 1, SQLITE_UTF8, 0);
    made->funcFlags |= SQLITE_FUNC_INTERNAL;
    made = sqlite3FindFunction(db, LIBSQL_VECTOR_GUARD, 3, SQLITE_UTF8, 0);
    made->funcFlags |= SQLITE_FUNC_INTERNAL;
  }
  /* Else DELETE without WHERE empties a table at one stroke, and asks for no row. */
  if (db->xPreUpdateCallback == 0) sqlite3_preupdate_hook(db, libsqlSeeEveryRow, 0);
  return 1;
}

/* VACUUM makes the indexes of its copy from their text. */
static void libsqlLendVectorIndexFunction(sqlite3* db) {
  FuncDef* made = libsqlHasVectorGuard(db) ? sqlite3FindFunction(db, LIBSQL_VECTOR_INDEX, 1, SQLITE_UTF8, 0) : 0;
  if (made == 0) return;
  if ((db->mDbFlags & DBFLAG_Vacuum) != 0) {
    made->funcFlags &= ~SQLITE_FUNC_INTERNAL;
  } else {
    made->funcFlags |= SQLITE_FUNC_INTERNAL;
  }
}

static int libsqlIsVectorIndex(const Index* index) {
  int i;
  if (index->aColExpr == 0) return 0;
  for (i = 0; i < index->nKeyCol; ++i) {
    const Expr* term = index->aiColumn[i] == XN_EXPR ? sqlite3ExprSkipCollate(index->aColExpr->a[i].pExpr) : 0;
    if (term != 0 && term->op == TK_FUNCTION && sqlite3StrICmp(term->u.zToken, LIBSQL_VECTOR_INDEX) == 0) return 1;
  }
  return 0;
}

/* VACUUM copies a table page by page, and so keeps its rowids, only if its indexes have the same condition in the copy as in the
 * original, which is in the one database that has a transaction open. */
static const Expr* libsqlVacuumedCondition(sqlite3* db, int copy, const char* name) {
  int i;
  for (i = 0; i < db->nDb && (db->mDbFlags & DBFLAG_Vacuum) != 0; ++i) {
    const Index* index;
    if (i == copy || db->aDb[i].pBt == 0 || sqlite3BtreeTxnState(db->aDb[i].pBt) == SQLITE_TXN_NONE) continue;
    index = sqlite3FindIndex(db, name, db->aDb[i].zDbSName);
    if (index != 0 && libsqlIsVectorIndex(index)) return index->pPartIdxWhere;
  }
  return 0;
}

/* A call of the guard: a condition as the parser would have built it. It lives in the schema, which another connection may
 * free, hence without lookaside. Null if there is no memory. */
static Expr* libsqlVectorGuardCondition(sqlite3* db, int iDb, const Index* index) {
  const Expr* original = libsqlVacuumedCondition(db, iDb, index->zName);
  Expr* call = 0;
  ++db->lookaside.bDisable;
  db->lookaside.sz = 0;
  if (original != 0) {
    call = sqlite3ExprDup(db, original, 0);
  } else {
    Parse parse;
    ExprList* names;
    sqlite3ParseObjectInit(&parse, db);
    names = sqlite3ExprListAppend(&parse, 0, sqlite3Expr(db, TK_STRING, db->aDb[iDb].zDbSName));
    names = sqlite3ExprListAppend(&parse, names, sqlite3Expr(db, TK_STRING, index->pTable->zName));
    names = sqlite3ExprListAppend(&parse, names, sqlite3Expr(db, TK_STRING, index->zName));
    call = sqlite3Expr(db, TK_FUNCTION, LIBSQL_VECTOR_GUARD);
    if (call != 0 && !db->mallocFailed) {
      call->x.pList = names;
      sqlite3ExprSetHeightAndFlags(&parse, call);
      ExprSetProperty(call, EP_HasFunc);
    } else {
      sqlite3ExprListDelete(db, names);
      sqlite3ExprDelete(db, call);
      call = 0;
    }
    sqlite3ParseObjectReset(&parse);
  }
  --db->lookaside.bDisable;
  db->lookaside.sz = db->lookaside.bDisable ? 0 : db->lookaside.szTrue;
  return call;
}

/* What the engine calls for each row of sqlite_schema that it reads. */
static int(sqlite3InitCallback)(void* init, int argc, char** argv, char** names) {
  InitData* data = (InitData*)init;
  sqlite3* db = data->db;
  const int rc = libsql_engine_init_callback(init, argc, argv, names);
  Index* index;
  libsqlLendVectorIndexFunction(db);
  if (rc != 0 || data->rc != SQLITE_OK || argv == 0 || argv[1] == 0 || argv[4] == 0) return rc;
  index = sqlite3FindIndex(db, argv[1], db->aDb[data->iDb].zDbSName);
  if (index != 0 && libsqlIsVectorIndex(index)) {
    Expr* condition = libsqlAddVectorGuard(db) ? libsqlVectorGuardCondition(db, data->iDb, index) : 0;
    if (condition == 0) {
      data->rc = SQLITE_NOMEM;
      sqlite3OomFault(db);
      return 1;
    }
    sqlite3ExprDelete(db, index->pPartIdxWhere);
    index->pPartIdxWhere = condition;
    index->bNoQuery = 1;
  }
  return rc;
}
