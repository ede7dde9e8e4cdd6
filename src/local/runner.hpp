// What SQL runs on in this process: a connection, its compiled texts and its place in the line of writers.
#pragma once

#include <memory>
#include <optional>

#include "engine/connection.hpp"
#include "local/spares.hpp"
#include "local/statement_cache.hpp"
#include "local/write_turn.hpp"

namespace libsql::local {

/// Threads: one at a time, but for the function that gives way (WriteTurn).
class Runner {
 public:
  /// Opens a connection to the database. `scope`, `give_way` and `watch` as for WriteTurn.
  Runner(std::shared_ptr<Store> store, std::size_t cache_bytes, WriteTurn::Scope scope,
         WriteTurn::GiveWay give_way = nullptr, WaitWatch* watch = nullptr);
  /// On a connection that its store keeps for such as this one, and gets back at the end unless it was closed.
  Runner(std::shared_ptr<Store> store, BorrowedConnection lent, std::size_t cache_bytes, WriteTurn::Scope scope);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  Store& store() const noexcept { return *store_; }
  const std::shared_ptr<Store>& shared_store() const noexcept { return store_; }
  engine::Connection& connection() const noexcept { return *connection_; }
  StatementCache& texts() noexcept { return texts_; }
  const StatementCache& texts() const noexcept { return texts_; }
  /// Null for a database that nobody else can write to.
  WriteTurn* turn() noexcept { return turn_ ? &*turn_ : nullptr; }

  /// Lets the turn go if no transaction needs it: after SQL that went past the statements.
  void settle() noexcept {
    if (turn_) turn_->settle();
  }
  /// Ends all statements and the transaction, in the order in which they need each other. The texts of others fail
  /// then.
  void close_all() noexcept;
  /// The same, with an error for what is still in use. Throws what engine::Connection::close() throws.
  void close();

 private:
  std::shared_ptr<Store> store_;
  std::unique_ptr<engine::Connection> own_;
  BorrowedConnection lent_;  // if it is not its own
  engine::Connection* connection_;
  StatementCache texts_;
  std::optional<WriteTurn> turn_;
};

}  // namespace libsql::local
