// The replication log of a database: every commit with a number for each of its frames, for replicas, change feeds and
// backups to follow.
//
// SQLite's own log already has each commit, and what is durable there is not written twice. So nothing is copied when
// something commits: a commit gets its numbers by counting. Frames are copied into the files of this log (segment.hpp)
// when somebody wants to read them, and at the latest before SQLite overwrites them, which the engine asks for first
// (engine/wal_watch.hpp). A crash therefore loses nothing: what had not been copied is still in SQLite's log, and salts
// and checksums say whether it goes on from where the copy ends. If they do not, because somebody else wrote the file,
// put another in its place or lost commits, the log begins a new life under another name, and replicas begin again; it
// never has a gap.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "engine/wal_log.hpp"
#include "engine/wal_watch.hpp"
#include "local/store.hpp"
#include "local/write_line.hpp"
#include "replication/log/page_index.hpp"
#include "replication/log/segment.hpp"
#include "replication/uuid.hpp"

namespace libsql::replication {

struct LogOptions {
  /// Its own folder; made if it is not there.
  std::filesystem::path folder;
  /// What the files may take together. 0: commits leave as soon as they are copied, and replicas always need a
  /// snapshot.
  std::uint64_t max_bytes = 200ULL << 20U;
  /// Files whose newest commit is older go, whatever they take.
  std::optional<std::chrono::seconds> max_age;
  /// Whether commits may be lost with the machine (synchronous below FULL). Then frames are made durable here before
  /// they are read, so that no replica ever has what the primary lost without its log knowing.
  bool commits_may_be_lost = true;
  /// SQLite's log is not kept from beginning anew for longer than this: then frames are lost to the log, which begins
  /// again.
  std::uint64_t max_uncopied_bytes = 1ULL << 30U;
};

/// A frame in somebody else's memory, valid for the call.
struct LoggedFrame {
  FrameNo number = 0;
  std::uint32_t page_no = 0;
  std::uint32_t size_after = 0;  // pages of the database, on the last frame of a commit; else 0
  std::uint64_t checksum = 0;
  std::int64_t committed_ms = 0;
  std::span<const std::byte> page;
};

/// Threads: all members may be called by several at once.
class Log final : public std::enable_shared_from_this<Log>, private engine::wal::LogWatcher {
 public:
  /// Of the database with that path, which `make_store` opens: the log watches it from the first connection on. Throws
  /// Misuse if it has a log in this process already, Unsupported (in memory, no WAL mode, an engine that does not
  /// tell), Io, Full, and what `make_store` throws.
  static std::shared_ptr<Log> open(const std::string& database,
                                   const std::function<std::shared_ptr<local::Store>()>& make_store,
                                   LogOptions options);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// What a replica has to know to go on: another id is another log.
  struct State {
    Uuid id;
    FrameNo first = 0;  // of those that can be read
    FrameNo end = 0;    // the number that the next frame gets
    std::optional<FrameNo> last() const noexcept { return end == 0 ? std::nullopt : std::optional(end - 1); }
  };
  State state() const;
  /// The newest committed frame, by counting alone; nothing if nothing was ever committed. Costs an atomic load.
  std::optional<FrameNo> last_frame() const noexcept {
    const FrameNo end = end_.load(std::memory_order_acquire);
    return end == 0 ? std::nullopt : std::optional(end - 1);
  }
  /// The number of the newest frame in a state that a connection reads; nothing if there is none or it is of a log long
  /// ago.
  std::optional<FrameNo> frame_of(const engine::LogEnd& end) const;

  enum class Reading : std::uint8_t {
    Done,      // there is no further commit, or the reader has had enough
    TooOld,    // the frame is not in the log any more: a snapshot is needed
    OtherLog,  // the log has begun again under another id
  };
  /// Shows frames from `from` on until `take` returns false or none is left. Copies what is not copied yet. Throws Io,
  /// Full, Corrupt, and what `take` throws.
  Reading read(const Uuid& id, FrameNo from, const std::function<bool(const LoggedFrame&)>& take);
  /// The pages that commits from `from` on have changed, in ascending order; nothing if that is too old.
  std::optional<std::vector<std::uint32_t>> pages_changed_since(const Uuid& id, FrameNo from);

