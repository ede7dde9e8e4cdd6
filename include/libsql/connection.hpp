/// \file
/// A session with a database: the class most programs work with.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/batch.hpp>
#include <libsql/connection_info.hpp>
#include <libsql/detail/backend_fwd.hpp>
#include <libsql/error.hpp>
#include <libsql/export.hpp>
#include <libsql/interrupt.hpp>
#include <libsql/params.hpp>
#include <libsql/rows.hpp>
#include <libsql/statement.hpp>
#include <libsql/transaction_behavior.hpp>

namespace libsql {

class ExtensionGuard;
class Savepoint;
class Snapshot;
class Transaction;

/// One session with a database: a local file, a remote server or an embedded replica, as its Builder chose.
///
/// Ownership: moves, never copies; keeps the Database alive. What is made from it keeps the session alive in turn, so
/// objects may end in any order.
/// Threads: one at a time, together with everything made from it; other threads use interrupt_handle().
/// Errors: any call may throw Busy, Interrupted, Timeout, Corrupt, ResourceError, TransactionLost, and Misuse once it
/// is closed. Pragmas, hooks, user functions, the WAL, blobs, backups and the rest of what a local database offers are
/// classes of their own that take a Connection: see libsql.hpp for the list.
class LIBSQL_EXPORT Connection final {
 public:
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  /// Runs one statement to its end; rows, if it yields any, are passed over. Returns the rows it changed itself,
  /// without those of triggers and foreign key actions (https://www.sqlite.org/c3ref/changes.html). `sql` is UTF-8;
  /// arguments are borrowed for the call, not copied. Throws SqlError with the offset of the fault, Constraint,
  /// ReadOnly; Misuse if arguments are missing, left over or unknown, or a second statement follows the first;
  /// OutOfRange if an unsigned argument exceeds 64 signed bits.
  template <Argument... Args>
  std::uint64_t execute(std::string_view sql, const Args&... args) {
    return detail::with_params([&](const detail::ParamsView& params) { return execute_view(sql, params); }, args...);
  }

  std::uint64_t execute(std::string_view sql, const Params& params);

  /// Runs one statement; its rows are read one by one: Row objects, or with types std::tuple or a struct (RowsOf).
  /// Arguments are copied, unless borrowed(), because the rows are read after the call. Throws as execute() does.
  template <class... Ts, Argument... Args>
  RowsOf<Ts...> query(std::string_view sql, const Args&... args) {
    return RowsOf<Ts...>(
        detail::with_params([&](const detail::ParamsView& params) { return query_view(sql, params); }, args...));
  }
  template <class... Ts>
  RowsOf<Ts...> query(std::string_view sql, const Params& params) {
    return RowsOf<Ts...>(query_view(sql, detail::ParamsRefs(params).view()));
  }

  /// Exactly one row, as a tuple, a struct, or without types an OwnedRow. Throws UnexpectedRows for none and for more;
  /// then, and if a value does not fit its type, what a RETURNING statement wrote is undone. Remote it is not, unless
  /// a transaction is open, which still holds it: Error::write_committed() tells.
  template <class... Ts, Argument... Args>
  auto query_row(std::string_view sql, const Args&... args) {
    // Read before the arguments end: the statement borrows them.
    return detail::with_params(
        [&](const detail::ParamsView& params) {
          detail::RowScope rows = open_scope(sql, params);
          return detail::one_row<Ts...>(rows);
        },
        args...);
  }
  template <class... Ts>
  auto query_row(std::string_view sql, const Params& params) {
    detail::RowScope rows = open_scope(sql, detail::ParamsRefs(params).view());
    return detail::one_row<Ts...>(rows);
  }
  /// As query_row(), but no row gives nullopt.
  template <class... Ts, Argument... Args>
  auto query_row_optional(std::string_view sql, const Args&... args) {
    // Read before the arguments end: the statement borrows them.
    return detail::with_params(
        [&](const detail::ParamsView& params) {
          detail::RowScope rows = open_scope(sql, params, detail::Wanted::OneAtMost);
          return detail::optional_row<Ts...>(rows);
        },
        args...);
  }
  /// The one column of exactly one row.
  template <class T, Argument... Args>
  T query_value(std::string_view sql, const Args&... args) {
    return std::get<0>(query_row<T>(sql, args...));
  }

  /// Runs every statement of a script, one after the other, each committed by itself unless the script opens a
  /// transaction. Stops at the first failure, whose Error tells statement_index(); what ran before it stays.
  BatchResult execute_batch(std::string_view script);
  /// The same inside one transaction: all or nothing. (Inside an open transaction: inside a savepoint.)
  BatchResult execute_transactional_batch(std::string_view script);
  /// Statements with arguments of their own. As execute_batch() and execute_transactional_batch().
  BatchResult execute_batch(std::span<const BatchStatement> statements);
  BatchResult execute_transactional_batch(std::span<const BatchStatement> statements);
  BatchResult execute_batch(std::initializer_list<BatchStatement> statements) {
    return execute_batch(std::span<const BatchStatement>(statements.begin(), statements.size()));
  }
  BatchResult execute_transactional_batch(std::initializer_list<BatchStatement> statements) {
    return execute_transactional_batch(std::span<const BatchStatement>(statements.begin(), statements.size()));
  }

