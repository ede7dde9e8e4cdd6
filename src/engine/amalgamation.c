/* The engine, of which cmake/MendEngine.cmake has mended the I/O layer of its encryption, and behind it, where its
 * private declarations are known, what tells the layout of its values and the state of a connection, and sets its
 * counters and settings. */

/* The engine defines and calls these functions under other names. Where it only names them, as the callback for the rows of
 * sqlite_schema and in its table of SQL functions, it gets ours: a macro with arguments does not touch a name without them. */
struct sqlite3_context;
struct sqlite3_value;
static int(sqlite3InitCallback)(void*, int, char**, char**);
static void(dropConstraintFunc)(struct sqlite3_context*, int, struct sqlite3_value**);
#define sqlite3InitCallback(...) libsql_engine_init_callback(__VA_ARGS__)
#define dropConstraintFunc(...) libsql_engine_drop_constraint(__VA_ARGS__)

#include "sqlite3.c"

#include "engine/connection_state.h"
#include "engine/value_layout.h"
#include "engine/watched_log.h"

/* Only for the releases of SQLite that this was tested with: a layout can be compared, but not what a later release
 * means by it. Any other engine works too: it is called for each value. */
#if SQLITE_VERSION_NUMBER >= 3053000 && SQLITE_VERSION_NUMBER < 3054000
#define LIBSQL_SAME_PLACE(theirs, ours)                                                  \
  (offsetof(struct sqlite3_value, theirs) == offsetof(struct LibsqlEngineValue, ours) && \
   sizeof(((struct sqlite3_value*)0)->theirs) == sizeof(((struct LibsqlEngineValue*)0)->ours))

const size_t libsql_engine_value_size =
    LIBSQL_SAME_PLACE(u.i, number.integer) && LIBSQL_SAME_PLACE(u.r, number.real) && LIBSQL_SAME_PLACE(z, bytes) &&
            LIBSQL_SAME_PLACE(n, size) && LIBSQL_SAME_PLACE(flags, flags) && LIBSQL_SAME_PLACE(enc, encoding) &&
            LIBSQL_SAME_PLACE(db, connection) && LIBSQL_SAME_PLACE(szMalloc, allocated) &&
            MEM_Null == kLibsqlValueNull && MEM_Str == kLibsqlValueText && MEM_Int == kLibsqlValueInteger &&
            MEM_Real == kLibsqlValueReal && MEM_Blob == kLibsqlValueBlob && MEM_AffMask == kLibsqlValueKinds &&
            MEM_Term == kLibsqlValueTerminated && MEM_Zero == kLibsqlValueZeroes && MEM_Static == kLibsqlValueStatic &&
            (MEM_Dyn | MEM_Agg) == kLibsqlValueOwner && SQLITE_UTF8 == 1
        ? sizeof(struct sqlite3_value)
        : 0;

const size_t libsql_engine_row_place = offsetof(struct Vdbe, pResultRow);

/* What vdbeUnbind() does for each argument, once for all. */
void* libsql_engine_arguments(sqlite3_stmt* stmt, int count, int32_t* longest) {
  Vdbe* vdbe = (Vdbe*)stmt;
  sqlite3* db = vdbe->db;
  if (libsql_engine_value_size == 0 || db->mutex != 0 || vdbe->eVdbeState != VDBE_READY_STATE || vdbe->nVar != count ||
      vdbe->expmask != 0 || ENC(db) != SQLITE_UTF8) {
    return 0;
  }
  db->errCode = SQLITE_OK;
  *longest = db->aLimit[SQLITE_LIMIT_LENGTH];
  return vdbe->aVar;
}

#include "engine/alter_column.h"
#include "engine/json_functions.h"
#include "engine/schema_names.h"
#include "engine/vector_guard.h"

const int libsql_engine_alters_columns = 1;

void libsql_engine_watch_rows(sqlite3* db, LibsqlRowWatcher watcher, void* argument) {
  sqlite3_preupdate_hook(db, watcher, argument);
  if (watcher == 0 && libsqlHasVectorGuard(db)) libsqlAddVectorGuard(db);
}