  /// Copies what is not copied yet. Returns the state after it.
  State catch_up();
  /// The same, and makes it durable.
  void sync();

  /// The database is about to be deleted: who opens one of that name opens another log.
  void abandon() noexcept;

  /// Called after a commit and after a new beginning, on the writer's thread, as long as the handle is kept. Must not
  /// throw, nor use the log or the database.
  [[nodiscard]] std::shared_ptr<const void> on_growth(std::function<void()> listener);
  /// Calls them, for another reason.
  void wake() noexcept;

  struct Figures {
    std::uint64_t bytes = 0;
    std::uint64_t segments = 0;
    std::uint64_t incarnation = 0;  // how often it began
    std::uint64_t copied_frames = 0;
    std::int64_t oldest_ms = 0;
  };
  Figures figures() const;

  const std::shared_ptr<local::Store>& store() const noexcept { return store_; }

 private:
  struct Life {  // of SQLite's log
    Salts salts;
    FrameNo before = 0;  // frame n there has the number before + n - 1
  };
  struct Commit {
    FrameNo end;
    std::int64_t ms;
  };
  class WalPages;

  Log(std::string database, LogOptions options) : database_(std::move(database)), options_(std::move(options)) {}
  void begin(const std::function<std::shared_ptr<local::Store>()>& make_store);
  void recover();
  void load_segments(std::uint32_t page_size);
  bool before_restart(const engine::wal::LogView& log, Salts next) noexcept override;
  void note_write(const local::WriteLine::Write& write) noexcept;
  engine::wal::LogView view(const engine::wal::ReadScope& scope) const;
  bool goes_on(const engine::wal::LogView& log);
  void copy(const engine::wal::LogView& log);
  void note_copied(const engine::wal::LogView& log);
  void begin_again(const engine::wal::LogView& log);
  void add_segment(const Uuid& id, FrameNo first, std::uint64_t checksum, std::uint32_t page_size, std::uint32_t pages);
  Segment::Key key() const noexcept;
  std::uint64_t segment_limit() const noexcept;
  void roll(std::uint32_t database_pages, std::uint32_t page_size);
  void drop_old();
  std::int64_t committed_ms(FrameNo end);
  void add_life(const Life& life);
  State state_now() const;

  const std::string database_;  // its full path
  bool abandoned_ = false;      // with the mutex of all logs
  const LogOptions options_;
  std::shared_ptr<local::Store> store_;
  std::optional<Encryption> encryption_;  // the store's, whose last connection may copy when it is no longer there
  std::mutex connection_mutex_;           // before the others
  std::unique_ptr<engine::Connection> connection_;

  // What is copied. Who holds this never waits for SQLite's locks, as a writer may wait for it with them.
  mutable std::mutex copy_mutex_;
  std::vector<std::shared_ptr<Segment>> segments_;  // the last one is added to
  CopiedTo copied_to_;
  std::optional<Salts> next_;  // what the log has if it began anew behind copied_to_
  FrameNo added_end_ = 0;      // behind the last copied frame
  std::uint64_t incarnation_ = 0;
  PageIndex pages_;
  std::uint64_t copied_frames_ = 0;

  // How commits are counted. The innermost.
  mutable std::mutex count_mutex_;
  std::vector<Life> lives_;  // newest last
  std::optional<Life> next_life_;
  std::deque<Commit> commits_;  // that are not copied yet
  std::atomic<FrameNo> end_ = 0;

  mutable std::mutex listeners_mutex_;
  std::vector<std::weak_ptr<const std::function<void()>>> listeners_;

  std::shared_ptr<const void> writes_;
  std::unique_ptr<engine::wal::Watch> watch_;
};

}  // namespace libsql::replication
