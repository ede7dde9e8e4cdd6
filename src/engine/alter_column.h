/* ALTER TABLE t ALTER COLUMN c TO c DEFINITION, which libSQL's parser has and the engine's has not.
 *
 * sql/alter_column.cpp writes such a statement as ALTER TABLE t DROP CONSTRAINT, with the column and its definition packed into the
 * name. So the engine does all that surrounds a change of a table's text: it finds the table, asks the authorizer, takes the lock,
 * raises the schema's version, has everybody read the schema anew. The text itself is edited by an internal function, which the engine
 * keeps in a table of its functions, and there stands ours.
 *
 * libSQL changes the text and looks at nothing. Here the new definition must describe the table as it lies in the file: the same keys,
 * the same order in indexes; values that a column of the new type would hold otherwise are converted; and the rows must satisfy it.
 *
 * Included by amalgamation.c behind the engine. */

#define LIBSQL_ALTER_COLUMN "libsql alter column\x01"

typedef struct LibsqlAlterColumn {
  sqlite3_context* context;
  sqlite3* db;
  const char *schema, *column, *definition; /* schema: empty if it was not named */
  const char* sql;                          /* CREATE TABLE, as it stands */
  Table* table;                             /* as the connection knows it */
  int iDb, place;                           /* of the column among all */
  int failed;
} LibsqlAlterColumn;

static void libsqlAlterFail(LibsqlAlterColumn* alter, int code, const char* format, ...) {
  va_list arguments;
  char* text;
  va_start(arguments, format);
  text = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  alter->failed = 1;
  if (text == 0) {
    sqlite3_result_error_nomem(alter->context);
    return;
  }
  sqlite3_result_error(alter->context, text, -1);
  sqlite3_result_error_code(alter->context, code);
  sqlite3_free(text);
}

static void libsqlAlterRefuse(LibsqlAlterColumn* alter, const char* why) {
  libsqlAlterFail(alter, SQLITE_ERROR, "error in adding %s to %s: %s", alter->definition, alter->table->zName, why);
}

/* Runs SQL text; whether it yields a row. */
static int libsqlAlterRun(LibsqlAlterColumn* alter, char* sql) {
  sqlite3_stmt* statement = 0;
  int rc = sql == 0 ? SQLITE_NOMEM : sqlite3_prepare_v2(alter->db, sql, -1, &statement, 0);
  sqlite3_free(sql);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) libsqlAlterFail(alter, rc, "%s", sqlite3_errmsg(alter->db));
  sqlite3_finalize(statement);
  return rc == SQLITE_ROW;
}

/* Where the definition of the column begins and ends in CREATE TABLE. */
static int libsqlFindColumn(LibsqlAlterColumn* alter, int* begin, int* end) {
  const u8* sql = (const u8*)alter->sql;
  int at = 0, column = 0, kind = 0;
  if (skipCreateTable(alter->context, sql, &at) != 0) return 0;
  at += getWhitespace(sql + at);
  *begin = *end = at;
  for (;;) {
    const int length = getConstraintToken(sql + at, &kind);
    if (kind == TK_ILLEGAL || sql[at] == 0) return 0;
    if (kind == TK_COMMA || kind == TK_RP) {
      if (column == alter->place) return 1;
      if (kind == TK_RP) return 0;
      ++column;
      at += length;
      at += getWhitespace(sql + at);
      *begin = *end = at;
      continue;
    }
    at += length;
    *end = at;
  }
}

static int libsqlSameIndex(const Index* a, const Index* b) {
  int i;
  if (a->idxType != b->idxType || a->onError != b->onError || a->nKeyCol != b->nKeyCol) return 0;
  for (i = 0; i < a->nKeyCol; ++i) {
    if (a->aiColumn[i] != b->aiColumn[i] || a->aSortOrder[i] != b->aSortOrder[i]) return 0;
  }
  return 1;
}

