// Connections that a database keeps for work outside any session: snapshots, checkpoints, dumps, statistics.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/connection.hpp"
#include "local/runners.hpp"

namespace libsql::local {

class Store;

struct Spare final : Kept {
  explicit Spare(std::unique_ptr<engine::Connection> opened) noexcept : connection(std::move(opened)) {}
  std::unique_ptr<engine::Connection> connection;
};

/// A connection on loan from its store, which it keeps alive. The destructor gives it back and rolls its transaction
/// back; anything else left on it is seen by the next borrower. Threads: one at a time; may be destroyed on any.
class BorrowedConnection final {
 public:
  BorrowedConnection() noexcept = default;
  BorrowedConnection(std::shared_ptr<Store> store, std::unique_ptr<Spare> spare) noexcept
      : store_(std::move(store)), spare_(std::move(spare)) {}
  BorrowedConnection(BorrowedConnection&&) noexcept = default;
  BorrowedConnection& operator=(BorrowedConnection&&) = delete;
  ~BorrowedConnection();

  explicit operator bool() const noexcept { return spare_ != nullptr; }
  engine::Connection& operator*() const noexcept { return *spare_->connection; }
  engine::Connection* operator->() const noexcept { return spare_->connection.get(); }

 private:
  std::shared_ptr<Store> store_;
  std::unique_ptr<Spare> spare_;
};

/// Threads: any number at once.
class Spares final {
 public:
  /// A resting connection, or null: the caller then opens one and passes it to add().
  std::unique_ptr<Spare> take();
  void add(Spare& fresh);
  /// Takes a connection back. It is closed if it is broken or too many rest already.
  void give(std::unique_ptr<Spare> spare) noexcept;
  /// Closes the connections that have rested for at least `rested`.
  void close(std::chrono::milliseconds rested = std::chrono::milliseconds(0)) noexcept;

 private:
  static constexpr std::size_t kKept = 4;
  std::mutex mutex_;
  Runners<Spare> all_;
};

}  // namespace libsql::local
