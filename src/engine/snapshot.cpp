#include "engine/snapshot.hpp"

#include <cstring>

#include <sqlite3.h>

#include "core/errors.hpp"

namespace libsql::engine {

#ifdef SQLITE_ENABLE_SNAPSHOT

void Snapshot::Free::operator()(sqlite3_snapshot* snapshot) const noexcept { sqlite3_snapshot_free(snapshot); }

bool Snapshot::is_supported() noexcept { return true; }

Snapshot Snapshot::take(Connection& connection) {
  sqlite3* const db = connection.require_open();
  if (connection.holds_write_lock()) {
    core::throw_error(ErrorCode::Misuse, "a transaction that writes has no snapshot: what it sees is not committed");
  }
  connection.patience().start_deadline();
  sqlite3_snapshot* taken = nullptr;
  const int rc = sqlite3_snapshot_get(db, "main", &taken);
  Snapshot snapshot;
  snapshot.snapshot_.reset(taken);
  if (rc == SQLITE_OK || rc == SQLITE_ERROR) {
    if (rc == SQLITE_ERROR && connection.query_text("PRAGMA main.journal_mode") != "wal") {
      core::throw_unsupported("snapshots", "local", "the database is not in WAL mode");
    }
    // A state before the first frame of a log is not kept by anything: the next writer may give the log other salts.
    constexpr std::size_t kMaxFrame = 16;
    std::uint32_t max_frame = 0;
    if (taken != nullptr) std::memcpy(&max_frame, taken->hidden + kMaxFrame, sizeof max_frame);
    if (max_frame == 0) snapshot.snapshot_.reset();
    return snapshot;
  }
  connection.fail(rc);
}

void Snapshot::open_on(Connection& connection) const {
  sqlite3* const db = connection.require_open();
  connection.patience().start_deadline();
  int rc = sqlite3_snapshot_open(db, "main", snapshot_.get());
  if (rc == SQLITE_ERROR_SNAPSHOT && sqlite3_snapshot_recover(db, "main") == SQLITE_OK) {
    rc = sqlite3_snapshot_open(db, "main", snapshot_.get());
  }
  if (rc == SQLITE_ERROR_SNAPSHOT) {
    core::throw_error(ErrorCode::SnapshotTooOld, "the snapshot is gone: a checkpoint has overwritten it");
  }
  connection.check(rc);
}

#else

void Snapshot::Free::operator()(sqlite3_snapshot*) const noexcept {}

bool Snapshot::is_supported() noexcept { return false; }

Snapshot Snapshot::take(Connection&) { core::throw_unsupported("snapshots", "engine"); }

void Snapshot::open_on(Connection&) const { core::throw_unsupported("snapshots", "engine"); }

#endif

}  // namespace libsql::engine
