// A replica as a database: what its sessions share, and what brings its copy up to date.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <libsql/query_log.hpp>
#include <libsql/replica.hpp>
#include <libsql/replica_builder.hpp>

#include "core/backend.hpp"
#include "net/interrupt.hpp"
#include "replica/replicated.hpp"
#include "replica/shared_sync.hpp"
#include "replica/source.hpp"

namespace libsql::replica {

class Session;

struct StoreOptions {
  std::shared_ptr<Source> source;
  std::shared_ptr<core::Store> primary;  // null: there is none, and nothing can be written
  /// The frame that the last answer told a session of the primary, if it told one.
  std::function<std::optional<FrameNumber>(core::Session&)> told_index;
  bool read_your_writes = true;
  FirstSync first_sync = FirstSync::IfNeeded;
  std::optional<std::chrono::milliseconds> sync_interval;
  std::function<void(const SyncEvent&)> on_sync;  // of the background's syncs
  std::optional<std::chrono::milliseconds> sync_deadline;
  std::optional<std::chrono::milliseconds> default_deadline;
  std::vector<QueryLog> query_logs;
};

class Store final : public core::Store, public Replicated, public std::enable_shared_from_this<Store> {
 public:
  /// Syncs if there is no copy yet, or if the options want it. Throws as Replica::sync().
  static std::shared_ptr<Store> open(StoreOptions options);
  explicit Store(StoreOptions options);
  ~Store() override;

  // -- a database

  Mode mode() const noexcept override { return Mode::Replica; }
  std::shared_ptr<core::Session> connect() override;
  std::optional<std::chrono::milliseconds> default_deadline() const noexcept override {
    return options_.default_deadline;
  }

  // -- its replication

  libsql::SyncReport sync(const SyncOrder& order) override;
  libsql::SyncReport sync_until(FrameNumber frame_no, const SyncOrder& order) override;
  libsql::SyncReport flush() override;
  libsql::SyncReport sync_frames(BlobView frames) override;
  libsql::SyncReport sync_snapshot(BlobView file) override;
  std::optional<FrameNumber> replication_index() const noexcept override { return options_.source->applied(); }
  std::optional<FrameNumber> max_write_index() const noexcept override;
  Freshness freshness() const override;
  ReplicaHealth health() const override;
  std::shared_ptr<core::Store> freeze() override;
  std::optional<std::chrono::milliseconds> sync_deadline() const noexcept override { return options_.sync_deadline; }

  // -- what sessions use

  const StoreOptions& options() const noexcept { return options_; }
  Source& source() const noexcept { return *options_.source; }
  bool is_frozen() const noexcept { return frozen_.load(std::memory_order_acquire); }
  /// A session has written at the primary; none: it was not told which frame that became.
  void note_write(std::optional<FrameNumber> frame_no) noexcept;
  /// Whether the copy is known to have all that was noted so far, or need not.
  bool has_writes() const noexcept {
    return writes_.load(std::memory_order_acquire) == copied_writes_.load(std::memory_order_acquire);
  }
  /// Waits until it has. Throws as Replica::sync().
  void copy_writes(const net::Wait& wait);

  /// Those who are told of each local commit of frames, on the thread that made it.
  void add(Session& session);
  void remove(Session& session) noexcept;

 private:
  libsql::SyncReport run(const SyncOrder& order, std::optional<FrameNumber> until);
  void run_in_background();
  void stop_background() noexcept;
  void tell(const Applied& applied) noexcept;
  void require_thawed() const;
  void require_fed_by_hand() const;

  const StoreOptions options_;
  SharedSync syncs_;
  std::atomic<bool> frozen_ = false;

  // Writes are counted. `copied_writes_` is the count as of which the copy has all.
  std::atomic<std::uint64_t> writes_ = 0;
  std::atomic<std::uint64_t> copied_writes_ = 0;
  std::atomic<std::uint64_t> last_untold_ = 0;     // the last one of which no frame is known
  std::atomic<std::uint64_t> max_write_plus_ = 0;  // the highest frame of one, plus 1; 0: none
  // The same of those that reads wait for: a log that begins anew ends it, as its frames may never be so many.
  std::atomic<std::uint64_t> awaited_plus_ = 0;

  mutable std::mutex health_mutex_;
  ReplicaHealth health_;
  std::optional<std::chrono::system_clock::time_point> synced_at_;
  std::optional<std::chrono::steady_clock::time_point> synced_steady_;

  std::mutex sessions_mutex_;
  std::vector<Session*> sessions_;

  // Outlives the store if that ends on the background's own thread.
  struct Background {
    std::mutex mutex;
    std::condition_variable changed;
    bool ends = false;
    net::Interrupt interrupt;
  };
  const std::shared_ptr<Background> background_ = std::make_shared<Background>();
  std::thread thread_;
};

}  // namespace libsql::replica
