/// \file
/// Transactions and savepoints.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <libsql/connection.hpp>
#include <libsql/detail/backend_fwd.hpp>
#include <libsql/export.hpp>
#include <libsql/transaction_behavior.hpp>

namespace libsql {

/// A transaction, or a savepoint in one. `tx->` and the connection that began it are the same session, so
/// `conn.execute()` is part of it too. If the engine rolls it back by itself (disk full, for example), every later call
/// on the connection throws TransactionLost until this object is rolled back or destroyed, so nothing runs outside it.
/// It ends the transactions and savepoints begun inside it. Threads: as Connection.
class LIBSQL_EXPORT Transaction final {
 public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  /// Rolls back unless finished. Never throws: if the rollback fails, the session is closed, and its next use throws
  /// the reason.
  ~Transaction();

  /// Commits the changes (of a nested one: to the outer transaction). Throws Busy (still open: call again), Constraint
  /// for a deferred foreign key (still open: repair it or roll back), TransactionLost if it is already gone (rolled
  /// back by the engine or by reset()), Misuse if it is finished.
  void commit();
  /// Undoes the changes. Throws Misuse if it is finished.
  void rollback();
  /// Whether it has neither been committed nor rolled back, also not by reset().
  bool is_open() const noexcept;
  /// Whether it is a savepoint inside another transaction.
  bool is_nested() const noexcept { return mark_ != 0; }

  Connection* operator->() noexcept { return &connection_; }
  Connection& connection() noexcept { return connection_; }

 private:
  friend struct detail::Access;
  Transaction(std::shared_ptr<core::Session> session, std::uint64_t mark);
  void finish() noexcept;
  bool is_current() const noexcept;

  std::shared_ptr<core::Session> session_;
  Connection connection_;
  std::uint64_t mark_ = 0;  // of the savepoint that it is; 0: it is no savepoint
  std::uint64_t id_ = 0;    // of the transaction that it is else
  bool open_ = true;
};

/// A named savepoint: a point in a transaction that this object can roll back to; SQL text cannot end it. Opens a
/// transaction if there is none; release() then commits it (https://www.sqlite.org/lang_savepoint.html). Savepoints
/// nest, also of the same name, and end with the one they were set in. If the engine rolls back the transaction that it
/// opened, every later call on the connection throws TransactionLost until this object is destroyed.
/// Threads: as Connection.
class LIBSQL_EXPORT Savepoint final {
 public:
  Savepoint(Savepoint&&) noexcept;
  Savepoint& operator=(Savepoint&&) noexcept;
  /// Undoes the changes since and removes it, unless released. Never throws, as ~Transaction().
  ~Savepoint();

  /// Keeps the changes and removes the savepoint. Throws Misuse if it, or an outer one, is finished; Busy if it is the
  /// outermost and cannot commit now (still open: call again).
  void release();
  /// Undoes the changes since the savepoint, which stays.
  void rollback();
  const std::string& name() const noexcept { return name_; }
  bool is_open() const noexcept;

 private:
  friend struct detail::Access;
  Savepoint(std::shared_ptr<core::Session> session, std::string name);
  void finish() noexcept;

  std::shared_ptr<core::Session> session_;
  std::string name_;
  std::uint64_t mark_ = 0;
  bool opened_transaction_ = false;
  bool open_ = true;
};

}  // namespace libsql