int libsql_engine_autocommit(sqlite3* db) { return db->autoCommit; }
int64_t libsql_engine_total_changes(sqlite3* db) { return db->nTotalChange; }
int libsql_engine_holds_write_lock(sqlite3* db) { return sqlite3BtreeTxnState(db->aDb[0].pBt) == SQLITE_TXN_WRITE; }
int libsql_engine_log_end(sqlite3* db, uint32_t* frame, uint32_t salt[2], uint32_t checksum[2]) {
  const Wal* const log = sqlite3BtreePager(db->aDb[0].pBt)->pWal;
  if (log == 0 || !log->hdr.isInit) return 0;
  *frame = log->hdr.mxFrame;
  for (int i = 0; i < 2; ++i) {
    salt[i] = log->hdr.aSalt[i];
    checksum[i] = log->hdr.aFrameCksum[i];
  }
  return 1;
}
#else
const size_t libsql_engine_value_size = 0;
const size_t libsql_engine_row_place = 0;

void* libsql_engine_arguments(sqlite3_stmt* stmt, int count, int32_t* longest) { return 0; }

#if SQLITE_VERSION_NUMBER >= 3053000
static void(dropConstraintFunc)(sqlite3_context* context, int count, sqlite3_value** arguments) {
  libsql_engine_drop_constraint(context, count, arguments);
}
#endif
const int libsql_engine_alters_columns = 0;

static int(sqlite3InitCallback)(void* init, int argc, char** argv, char** names) {
  return libsql_engine_init_callback(init, argc, argv, names);
}

void libsql_engine_watch_rows(sqlite3* db, LibsqlRowWatcher watcher, void* argument) {
  sqlite3_preupdate_hook(db, watcher, argument);
}

int libsql_engine_autocommit(sqlite3* db) { return sqlite3_get_autocommit(db); }
int64_t libsql_engine_total_changes(sqlite3* db) { return sqlite3_total_changes64(db); }
int libsql_engine_holds_write_lock(sqlite3* db) { return sqlite3_txn_state(db, "main") == SQLITE_TXN_WRITE; }
int libsql_engine_add_json_functions(sqlite3* db) { return SQLITE_OK; }
int libsql_engine_log_end(sqlite3* db, uint32_t* frame, uint32_t salt[2], uint32_t checksum[2]) { return 0; }
int libsql_engine_constraint_columns(sqlite3* db, const char* text, int not_null, const char** table, const char** columns,
                                     int most) {
  return 0;
}
const char* libsql_engine_context_name(sqlite3* db, const char* name) { return name; }
const char* libsql_engine_recompiled_text(sqlite3* db) { return 0; }
const char* libsql_engine_table_name(sqlite3* db, const char* name, const char** database) { return 0; }
const char* libsql_engine_database_name(sqlite3* db, const char* name) { return 0; }
const char* libsql_engine_module_name(sqlite3* db, const char* name) { return 0; }
int64_t libsql_engine_temporary_version(sqlite3* db) {
  unsigned int version = 0;
  if (sqlite3_file_control(db, "temp", SQLITE_FCNTL_DATA_VERSION, &version) != SQLITE_OK) return 0;
  return (int64_t)version + 1 + (sqlite3_txn_state(db, "temp") == SQLITE_TXN_WRITE);
}
#endif

LibsqlLogWatcher libsql_engine_log_watcher = 0;
#ifdef LIBSQL_ENGINE_ASKS_LOG_WATCHER
const int libsql_engine_asks_log_watcher = 1;
void libsql_engine_watch_logs(LibsqlLogWatcher watcher) { AtomicStore(&libsql_engine_log_watcher, watcher); }
#else
const int libsql_engine_asks_log_watcher = 0;
void libsql_engine_watch_logs(LibsqlLogWatcher watcher) {}
#endif

#ifdef TF_RandomRowid
const int libsql_engine_has_random_rowids = 1;
#else
const int libsql_engine_has_random_rowids = 0;
#endif

int libsql_engine_must_end(sqlite3* db) {
  return AtomicLoad(&db->u1.isInterrupted) || (db->xProgress != 0 && db->xProgress(db->pProgressArg) != 0);
}

int libsql_engine_double_quoted_strings(sqlite3* db, int on) {
  const int before = (db->flags & SQLITE_DqsDML) != 0;
  if (on) {
    db->flags |= SQLITE_DqsDML;
  } else {
    db->flags &= ~(u64)SQLITE_DqsDML;
  }
  return before;
}

void libsql_engine_set_changes(sqlite3* db, int64_t changes, int64_t total) {
  db->nChange = changes;
  db->nTotalChange = total;
}

void libsql_engine_forget_settings(sqlite3* db) {
  db->nextPagesize = 0;
  db->nextAutovac = -1;
#ifdef SQLITE3MC_VERSION_STRING
  /* A new connection gets a copy of the global table. */
  CodecParameter* own = sqlite3mcGetCodecParams(db);
  if (own == 0) return;
  for (int i = 0; own[i].m_params != 0 && globalCodecParameterTable[i].m_params != 0; ++i) {
    CipherParams* to = own[i].m_params;
    for (const CipherParams* from = globalCodecParameterTable[i].m_params; from->m_name[0] != 0; ++from, ++to) {
      to->m_value = from->m_value;
      to->m_default = from->m_default;
    }
  }
#endif
}

