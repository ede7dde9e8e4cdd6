/// \file
/// PRAGMAs as typed functions: settings, what the schema looks like, and maintenance.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/builder.hpp>
#include <libsql/connection.hpp>
#include <libsql/export.hpp>
#include <libsql/pragma_types.hpp>
#include <libsql/wal.hpp>

namespace libsql {

/// The settings of a connection and of one of its databases: `Pragma(conn).journal_mode()`.
///
/// Every setter reads its value back and throws Configuration if it did not take effect (foreign_keys inside a
/// transaction, for example); the message names the setting, the value and the actual value. Names of tables and
/// schemas are quoted or bound, never pasted. It only sends SQL, so it works in every mode, but a server may refuse
/// some PRAGMAs.
///
/// Ownership: moves; keeps the session alive. Threads: as Connection. Errors: as Connection::query(); SqlError if there
/// is no such schema. https://www.sqlite.org/pragma.html says what each setting means.
class LIBSQL_EXPORT Pragma final {
 public:
  /// For the database `schema` of the connection: "main", "temp", or the name given to ATTACH. Settings of the
  /// connection as a whole are marked as such and ignore it.
  explicit Pragma(const Connection& connection, std::string schema = "main");
  Pragma(Pragma&&) noexcept;
  Pragma& operator=(Pragma&&) noexcept;
  ~Pragma();

  // -- settings of the database --------------------------------------------------------------------------------------

  JournalMode journal_mode() const;
  /// Throws Configuration if the database cannot use it, SqlError inside a transaction, Busy if others use the file.
  void journal_mode(JournalMode mode);
  Synchronous synchronous() const;
  void synchronous(Synchronous level);
  CacheSize cache_size() const;
  void cache_size(CacheSize size);
  /// How many bytes of the file may be mapped into memory; 0: none.
  std::int64_t mmap_size() const;
  void mmap_size(std::int64_t bytes);
  AutoVacuum auto_vacuum() const;
  /// Can change between None and the others only while the database is empty; else it throws Configuration, and the
  /// next VACUUM outside WAL mode makes the change.
  void auto_vacuum(AutoVacuum mode);
  /// A number in the file's header for the application's own use.
  std::int32_t user_version() const;
  void user_version(std::int32_t version);
  /// Tells `file` and other tools which application the file belongs to.
  std::int32_t application_id() const;
  void application_id(std::int32_t id);
  /// The size to which a journal or log is truncated after use, in bytes; -1: no limit.
  std::int64_t journal_size_limit() const;
  void journal_size_limit(std::int64_t bytes);
  LockingMode locking_mode() const;
  void locking_mode(LockingMode mode);
  int page_size() const;
  /// A power of two from 512 to 65536. As auto_vacuum(AutoVacuum): only while the database is empty.
  void page_size(int bytes);
  std::int64_t max_page_count() const;
  void max_page_count(std::int64_t pages);
  TextEncoding encoding() const;
  /// Only while the database is empty.
  void encoding(TextEncoding encoding);
  SecureDelete secure_delete() const;
  void secure_delete(SecureDelete mode);

  std::int64_t page_count() const;
  std::int64_t freelist_count() const;
  /// Changes whenever another connection has committed a change to the file.
  std::int64_t data_version() const;
  /// Changes with every change of the schema. (Only the engine sets it.)
  std::int64_t schema_version() const;

  // -- settings of the connection ------------------------------------------------------------------------------------

  bool foreign_keys() const;
  void foreign_keys(bool on);
  bool recursive_triggers() const;
  void recursive_triggers(bool on);
  bool query_only() const;
  void query_only(bool on);
  bool defer_foreign_keys() const;
  /// Until the end of the transaction.
  void defer_foreign_keys(bool on);
  bool trusted_schema() const;
  void trusted_schema(bool on);
  bool cell_size_check() const;
  void cell_size_check(bool on);
  bool automatic_index() const;
  void automatic_index(bool on);
  bool ignore_check_constraints() const;
  void ignore_check_constraints(bool on);
  bool read_uncommitted() const;
  void read_uncommitted(bool on);
  bool reverse_unordered_selects() const;
  void reverse_unordered_selects(bool on);
  bool case_sensitive_like() const;
  void case_sensitive_like(bool on);
  TempStore temp_store() const;
  void temp_store(TempStore store);
  /// Frames in the log after which a commit checkpoints; 0: never.
  int wal_autocheckpoint() const;
  void wal_autocheckpoint(int frames);
  /// How many rows ANALYZE reads per index; 0: all.
  int analysis_limit() const;
  void analysis_limit(int rows);
  /// How many helper threads a sort may use.
  int threads() const;
  void threads(int count);
  /// As Connection::busy_timeout().
  std::chrono::milliseconds busy_timeout() const;
  void busy_timeout(std::chrono::milliseconds timeout);

