// When the log of a database is copied back into its file, and by whom.
#pragma once

#include <cstdint>

namespace libsql::local {

/// Who copies the log.
enum class Checkpointer : std::uint8_t {
  Writers,     ///< whoever commits past `PRAGMA wal_autocheckpoint`, and the last connection as it closes
  Background,  ///< the process's background thread; neither a commit nor a close waits for it
  Owner,       ///< the owner of the database, when it calls checkpoint(); and the last connection as it closes
};

struct CheckpointPolicy {
  Checkpointer by = Checkpointer::Writers;
  /// A log that is all copied is cut to nothing once it has this size, in the background. Below, the next writer begins
  /// it anew where it is, which costs no new blocks of the disk.
  std::uint64_t cut_from_bytes = std::uint64_t{64} << 20;
  /// What a log may grow to while it is held.
  std::uint64_t max_held_bytes = std::uint64_t{1} << 30;
};

}  // namespace libsql::local