#ifdef SQLITE3MC_VERSION_STRING
/* The first 16 bytes of page 1 as a journal holds them that is to be rolled back: the salt of the key that it was
 * written with. Not SQLITE_OK if there is no such journal, or page 1 is not what it begins with: then nothing has
 * changed the file's. */
int libsql_engine_journal_salt(Pager* pager, unsigned char* salt) {
  int exists = 0;
  unsigned char header[28];
  unsigned char record[4 + 16];
  if (pager->tempFile || pager->memDb || pager->zJournal == 0) return SQLITE_NOTFOUND;
  int rc = sqlite3OsAccess(pager->pVfs, pager->zJournal, SQLITE_ACCESS_EXISTS, &exists);
  if (rc != SQLITE_OK || !exists) return SQLITE_NOTFOUND;
  sqlite3_file* file = 0;
  rc = sqlite3OsOpenMalloc(pager->pVfs, pager->zJournal, &file, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_JOURNAL, 0);
  if (rc != SQLITE_OK) return rc;
  rc = sqlite3OsRead(file, header, sizeof header, 0);
  if (rc == SQLITE_OK &&
      (memcmp(header, aJournalMagic, sizeof aJournalMagic) != 0 || sqlite3Get4byte(header + 8) == 0)) {
    rc = SQLITE_NOTFOUND; /* ended, or not synced yet and so nothing written to the file */
  }
  if (rc == SQLITE_OK) rc = sqlite3OsRead(file, record, sizeof record, sqlite3Get4byte(header + 20));
  sqlite3OsCloseFree(file);
  if (rc != SQLITE_OK) return rc;
  if (sqlite3Get4byte(record) != 1) return SQLITE_NOTFOUND;
  memcpy(salt, record + 4, 16);
  return SQLITE_OK;
}

#if defined(__SANITIZE_THREAD__)
__attribute__((no_sanitize_thread))
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
__attribute__((no_sanitize("thread")))
#endif
#endif
/* Another connection may be getting its key at this moment; of that one it does not matter what is seen. */
int libsql_engine_holds_key(sqlite3_vfs* vfs) {
  sqlite3mc_vfs* ciphers = (sqlite3mc_vfs*)vfs;
  int found = 0;
  sqlite3_mutex_enter(ciphers->mutex);
  for (sqlite3mc_file* file = ciphers->pMain; file != 0 && !found; file = file->pMainNext) found = file->codec != 0;
  sqlite3_mutex_leave(ciphers->mutex);
  return found;
}

void libsql_engine_stream_cipher(unsigned char* bytes, size_t size, const unsigned char key[32],
                                 const unsigned char nonce[12], uint32_t counter) {
  chacha20_xor(bytes, size, key, nonce, counter);
}
#endif

void libsql_engine_refuse_writes(sqlite3* db) { db->flags |= SQLITE_QueryOnly; }

int libsql_engine_known_schema(sqlite3* db) { return db->aDb[0].pSchema == 0 ? 0 : db->aDb[0].pSchema->schema_cookie; }

/* Told apart from the engine's functions by this. */
static const char libsql_own_function = 0;

int libsql_engine_add_function(const char* name, int arity, int flags,
                               void (*callback)(sqlite3_context*, int, sqlite3_value**),
                               void (*step)(sqlite3_context*, int, sqlite3_value**), void (*finish)(sqlite3_context*)) {
  const int kept = SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY | SQLITE_SUBTYPE | SQLITE_INNOCUOUS | SQLITE_RESULT_SUBTYPE;
  FuncDef* function;
  FuncDef* other;
  int rc = sqlite3_initialize();
  if (rc != SQLITE_OK) return rc;
  if (sqlite3UpperToLower[(u8)name[0]] != (u8)name[0]) return SQLITE_MISUSE;
  /* A connection's function hides all of the engine's with its name, whatever their arities, so it does not do to stand beside
   * them. */
  other = sqlite3FunctionSearch(SQLITE_FUNC_HASH(name[0], sqlite3Strlen30(name)), name);
  for (; other != 0; other = other->pNext) {
    if (other->pUserData != (void*)&libsql_own_function || other->nArg == arity) return SQLITE_CONSTRAINT;
  }
  function = (FuncDef*)sqlite3MallocZero(sizeof(*function)); /* for the life of the process */
  if (function == 0) return SQLITE_NOMEM;
  function->zName = name;
  function->nArg = (i16)arity;
  function->funcFlags = SQLITE_FUNC_BUILTIN | SQLITE_UTF8 | (u32)((flags & kept) ^ SQLITE_FUNC_UNSAFE);
  function->pUserData = (void*)&libsql_own_function;
  function->xSFunc = callback != 0 ? callback : step;
  function->xFinalize = finish;
  sqlite3InsertBuiltinFuncs(function, 1);
  return SQLITE_OK;
}

