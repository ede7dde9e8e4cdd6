/// \file
/// A database: where connections come from.
#pragma once

#include <memory>

#include <libsql/connection.hpp>
#include <libsql/detail/backend_fwd.hpp>
#include <libsql/export.hpp>
#include <libsql/writer.hpp>

namespace libsql {

class Replica;

/// A database opened by a Builder. It gives connections, all set up the same way, and keeps an in-memory database
/// alive.
/// Ownership: copies share one. Threads: may be used by several threads at once.
class LIBSQL_EXPORT Database final {
 public:
  Database(const Database&) noexcept;
  Database(Database&&) noexcept;
  Database& operator=(const Database&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// A new session. Throws CannotOpen, NotADatabase (also for a wrong key), Configuration, Busy.
  Connection connect() const;

  /// A new writer service: group commit for the transactions of many threads. Local databases only.
  Writer writer(const WriterOptions& options = {}) const;

  /// The replication of a replica: its syncs, its state. Throws Unsupported for any other database.
  Replica replica() const;

  Mode mode() const noexcept;

 private:
  friend struct detail::Access;
  explicit Database(std::shared_ptr<core::Store> store) noexcept;
  std::shared_ptr<core::Store> store_;
};

}  // namespace libsql
