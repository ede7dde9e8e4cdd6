/* What is asked of a connection before and after each statement, without the checks and the search for a database's name that
 * the functions of the C API begin with, and what they let one read and not write. C, because amalgamation.c has it, where the
 * engine's own declarations are at hand. */
#pragma once

#ifdef __cplusplus
#include <cstddef>
#include <cstdint>
extern "C" {
#else
#include <stddef.h>
#include <stdint.h>
#endif

struct sqlite3;
struct sqlite3_vfs;

/* sqlite3_get_autocommit() */
int libsql_engine_autocommit(struct sqlite3* db);
/* sqlite3_total_changes64() */
int64_t libsql_engine_total_changes(struct sqlite3* db);
/* Whether sqlite3_txn_state() of the main database is SQLITE_TXN_WRITE. */
int libsql_engine_holds_write_lock(struct sqlite3* db);
/* The frame that a connection's log ended with when it last looked (mxFrame), both salts, both sums of the checksum. False if
 * the main database has no log, or nothing was read from it yet. */
int libsql_engine_log_end(struct sqlite3* db, uint32_t* frame, uint32_t salt[2], uint32_t checksum[2]);
/* Whether the engine compiles what sql/alter_column.hpp writes. */
extern const int libsql_engine_alters_columns;
/* Whether it knows tables with RANDOM ROWID: cmake/LibsqlLanguageEngine.cmake. */
extern const int libsql_engine_has_random_rowids;
/* Registers json_length(), json_depth() and json_keys() where the engine is one that they are written for. An engine's code. */
int libsql_engine_add_json_functions(struct sqlite3* db);
/* sqlite3_preupdate_hook(), which is not left without one where a vector index of libSQL's is guarded. */
typedef void (*LibsqlRowWatcher)(void*, struct sqlite3*, int, char const*, char const*, long long, long long);
void libsql_engine_watch_rows(struct sqlite3* db, LibsqlRowWatcher watcher, void* argument);
/* Whether "x" is a string where no column has that name: as SQLITE_DBCONFIG_DQS_DML says, but no statement is compiled again for
 * the change. Returns what it was. */
int libsql_engine_double_quoted_strings(struct sqlite3* db, int on);
/* What changes() and total_changes() say from now on. */
void libsql_engine_set_changes(struct sqlite3* db, int64_t changes, int64_t total);
/* The names in the engine's message about a UNIQUE constraint ("t.a, t.b") or a NOT NULL one ("t.a"), which are not quoted
 * there, by comparing it with the tables at hand. Returns the number of columns, at most `most`; 0 if no table fits. */
int libsql_engine_constraint_columns(struct sqlite3* db, const char* text, int not_null, const char** table,
                                     const char** columns, int most);
/* Differs from an earlier answer if the temporary database may have other content by now; 0 while there is none. */
int64_t libsql_engine_temporary_version(struct sqlite3* db);
/* The schema's own spelling of what SQL text names in any case of letters, valid while the schema stays; 0 if there is none. */
const char* libsql_engine_table_name(struct sqlite3* db, const char* name, const char** database);
const char* libsql_engine_database_name(struct sqlite3* db, const char* name);
const char* libsql_engine_module_name(struct sqlite3* db, const char* name);
/* Of a view or a trigger. */
const char* libsql_engine_context_name(struct sqlite3* db, const char* name);
/* The text of the statement that the engine is just compiling again by itself; 0 if it is not. */
const char* libsql_engine_recompiled_text(struct sqlite3* db);
/* Whether what runs is to end: sqlite3_is_interrupted(), or the progress handler says so, which knows deadlines. For functions
 * that work for long on one row. */
int libsql_engine_must_end(struct sqlite3* db);
/* Takes back what no PRAGMA takes back: how the next VACUUM shapes the file, and the parameters of ciphers. */
void libsql_engine_forget_settings(struct sqlite3* db);

/* With ciphers only. Whether a file that is open in this encrypting VFS has a key; and ChaCha20 over `size` bytes, whose
 * stream begins with the block `counter`. */
int libsql_engine_holds_key(struct sqlite3_vfs* vfs);
void libsql_engine_stream_cipher(unsigned char* bytes, size_t size, const unsigned char key[32], const unsigned char nonce[12],
                                 uint32_t counter);

/* Adds a function to the engine's own, which every connection of the process has: as sqlite3_create_function_v2(), but the
 * name is kept as it is and begins with a small letter, and what is there stays: SQLITE_CONSTRAINT then. Not while other
 * threads compile statements. */
struct sqlite3_context;
struct sqlite3_value;
int libsql_engine_add_function(const char* name, int arity, int flags,
                               void (*callback)(struct sqlite3_context*, int, struct sqlite3_value**),
                               void (*step)(struct sqlite3_context*, int, struct sqlite3_value**),
                               void (*finish)(struct sqlite3_context*));
/* While on, what the connection allocates does not come from its small store of memory for short lives, which is empty
 * after a hundred functions. Calls nest. */
void libsql_engine_spare_lookaside(struct sqlite3* db, int on);

/* The function that the connection itself has under this name and number of arguments, in UTF-8; null: none. One whose
 * code is null was removed, and still hides the engine's own of that name. */
struct LibsqlEngineFunction;
struct LibsqlEngineFunction* libsql_engine_function(struct sqlite3* db, const char* name, int arguments);
/* Whether a function calls one of these. */
int libsql_engine_calls(const struct LibsqlEngineFunction* function, const void* one, const void* other);
/* Takes it out of the way of SQL text, so that what it hides is found again, and back. Statements that use it still
 * may: the connection keeps it. False, and nothing done, while statements run, and if there is no memory. */
int libsql_engine_hide_function(struct sqlite3* db, struct LibsqlEngineFunction* function);
int libsql_engine_show_function(struct sqlite3* db, const char* name, int arguments);
/* Unless statements run: all are compiled again before they run next, with the functions as they are then. */
void libsql_engine_expire_statements(struct sqlite3* db);
/* Gives a name that the engine has a collation of its own for that collation back. False: it has none. */
int libsql_engine_restore_collation(struct sqlite3* db, const char* name);
/* Before a statement starts: its changes can be undone as long as it has not come to its end. And does so; false: it
 * has. */
struct sqlite3_stmt;
void libsql_engine_make_undoable(struct sqlite3_stmt* stmt);
int libsql_engine_undo(struct sqlite3_stmt* stmt);
/* The schema version of the main database as it was read last; 0: of an empty file. */
int libsql_engine_known_schema(struct sqlite3* db);
/* What `PRAGMA query_only=1` does, without a statement. */
void libsql_engine_refuse_writes(struct sqlite3* db);
/* Has the statement end at its first step if an interrupt came before, which the engine forgets else. False: it does not. */
int libsql_engine_keep_interrupts(struct sqlite3_stmt* stmt);
/* Forgets an interrupt, unless statements run. */
void libsql_engine_forget_interrupt(struct sqlite3* db);
/* A number that differs once the connection has read other schemas. */
int64_t libsql_engine_schemas(struct sqlite3* db);
/* Compares the schemas that were read with those in the files, and forgets what is out of date, so that the next text is
 * compiled with what is there now. Inside a transaction that reads, what is there is what it sees. Whether any was; `error` is
 * the first result that kept it from looking. */
int libsql_engine_renew_schemas(struct sqlite3* db, int* error);
/* Tells of each instruction of a statement and then of its triggers' programs, in the order of EXPLAIN, how often it ran
 * and how many cycles of the processor it took, as far as that was counted. Nothing if the engine is the system's. */
typedef void (*LibsqlInstructionVisitor)(void*, const char* opcode, int64_t runs, int64_t cycles);
void libsql_engine_visit_instructions(struct sqlite3_stmt* stmt, LibsqlInstructionVisitor visitor, void* argument);

#ifdef __cplusplus
}
#endif
