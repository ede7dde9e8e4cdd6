// A snapshot that stays: a connection of its own holds a read transaction at it, which no checkpoint passes.
#pragma once

#include <memory>

#include "engine/connection.hpp"
#include "engine/snapshot.hpp"
#include "local/spares.hpp"
#include "local/store.hpp"

namespace libsql::local {

/// Immutable. Threads: may be used, and may end, on any.
class HeldSnapshot {
 public:
  /// Of the state that the connection's open transaction reads.
  HeldSnapshot(std::shared_ptr<Store> store, engine::Connection& connection);
  HeldSnapshot(const HeldSnapshot&) = delete;
  HeldSnapshot& operator=(const HeldSnapshot&) = delete;

  const engine::Snapshot& state() const noexcept { return state_; }
  const Store& store() const noexcept { return *store_; }

 private:
  std::shared_ptr<Store> store_;
  engine::Snapshot state_;
  BorrowedConnection keeper_;
};

}  // namespace libsql::local
