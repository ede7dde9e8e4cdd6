/* Names in the schema's own spelling, for authorizers and errors. Part of amalgamation.c, where the engine's private
 * declarations are known; connection_state.h declares the functions. */

/* The end of `text` behind "table.column"; 0 if it does not begin so. */
static const char* libsql_after_column(const char* text, const char* table, const char* column) {
  const size_t table_size = strlen(table);
  const size_t column_size = strlen(column);
  if (strncmp(text, table, table_size) != 0 || text[table_size] != '.') return 0;
  text += table_size + 1;
  return strncmp(text, column, column_size) == 0 ? text + column_size : 0;
}

int libsql_engine_constraint_columns(sqlite3* db, const char* text, int not_null, const char** table_name,
                                     const char** columns, int most) {
  for (int i = 0; i < db->nDb; ++i) {
    if (db->aDb[i].pSchema == 0) continue;
    for (HashElem* element = sqliteHashFirst(&db->aDb[i].pSchema->tblHash); element; element = sqliteHashNext(element)) {
      Table* table = (Table*)sqliteHashData(element);
      const char* end;
      if (strncmp(text, table->zName, strlen(table->zName)) != 0) continue;
      *table_name = table->zName;
      for (int j = -1; j < table->nCol; ++j) { /* -1: the rowid */
        if (j >= 0 && !not_null && j != table->iPKey) continue;
        *columns = j < 0 ? "rowid" : table->aCol[j].zCnName;
        end = libsql_after_column(text, table->zName, *columns);
        if (end != 0 && *end == 0) return 1;
      }
      if (not_null) continue;
      for (Index* index = table->pIndex; index != 0; index = index->pNext) {
        if (!IsUniqueIndex(index) || index->aColExpr != 0 || index->nKeyCol > most) continue;
        end = text;
        for (int j = 0; j < index->nKeyCol && end != 0; ++j) {
          if (j > 0 && strncmp(end, ", ", 2) != 0) {
            end = 0;
            break;
          }
          columns[j] = index->aiColumn[j] < 0 ? "rowid" : table->aCol[index->aiColumn[j]].zCnName;
          end = libsql_after_column(j > 0 ? end + 2 : end, table->zName, columns[j]);
        }
        if (end != 0 && *end == 0) return index->nKeyCol;
      }
    }
  }
  return 0;
}

const char* libsql_engine_context_name(sqlite3* db, const char* name) {
  for (int i = 0; i < db->nDb; ++i) {
    if (db->aDb[i].pSchema == 0) continue;
    Table* table = (Table*)sqlite3HashFind(&db->aDb[i].pSchema->tblHash, name);
    if (table != 0 && IsView(table)) return table->zName;
    Trigger* trigger = (Trigger*)sqlite3HashFind(&db->aDb[i].pSchema->trigHash, name);
    if (trigger != 0) return trigger->zName;
  }
  return 0;
}

const char* libsql_engine_recompiled_text(sqlite3* db) {
  return db->pParse == 0 || db->pParse->pReprepare == 0 ? 0 : db->pParse->pReprepare->zSql;
}

int64_t libsql_engine_temporary_version(sqlite3* db) {
  Btree* temporary = db->aDb[1].pBt;
  if (temporary == 0) return 0;
  return (int64_t)sqlite3PagerDataVersion(sqlite3BtreePager(temporary)) + 1 +
         (sqlite3BtreeTxnState(temporary) == SQLITE_TXN_WRITE);
}

const char* libsql_engine_table_name(sqlite3* db, const char* name, const char** database) {
  Table* table = sqlite3FindTable(db, name, *database);
  if (table == 0) {
    Module* module = (Module*)sqlite3HashFind(&db->aModule, name);  /* one whose table needs no CREATE */
    if (module == 0 || module->pEpoTab == 0) return 0;
    return module->pEpoTab->zName;
  }
  const int index = sqlite3SchemaToIndex(db, table->pSchema);
  if (index >= 0) *database = db->aDb[index].zDbSName;
  return table->zName;
}

const char* libsql_engine_database_name(sqlite3* db, const char* name) {
  const int index = sqlite3FindDbName(db, name);
  return index < 0 ? 0 : db->aDb[index].zDbSName;
}

const char* libsql_engine_module_name(sqlite3* db, const char* name) {
  Module* module = (Module*)sqlite3HashFind(&db->aModule, name);
  return module == 0 ? 0 : module->zName;
}
