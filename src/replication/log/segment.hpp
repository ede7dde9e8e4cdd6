// A file of the replication log: some commits, one after the other, each with its frames.
//
// Numbers are little-endian. A header of 128 bytes is followed by records; a record is a header of 80 bytes, 16 bytes
// for each frame (page number, zero, checksum) and then the frames' pages. A commit is there if all of its record is:
// headers carry a checksum of themselves and of their table, the table those of the pages, so what a crash cut off
// shows. Records are only added, and what was written once is never changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "engine/wal_format.hpp"
#include "engine/wal_watch.hpp"
#include "replication/log/segment_cipher.hpp"
#include "replication/uuid.hpp"

namespace libsql::replication {

/// The number of a frame in a replication log. Counts from 0 and only grows.
using FrameNo = std::uint64_t;
using engine::wal::Salts;

/// Up to where SQLite's own log was copied. Two that are equal are of the same log, with the same content.
struct CopiedTo {
  std::uint32_t frame = 0;  // the last one, a commit; 0: none
  Salts salts;
  engine::wal::Checksum checksum;  // of that frame
  bool operator==(const CopiedTo&) const = default;
};

/// The pages of a commit, asked for in order.
class CommitPages {
 public:
  virtual std::uint32_t page_no(std::uint32_t index) const noexcept = 0;
  /// Some of them, one after the other, from the one with index `first`. Throws Io.
  virtual void read(std::uint32_t first, std::span<std::byte> out) = 0;

 protected:
  ~CommitPages() = default;
};

class Segment {
 public:
  struct Header {
    Uuid log_id;
    std::uint64_t incarnation = 0;  // grows with each new log id
    FrameNo first_frame = 0;
    std::uint64_t checksum = 0;  // of the frame before
    std::int64_t created_ms = 0;
    CopiedTo copied_to;
    std::uint32_t page_size = 0;
    std::uint32_t database_pages = 0;  // before the first frame
  };
  struct Record {
    enum class Kind : std::uint32_t { Commit = 1, Restart = 2 };
    Kind kind = Kind::Commit;
    std::uint32_t frames = 0;
    std::uint32_t size_after = 0;  // pages of the database
    FrameNo first_frame = 0;
    std::int64_t committed_ms = 0;
    CopiedTo copied_to;          // after it
    Salts next;                  // with Restart: of the log that begins
    std::uint64_t checksum = 0;  // of the last frame
    // Where it is, which it does not say itself.
    std::uint64_t offset = 0;
    std::uint64_t checksum_before = 0;  // of the frame before its first
  };

  static constexpr std::size_t kHeaderSize = 128;
  static constexpr std::size_t kRecordSize = 80;
  static constexpr std::size_t kTableEntry = 16;

  /// Of the database; empty: it is not encrypted.
  using Key = std::span<const std::byte>;

  /// Makes the file, whole and durable with its name, in place of one of that name. Throws Io, Full.
  static std::shared_ptr<Segment> create(const std::filesystem::path& file, const Header& header, Key key);
  /// Opens a file and looks at its records, in the newest one also at every page; there, what follows the last whole
  /// commit is cut off. Nothing if its header or its key is not right, or if in an older one something else follows.
  static std::shared_ptr<Segment> open(const std::filesystem::path& file, bool newest, Key key);

  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  const Header& header() const noexcept { return header_; }
  const std::filesystem::path& path() const noexcept { return path_; }
  FrameNo first_frame() const noexcept { return header_.first_frame; }

  // -- adding: one thread at a time ----------------------------------------------------------------------------------

  /// Adds a commit; frames, size_after, committed_ms and copied_to are the caller's. It may wait in memory until
  /// flush(). If it throws (Io, Full), nothing is added.
  void add_commit(const Record& record, CommitPages& pages);
  /// Adds that SQLite's log, of which everything has been copied, may begin anew.
  void add_restart(const CopiedTo& copied_to, Salts next);
  /// Writes what waits. Readers do not see it before.
  void flush();
  /// Makes durable what was flushed. Throws Io.
  void sync();
  /// Whether something was written behind the end that is not part of it, over which an encrypted file must not write.
  bool is_spoilt() const noexcept { return spoilt_; }
  /// Whether everything that was added is durable.
  bool is_durable() const noexcept { return durable_ && waiting_.empty(); }
  /// The bytes of the file with what waits.
  std::uint64_t full_size() const noexcept { return written_ + waiting_.size(); }

  // -- reading: any number of threads, also while one adds -----------------------------------------------------------

  /// The bytes of the file, as far as readers see it.
  std::uint64_t size() const;
  /// The frame after the last one that readers see.
  FrameNo end_frame() const;
  /// The newest record's commit time, or when the file was made.
  std::int64_t newest_ms() const;
  /// The commit that `frame` is in. Nothing if readers see none.
  std::optional<Record> find(FrameNo frame) const;
  /// The last record of all.
  std::optional<Record> last() const;
  /// One frame of a commit.
  struct Entry {
    std::uint32_t page_no = 0;
    std::uint64_t checksum = 0;
  };
  /// The frames of a commit, without their pages.
  std::vector<Entry> table(const Record& record) const;
  /// Some of a commit's pages, from the one with index `first`; out.size() is a multiple of the page size. Throws Io,
  /// and Corrupt if they are not what was written.
  void read_pages(const Record& record, std::span<const Entry> table, std::uint32_t first,
                  std::span<std::byte> out) const;

 private:
  struct Commit {
    FrameNo first_frame;
    std::uint64_t offset;
    std::uint64_t checksum_before;
  };

  Segment(std::filesystem::path path, int descriptor, const Header& header);
  bool scan(bool newest);
  bool holds_pages(const Record& record) const;
  std::optional<Record> read_record(std::uint64_t offset, std::uint64_t limit, std::vector<std::byte>& bytes) const;
  void stream_commit(Record& record, CommitPages& pages);
  void encode_head(const Record& record, std::span<const Entry> table, std::byte* out) const noexcept;
  void publish(const Record& record);
  void write(std::span<const std::byte> bytes, std::uint64_t offset);
  std::size_t read(std::span<std::byte> out, std::uint64_t offset) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  Header header_;
  std::optional<SegmentCipher> cipher_;

  // Of who adds.
  std::vector<std::byte> waiting_;  // records behind written_ that are not in the file yet
  std::vector<Record> waiting_records_;
  std::vector<Entry> entries_;
  std::uint64_t written_ = kHeaderSize;
  std::uint64_t checksum_ = 0;  // of the last frame
  FrameNo next_frame_ = 0;
  std::vector<std::byte> encrypted_;
  bool durable_ = true;
  bool spoilt_ = false;

  mutable std::mutex mutex_;  // of what readers see
  std::vector<Commit> commits_;
  std::optional<Record> last_;
  std::uint64_t end_ = kHeaderSize;
  FrameNo end_frame_ = 0;
};

}  // namespace libsql::replication
