// Adding frames to a log at exact positions, in the engine's place: an own writer of the file and its wal-index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <libsql/wal.hpp>

#include "engine/wal_format.hpp"
#include "engine/wal_index.hpp"
#include "engine/wal_log.hpp"

struct sqlite3;

namespace libsql::engine::wal {

/// When commits of a session become visible and durable.
enum class Publishing : std::uint8_t {
  EachCommit,
  AtOnce,  // with publish(), all that came until then, with one sync
};

/// One insert session. The connection is in a read transaction of its own, as at the beginning, and the WRITE lock of
/// the wal-index is held on its file handle without its knowledge. So it has nothing to commit or roll back, calls no
/// hook, and finds at its next transaction, as after a commit by anybody else, that its caches are out of date.
class Inserter {
 public:
  Inserter(sqlite3* db, const WalInsertOptions& options, Publishing publishing = Publishing::EachCommit);
  ~Inserter();
  Inserter(const Inserter&) = delete;
  Inserter& operator=(const Inserter&) = delete;

  void frame(std::uint32_t number, WalFrameInfo info, std::span<const std::byte> page);
  void frame(std::uint32_t number, std::span<const std::byte> bytes);
  std::uint32_t max_frame() const noexcept { return last_; }
  std::uint32_t committed_frame() const noexcept { return published_.max_frame; }
  /// The pages of the database as it is now for readers.
  std::uint32_t database_pages() const;
  /// For Publishing::AtOnce: makes all commits since the last call visible and durable. If it throws, none is visible.
  void publish();
  void end();

 private:
  void lock_writers();
  void restart_log();
  void open_log(const WalInsertOptions& options);
  void check_still_ours();
  void check_page(std::uint32_t number, WalFrameInfo info, std::span<const std::byte> page) const;
  void compare(std::uint32_t number, WalFrameInfo info, std::span<const std::byte> page);
  void write_log_header();
  void flush();
  void commit(std::uint32_t database_pages);
  void sync();
  void finish() noexcept;

  sqlite3* db_;
  const Publishing publishing_;
  std::optional<ReadScope> scope_;
  Files files_;
  Index index_;
  bool open_ = false;
  bool locked_ = false;
  bool truncate_first_ = false;
  bool log_header_written_ = false;
  int synchronous_ = 0;
  int sync_flags_ = 0;
  std::uint32_t page_size_ = 0;
  Header log_;             // the header of the log file
  IndexHeader published_;  // as all connections see it
  Checksum running_;       // of frame last_
  std::uint32_t last_ = 0;
  struct Commit {
    std::uint32_t frame = 0;
    std::uint32_t database_pages = 0;
    Checksum checksum;
  };
  std::optional<Commit> unpublished_;   // the last commit that publish() has to show
  std::vector<std::uint32_t> pending_;  // the pages of the frames after published_.max_frame
  std::vector<std::byte> buffer_;       // the last frames, not yet in the file
  std::uint32_t buffered_ = 0;          // how many
};

}  // namespace libsql::engine::wal
