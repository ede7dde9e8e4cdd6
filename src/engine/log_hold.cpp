#include "engine/log_hold.hpp"

#include <sqlite3.h>

#include <chrono>
#include <thread>

#include "core/errors.hpp"

namespace libsql::engine::wal {
namespace {

constexpr int kFirstReadLock = 3;  // of place 0, counted from the first lock of the wal-index

// The first place is the engine's favourite, and stays for readers.
constexpr int kFirstPlace = 2;
constexpr int kLastPlace = 4;

}  // namespace

LogHold::LogHold(sqlite3* db) {
  {
    const ReadScope opened(db);
    if (!opened.has_log()) core::throw_unsupported("WAL API", "local", "the database is not in WAL mode");
    files_ = opened.files();
  }
  index_.emplace(files_.database);
  settled_header(*index_);
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for (int place = kLastPlace; place >= kFirstPlace; --place) {
      if (take(place)) return;
    }
  }
  core::throw_error(ErrorCode::Busy, "the log cannot be held: readers of older states have all places");
}

LogHold::~LogHold() { lock(place_, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED); }

bool LogHold::lock(int place, int flags) {
  return files_.database->pMethods->xShmLock(files_.database, kFirstReadLock + place, 1, flags) == SQLITE_OK;
}

bool LogHold::take(int place) {
  if (!lock(place, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE)) return false;
  index_->clear_read_mark(place);
  lock(place, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
  if (!lock(place, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED)) return false;
  index_->barrier();
  place_ = place;
  if (!index_->has_read_mark(place)) return true;
  lock(place, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);  // a reader was faster
  return false;
}

WalState LogHold::state() { return state_of(files_, *index_); }

std::optional<std::uint64_t> LogHold::size() {
  const std::optional<IndexHeader> header = index_->read_header();
  if (!header) return std::nullopt;
  return std::uint64_t{kHeaderSize} + std::uint64_t{header->max_frame} * (kFrameHeaderSize + header->page_size);
}

}  // namespace libsql::engine::wal