/* Whether the definition names another collation than the column has: the last one counts. The parser notes none in this mode. */
static int libsqlChangesCollation(LibsqlAlterColumn* alter) {
  const u8* text = (const u8*)alter->definition;
  const char* old = sqlite3ColumnColl(&alter->table->aCol[alter->place]);
  const u8* name = (const u8*)sqlite3StrBINARY;
  int at = 0, length = sqlite3Strlen30(sqlite3StrBINARY), differs = 1;
  while (text[at] != 0) {
    int kind = 0;
    at += getConstraintToken(text + at, &kind);
    if (kind != TK_COLLATE) continue;
    at += getWhitespace(text + at);
    name = text + at;
    length = getConstraintToken(text + at, &kind);
    at += length;
  }
  quotedCompare(alter->context, TK_ID, name, length, (const u8*)(old == 0 ? sqlite3StrBINARY : old), &differs);
  return differs != 0;
}

/* Whether both texts describe the same table in the file, but for what a column's definition may say. */
static void libsqlCompareTables(LibsqlAlterColumn* alter, Table* before, Table* after) {
  const u32 fixed = TF_HasPrimaryKey | TF_Autoincrement | TF_WithoutRowid | TF_Strict;
  const Index *a, *b;
  const Index* used;
  Column* from;
  Column* to;
  int i;
  if (before->nCol != after->nCol) return libsqlAlterRefuse(alter, "it is not the definition of one column");
  for (i = 0; i < before->nCol; ++i) {
    if (sqlite3StrICmp(before->aCol[i].zCnName, after->aCol[i].zCnName) != 0) {
      return libsqlAlterRefuse(alter, "it is not the definition of one column");
    }
  }
  from = &before->aCol[alter->place];
  to = &after->aCol[alter->place];
  if (((before->tabFlags ^ after->tabFlags) & fixed) != 0 || before->iPKey != after->iPKey ||
      before->keyConf != after->keyConf || ((from->colFlags ^ to->colFlags) & COLFLAG_PRIMKEY) != 0) {
    return libsqlAlterRefuse(alter, "PRIMARY KEY constraint cannot be altered");
  }
  if (((from->colFlags ^ to->colFlags) & COLFLAG_GENERATED) != 0 ||
      ((from->colFlags & COLFLAG_GENERATED) != 0 &&
       sqlite3ExprCompare(0, sqlite3ColumnExpr(before, from), sqlite3ColumnExpr(after, to), -1) != 0)) {
    return libsqlAlterRefuse(alter, "GENERATED constraint cannot be altered");
  }
  for (a = before->pIndex, b = after->pIndex; a != 0 && b != 0; a = a->pNext, b = b->pNext) {
    if (!libsqlSameIndex(a, b)) break;
  }
  if (a != 0 || b != 0) {
    const int primary = (a != 0 && a->idxType == SQLITE_IDXTYPE_PRIMARYKEY) || (b != 0 && b->idxType == SQLITE_IDXTYPE_PRIMARYKEY);
    return libsqlAlterRefuse(alter, primary ? "PRIMARY KEY constraint cannot be altered" : "UNIQUE constraint cannot be altered");
  }
  /* Another collation would be another order than that of the indexes in the file. */
  if (!libsqlChangesCollation(alter)) return;
  for (used = alter->table->pIndex; used != 0; used = used->pNext) {
    for (i = 0; i < used->nColumn; ++i) {
      if (used->aiColumn[i] == alter->place || used->aiColumn[i] == XN_EXPR || used->pPartIdxWhere != 0) {
        return libsqlAlterRefuse(alter, "the collation of a column in an index cannot be altered");
      }
    }
  }
}

