#include "engine/wal_insert.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "core/errors.hpp"
#include "engine/wal_watch.hpp"

namespace libsql::engine::wal {
namespace {

// With one more frame of the largest page this stays below 128 KiB, the most that the engine's own VFS writes at once.
constexpr std::size_t kBufferBytes = 32 * 1024;
constexpr int kWriteLock = 0;      // the lock byte of writers, the first of the wal-index
constexpr int kFirstReadLock = 4;  // of those that read from the log; 3 is for those that need it not
constexpr int kReadLocks = 4;
constexpr std::uint32_t kLockByteOffset = 0x40000000;  // the page with the lock bytes is never written

[[noreturn]] void throw_bad_frame(std::uint32_t number, const std::string& why) {
  core::throw_error(ErrorCode::Corrupt, "frame " + std::to_string(number) + " " + why);
}

void check_file(int rc, const char* what) {
  if (rc == SQLITE_OK) return;
  detail::ErrorData data;
  data.code = core::error_code_of(rc);
  data.sqlite_code = rc;
  data.origin = ErrorOrigin::Engine;
  data.message = std::string(what) + ": " + sqlite3_errstr(rc);
  core::throw_error(std::move(data));
}

LogView view_of(const IndexHeader& header, const Files& files) noexcept {
  return {files.log,
          header.page_size,
          header.max_frame,
          header.database_pages,
          {header.salt1, header.salt2},
          header.frame_checksum};
}

std::uint32_t random_word() noexcept {
  std::uint32_t word = 0;
  sqlite3_randomness(sizeof word, &word);
  return word;
}

}  // namespace

Inserter::Inserter(sqlite3* db, const WalInsertOptions& options, Publishing publishing)
    : db_(db), publishing_(publishing), index_(nullptr) {
  if (sqlite3_get_autocommit(db) == 0) {
    core::throw_error(ErrorCode::Misuse, "frames cannot be inserted inside a transaction");
  }
  for (sqlite3_stmt* stmt = sqlite3_next_stmt(db, nullptr); stmt != nullptr; stmt = sqlite3_next_stmt(db, stmt)) {
    if (sqlite3_stmt_busy(stmt) != 0) {
      core::throw_error(ErrorCode::Misuse, "frames cannot be inserted while rows are being read on the connection");
    }
  }
  if (sqlite3_db_readonly(db, "main") == 1) {
    core::throw_error(ErrorCode::ReadOnly, "frames cannot be inserted into a database that is open for reading only");
  }
  if (pragma_number(db, "PRAGMA query_only") != 0) {
    core::throw_error(ErrorCode::ReadOnly, "frames cannot be inserted while PRAGMA query_only is on");
  }
  synchronous_ = static_cast<int>(pragma_number(db, "PRAGMA main.synchronous"));
  sync_flags_ = pragma_number(db, "PRAGMA fullfsync") != 0 ? SQLITE_SYNC_FULL : SQLITE_SYNC_NORMAL;
  page_size_ = static_cast<std::uint32_t>(pragma_number(db, "PRAGMA main.page_size"));
  open_ = true;
  try {
    lock_writers();
    open_log(options);
  } catch (...) {
    finish();
    throw;
  }
}

void Inserter::lock_writers() {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    scope_.emplace(db_);
    if (!scope_->has_log()) core::throw_unsupported("WAL API", "local", "the database is not in WAL mode");
    files_ = scope_->files();
    if (attempt == 0 && is_encrypted(db_, files_)) {
      core::throw_unsupported("inserting WAL frames", "local", "the database is encrypted");
    }
    const int rc =
        files_.database->pMethods->xShmLock(files_.database, kWriteLock, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE);
    if (rc == SQLITE_OK) {
      locked_ = true;
      // The engine knows nothing of this lock: it must not take it a second time.
      run(db_, "PRAGMA query_only=1");
      return;
    }
    if (rc != SQLITE_BUSY) throw_failure(db_, rc, "cannot lock the log");
    // Let the connection wait for the lock in its own way, as long as its busy timeout says.
    scope_.reset();
    run(db_, "BEGIN IMMEDIATE");
    run(db_, "ROLLBACK");
  }
  core::throw_error(ErrorCode::Busy, "other writers were faster every time");
}

Inserter::~Inserter() { finish(); }