  /// Runs one statement once for each element of a range (tuples, single values, or Params), all inside one
  /// transaction: the fast way to load rows. Returns the rows changed. On failure nothing stays, and statement_index()
  /// tells which element failed.
  template <std::ranges::input_range R>
  std::uint64_t execute_many(std::string_view sql, R&& argument_sets) {
    detail::BulkRun bulk(*this, sql);
    for (const auto& arguments : argument_sets) bulk.add(arguments);
    return bulk.finish();
  }

  /// Compiles one statement, or takes it from this connection's cache. Throws as execute() does.
  Statement prepare(std::string_view sql);

  /// Begins a transaction on this session. Inside an open one it sets a savepoint, whatever the behaviour.
  Transaction transaction(TransactionBehavior behavior = TransactionBehavior::Deferred);
  /// The state that the open transaction reads, or the newest one: other connections can read it, too. Throws Misuse in
  /// a transaction that writes, Unsupported without WAL. (docs/concurrency.md)
  Snapshot snapshot();
  /// Begins a read-only transaction at a snapshot of this database. Throws Misuse inside a transaction, or if the
  /// snapshot is of another database.
  Transaction transaction_at(const Snapshot& snapshot);
  /// Sets a named savepoint. Throws Misuse for an empty name.
  Savepoint savepoint(std::string_view name);

  /// Checks that the database still answers: reads from it, past the caches. Throws what a query would.
  void ping();
  /// Closes the session. Throws Misuse, naming them, if statements, rows, blobs or backups of it are still open (then
  /// it stays open). After it, only close() itself and the destructor may be called.
  void close();
  bool is_closed() const noexcept;
  /// Makes the session as new, for its next user: rolls back, ends open rows, frees the statement cache, drops
  /// temporary tables, views and triggers, detaches databases, removes hooks, and restores limits, pragmas and busy
  /// timeout.
  void reset();
  /// Writes dirty pages to the file before the transaction ends (https://www.sqlite.org/c3ref/db_cacheflush.html).
  void cacheflush();
  /// Frees as much memory as it can without losing anything.
  void release_memory();

  /// Ends what this session is doing. From another thread use interrupt_handle().
  void interrupt() noexcept;
  InterruptHandle interrupt_handle() const noexcept;

  /// How long a call waits for a lock before it throws Busy; 0: not at all.
  void busy_timeout(std::chrono::milliseconds timeout);
  std::chrono::milliseconds busy_timeout() const;
  /// How long any one call may take before it throws Timeout; nullopt: as long as it needs.
  void deadline(std::optional<std::chrono::milliseconds> limit);
  std::optional<std::chrono::milliseconds> deadline() const;

  /// Rows changed by the last INSERT, UPDATE or DELETE; by all of this connection; and the last inserted rowid.
  std::uint64_t changes() const;
  std::uint64_t total_changes() const;
  std::int64_t last_insert_rowid() const;
  /// Whether no transaction is open.
  bool is_autocommit() const;
  /// Whether the database cannot be written through this connection.
  bool is_readonly() const;
  /// The path of the database file, UTF-8; empty for in-memory and temporary databases.
  std::string path() const;

  /// Allows load_extension() while the guard lives. Throws Unsupported where extensions cannot be loaded.
  [[nodiscard]] ExtensionGuard enable_load_extension();
  /// Loads a shared library of SQL functions. Empty entry point: the engine's rule
  /// (https://www.sqlite.org/c3ref/load_extension.html). Throws Auth unless a guard lives and the file lies in one of
  /// the directories that the Builder allows (if it names any); SqlError if it cannot be loaded.
  void load_extension(const std::filesystem::path& file, std::string_view entry_point = {});

  /// Bytes kept free at the end of every page. A change takes effect with a VACUUM, which it runs. Throws Unsupported
  /// for fewer than there are: SQLite cannot take them back.
  void set_reserved_bytes(int bytes);
  int reserved_bytes() const;
  /// Changes the encryption key of the file: to another, to none (empty: decrypts), or from none (encrypts). Rewrites
  /// every page. Throws Unsupported if the engine has no encryption; after a ResourceError the connection is closed,
  /// and the file has the old key or the new one.
  void rekey(BlobView key);
  void rekey(std::string_view key);

  /// A run-time limit; setting returns the former value and clamps to the engine's maximum.
  int limit(Limit limit) const;
  int limit(Limit limit, int value);

  ConnectionStatistics statistics() const;
  void reset_statistics();

  /// What this mode can do.
  const Capabilities& capabilities() const noexcept;

 private:
  friend struct detail::Access;
  friend class detail::BulkRun;
  explicit Connection(std::shared_ptr<core::Session> session) noexcept;

  core::Session& session() const;
  std::uint64_t execute_view(std::string_view sql, const detail::ParamsView& params);
  Rows query_view(std::string_view sql, const detail::ParamsView& params);
  detail::RowScope open_scope(std::string_view sql, const detail::ParamsView& params,
                              detail::Wanted wanted = detail::Wanted::One);

  std::shared_ptr<core::Session> session_;
};

/// While it lives, its connection may load extensions by load_extension(). (SQL's load_extension() stays off.)
class LIBSQL_EXPORT ExtensionGuard final {
 public:
  ExtensionGuard(ExtensionGuard&&) noexcept;
  ExtensionGuard& operator=(ExtensionGuard&&) noexcept;
  ~ExtensionGuard();

 private:
  friend class Connection;
  explicit ExtensionGuard(std::shared_ptr<core::Session> session);
  std::shared_ptr<core::Session> session_;
};

}  // namespace libsql

#include <libsql/transaction.hpp>  // which holds a Connection; whoever calls transaction() needs it
