#include "engine/wal_log.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>

#include "core/errors.hpp"

#if defined(__GNUC__) && !defined(LIBSQL_SYSTEM_SQLITE)
// Present if the engine is SQLite3 Multiple Ciphers, absent if it is plain SQLite.
extern "C" __attribute__((weak)) unsigned char* sqlite3mc_codec_data(sqlite3* db, const char* schema,
                                                                     const char* parameter);
#endif

namespace libsql::engine::wal {
namespace {

constexpr int kCheckpointLock = 1;  // the lock byte of checkpointers, counted from the first of the wal-index

[[noreturn]] void throw_no_log() { core::throw_unsupported("WAL API", "local", "the database is not in WAL mode"); }

[[noreturn]] void throw_no_frame(std::uint32_t number, std::uint32_t last) {
  core::throw_error(ErrorCode::OutOfRange,
                    "there is no frame " + std::to_string(number) + " in the log: the last is " + std::to_string(last));
}

struct Finalizer {
  sqlite3_stmt* statement = nullptr;
  ~Finalizer() { sqlite3_finalize(statement); }
};

sqlite3_file* file_pointer(sqlite3* db, int which) noexcept {
  sqlite3_file* file = nullptr;
  if (sqlite3_file_control(db, "main", which, &file) != SQLITE_OK || file == nullptr || file->pMethods == nullptr) {
    return nullptr;
  }
  return file;
}

// Keeps checkpoints from starting, as a reader of a snapshot does while it opens it.
class CheckpointLock {
 public:
  explicit CheckpointLock(sqlite3_file* file) noexcept : file_(file) {
    held_ = file_->pMethods->xShmLock(file_, kCheckpointLock, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED) == SQLITE_OK;
  }
  ~CheckpointLock() {
    if (held_) file_->pMethods->xShmLock(file_, kCheckpointLock, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
  }
  CheckpointLock(const CheckpointLock&) = delete;
  CheckpointLock& operator=(const CheckpointLock&) = delete;

 private:
  sqlite3_file* file_;
  bool held_ = false;
};

std::int64_t size_of(sqlite3* db, sqlite3_file* file) {
  sqlite3_int64 size = 0;
  const int rc = file->pMethods->xFileSize(file, &size);
  if (rc != SQLITE_OK) throw_failure(db, rc, "cannot read the size of the database file");
  return size;
}

// The size of the database in pages after the last transaction that ended at or before `watermark`.
std::uint32_t pages_at(sqlite3* db, const Files& files, const IndexHeader& header, std::uint32_t watermark) {
  if (watermark != 0 && watermark == header.max_frame) return header.database_pages;
  for (std::uint32_t number = watermark; number > 0; --number) {
    std::array<std::byte, 8> start{};
    if (!read_exactly(files.log, start, frame_offset(number, header.page_size))) break;
    if (const std::uint32_t pages = load_be32(&start[4]); pages != 0) return pages;
  }
  return static_cast<std::uint32_t>(size_of(db, files.database) / header.page_size);
}

}  // namespace

void throw_failure(sqlite3* db, int rc, std::string_view what) {
  detail::ErrorData data;
  data.code = core::error_code_of(rc);
  data.sqlite_code = rc;
  data.origin = ErrorOrigin::Engine;
  data.retryable = core::is_retryable(rc);
  data.transaction_open = sqlite3_get_autocommit(db) == 0;
  data.message.append(what).append(": ").append(sqlite3_errstr(rc));
  if ((sqlite3_extended_errcode(db) & 0xff) == (rc & 0xff)) data.message.append(" (").append(sqlite3_errmsg(db)) += ')';
  core::throw_error(std::move(data));
}

void run(sqlite3* db, const char* sql) {
  const int rc = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) throw_failure(db, sqlite3_extended_errcode(db), sql);
}

std::int64_t pragma_number(sqlite3* db, const char* sql) {
  Finalizer stmt;
  if (sqlite3_prepare_v3(db, sql, -1, 0, &stmt.statement, nullptr) != SQLITE_OK ||
      sqlite3_step(stmt.statement) != SQLITE_ROW) {
    throw_failure(db, sqlite3_extended_errcode(db), sql);
  }
  return sqlite3_column_int64(stmt.statement, 0);
}

std::string pragma_text(sqlite3* db, const char* sql) {
  Finalizer stmt;
  if (sqlite3_prepare_v3(db, sql, -1, 0, &stmt.statement, nullptr) != SQLITE_OK ||
      sqlite3_step(stmt.statement) != SQLITE_ROW) {
    throw_failure(db, sqlite3_extended_errcode(db), sql);
  }
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt.statement, 0));
  return text == nullptr ? std::string() : std::string(text);
}