/* Whether a row ends before this field: it was written before ALTER TABLE ADD COLUMN, and takes the value from the default. */
static int libsqlHasShortRow(LibsqlAlterColumn* alter) {
  sqlite3* db = alter->db;
  Table* table = alter->table;
  Index* key = HasRowid(table) ? 0 : sqlite3PrimaryKeyIndex(table);
  const int field = key == 0 ? sqlite3TableColumnToStorage(table, (i16)alter->place)
                             : sqlite3TableColumnToIndex(key, alter->place);
  BtCursor* cursor = (BtCursor*)sqlite3MallocZero(sqlite3BtreeCursorSize());
  KeyInfo* order = 0;
  Parse parse;
  int rc = SQLITE_NOMEM, none = 0, found = 0;
  u32 rows = 0;
  sqlite3ParseObjectInit(&parse, db);
  if (key != 0) order = sqlite3KeyInfoOfIndex(&parse, key);
  if (cursor != 0 && (key == 0 || order != 0)) {
    rc = sqlite3BtreeCursor(db->aDb[alter->iDb].pBt, key == 0 ? table->tnum : key->tnum, 0, order, cursor);
    if (rc == SQLITE_OK) rc = sqlite3BtreeFirst(cursor, &none);
  }
  while (rc == SQLITE_OK && !none && !found) {
    u8 small[9];
    u32 size = sqlite3BtreePayloadSize(cursor), header = 0, at;
    int fields = 0;
    u8* bytes;
    rc = sqlite3BtreePayload(cursor, 0, MIN(size, sizeof small), small);
    if (rc != SQLITE_OK) break;
    at = getVarint32(small, header);
    bytes = header > 0 && header <= size ? (u8*)sqlite3_malloc64(header + 9) : 0;
    if (bytes == 0) {
      rc = header > 0 && header <= size ? SQLITE_NOMEM : SQLITE_CORRUPT_BKPT;
      break;
    }
    memset(bytes + header, 0, 9);
    rc = sqlite3BtreePayload(cursor, 0, header, bytes);
    for (; at < header; ++fields) {
      u32 type;
      at += getVarint32(bytes + at, type);
    }
    sqlite3_free(bytes);
    found = fields <= field;
    if (rc == SQLITE_OK && !found) rc = sqlite3BtreeNext(cursor, 0);
    if (rc == SQLITE_OK && (++rows % 1024) == 0 &&
        (AtomicLoad(&db->u1.isInterrupted) || (db->xProgress != 0 && db->xProgress(db->pProgressArg) != 0))) {
      rc = SQLITE_INTERRUPT;
    }
  }
  if (cursor != 0) sqlite3BtreeCloseCursor(cursor);
  sqlite3_free(cursor);
  sqlite3KeyInfoUnref(order);
  sqlite3ParseObjectReset(&parse);
  if (rc != SQLITE_OK && rc != SQLITE_DONE) libsqlAlterFail(alter, rc, "%s", sqlite3_errstr(rc));
  return found;
}

/* Runs an UPDATE that for nobody else is a change. */
static void libsqlUpdateQuietly(LibsqlAlterColumn* alter, char* sql) {
  sqlite3* db = alter->db;
  const u64 flags = db->flags;
  const i64 changes = db->nChange, total = db->nTotalChange;
  void (*update)(void*, int, const char*, const char*, sqlite_int64) = db->xUpdateCallback;
  LibsqlRowWatcher watcher = (LibsqlRowWatcher)db->xPreUpdateCallback;
  void* argument = db->pPreUpdateArg;
  db->flags = (flags & ~(u64)(SQLITE_EnableTrigger | SQLITE_ForeignKeys | SQLITE_CountRows)) | SQLITE_IgnoreChecks;
  db->xUpdateCallback = 0;
  sqlite3_preupdate_hook(db, 0, 0);
  libsqlAlterRun(alter, sql);
  sqlite3_preupdate_hook(db, watcher, argument);
  db->xUpdateCallback = update;
  db->flags = flags;
  db->nChange = changes;
  db->nTotalChange = total;
}

/* Such rows get the value that they have shown so far. */
static void libsqlCompleteRows(LibsqlAlterColumn* alter) {
  libsqlUpdateQuietly(alter, sqlite3_mprintf("UPDATE \"%w\".\"%w\" SET \"%w\" = \"%w\"", alter->db->aDb[alter->iDb].zDbSName,
                                             alter->table->zName, alter->column, alter->column));
}

/* Gives the column another affinity in memory, until it is given the old one again. The texts that the engine has made of the
 * affinities of the table and its indexes are put aside meanwhile: statements of the user may point to them. */
