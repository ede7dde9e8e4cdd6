// Keeps the log of a database from beginning anew, so that what is in it stays there to be copied.
#pragma once

#include <cstdint>
#include <optional>

#include <libsql/wal.hpp>

#include "engine/wal_index.hpp"
#include "engine/wal_log.hpp"

struct sqlite3;

namespace libsql::engine::wal {

/// Checkpoints go on and may copy all of the log, but nobody begins it anew or cuts it, in any process. It takes one of
/// the places for readers of the log, of which there are four, with a mark that holds no checkpoint up
/// (https://www.sqlite.org/walformat.html#wal_read_lock_n).
class LogHold {
 public:
  /// The connection is used for nothing else until the end, and outlives it. Throws Busy if all places are taken,
  /// Unsupported without a log that others share.
  explicit LogHold(sqlite3* db);
  ~LogHold();
  LogHold(const LogHold&) = delete;
  LogHold& operator=(const LogHold&) = delete;

  /// Where the log stands now. Throws Busy.
  WalState state();
  /// The size of the log in bytes, without waiting: nothing while a writer is at it.
  std::optional<std::uint64_t> size();

 private:
  bool lock(int place, int flags);
  bool take(int place);

  Files files_;
  std::optional<Index> index_;
  int place_ = 0;
};

}  // namespace libsql::engine::wal
