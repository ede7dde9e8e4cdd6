// States of a database in WAL mode that read transactions can be pinned to
// (https://www.sqlite.org/c3ref/snapshot.html).
#pragma once

#include <cstdint>
#include <memory>

#include "engine/connection.hpp"

struct sqlite3_snapshot;

namespace libsql::engine {

/// Names a state; does not keep it. Immutable, so several threads may use it at once.
class Snapshot {
 public:
  /// Whether the engine was built with snapshots.
  static bool is_supported() noexcept;

  /// The state that the connection's open transaction reads; it begins to read if it has not yet. Empty if the log is
  /// empty, because then there is nothing to name a state by. Throws Misuse in a transaction that has written,
  /// Unsupported without WAL or in an engine without snapshots.
  static Snapshot take(Connection& connection);

  explicit operator bool() const noexcept { return snapshot_ != nullptr; }

  /// Lets the connection's transaction, which must not have read yet, read this state. Throws SnapshotTooOld, Busy.
  void open_on(Connection& connection) const;

 private:
  struct Free {
    void operator()(sqlite3_snapshot* snapshot) const noexcept;
  };
  std::unique_ptr<sqlite3_snapshot, Free> snapshot_;
};

}  // namespace libsql::engine
