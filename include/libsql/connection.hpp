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
#include <libsql/transact.hpp>
#include <libsql/transaction_behavior.hpp>
#include <libsql/verbs.hpp>

namespace libsql {

class ExtensionGuard;
class Savepoint;
class Snapshot;
class Transaction;

/// One session with a database: a local file, or a remote server, as its Builder chose. The verbs that run one
/// statement stand in verbs.hpp.
///
/// Ownership: moves, never copies; keeps the Database alive. What is made from it keeps the session alive, so objects
/// may be destroyed in any order.
/// Threads: one at a time, together with everything made from it; other threads use interrupt_handle().
/// Errors: any call may throw Busy, Interrupted, Timeout, Corrupt, ResourceError, TransactionLost, and Misuse once it
/// is closed. Pragmas, hooks, user functions, the WAL, blobs, backups and other features of local databases are classes
/// of their own that take a Connection: see libsql.hpp.
class LIBSQL_EXPORT Connection final : public Verbs<Connection, std::string_view> {
 public:
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  /// Runs the statements of a script in order, each committed by itself unless the script opens a transaction. Stops at
  /// the first failure, whose Error has statement_index(); what ran before stays.
  BatchResult execute_batch(std::string_view script);
  /// The same in one transaction: all or nothing. (Inside an open transaction: in a savepoint.)
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

  /// Runs one statement for each element of a range (tuples, single values, or Params), all in one transaction: the
  /// fast way to load rows. Returns the rows changed. On failure nothing stays, and statement_index() is the index of
  /// the element that failed.
  template <std::ranges::input_range R>
  std::uint64_t execute_many(std::string_view sql, R&& argument_sets) {
    detail::BulkRun bulk(*this, sql);
    for (const auto& arguments : argument_sets) bulk.add(arguments);
    return bulk.finish();
  }

  /// Compiles one statement, or takes it from this connection's cache. Throws as the verbs do.
  Statement prepare(std::string_view sql);

  /// Begins a transaction on this session. Inside an open one it sets a savepoint, whatever the behaviour.
  Transaction transaction(TransactionBehavior behavior = TransactionBehavior::Deferred);
  /// Runs `work` in a transaction, commits it, and returns what `work` returned; its argument is this connection, or
  /// nothing. If `work` throws, all it did is undone. After a failure that a new transaction may escape, it runs again,
  /// after a pause that grows: Busy, also of a snapshot that is out of date; TransactionLost; a server that cannot be
  /// reached. So it may run several times and should have no other effects. Never tried again: what may have been
  /// committed (Error::outcome_known() is false), any other exception, and anything inside an open transaction, where
  /// `work` gets a savepoint. The deadline and interrupts are for all attempts together. SQL text that begins or ends a
  /// transaction, close() and reset() are Misuse in `work`. Throws what the last attempt threw; Interrupted, Timeout;
  /// OutOfRange for fewer attempts than 1. (docs/transactions.md)
  template <detail::Transactable Work>
  auto transact(Work&& work, const TransactOptions& options = {}) {
    return detail::transact(*this, work, options);
  }
  template <detail::Transactable Work>
  auto transact(Work&& work, int attempts) {
    return detail::transact(*this, work, TransactOptions{.attempts = attempts});
  }
  /// The state that the open transaction reads, or the newest one, for other connections to read. Throws Misuse in a
  /// transaction that writes, Unsupported without WAL. (docs/concurrency.md)
  Snapshot snapshot();
  /// Begins a read-only transaction at a snapshot of this database. Throws Misuse inside a transaction, or if the
  /// snapshot is of another database.
  Transaction transaction_at(const Snapshot& snapshot);
  /// Sets a named savepoint. Throws Misuse for an empty name.
  Savepoint savepoint(std::string_view name);

  /// Checks that the database still answers, by a read that bypasses the caches. Throws what a query would.
  void ping();
  /// Closes the session. If statements, rows, blobs or backups of it are still open, throws Misuse that names them, and
  /// stays open. Afterwards only close() and the destructor may be called.
  void close();
  bool is_closed() const noexcept;
  /// Resets the session for its next user: rolls back, ends open rows, frees the statement cache, drops temporary
  /// tables, views and triggers, detaches databases, removes hooks, and restores limits, PRAGMAs and busy timeout.
  void reset();
  /// Writes dirty pages to the file before the transaction ends (https://www.sqlite.org/c3ref/db_cacheflush.html).
  void cacheflush();
  /// Frees as much memory as it can without losing anything.
  void release_memory();

  /// Interrupts what this session is doing. From another thread use interrupt_handle().
  void interrupt() noexcept;
  InterruptHandle interrupt_handle() const noexcept;

  /// How long a call waits for a lock before it throws Busy; 0: not at all.
  void busy_timeout(std::chrono::milliseconds timeout);
  std::chrono::milliseconds busy_timeout() const;
  /// How long any one call may take before it throws Timeout; nullopt: as long as it needs.
  void deadline(std::optional<std::chrono::milliseconds> limit);
  std::optional<std::chrono::milliseconds> deadline() const;

  /// The rows changed by the last INSERT, UPDATE or DELETE; by all statements of this connection; the last inserted
  /// rowid.
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

  /// Bytes reserved at the end of every page. Setting runs a VACUUM. Throws Unsupported for fewer than now: SQLite
  /// cannot take them back.
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
  friend class Verbs<Connection, std::string_view>;
  friend class Writer;
  explicit Connection(std::shared_ptr<core::Session> session) noexcept;

  core::Session& session() const;
  std::uint64_t execute_view(std::string_view sql, const detail::ParamsView& params);
  RunResult run_view(std::string_view sql, const detail::ParamsView& params);
  Rows query_view(std::string_view sql, const detail::ParamsView& params);
  detail::RowScope open_scope(std::string_view sql, const detail::ParamsView& params, detail::Wanted wanted);
  template <detail::Wanted wanted, class Read>
  auto read_scope(std::string_view sql, const detail::ParamsView& params, Read read) {
    const detail::CallScopeIf<wanted == detail::Wanted::All> call(session_.get());
    detail::RowScope rows = open_scope(sql, params, wanted);
    return read(rows);
  }

  std::shared_ptr<core::Session> session_;
};

/// While it lives, load_extension() works on its connection. (SQL's load_extension() stays off.)
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