void Inserter::open_log(const WalInsertOptions& options) {
  index_ = Index(files_.database);
  published_ = settled_header(index_);
  const bool other_log = options.as_copy_of && (options.as_copy_of->salt1 != published_.salt1 ||
                                                options.as_copy_of->salt2 != published_.salt2);
  if (published_.max_frame > 0 && (options.start == WalInsertStart::NewLog || other_log)) restart_log();
  last_ = published_.max_frame;
  running_ = published_.frame_checksum;
  std::array<std::byte, kHeaderSize> bytes{};
  const bool whole = read_exactly(files_.log, bytes, 0);
  const auto header = whole ? parse_header(bytes) : std::nullopt;
  if (last_ > 0) {
    if (!header || header->salt1 != published_.salt1 || header->salt2 != published_.salt2 ||
        header->page_size != page_size_ || published_.page_size != page_size_) {
      core::throw_error(ErrorCode::Corrupt, "the header of the log does not belong to its frames");
    }
    log_ = *header;
    log_header_written_ = true;
    if (options.as_copy_of && (options.as_copy_of->salt1 != log_.salt1 || options.as_copy_of->salt2 != log_.salt2 ||
                               options.as_copy_of->checkpoint_sequence != log_.checkpoint_sequence)) {
      core::throw_error(ErrorCode::Conflict, "the log already has frames and is not a copy of the other one");
    }
    return;
  }
  log_.page_size = page_size_;
  log_.big_endian = std::endian::native == std::endian::big;
  if (options.as_copy_of) {
    if (options.as_copy_of->page_size != page_size_) {
      core::throw_error(ErrorCode::Misuse, "the log to copy has pages of " +
                                               std::to_string(options.as_copy_of->page_size) + " bytes, this one of " +
                                               std::to_string(page_size_));
    }
    log_.checkpoint_sequence = options.as_copy_of->checkpoint_sequence;
    log_.salt1 = options.as_copy_of->salt1;
    log_.salt2 = options.as_copy_of->salt2;
    // The same salts may have been here before: their frames must not seem to continue ours.
    truncate_first_ = true;
    return;
  }
  log_.checkpoint_sequence = header ? header->checkpoint_sequence + 1 : 0;
  if (header && header->salt1 == published_.salt1 && header->salt2 == published_.salt2) {
    log_.salt1 = published_.salt1 + 1;
    log_.salt2 = random_word();
  } else if (published_.salt1 == 0 && published_.salt2 == 0) {
    log_.salt1 = random_word();
    log_.salt2 = random_word();
  } else {
    log_.salt1 = published_.salt1;
    log_.salt2 = published_.salt2;
  }
}

void Inserter::restart_log() {
  if (index_.backfilled() != published_.max_frame) {
    core::throw_error(ErrorCode::Conflict, "the log cannot restart: it has frames that are not checkpointed");
  }
  scope_.reset();  // our own transaction reads from the log, too
  const auto lock = [&](int flags) {
    return files_.database->pMethods->xShmLock(files_.database, kFirstReadLock, kReadLocks,
                                               flags | SQLITE_SHM_EXCLUSIVE);
  };
  const int rc = lock(SQLITE_SHM_LOCK);
  if (rc != SQLITE_OK) throw_failure(db_, rc, "the log cannot restart while it is being read");
  const IndexHeader before = published_;
  published_.max_frame = 0;
  ++published_.salt1;
  published_.salt2 = random_word();
  try {
    if (!log_may_restart(log_name(db_), view_of(before, files_), {published_.salt1, published_.salt2})) {
      core::throw_error(ErrorCode::Busy, "the log cannot restart before somebody has copied it");
    }
    index_.restart(published_);
  } catch (...) {
    published_ = before;
    lock(SQLITE_SHM_UNLOCK);
    throw;
  }
  lock(SQLITE_SHM_UNLOCK);
  scope_.emplace(db_);
}

std::uint32_t Inserter::database_pages() const {
  if (published_.database_pages != 0) return published_.database_pages;
  sqlite3_int64 size = 0;
  check_file(files_.database->pMethods->xFileSize(files_.database, &size), "cannot read the size of the database");
  return static_cast<std::uint32_t>(size / page_size_);
}

void Inserter::check_still_ours() {
  if (!open_) core::throw_error(ErrorCode::Misuse, "the insert session has ended");
  const auto live = index_.read_header();
  if (sqlite3_get_autocommit(db_) != 0 || !live || *live != published_) {
    core::throw_error(ErrorCode::TransactionLost, "the transaction of the insert session was ended from outside");
  }
}