  // -- the schema ----------------------------------------------------------------------------------------------------

  /// The columns that `SELECT *` shows; none if there is no such table or view.
  std::vector<TableColumn> table_info(std::string_view table) const;
  /// All columns, hidden and generated ones too.
  std::vector<TableColumn> table_xinfo(std::string_view table) const;
  std::vector<IndexEntry> index_list(std::string_view table) const;
  /// The key columns of an index.
  std::vector<IndexColumn> index_info(std::string_view index) const;
  /// All columns of an index, with their order and collation.
  std::vector<IndexColumn> index_xinfo(std::string_view index) const;
  std::vector<ForeignKey> foreign_key_list(std::string_view table) const;
  /// The tables and views of this database, the engine's own included.
  std::vector<TableEntry> table_list() const;

  /// Of the connection:
  std::vector<DatabaseEntry> database_list() const;
  std::vector<std::string> compile_options() const;
  std::vector<std::string> collation_list() const;
  std::vector<FunctionEntry> function_list() const;
  std::vector<std::string> module_list() const;
  std::vector<std::string> pragma_list() const;

  // -- maintenance ---------------------------------------------------------------------------------------------------

  CheckpointResult wal_checkpoint(WalCheckpointMode mode = WalCheckpointMode::Passive);
  /// Runs ANALYZE where data have changed enough to mislead the planner. Cheap: call it when closing a connection, or
  /// every few hours.
  void optimize();
  /// The statements that optimize() would run.
  std::vector<std::string> optimize_preview();
  /// The errors found in the file, as text; empty if there are none. Reads everything.
  std::vector<std::string> integrity_check(int max_problems = 100);
  /// The same for one table and its indexes.
  std::vector<std::string> integrity_check(std::string_view table);
  /// As integrity_check(), without comparing indexes with their tables.
  std::vector<std::string> quick_check(int max_problems = 100);
  std::vector<std::string> quick_check(std::string_view table);
  std::vector<ForeignKeyViolation> foreign_key_check();
  std::vector<ForeignKeyViolation> foreign_key_check(std::string_view table);
  /// Gives up to `pages` unused pages back to the file system; 0: all. Returns how many. Does nothing without
  /// AutoVacuum::Incremental.
  std::int64_t incremental_vacuum(std::int64_t pages = 0);
  /// Frees as much memory as the connection can spare.
  void shrink_memory();

  // -- any other -----------------------------------------------------------------------------------------------------

  /// The first value that `PRAGMA schema.name` returns, if any. Throws Configuration if the engine knows no PRAGMA of
  /// that name.
  std::optional<Value> value(std::string_view name) const;
  /// All rows of `PRAGMA schema.name`, or of `PRAGMA schema.name(argument)`. Throws as value() does.
  std::vector<OwnedRow> rows(std::string_view name) const;
  std::vector<OwnedRow> rows(std::string_view name, const PragmaValue& argument) const;
  /// Sets any PRAGMA. Returns its answer, if it gives one. Answers differ, so this setter does not verify the value.
  /// Throws Configuration for an unknown name, and for a value that is NULL or a blob.
  std::optional<Value> set(std::string_view name, const PragmaValue& value);

 private:
  Rows ask(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  std::string text(std::string_view name) const;
  bool flag(std::string_view name) const { return integer(name) != 0; }
  void set_integer(std::string_view name, std::int64_t value);
  void set_word(std::string_view name, std::string_view word);
  void require_known(std::string_view name) const;
  std::vector<std::string> check(std::string_view name, std::string_view argument);
  std::vector<ForeignKeyViolation> foreign_key_violations(std::string_view argument);
  std::vector<std::string> names(std::string_view sql) const;

  std::unique_ptr<Connection> connection_;
  std::string schema_;  // quoted, with its dot
  std::string schema_name_;
};

}  // namespace libsql
