// What runs SQL in this process: a connection, its compiled statements and its place in the queue of writers.
#pragma once

#include <memory>
#include <optional>

#include "engine/connection.hpp"
#include "local/spares.hpp"
#include "local/statement_cache.hpp"
#include "local/write_turn.hpp"

namespace libsql::local {

/// Threads: one at a time, except for the function that gives way (see WriteTurn).
class Runner {
 public:
  /// Opens a connection to the database. `scope`, `give_way` and `watch` are passed to WriteTurn.
  Runner(std::shared_ptr<Store> store, std::size_t cache_bytes, WriteTurn::Scope scope,
         WriteTurn::GiveWay give_way = nullptr, WaitWatch* watch = nullptr);
  /// Uses a spare connection of its store, which gets it back at the end unless it was closed.
  Runner(std::shared_ptr<Store> store, BorrowedConnection lent, std::size_t cache_bytes, WriteTurn::Scope scope);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  Store& store() const noexcept { return *store_; }
  const std::shared_ptr<Store>& shared_store() const noexcept { return store_; }
  engine::Connection& connection() const noexcept { return *connection_; }
  StatementCache& texts() noexcept { return texts_; }
  const StatementCache& texts() const noexcept { return texts_; }
  /// Null for a database that no other connection can write to.
  WriteTurn* turn() noexcept { return turn_ ? &*turn_ : nullptr; }

  /// Gives up the turn unless a transaction needs it. For use after SQL that was run past the statements.
  void settle() noexcept {
    if (turn_) turn_->settle();
  }
  /// Closes all statements and ends the transaction, in the order of their dependence. Statements that others still
  /// hold fail from then on.
  void close_all() noexcept;
  /// The same, but throws if something is still in use, as engine::Connection::close() does.
  void close();

 private:
  std::shared_ptr<Store> store_;
  std::unique_ptr<engine::Connection> own_;
  BorrowedConnection lent_;  // empty if the connection is its own
  engine::Connection* connection_;
  StatementCache texts_;
  std::optional<WriteTurn> turn_;
};

}  // namespace libsql::local
