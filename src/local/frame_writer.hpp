// Adding frames to a database's log exactly as they are, for a server whose clients count them: what was pushed as ten
// frames is ten frames in SQLite's log, and so in the replication log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <libsql/wal.hpp>

#include "engine/connection.hpp"
#include "engine/wal_insert.hpp"
#include "local/store.hpp"
#include "local/write_turn.hpp"

namespace libsql::local {

/// One write in the line of writers, which may consist of several transactions: all of them become visible together and
/// durable with one sync, whatever the database's durability is. After a crash in between, the first few may be there.
/// Threads: one at a time.
class FrameWriter final {
 public:
  /// Opens a connection of its own. Throws what opening throws, Unsupported for an encrypted database or one without a
  /// log of its own.
  explicit FrameWriter(std::shared_ptr<Store> store);
  ~FrameWriter();
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;

  /// For how long it waits, and what interrupts it.
  engine::Connection& connection() noexcept { return *connection_; }

  /// Takes the turn and the write lock. Throws Busy, Timeout, Interrupted.
  void begin();
  /// The pages of the database before the write.
  std::uint32_t database_pages() const { return inserter_->database_pages(); }
  /// Throws Corrupt for what cannot be a page of this database, Io, Full. Requires begin().
  void add(WalFrameInfo info, std::span<const std::byte> page);
  /// Makes all transactions visible and durable, tells the line's listeners, and passes the turn on. Frames after the
  /// last commit are dropped. If it throws, nothing is visible.
  void publish();
  /// Drops everything since begin() and passes the turn on.
  void roll_back() noexcept;

 private:
  void end() noexcept;

  std::shared_ptr<Store> store_;
  std::unique_ptr<engine::Connection> connection_;
  std::unique_ptr<WriteTurn> turn_;
  std::optional<engine::wal::Inserter> inserter_;
};

}  // namespace libsql::local
