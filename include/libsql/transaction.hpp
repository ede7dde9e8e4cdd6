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

/// A transaction, or a savepoint in one. `tx->` and the connection that began it mean the same session, so
/// `conn.execute()` is inside too. Should the engine have to roll it back by itself (disk full, for one), every later
/// call on the connection throws TransactionLost until this object is rolled back or ends: nothing slips out of it.
/// Transactions and savepoints begun inside it end with it, at the latest. Threads: as Connection.
class LIBSQL_EXPORT Transaction final {
 public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  /// Rolls back unless finished. Never throws: if the rollback fails, the session is closed and its next use says why.
  ~Transaction();

  /// Makes the changes lasting (of a nested one: part of the outer transaction). Throws Busy (still open: call again),
  /// Constraint for a deferred foreign key (still open: mend it or roll back), TransactionLost if it is already gone
  /// (rolled back by the engine, or by reset()), Misuse if it is finished.
  void commit();
  /// Undoes the changes. Throws Misuse if it is finished.
  void rollback();
  /// Whether it is neither committed nor rolled back, by reset() for one.
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

/// A named savepoint: a mark in a transaction that can be returned to by this object; SQL text cannot end it. Opens a
/// transaction if there is none, which its release then commits (https://www.sqlite.org/lang_savepoint.html).
/// Savepoints nest, also of the same name, and those set inside one end with it. If the engine has to roll back the
/// transaction that it opened, every later call on the connection throws TransactionLost until this object ends.
/// Threads: as Connection.
class LIBSQL_EXPORT Savepoint final {
 public:
  Savepoint(Savepoint&&) noexcept;
  Savepoint& operator=(Savepoint&&) noexcept;
  /// Undoes what followed it and removes it, unless released. Never throws, as ~Transaction().
  ~Savepoint();

  /// Keeps the changes and removes the mark. Throws Misuse if it is finished, also because an outer one is; Busy if it
  /// was the outermost and cannot commit now (still open: call again).
  void release();
  /// Undoes the changes since the mark; the mark stays, and the work may go on from there.
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