static char** libsqlLendAffinity(LibsqlAlterColumn* alter, char affinity) {
  Table* table = alter->table;
  Index* index;
  int count = 1;
  char** kept;
  for (index = table->pIndex; index != 0; index = index->pNext) ++count;
  kept = (char**)sqlite3_malloc64(count * sizeof *kept);
  if (kept == 0) {
    alter->failed = 1;
    sqlite3_result_error_nomem(alter->context);
    return 0;
  }
  kept[0] = table->zColAff;
  table->zColAff = 0;
  for (count = 1, index = table->pIndex; index != 0; index = index->pNext) {
    kept[count++] = index->zColAff;
    index->zColAff = 0;
  }
  table->aCol[alter->place].affinity = affinity;
  return kept;
}

static void libsqlTakeAffinityBack(LibsqlAlterColumn* alter, char affinity, char** kept) {
  Table* table = alter->table;
  Index* index;
  int count = 1;
  sqlite3DbFree(alter->db, table->zColAff);
  table->zColAff = kept[0];
  for (index = table->pIndex; index != 0; index = index->pNext) {
    sqlite3DbFree(alter->db, index->zColAff);
    index->zColAff = kept[count++];
  }
  table->aCol[alter->place].affinity = affinity;
  sqlite3_free(kept);
}

/* Stores `value`, which is written with the column's name in the place of each %w, anew with this affinity. */
static void libsqlStoreAnew(LibsqlAlterColumn* alter, char affinity, const char* value, const char* condition) {
  const char own = alter->table->aCol[alter->place].affinity;
  char** kept = libsqlLendAffinity(alter, affinity);
  char* assigned = kept == 0 ? 0 : sqlite3_mprintf(value, alter->column);
  char* where = kept == 0 ? 0 : sqlite3_mprintf(condition, alter->column, alter->column);
  if (kept == 0) return;
  libsqlUpdateQuietly(alter, assigned == 0 || where == 0
                                 ? 0
                                 : sqlite3_mprintf("UPDATE \"%w\".\"%w\" SET \"%w\" = %s WHERE %s",
                                                   alter->db->aDb[alter->iDb].zDbSName, alter->table->zName, alter->column,
                                                   assigned, where));
  sqlite3_free(assigned);
  sqlite3_free(where);
  libsqlTakeAffinityBack(alter, own, kept);
}

/* Values that a column of the new type would hold in another form. Left as they are, a search in an index and one in the table would
 * disagree on them, and integrity_check would say so (https://www.sqlite.org/datatype3.html#type_affinity). */
static void libsqlConvertRows(LibsqlAlterColumn* alter, char to) {
  if (alter->table->aCol[alter->place].affinity == SQLITE_AFF_REAL) { /* whole numbers of such a column lie in the file as integers */
    libsqlStoreAnew(alter, SQLITE_AFF_BLOB, "CAST(\"%w\" AS REAL)", "typeof(\"%w\") = 'integer'");
    if (alter->failed) return;
  }
  if (to == SQLITE_AFF_TEXT) libsqlStoreAnew(alter, to, "\"%w\"", "typeof(\"%w\") IN ('integer', 'real')");
  if (to == SQLITE_AFF_NUMERIC || to == SQLITE_AFF_INTEGER) {
    libsqlStoreAnew(alter, to, "\"%w\"", "typeof(\"%w\") IN ('text', 'real')");
  }
  if (to == SQLITE_AFF_REAL) { /* which reads integers as real numbers, so those that are none exactly become some here */
    libsqlStoreAnew(alter, SQLITE_AFF_NUMERIC, "\"%w\"", "typeof(\"%w\") = 'text'");
    if (alter->failed) return;
    libsqlStoreAnew(alter, SQLITE_AFF_BLOB, "CAST(\"%w\" AS REAL)",
                    "typeof(\"%w\") = 'integer' AND \"%w\" NOT BETWEEN -9007199254740992 AND 9007199254740992");
  }
}