void libsql_engine_spare_lookaside(sqlite3* db, int on) {
  if (on) {
    DisableLookaside;
  } else {
    EnableLookaside;
  }
}

/* In the connection's table of functions a hidden one stands under its name with this for the first byte, which no name
 * of the library's begins with. It cannot be freed: statements hold pointers to it until they are compiled again. */
#define LIBSQL_HIDDEN '\001'

static FuncDef* libsql_find_function(sqlite3* db, const char* name, int arguments, int removed) {
  FuncDef* p = (FuncDef*)sqlite3HashFind(&db->aFunc, name);
  for (; p != 0; p = p->pNext) {
    if (p->nArg == arguments && (p->funcFlags & SQLITE_FUNC_ENCMASK) == SQLITE_UTF8 &&
        (removed < 0 || (p->xSFunc == 0) == removed)) {
      return p;
    }
  }
  return 0;
}

/* Moves it to the list of functions that its name with `first` for the first byte has. */
static int libsql_rename_function(sqlite3* db, FuncDef* function, char first) {
  char* name = (char*)function->zName;
  FuncDef* head = (FuncDef*)sqlite3HashFind(&db->aFunc, name);
  FuncDef* old;
  if (db->nVdbeActive != 0) return 0;
  if (head != function) {
    while (head->pNext != function) head = head->pNext;
    head->pNext = function->pNext;
  } else if (function->pNext != 0) {
    sqlite3HashInsert(&db->aFunc, function->pNext->zName, function->pNext);
  } else {
    sqlite3HashInsert(&db->aFunc, name, 0);
  }
  function->pNext = 0;
  name[0] = first;
  old = (FuncDef*)sqlite3HashInsert(&db->aFunc, name, function);
  if (old == function) { /* no memory: it is lost, and only its memory with it */
    sqlite3OomFault(db);
    return 0;
  }
  function->pNext = old;
  sqlite3ExpirePreparedStatements(db, 0);
  return 1;
}

struct LibsqlEngineFunction* libsql_engine_function(sqlite3* db, const char* name, int arguments) {
  return (struct LibsqlEngineFunction*)libsql_find_function(db, name, arguments, -1);
}

int libsql_engine_calls(const struct LibsqlEngineFunction* function, const void* one, const void* other) {
  const void* code = (const void*)((const FuncDef*)function)->xSFunc;
  return code == one || code == other;
}

int libsql_engine_hide_function(sqlite3* db, struct LibsqlEngineFunction* function) {
  return libsql_rename_function(db, (FuncDef*)function, LIBSQL_HIDDEN);
}

int libsql_engine_show_function(sqlite3* db, const char* name, int arguments) {
  char hidden[256];
  FuncDef* found;
  sqlite3_snprintf(sizeof(hidden), hidden, "%s", name);
  hidden[0] = LIBSQL_HIDDEN;
  found = libsql_find_function(db, hidden, arguments, 0);
  return found != 0 && libsql_rename_function(db, found, (char)sqlite3UpperToLower[(u8)name[0]]);
}

void libsql_engine_expire_statements(sqlite3* db) {
  if (db->nVdbeActive == 0) sqlite3ExpirePreparedStatements(db, 0);
}

int libsql_engine_restore_collation(sqlite3* db, const char* name) {
  int (*compare)(void*, int, const void*, int, const void*) = 0;
  if (sqlite3_stricmp(name, "BINARY") == 0) compare = binCollFunc;
  if (sqlite3_stricmp(name, "NOCASE") == 0) compare = nocaseCollatingFunc;
  if (sqlite3_stricmp(name, "RTRIM") == 0) compare = rtrimCollFunc;
  return compare != 0 && sqlite3_create_collation(db, name, SQLITE_UTF8, 0, compare) == SQLITE_OK;
}

/* The engine sets savepoints around statements that may fail half-way; here any may. */
void libsql_engine_make_undoable(sqlite3_stmt* stmt) { ((Vdbe*)stmt)->usesStmtJournal = 1; }

