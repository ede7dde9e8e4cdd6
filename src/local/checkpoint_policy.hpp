// When a database's log is copied back into its file, and by whom.
#pragma once

#include <cstdint>

namespace libsql::local {

/// Who copies the log.
enum class Checkpointer : std::uint8_t {
  Writers,     ///< whichever writer commits past `PRAGMA wal_autocheckpoint`, and the last connection as it closes
  Background,  ///< the process's background thread; neither a commit nor a close waits for it
  Owner,       ///< the owner of the database, when it calls checkpoint(); and the last connection as it closes
};

struct CheckpointPolicy {
  Checkpointer by = Checkpointer::Writers;
  /// Once a fully copied log has this size it is truncated, in the background. A smaller one is overwritten by the next
  /// writer from its start, which needs no new disk blocks.
  std::uint64_t cut_from_bytes = std::uint64_t{64} << 20;
  /// How large a log may grow while it is held.
  std::uint64_t max_held_bytes = std::uint64_t{1} << 30;
};

}  // namespace libsql::local
