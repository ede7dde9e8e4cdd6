/* Facts about a connection that are read before and after each statement, without the checks and the search by database name
 * with which the functions of the C API begin; and things that the C API lets one read but not set. In C, because it is
 * implemented in amalgamation.c, where the engine's private declarations are known. */
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
/* The last frame of the log when the connection last looked (mxFrame), both salts and both sums of the checksum. False if the
 * main database has no log, or nothing has been read from it yet. */
int libsql_engine_log_end(struct sqlite3* db, uint32_t* frame, uint32_t salt[2], uint32_t checksum[2]);
/* Whether the engine compiles the SQL that sql/alter_column.hpp writes. */
extern const int libsql_engine_alters_columns;
/* Whether it supports tables with RANDOM ROWID (see cmake/LibsqlLanguageEngine.cmake). */
extern const int libsql_engine_has_random_rowids;
/* Registers json_length(), json_depth() and json_keys() if the engine is one that they were written for. Returns its result code. */
int libsql_engine_add_json_functions(struct sqlite3* db);
/* As sqlite3_preupdate_hook(), but a hook always remains where a vector index of libSQL's has to be guarded. */
typedef void (*LibsqlRowWatcher)(void*, struct sqlite3*, int, char const*, char const*, long long, long long);
void libsql_engine_watch_rows(struct sqlite3* db, LibsqlRowWatcher watcher, void* argument);
/* Sets whether "x" is a string where no column has that name, as SQLITE_DBCONFIG_DQS_DML does, but without having all
 * statements compiled again. Returns the former value. */
int libsql_engine_double_quoted_strings(struct sqlite3* db, int on);
/* Sets the results of changes() and total_changes(). */
void libsql_engine_set_changes(struct sqlite3* db, int64_t changes, int64_t total);
/* Splits the names in the engine's message about a UNIQUE ("t.a, t.b") or NOT NULL constraint ("t.a"), which are not quoted
 * there, by comparing them with existing tables. Returns the number of columns, at most `most`; 0 if no table matches. */
int libsql_engine_constraint_columns(struct sqlite3* db, const char* text, int not_null, const char** table,
                                     const char** columns, int most);
/* Differs from an earlier result if the temporary database may have changed since. 0 while there is none. */
int64_t libsql_engine_temporary_version(struct sqlite3* db);
/* The schema's spelling of a name that SQL text may write in any case. Valid until the schema changes; null if not found. */
const char* libsql_engine_table_name(struct sqlite3* db, const char* name, const char** database);
const char* libsql_engine_database_name(struct sqlite3* db, const char* name);
const char* libsql_engine_module_name(struct sqlite3* db, const char* name);
/* The same for a view or trigger. */
const char* libsql_engine_context_name(struct sqlite3* db, const char* name);
/* The text of the statement that the engine is compiling again on its own at this moment, or null. */
const char* libsql_engine_recompiled_text(struct sqlite3* db);
/* Whether the running statement must end, according to sqlite3_is_interrupted() or the progress handler, which knows the
 * deadline. For functions that work for long on one row. */
int libsql_engine_must_end(struct sqlite3* db);
/* Resets what no PRAGMA resets: the format that the next VACUUM gives the file, and the parameters of ciphers. */
void libsql_engine_forget_settings(struct sqlite3* db);

/* With ciphers only. Whether any file open in this encrypting VFS has a key; and ChaCha20 over `size` bytes, with a stream
 * that begins at block `counter`. */
int libsql_engine_holds_key(struct sqlite3_vfs* vfs);
void libsql_engine_stream_cipher(unsigned char* bytes, size_t size, const unsigned char key[32], const unsigned char nonce[12],
                                 uint32_t counter);

/* Adds a built-in function, which every connection of the process has. As sqlite3_create_function_v2(), except that `name` must
 * begin with a small letter and is not copied, and that an existing function stays, with SQLITE_CONSTRAINT as the result. Must
 * not be called while other threads compile statements. */
struct sqlite3_context;
struct sqlite3_value;
int libsql_engine_add_function(const char* name, int arity, int flags,
                               void (*callback)(struct sqlite3_context*, int, struct sqlite3_value**),
                               void (*step)(struct sqlite3_context*, int, struct sqlite3_value**),
                               void (*finish)(struct sqlite3_context*));
/* While on, the connection does not allocate from its small store for short-lived memory (lookaside), which a hundred
 * functions would use up. Calls nest. */
void libsql_engine_spare_lookaside(struct sqlite3* db, int on);

/* The connection's own function of this name and number of arguments, for UTF-8, or null. A removed one is still found,
 * without code, and still hides the built-in function of that name. */
struct LibsqlEngineFunction;
struct LibsqlEngineFunction* libsql_engine_function(struct sqlite3* db, const char* name, int arguments);
/* Whether `function` is implemented by one of these two. */
int libsql_engine_calls(const struct LibsqlEngineFunction* function, const void* one, const void* other);
/* Hides the function from SQL text, so that the one it was hiding is found again; and shows it again. Statements that use
 * it still work, as the connection keeps it. False, with nothing done, while statements run or if there is no memory. */
int libsql_engine_hide_function(struct sqlite3* db, struct LibsqlEngineFunction* function);
int libsql_engine_show_function(struct sqlite3* db, const char* name, int arguments);
/* Unless statements are running, makes the engine compile all of them again before their next run, with the current functions. */
void libsql_engine_expire_statements(struct sqlite3* db);
/* Gives the name of a built-in collation back to that collation. False if there is none of that name. */
int libsql_engine_restore_collation(struct sqlite3* db, const char* name);
/* The first is called before a statement starts, and lets its changes be undone until it has finished. The second undoes
 * them; false if the statement has finished. */
struct sqlite3_stmt;
void libsql_engine_make_undoable(struct sqlite3_stmt* stmt);
int libsql_engine_undo(struct sqlite3_stmt* stmt);
/* The schema version of the main database as last read; 0 for an empty file. */
int libsql_engine_known_schema(struct sqlite3* db);
/* Does what `PRAGMA query_only=1` does, without a statement. */
void libsql_engine_refuse_writes(struct sqlite3* db);
/* Makes the statement's first step end with an earlier interrupt, which the engine would otherwise forget. False if it cannot. */
int libsql_engine_keep_interrupts(struct sqlite3_stmt* stmt);
/* Forgets an interrupt, unless statements are running. */
void libsql_engine_forget_interrupt(struct sqlite3* db);
/* A number that changes when the connection has read different schemas. */
int64_t libsql_engine_schemas(struct sqlite3* db);
/* Compares the schemas in memory with those in the files, and drops those that are out of date, so that the next text is
 * compiled with current ones (inside a reading transaction: the ones it sees). Returns whether any was out of date; `error` is
 * the first error that prevented the comparison. */
int libsql_engine_renew_schemas(struct sqlite3* db, int* error);
/* Reports for each instruction of a statement, and then of its triggers' programs, in the order of EXPLAIN, how often it ran
 * and how many processor cycles it took, where counted. Reports nothing if the engine is the system's. */
typedef void (*LibsqlInstructionVisitor)(void*, const char* opcode, int64_t runs, int64_t cycles);
void libsql_engine_visit_instructions(struct sqlite3_stmt* stmt, LibsqlInstructionVisitor visitor, void* argument);

#ifdef __cplusplus
}
#endif