ReadScope::ReadScope(sqlite3* db) : db_(db) {
  if (sqlite3_get_autocommit(db) != 0) {
    // The log must be open before the transaction begins, for the transaction to be one that uses it (see below).
    if (file_pointer(db, SQLITE_FCNTL_JOURNAL_POINTER) == nullptr) {
      pragma_number(db, "SELECT count(*) FROM (SELECT 1 FROM main.sqlite_schema LIMIT 1)");
    }
    run(db, "BEGIN");
    own_ = true;
  }
  try {
    bool logged = false;
#ifdef SQLITE_ENABLE_SNAPSHOT
    // Asking for a snapshot begins a read transaction that uses the log even when all of it is in the main file; an
    // ordinary one would then ignore the log, and a writer could begin it anew under us.
    sqlite3_snapshot* snapshot = nullptr;
    const int rc = sqlite3_snapshot_get(db, "main", &snapshot);
    sqlite3_snapshot_free(snapshot);
    if (rc != SQLITE_OK && rc != SQLITE_ERROR) throw_failure(db, rc, "cannot begin to read the log");
    logged = rc == SQLITE_OK;
#else
    pragma_number(db, "SELECT count(*) FROM (SELECT 1 FROM main.sqlite_schema LIMIT 1)");
#endif
    if (!logged) logged = pragma_text(db, "PRAGMA main.journal_mode") == "wal";
    files_.database = file_pointer(db, SQLITE_FCNTL_FILE_POINTER);
    if (logged && files_.database != nullptr) {
      if (pragma_text(db, "PRAGMA main.locking_mode") == "exclusive") {
        core::throw_unsupported("WAL API", "local", "with locking_mode=EXCLUSIVE the log has no shared index");
      }
      files_.log = file_pointer(db, SQLITE_FCNTL_JOURNAL_POINTER);
    }
  } catch (...) {
    if (own_) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

ReadScope::~ReadScope() {
  // Committed, because a rollback would be told to the connection's hooks.
  if (own_ && sqlite3_get_autocommit(db_) == 0) sqlite3_exec(db_, "COMMIT", nullptr, nullptr, nullptr);
}

bool read_exactly(sqlite3_file* file, std::span<std::byte> out, std::int64_t offset) {
  const int rc = file->pMethods->xRead(file, out.data(), static_cast<int>(out.size()), offset);
  if (rc == SQLITE_OK) return true;
  if (rc == SQLITE_IOERR_SHORT_READ) return false;
  detail::ErrorData data;
  data.code = core::error_code_of(rc);
  data.sqlite_code = rc;
  data.origin = ErrorOrigin::Engine;
  data.message = std::string("cannot read: ") + sqlite3_errstr(rc);
  core::throw_error(std::move(data));
}

bool is_encrypted(sqlite3* db, const Files& files) {
  // The cipher layer passes a read of the first 16 bytes through, and decrypts everything else.
  std::array<std::byte, 16> start{};
  if (read_exactly(files.database, start, 0) && std::memcmp(start.data(), "SQLite format 3", 16) != 0) return true;
#if defined(__GNUC__) && !defined(LIBSQL_SYSTEM_SQLITE)
  if (sqlite3mc_codec_data != nullptr) {  // a cipher that leaves the header plain
    unsigned char* salt = sqlite3mc_codec_data(db, "main", "cipher_salt");
    const bool has_codec = salt != nullptr;
    sqlite3_free(salt);
    return has_codec;
  }
#endif
  static_cast<void>(db);
  return false;
}

IndexHeader settled_header(Index& index) {
  using namespace std::chrono_literals;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    if (const auto header = index.read_header()) return *header;
    if (attempt >= 10) std::this_thread::sleep_for(100us);
  }
  core::throw_error(ErrorCode::Busy, "the wal-index (-shm) is being rebuilt");
}

std::uint32_t Log::page_size() const { return static_cast<std::uint32_t>(pragma_number(db_, "PRAGMA main.page_size")); }

WalState Log::state() const {
  const ReadScope scope(db_);
  if (!scope.has_log()) return {};
  Index index(scope.files().database);
  return state_of(scope.files(), index);
}

WalState state_of(const Files& files, Index& index) {
  WalState state;
  const IndexHeader header = settled_header(index);
  state.max_frame = header.max_frame;
  state.backfilled = index.backfilled();
  state.database_pages = header.database_pages;
  state.page_size = header.page_size;
  state.salt1 = header.salt1;
  state.salt2 = header.salt2;
  std::array<std::byte, kHeaderSize> bytes{};
  if (read_exactly(files.log, bytes, 0)) {
    if (const auto log = parse_header(bytes)) {
      const bool current = header.max_frame != 0 && log->salt1 == header.salt1 && log->salt2 == header.salt2;
      state.checkpoint_sequence = log->checkpoint_sequence + (current ? 0 : 1);
    }
  }
  return state;
}

WalFrameInfo Log::frame(std::uint32_t number, std::span<std::byte> out) const {
  const ReadScope scope(db_);
  if (!scope.has_log()) throw_no_log();
  Index index(scope.files().database);
  for (;;) {
    const IndexHeader before = settled_header(index);
    if (number == 0 || number > before.max_frame) throw_no_frame(number, before.max_frame);
    if (out.size() != kFrameHeaderSize + before.page_size) {
      core::throw_error(ErrorCode::Misuse, "a frame of this log takes " +
                                               std::to_string(kFrameHeaderSize + before.page_size) + " bytes, not " +
                                               std::to_string(out.size()));
    }
    const std::int64_t offset = frame_offset(number, before.page_size);
    // Header and page apart, because the cipher layer decrypts what is read in pages.
    const bool whole =
        read_exactly(scope.files().log, out.first(kFrameHeaderSize), offset) &&
        read_exactly(scope.files().log, out.subspan(kFrameHeaderSize), offset + static_cast<int>(kFrameHeaderSize));
    index.barrier();
    if (!settled_header(index).same_log(before)) continue;
    const FrameHeader header = *parse_frame_header(out);
    if (!whole || header.page == 0 || header.salt1 != before.salt1 || header.salt2 != before.salt2) {
      core::throw_error(ErrorCode::Corrupt, "frame " + std::to_string(number) + " of the log is damaged");
    }
    return {header.page, header.commit_size};
  }
}

std::vector<std::byte> Log::frame(std::uint32_t number) const {
  const ReadScope scope(db_);
  if (!scope.has_log()) throw_no_log();
  std::vector<std::byte> bytes(kFrameHeaderSize + page_size());
  frame(number, bytes);
  return bytes;
}

std::vector<std::uint32_t> Log::changed_pages_after(std::uint32_t number) const {
  const ReadScope scope(db_);
  if (!scope.has_log()) throw_no_log();
  Index index(scope.files().database);
  for (;;) {
    const IndexHeader before = settled_header(index);
    if (number > before.max_frame) throw_no_frame(number, before.max_frame);
    std::vector<std::uint32_t> pages;
    std::unordered_set<std::uint32_t> seen;
    for (std::uint32_t at = number + 1; at != 0 && at <= before.max_frame; ++at) {
      const std::uint32_t page = index.page_of(at);
      if (seen.insert(page).second) pages.push_back(page);
    }
    index.barrier();
    if (settled_header(index).same_log(before)) return pages;
  }
}

template <class Buffer>
bool Log::read_page(std::uint32_t page, std::optional<std::uint32_t> watermark, Buffer&& buffer) const {
  const ReadScope scope(db_);
  if (!scope.has_log()) throw_no_log();
  Index index(scope.files().database);
  const CheckpointLock no_checkpoint(scope.files().database);
  for (;;) {
    IndexHeader before = settled_header(index);
    if (before.page_size == 0) before.page_size = page_size();
    const std::uint32_t at = watermark.value_or(before.max_frame);
    if (at > before.max_frame) throw_no_frame(at, before.max_frame);
    const std::span<std::byte> out = buffer(before.page_size);
    bool exists = page != 0 && page <= pages_at(db_, scope.files(), before, at);
    if (exists) {
      if (const std::uint32_t number = index.find(page, at); number != 0) {
        const std::int64_t offset = frame_offset(number, before.page_size) + static_cast<int>(kFrameHeaderSize);
        exists = read_exactly(scope.files().log, out, offset);
      } else {
        exists = read_exactly(scope.files().database, out, (static_cast<std::int64_t>(page) - 1) * before.page_size);
      }
      if (!exists) core::throw_error(ErrorCode::Corrupt, "page " + std::to_string(page) + " is not in the file");
    }
    // What was read counts only if no checkpoint has begun to write newer pages meanwhile. Usually the lock sees to
    // that; this check covers a checkpoint that was running already.
    index.barrier();
    if (!settled_header(index).same_log(before)) continue;
    if (const std::uint32_t gone = index.backfill_attempted(); gone > at) {
      core::throw_error(ErrorCode::SnapshotTooOld, "the state at frame " + std::to_string(at) +
                                                       " is gone: frames up to " + std::to_string(gone) +
                                                       " are in the main file");
    }
    return exists;
  }
}

bool Log::page(std::uint32_t page, std::span<std::byte> out, std::optional<std::uint32_t> watermark) const {
  return read_page(page, watermark, [&](std::uint32_t size) {
    if (out.size() != size) {
      core::throw_error(ErrorCode::Misuse,
                        "a page takes " + std::to_string(size) + " bytes, not " + std::to_string(out.size()));
    }
    return out;
  });
}

std::optional<std::vector<std::byte>> Log::page(std::uint32_t page, std::optional<std::uint32_t> watermark) const {
  std::vector<std::byte> bytes;
  const bool exists = read_page(page, watermark, [&](std::uint32_t size) {
    bytes.resize(size);
    return std::span<std::byte>(bytes);
  });
  if (!exists) return std::nullopt;
  return bytes;
}

WalCheckpointResult Log::checkpoint(WalCheckpointMode mode) const {
  if (sqlite3_get_autocommit(db_) == 0) {
    core::throw_error(ErrorCode::Misuse, "a checkpoint cannot run inside a transaction");
  }
  {
    const ReadScope opened(db_);  // a connection that has read nothing yet knows of no log
    if (!opened.has_log()) throw_no_log();
  }
  int engine_mode = SQLITE_CHECKPOINT_PASSIVE;
  if (mode == WalCheckpointMode::Full) engine_mode = SQLITE_CHECKPOINT_FULL;
  if (mode == WalCheckpointMode::Restart) engine_mode = SQLITE_CHECKPOINT_RESTART;
  if (mode == WalCheckpointMode::Truncate) engine_mode = SQLITE_CHECKPOINT_TRUNCATE;
  int log_frames = -1;
  int checkpointed = -1;
  const int rc = sqlite3_wal_checkpoint_v2(db_, "main", engine_mode, &log_frames, &checkpointed);
  if (rc != SQLITE_OK) throw_failure(db_, rc, "the checkpoint could not be completed");
  return {static_cast<std::uint32_t>(std::max(log_frames, 0)), static_cast<std::uint32_t>(std::max(checkpointed, 0))};
}

std::int64_t log_file_size(sqlite3* db) {
  sqlite3_file* const log = file_pointer(db, SQLITE_FCNTL_JOURNAL_POINTER);
  return log == nullptr ? 0 : size_of(db, log);
}

void set_checkpoint_on_close(sqlite3* db, bool on) noexcept {
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 0 : 1, nullptr);
}

CheckpointHold::CheckpointHold(sqlite3* db)
    : CheckpointHold(db, static_cast<int>(pragma_number(db, "PRAGMA wal_autocheckpoint"))) {}

CheckpointHold::CheckpointHold(sqlite3* db, int auto_checkpoint) : db_(db), auto_checkpoint_(auto_checkpoint) {
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1, &no_checkpoint_on_close_);
  persist_log_ = -1;
  if (sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist_log_) != SQLITE_OK) persist_log_ = -1;
  run(db, "PRAGMA wal_autocheckpoint=0");
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  int on = 1;
  if (persist_log_ >= 0) sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
}

CheckpointHold::~CheckpointHold() {
  if (kept_) return;
  if (auto_checkpoint_ > 0) sqlite3_wal_autocheckpoint(db_, auto_checkpoint_);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, no_checkpoint_on_close_, nullptr);
  if (persist_log_ >= 0) sqlite3_file_control(db_, "main", SQLITE_FCNTL_PERSIST_WAL, &persist_log_);
}

}  // namespace libsql::engine::wal
