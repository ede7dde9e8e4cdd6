/// \file
/// A state of a local database that several connections can read.
#pragma once

#include <memory>

#include <libsql/export.hpp>

namespace libsql {

class Connection;

namespace local {
class HeldSnapshot;
}

/// The committed state of a local database in WAL mode at one moment, kept as long as a copy of this object lives.
/// Checkpoints stop before it, so the log grows. Writers do not wait.
///
///     libsql::Snapshot snapshot = conn.snapshot();
///     libsql::Transaction tx = other.transaction_at(snapshot);   // reads what conn saw, whatever was written since
///
/// Ownership: copies share one; keeps the database open. Threads: may be used by several threads at once.
class LIBSQL_EXPORT Snapshot final {
 public:
  Snapshot(const Snapshot&) noexcept;
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(const Snapshot&) noexcept;
  Snapshot& operator=(Snapshot&&) noexcept;
  ~Snapshot();

 private:
  friend class Connection;
  explicit Snapshot(std::shared_ptr<const local::HeldSnapshot> held) noexcept;
  std::shared_ptr<const local::HeldSnapshot> held_;
};

}  // namespace libsql
