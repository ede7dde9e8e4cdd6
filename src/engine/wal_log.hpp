// The log of a connection's main database: reading it, and holding automatic checkpoints off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/wal.hpp>

#include "engine/wal_format.hpp"
#include "engine/wal_index.hpp"

struct sqlite3;
struct sqlite3_file;

namespace libsql::engine::wal {

/// Throws what belongs to the result code, with the connection's message.
[[noreturn]] void throw_failure(sqlite3* db, int rc, std::string_view what);

/// Runs SQL without rows.
void run(sqlite3* db, const char* sql);

/// The one integer or text of a pragma.
std::int64_t pragma_number(sqlite3* db, const char* sql);
std::string pragma_text(sqlite3* db, const char* sql);

/// The files of a connection's main database.
struct Files {
  sqlite3_file* database = nullptr;
  sqlite3_file* log = nullptr;  // null when there is no log
};

/// A read transaction, so that the log cannot be begun anew while it is read. Joins the one that is open, if any.
class ReadScope {
 public:
  explicit ReadScope(sqlite3* db);
  ~ReadScope();
  ReadScope(const ReadScope&) = delete;
  ReadScope& operator=(const ReadScope&) = delete;

  /// Whether the database is in WAL mode.
  bool has_log() const noexcept { return files_.log != nullptr; }
  const Files& files() const noexcept { return files_; }

 private:
  sqlite3* db_;
  Files files_;
  bool own_ = false;
};

/// Whether pages are encrypted on their way to the file.
bool is_encrypted(sqlite3* db, const Files& files);

/// Reads exactly out.size() bytes. False if the file ends before.
bool read_exactly(sqlite3_file* file, std::span<std::byte> out, std::int64_t offset);

/// The published header, waiting out a commit in progress. Throws Busy if it does not settle.
IndexHeader settled_header(Index& index);

/// Where the log stands, of a connection that has opened it.
WalState state_of(const Files& files, Index& index);

class Log {
 public:
  explicit Log(sqlite3* db) noexcept : db_(db) {}

  WalState state() const;
  WalFrameInfo frame(std::uint32_t number, std::span<std::byte> out) const;
  std::vector<std::byte> frame(std::uint32_t number) const;
  std::vector<std::uint32_t> changed_pages_after(std::uint32_t number) const;
  bool page(std::uint32_t page, std::span<std::byte> out, std::optional<std::uint32_t> watermark) const;
  std::optional<std::vector<std::byte>> page(std::uint32_t page, std::optional<std::uint32_t> watermark) const;
  WalCheckpointResult checkpoint(WalCheckpointMode mode) const;

  /// The page size of the database in bytes.
  std::uint32_t page_size() const;

 private:
  template <class Buffer>
  bool read_page(std::uint32_t page, std::optional<std::uint32_t> watermark, Buffer&& buffer) const;

  sqlite3* db_;
};

/// The size of the log file in bytes; 0 if the connection has opened none.
std::int64_t log_file_size(sqlite3* db);

/// Whether a connection that is the last one copies the log into the file when it closes, and removes it.
void set_checkpoint_on_close(sqlite3* db, bool on) noexcept;

/// The switches of a connection that keep it from checkpointing by itself, off; restores them at its end.
class CheckpointHold {
 public:
  explicit CheckpointHold(sqlite3* db);
  CheckpointHold(sqlite3* db, int auto_checkpoint);
  ~CheckpointHold();
  CheckpointHold(const CheckpointHold&) = delete;
  CheckpointHold& operator=(const CheckpointHold&) = delete;

  /// What is set stays: the connection is about to be closed.
  void keep() noexcept { kept_ = true; }

 private:
  sqlite3* db_;
  bool kept_ = false;
  int auto_checkpoint_ = 0;
  int no_checkpoint_on_close_ = 0;
  int persist_log_ = 0;
};

}  // namespace libsql::engine::wal