static void libsqlCheckStrictType(LibsqlAlterColumn* alter, const Column* from, const Column* to) {
  const char* type = to->eCType == COLTYPE_INT || to->eCType == COLTYPE_INTEGER ? "integer"
                     : to->eCType == COLTYPE_REAL                                ? "real"
                     : to->eCType == COLTYPE_TEXT                                ? "text"
                     : to->eCType == COLTYPE_BLOB                                ? "blob"
                                                                                 : 0;
  if (type == 0 || from->eCType == to->eCType) return;
  if (libsqlAlterRun(alter, sqlite3_mprintf("SELECT 1 FROM \"%w\".\"%w\" WHERE typeof(\"%w\") NOT IN ('null', %Q) LIMIT 1",
                                            alter->db->aDb[alter->iDb].zDbSName, alter->table->zName, alter->column, type))) {
    libsqlAlterFail(alter, SQLITE_CONSTRAINT_DATATYPE, "cannot store the values of %s.%s in a %s column",
                    alter->table->zName, alter->column, type);
  }
}

/* Each CHECK (...) of the definition. */
static void libsqlCheckRows(LibsqlAlterColumn* alter) {
  const u8* text = (const u8*)alter->definition;
  int at = 0;
  while (text[at] != 0 && !alter->failed) {
    int kind = 0, length;
    at += getConstraintToken(text + at, &kind);
    if (kind != TK_CHECK) continue;
    length = getConstraintToken(text + at, &kind);
    if (kind != TK_LP) continue;
    if (libsqlAlterRun(alter, sqlite3_mprintf("SELECT 1 FROM \"%w\".\"%w\" WHERE NOT %.*s\n LIMIT 1",
                                              alter->db->aDb[alter->iDb].zDbSName, alter->table->zName, length, text + at)) &&
        !alter->failed) {
      const int blank = getWhitespace(text + at);
      libsqlAlterFail(alter, SQLITE_CONSTRAINT_CHECK, "CHECK constraint failed: %.*s", length - blank - 2, text + at + blank + 1);
    }
    at += length;
  }
}

