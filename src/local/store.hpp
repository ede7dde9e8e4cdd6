// A local database: its options, and what its connections share.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/backend.hpp"
#include "engine/connection.hpp"
#include "engine/temporary_files.hpp"
#include "engine/vfs.hpp"
#include "local/checkpoints.hpp"
#include "local/options.hpp"
#include "local/settings.hpp"
#include "local/spares.hpp"
#include "local/write_line.hpp"

namespace libsql::local {

class Store final : public core::Store, public std::enable_shared_from_this<Store> {
 public:
  /// Opens the database. With checkpoints in the background, it is also closed there.
  static std::shared_ptr<Store> open(Options options);
  /// The same, but closed by the destructor. Throws if the options are invalid or the database cannot be opened with
  /// them.
  explicit Store(Options options);
  ~Store() override;

  Mode mode() const noexcept override { return Mode::Local; }
  std::shared_ptr<core::Session> connect() override;

  std::optional<std::chrono::milliseconds> default_deadline() const noexcept override {
    return options_.default_deadline;
  }

  const Options& options() const noexcept { return options_; }
  /// A connection set up with all options: key, functions, extensions, pragmas. Throws if one cannot be honoured.
  std::unique_ptr<engine::Connection> open_connection();
  /// Resets the connection's pragmas to those of a new connection.
  void restore_pragmas(engine::Connection& connection);
  /// Sets the file's new key for later connections; empty: the file is no longer encrypted.
  void key_changed(std::span<const std::byte> key);
  bool is_memory() const noexcept { return is_memory_; }
  /// The queue of this process's writers to this database. Null if no other connection can write to it.
  const std::shared_ptr<WriteLine>& write_line() const noexcept { return write_line_; }

  /// The pages of the main database as of the last commit.
  struct Pages {
    std::uint64_t size = 0;  // of a page, in bytes
    std::uint64_t count = 0;
    std::uint64_t free = 0;
  };
  /// Uses the connection that the store keeps, or else a spare one. Threads: any. Throws Error.
  Pages pages();
  /// How many connections have been opened so far.
  std::uint64_t connections_opened() const noexcept { return connections_opened_.load(std::memory_order_relaxed); }

  /// Lends the connection that the store keeps to one caller at a time. Requires that it keeps one.
  template <class Use>
  void with_keeper(Use&& use) {
    const std::lock_guard lock(keeper_mutex_);
    use(*keeper_);
  }
  /// A spare connection, or a new one if none rests.
  BorrowedConnection borrow();
  /// A session on a spare connection, for the program's own work. It is reset at its end.
  std::shared_ptr<core::Session> lend_session();
  Spares& spares() noexcept { return spares_; }
  Checkpoints& checkpoints() noexcept { return checkpoints_; }

 private:
  void set_up(engine::Connection& connection);
  static void close_in_background(Store* store) noexcept;
  /// Whether the log must survive the end of the last session.
  bool keeps_log() const noexcept { return options_.writers_in_line || checkpoints_.are_in_background(); }
  void use_wal(engine::Connection& connection);
  std::optional<Encryption> encryption() const;
  std::string_view vfs_below() const noexcept;
  void apply_pragmas(engine::Connection& connection);
  void remember_pragmas(engine::Connection& connection);

  Options options_;
  mutable std::mutex encryption_mutex_;  // guards options_.encryption, which a rekey changes
  engine::OpenOptions open_options_;
  bool is_memory_ = false;
  bool is_temporary_ = false;
  std::optional<engine::SharedMemoryDatabase> memory_;
  std::shared_ptr<engine::TemporarySpace> temporary_space_;
  std::optional<engine::TemporaryFiles> temporary_files_;  // must outlive all connections
  std::unique_ptr<engine::Connection> keeper_;             // if keeps_log(), or to keep a database in memory alive
  std::mutex keeper_mutex_;                                // held while keeper_ is used
  std::atomic<std::uint64_t> connections_opened_ = 0;
  std::shared_ptr<WriteLine> write_line_;
  Spares spares_;
  Checkpoints checkpoints_;
  Settings settings_;                        // those of a new connection
  std::atomic<bool> knows_pragmas_ = false;  // the options name existing PRAGMAs; checked by the constructor
};

}  // namespace libsql::local