void Inserter::check_page(std::uint32_t number, WalFrameInfo info, std::span<const std::byte> page) const {
  if (info.page == 0) throw_bad_frame(number, "holds page 0, which does not exist");
  if (info.page == kLockByteOffset / page_size_ + 1) throw_bad_frame(number, "holds the page of the lock bytes");
  if (info.page == 1) {
    // Connections read page size and journal mode here: with other ones they would no longer find this log.
    if (std::memcmp(page.data(), "SQLite format 3", 16) != 0) {
      throw_bad_frame(number, "holds a page 1 that is not the start of a database");
    }
    const std::uint32_t size =
        (std::to_integer<std::uint32_t>(page[16]) << 8) | std::to_integer<std::uint32_t>(page[17]);
    if ((size == 1 ? kMaxPageSize : size) != page_size_) throw_bad_frame(number, "holds a page 1 of another page size");
    if (page[18] != std::byte{2} || page[19] != std::byte{2}) {
      throw_bad_frame(number, "holds a page 1 of a database that is not in WAL mode");
    }
  }
  if (info.commit_size != 0) {
    // The same bound by which a checkpoint refuses a log.
    sqlite3_int64 size = 0;
    check_file(files_.database->pMethods->xFileSize(files_.database, &size), "cannot read the size of the database");
    const std::uint64_t bound = static_cast<std::uint64_t>(size) / page_size_ + std::uint64_t{last_} + 1 +
                                std::uint64_t{kMaxPageSize / page_size_};
    if (info.commit_size > bound) throw_bad_frame(number, "commits a database larger than all its pages");
  }
}

void Inserter::frame(std::uint32_t number, std::span<const std::byte> bytes) {
  const auto header = parse_frame_header(bytes);
  if (!header || bytes.size() != kFrameHeaderSize + page_size_) {
    core::throw_error(ErrorCode::Misuse, "a frame of this log takes " + std::to_string(kFrameHeaderSize + page_size_) +
                                             " bytes, not " + std::to_string(bytes.size()));
  }
  frame(number, {header->page, header->commit_size}, bytes.subspan(kFrameHeaderSize));
}

void Inserter::frame(std::uint32_t number, WalFrameInfo info, std::span<const std::byte> page) {
  check_still_ours();
  if (page.size() != page_size_) {
    core::throw_error(ErrorCode::Misuse, "a page of this database takes " + std::to_string(page_size_) +
                                             " bytes, not " + std::to_string(page.size()));
  }
  if (number == 0 || number > last_ + std::uint64_t{1}) {
    core::throw_error(ErrorCode::OutOfRange, "frame " + std::to_string(number) + " leaves a gap: the next one is " +
                                                 std::to_string(last_ + std::uint64_t{1}));
  }
  if (number <= last_) {
    compare(number, info, page);
    return;
  }
  check_page(number, info, page);

  const Checksum running_before = running_;
  const std::size_t buffer_before = buffer_.size();
  if (!log_header_written_) write_log_header();
  try {
    if (buffer_.capacity() == 0) buffer_.reserve(kBufferBytes + kFrameHeaderSize + page_size_);
    buffer_.resize(buffer_before + kFrameHeaderSize + page_size_);
    const auto place = std::span(buffer_).subspan(buffer_before);
    if (last_ == 0) running_ = log_.checksum;
    write_frame_header(log_, info.page, info.commit_size, page, running_, place.first<kFrameHeaderSize>());
    std::memcpy(place.data() + kFrameHeaderSize, page.data(), page.size());
    pending_.push_back(info.page);
    ++last_;
    ++buffered_;
    if (info.commit_size != 0) {
      commit(info.commit_size);
    } else if (buffer_.size() >= kBufferBytes) {
      flush();
    }
  } catch (...) {
    // Take the frame back. What reached the file behind the last commit does not count, and is written over.
    if (last_ == number) {
      --last_;
      pending_.pop_back();
      if (buffered_ > 0) --buffered_;
    }
    buffer_.resize(std::min(buffer_before, buffer_.size()));
    running_ = running_before;
    throw;
  }
}

