// Follows the write-ahead log of a database, so that no frame is overwritten before somebody has a copy of it.
//
// SQLite begins a log anew once all its frames are in the database file, under locks that keep every other process out.
// The engine that this library compiles asks first (cmake/WatchedLogEngine.cmake); the log of a watched database also
// stays when its last connection is closed, and TRUNCATE checkpoints leave it its length: its salts and checksums prove
// what a copy went on from. A watched database cannot leave WAL mode. What other processes do to the log asks nobody
// here, and shows in its salts.
#pragma once

#include <cstdint>
#include <string>

#include "engine/wal_format.hpp"

struct sqlite3;
struct sqlite3_file;

namespace libsql::engine::wal {

/// Of one life of a log, from its first frame to the next beginning.
struct Salts {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  bool operator==(const Salts&) const = default;
};

/// A log as somebody sees it who keeps it from beginning anew.
struct LogView {
  sqlite3_file* file = nullptr;
  std::uint32_t page_size = 0;
  std::uint32_t last_frame = 0;  // committed
  std::uint32_t database_pages = 0;
  Salts salts;
  Checksum checksum;  // of last_frame
};

/// Called by the engine on the thread of whoever writes, which holds the database's lock of writers. Must not use a
/// connection to that database.
class LogWatcher {
 public:
  /// The log is about to be overwritten, and will have the salts `next`. False: not yet, it grows on. One without
  /// frames begins whatever the answer.
  virtual bool before_restart(const LogView& log, Salts next) noexcept = 0;

 protected:
  ~LogWatcher() = default;
};

/// The name of the log of a connection's main database, as the engine spells it.
std::string log_name(sqlite3* db);

/// Asks the watcher of the log of that name, as the engine does, for a writer of the log that is not the engine. True
/// if nobody watches it. The caller holds the database's lock of writers and keeps all readers out.
bool log_may_restart(const std::string& log_name, const LogView& log, Salts next) noexcept;

/// While it lives, the watcher is asked about the log of that name. Its end waits for a call that is under way.
class Watch {
 public:
  /// Throws Misuse if the log is watched already, Unsupported if the engine asks nobody.
  Watch(std::string log_name, LogWatcher& watcher);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  const std::string& name() const noexcept { return name_; }
  /// Whether the engine is one that asks.
  static bool is_supported() noexcept;

 private:
  std::string name_;
};

}  // namespace libsql::engine::wal
