// The shared memory beside a write-ahead log, the wal-index (https://www.sqlite.org/walformat.html): which frames are
// published, which page each holds, how far checkpoints went. Reached through the methods of a connection's own file
// handle, so it is the same memory that the connection uses, in every VFS.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/wal_format.hpp"

struct sqlite3_file;

namespace libsql::engine::wal {

/// The part of the wal-index that one commit replaces.
struct IndexHeader {
  std::uint32_t change = 0;  // counts commits
  bool big_endian = false;
  std::uint32_t page_size = 0;
  std::uint32_t max_frame = 0;
  std::uint32_t database_pages = 0;
  Checksum frame_checksum;  // of frame max_frame: where the next one continues
  std::uint32_t salt1 = 0;
  std::uint32_t salt2 = 0;

  bool same_log(const IndexHeader& other) const noexcept { return salt1 == other.salt1 && salt2 == other.salt2; }
  bool operator==(const IndexHeader&) const = default;
};

/// A view of the wal-index for the length of one operation. The connection must have its log open meanwhile.
class Index {
 public:
  explicit Index(sqlite3_file* database) noexcept : file_(database) {}

  /// The published header; nothing while a writer is replacing it, or before the index was first built.
  /// Throws ResourceError if the memory cannot be mapped.
  std::optional<IndexHeader> read_header();

  std::uint32_t backfilled();          ///< frames that are in the main file
  std::uint32_t backfill_attempted();  ///< frames of which some may be in the main file

  std::uint32_t page_of(std::uint32_t frame);

  /// The newest frame that holds `page`, not newer than `last`; 0 if there is none.
  std::uint32_t find(std::uint32_t page, std::uint32_t last);

  /// Whether a reader's place says from which frame on it reads.
  bool has_read_mark(int place);
  /// For the holder of that place's lock, exclusively.
  void clear_read_mark(int place);

  // For the holder of the WRITE lock only.

  /// Forgets what a dead writer left behind after `max_frame`.
  void drop_after(std::uint32_t max_frame);
  /// Enters the page of the frame that follows the last one entered.
  void append(std::uint32_t frame, std::uint32_t page);
  /// Makes the header visible to all connections and processes.
  void publish(const IndexHeader& header);
  /// Publishes the header of an empty log after one that is wholly in the main file. The caller also holds all locks of
  /// readers that use the log.
  void restart(const IndexHeader& header);

  /// Orders what was read before against what is read after, between processes.
  void barrier() noexcept;

 private:
  volatile std::uint32_t* region(std::uint32_t number, bool extend);
  struct Table;
  Table table(std::uint32_t number, bool extend);

  sqlite3_file* file_;
  std::vector<volatile std::uint32_t*> regions_;
};

}  // namespace libsql::engine::wal