static void libsqlAlterColumn(LibsqlAlterColumn* alter) {
  sqlite3* db = alter->db;
  Parse before, after;
  int begin = 0, end = 0, rc;
  char* sql = 0;
  const char* schema = db->aDb[alter->iDb].zDbSName;
  rc = renameParseSql(&before, schema, db, alter->sql, alter->iDb == 1);
  memset(&after, 0, sizeof after);
  alter->place = rc == SQLITE_OK && before.pNewTable != 0 ? sqlite3ColumnIndex(before.pNewTable, alter->column) : -1;
  if (rc != SQLITE_OK || before.pNewTable == 0) {
    libsqlAlterFail(alter, rc == SQLITE_OK ? SQLITE_CORRUPT : rc, "%s", before.zErrMsg != 0 ? before.zErrMsg : sqlite3_errstr(rc));
  } else if (alter->place < 0) {
    libsqlAlterFail(alter, SQLITE_ERROR, "no such column: \"%s\"", alter->column);
  } else if (!libsqlFindColumn(alter, &begin, &end)) {
    libsqlAlterFail(alter, SQLITE_CORRUPT, "malformed CREATE TABLE of %s", alter->table->zName);
  } else if ((sql = sqlite3_mprintf("%.*s%s%s", begin, alter->sql, alter->definition, alter->sql + end)) == 0) {
    alter->failed = 1;
    sqlite3_result_error_nomem(alter->context);
  }
  if (!alter->failed) {
    rc = renameParseSql(&after, schema, db, sql, alter->iDb == 1);
    if (rc != SQLITE_OK || after.pNewTable == 0) {
      libsqlAlterRefuse(alter, after.zErrMsg != 0 ? after.zErrMsg : "it is not the definition of a column");
    } else {
      libsqlCompareTables(alter, before.pNewTable, after.pNewTable);
    }
    if (!alter->failed) {
      Column* from = &before.pNewTable->aCol[alter->place];
      Column* to = &after.pNewTable->aCol[alter->place];
      const int defaults = (from->colFlags & COLFLAG_GENERATED) == 0 &&
                           sqlite3ExprCompare(0, sqlite3ColumnExpr(before.pNewTable, from),
                                              sqlite3ColumnExpr(after.pNewTable, to), -1) != 0;
      if ((before.pNewTable->tabFlags & TF_Strict) != 0) libsqlCheckStrictType(alter, from, to);
      if (!alter->failed && to->notNull != 0 && from->notNull == 0 && before.pNewTable->iPKey != alter->place &&
          libsqlAlterRun(alter, sqlite3_mprintf("SELECT 1 FROM \"%w\".\"%w\" WHERE \"%w\" IS NULL LIMIT 1", schema,
                                                alter->table->zName, alter->column)) &&
          !alter->failed) {
        libsqlAlterFail(alter, SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: %s.%s", alter->table->zName, alter->column);
      }
      const int converts = (before.pNewTable->tabFlags & TF_Strict) == 0 && from->affinity != to->affinity &&
                           (from->colFlags & COLFLAG_GENERATED) == 0 && before.pNewTable->iPKey != alter->place;
      if (!alter->failed && (defaults || converts) && libsqlHasShortRow(alter) && !alter->failed) libsqlCompleteRows(alter);
      if (!alter->failed && converts) libsqlConvertRows(alter, to->affinity);
      if (!alter->failed) {
        const char own = alter->table->aCol[alter->place].affinity;
        char** kept = libsqlLendAffinity(alter, to->affinity);
        if (kept != 0) {
          libsqlCheckRows(alter);
          libsqlTakeAffinityBack(alter, own, kept);
        }
      }
    }
    renameParseCleanup(&after);
  }
  renameParseCleanup(&before);
  if (!alter->failed) sqlite3_result_text(alter->context, sql, -1, SQLITE_TRANSIENT);
  sqlite3_free(sql);
}

/* What the engine calls for each row of sqlite_schema that DROP CONSTRAINT is to edit. */
static void(dropConstraintFunc)(sqlite3_context* context, int count, sqlite3_value** arguments) {
  const char* packed = sqlite3_value_type(arguments[1]) == SQLITE_TEXT ? (const char*)sqlite3_value_text(arguments[1]) : 0;
  const size_t marker = sizeof(LIBSQL_ALTER_COLUMN) - 1;
  char *text, *table, *column, *definition;
  if (packed == 0 || strncmp(packed, LIBSQL_ALTER_COLUMN, marker) != 0) {
    libsql_engine_drop_constraint(context, count, arguments);
    return;
  }
  /* schema, table, column, definition */
  text = sqlite3_mprintf("%s", packed + marker);
  table = text == 0 ? 0 : strchr(text, 1);
  column = table == 0 ? 0 : strchr(table + 1, 1);
  definition = column == 0 ? 0 : strchr(column + 1, 1);
  if (definition == 0 || sqlite3_value_text(arguments[0]) == 0) {
    sqlite3_result_error_nomem(context);
  } else {
    LibsqlAlterColumn alter;
    sqlite3_xauth authorizer;
    memset(&alter, 0, sizeof alter);
    *table = *column = *definition = 0;
    alter.context = context;
    alter.db = sqlite3_context_db_handle(context);
    alter.schema = text;
    alter.column = column + 1;
    alter.definition = definition + 1;
    alter.sql = (const char*)sqlite3_value_text(arguments[0]);
    alter.table = sqlite3FindTable(alter.db, table + 1, *text == 0 ? 0 : text);
    alter.iDb = alter.table == 0 ? -1 : sqlite3SchemaToIndex(alter.db, alter.table->pSchema);
    authorizer = alter.db->xAuth; /* it has allowed to alter the table */
    alter.db->xAuth = 0;
    if (alter.table == 0 || alter.iDb < 0) {
      libsqlAlterFail(&alter, SQLITE_ERROR, "no such table: %s", table + 1);
    } else {
      libsqlAlterColumn(&alter);
    }
    alter.db->xAuth = authorizer;
  }
  sqlite3_free(text);
}