int libsql_engine_undo(sqlite3_stmt* stmt) {
  Vdbe* vdbe = (Vdbe*)stmt;
  if (vdbe->eVdbeState != VDBE_RUN_STATE) return 0;
  vdbe->rc = SQLITE_ABORT;
  vdbe->errorAction = OE_Abort;
  return 1;
}

int libsql_engine_keep_interrupts(sqlite3_stmt* stmt) {
#ifdef LIBSQL_PREPARE_KEEPS_INTERRUPT
  ((Vdbe*)stmt)->prepFlags |= LIBSQL_PREPARE_KEEPS_INTERRUPT;
  return 1;
#else
  return 0;
#endif
}

void libsql_engine_forget_interrupt(sqlite3* db) {
  if (AtomicLoad(&db->u1.isInterrupted) && db->nVdbeActive == 0) AtomicStore(&db->u1.isInterrupted, 0);
}

int64_t libsql_engine_schemas(sqlite3* db) {
  uint64_t all = 0;
  int i;
  for (i = 0; i < db->nDb; i++) {
    const Schema* schema = db->aDb[i].pSchema;
    all = all * 1000003 + (schema == 0 ? 0 : ((uint64_t)(u32)schema->schema_cookie << 20) + (u32)schema->iGeneration + 1);
  }
  return (int64_t)all;
}

/* What the engine itself does after some of its errors, and not after others. No transaction is left open. */
int libsql_engine_renew_schemas(sqlite3* db, int* error) {
  int moved = 0;
  int i;
  sqlite3_mutex_enter(db->mutex);
  sqlite3BtreeEnterAll(db);
  for (i = 0; i < db->nDb && db->init.busy == 0; i++) {
    Btree* tree = db->aDb[i].pBt;
    const int opens = tree != 0 && sqlite3BtreeTxnState(tree) == SQLITE_TXN_NONE;
    u32 cookie = 0;
    int rc = SQLITE_OK;
    if (tree == 0 || !DbHasProperty(db, i, DB_SchemaLoaded)) continue;
    if (opens) rc = sqlite3BtreeBeginTrans(tree, 0, 0);
    if (rc != SQLITE_OK) {
      if (*error == SQLITE_OK) *error = rc;
      continue;
    }
    sqlite3BtreeGetMeta(tree, BTREE_SCHEMA_VERSION, &cookie);
    if ((int)cookie != db->aDb[i].pSchema->schema_cookie) {
      moved = 1;
      sqlite3ResetOneSchema(db, i);
    }
    if (opens) sqlite3BtreeCommit(tree);
  }
  sqlite3BtreeLeaveAll(db);
  sqlite3_mutex_leave(db->mutex);
  return moved;
}

static void visitInstructions(const VdbeOp* operations, int count, LibsqlInstructionVisitor visitor, void* argument) {
  int i;
  for (i = 0; i < count; i++) {
#if defined(SQLITE_ENABLE_STMT_SCANSTATUS) && SQLITE_VERSION_NUMBER >= 3042000
    visitor(argument, sqlite3OpcodeName(operations[i].opcode), (int64_t)operations[i].nExec, (int64_t)operations[i].nCycle);
#endif
  }
}

void libsql_engine_visit_instructions(sqlite3_stmt* stmt, LibsqlInstructionVisitor visitor, void* argument) {
  const Vdbe* vdbe = (const Vdbe*)stmt;
  const VdbeOp* operations = vdbe->aOp;
  int count = vdbe->nOp;
  SubProgram** found = 0;
  int known = 0;
  int done = 0;
  const VdbeFrame* frame = vdbe->pFrame;
  for (; frame != 0; frame = frame->pParent) { /* stopped inside a trigger: the statement's own program is outermost */
    operations = frame->aOp;
    count = frame->nOp;
  }
  for (;;) {
    int i;
    visitInstructions(operations, count, visitor, argument);
    for (i = 0; i < count; i++) {
      int k;
      SubProgram* program = operations[i].p4type == P4_SUBPROGRAM ? operations[i].p4.pProgram : 0;
      if (program == 0) continue;
      for (k = 0; k < known && found[k] != program; k++) continue;
      if (k == known) {
        SubProgram** longer = sqlite3_realloc64(found, sizeof(found[0]) * (u64)(known + 1));
        if (longer == 0) break;
        found = longer;
        found[known++] = program;
      }
    }
    if (done == known) break;
    operations = found[done]->aOp;
    count = found[done]->nOp;
    done++;
  }
  sqlite3_free(found);
}
