// A snapshot that lasts: a connection of its own holds a read transaction on it, so that no checkpoint goes past it.
#pragma once

#include <memory>

#include "engine/connection.hpp"
#include "engine/snapshot.hpp"
#include "local/spares.hpp"
#include "local/store.hpp"

namespace libsql::local {

/// Immutable. Threads: may be used and destroyed on any.
class HeldSnapshot {
 public:
  /// Takes the state that the connection's open transaction reads.
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