void Inserter::compare(std::uint32_t number, WalFrameInfo info, std::span<const std::byte> page) {
  flush();
  std::vector<std::byte> stored(kFrameHeaderSize + page_size_);
  if (!read_exactly(files_.log, stored, frame_offset(number, page_size_))) {
    core::throw_error(ErrorCode::Corrupt, "frame " + std::to_string(number) + " is missing from the log file");
  }
  const FrameHeader header = *parse_frame_header(stored);
  // A committed frame is what it is; of one that is not, the end of its transaction is still open to question.
  const bool same_end = number <= published_.max_frame || header.commit_size == info.commit_size;
  if (header.page != info.page || !same_end ||
      std::memcmp(stored.data() + kFrameHeaderSize, page.data(), page.size()) != 0) {
    core::throw_error(ErrorCode::Conflict, "frame " + std::to_string(number) + " of the log is different: it holds " +
                                               (header.page == info.page ? "other bytes of page " : "page ") +
                                               std::to_string(header.page));
  }
}

void Inserter::write_log_header() {
  std::array<std::byte, kHeaderSize> bytes{};
  if (truncate_first_) {  // safe: the log is empty, so nobody reads it
    check_file(files_.log->pMethods->xTruncate(files_.log, 0), "cannot truncate the log");
    truncate_first_ = false;
  }
  write_header(log_, bytes);
  // Whoever copies the log knows the salts that it began anew with. Of a log without frames they are these.
  if (log_.salt1 != published_.salt1 || log_.salt2 != published_.salt2) {
    log_may_restart(log_name(db_), view_of(published_, files_), {log_.salt1, log_.salt2});
  }
  check_file(files_.log->pMethods->xWrite(files_.log, bytes.data(), static_cast<int>(bytes.size()), 0),
             "cannot write the header of the log");
  // Frames of the old log must not outlive a power cut under the new header.
  const int device = files_.database->pMethods->xDeviceCharacteristics(files_.database);
  if (synchronous_ >= 1 && (device & SQLITE_IOCAP_SEQUENTIAL) == 0) sync();
  log_header_written_ = true;
}

void Inserter::flush() {
  if (buffered_ == 0) return;
  const std::int64_t offset = frame_offset(last_ - buffered_ + 1, page_size_);
  check_file(files_.log->pMethods->xWrite(files_.log, buffer_.data(), static_cast<int>(buffer_.size()), offset),
             "cannot write to the log");
  buffer_.clear();
  buffered_ = 0;
}

void Inserter::sync() { check_file(files_.log->pMethods->xSync(files_.log, sync_flags_), "cannot sync the log"); }

void Inserter::commit(std::uint32_t database_pages) {
  flush();
  unpublished_ = Commit{last_, database_pages, running_};
  if (publishing_ == Publishing::EachCommit) publish();
}

void Inserter::publish() {
  check_still_ours();
  if (!unpublished_) return;
  const Commit commit = *unpublished_;
  if (publishing_ == Publishing::EachCommit) unpublished_.reset();
  if (synchronous_ >= 2) sync();
  const auto shown = static_cast<std::ptrdiff_t>(commit.frame - published_.max_frame);
  std::uint32_t number = published_.max_frame;
  for (auto page = pending_.begin(); page != pending_.begin() + shown; ++page) index_.append(++number, *page);
  IndexHeader next = published_;
  ++next.change;
  next.big_endian = log_.big_endian;
  next.page_size = page_size_;
  next.max_frame = commit.frame;
  next.database_pages = commit.database_pages;
  next.frame_checksum = commit.checksum;
  next.salt1 = log_.salt1;
  next.salt2 = log_.salt2;
  index_.publish(next);
  published_ = next;
  unpublished_.reset();
  pending_.erase(pending_.begin(), pending_.begin() + shown);
}

void Inserter::end() {
  if (!open_) return;
  if (sqlite3_get_autocommit(db_) != 0) {
    finish();
    core::throw_error(ErrorCode::TransactionLost, "the transaction of the insert session was ended from outside");
  }
  finish();
}

void Inserter::finish() noexcept {
  if (!open_) return;
  open_ = false;
  if (locked_) {
    sqlite3_exec(db_, "PRAGMA query_only=0", nullptr, nullptr, nullptr);
    files_.database->pMethods->xShmLock(files_.database, kWriteLock, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
    locked_ = false;
  }
  scope_.reset();
}

}  // namespace libsql::engine::wal
