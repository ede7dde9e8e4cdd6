// Who may write to a database now, and how a writer that holds everybody up is made to let go.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>

#include "engine/connection.hpp"
#include "local/write_queue.hpp"

namespace libsql::server {

class WriteSlot;

/// The line of writers of one database, with take-over: whoever holds the turn longer than the time-out while somebody
/// waits, and runs nothing at that moment, is rolled back.
/// Threads: all members may be called by several at once.
class WriteLock {
 public:
  using Clock = std::chrono::steady_clock;

  WriteLock(std::shared_ptr<local::WriteQueue> queue, std::chrono::milliseconds timeout)
      : queue_(std::move(queue)), timeout_(timeout.count()) {}
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

  void set_timeout(std::chrono::milliseconds timeout) noexcept { timeout_ = timeout.count(); }
  std::size_t waiting() const noexcept { return queue_->waiting(); }

 private:
  friend class WriteSlot;
  bool take_over_if_due() noexcept;

  const std::shared_ptr<local::WriteQueue> queue_;
  std::atomic<std::chrono::milliseconds::rep> timeout_;
  std::mutex mutex_;
  WriteSlot* holder_ = nullptr;  // guarded by mutex_, as what follows
  Clock::time_point since_{};
};

/// One connection's place in that line.
class WriteSlot final : public engine::WriteGate, private local::WriteQueue::Watch {
 public:
  /// `victim` takes the transaction away from the connection if nothing runs on it, and says whether it did. It is
  /// called by threads of other connections, which hold the lock of the WriteLock, and must not wait.
  WriteSlot(engine::Connection& connection, std::shared_ptr<WriteLock> lock, std::function<bool()> victim);
  ~WriteSlot() override;
  WriteSlot(const WriteSlot&) = delete;
  WriteSlot& operator=(const WriteSlot&) = delete;

  bool is_held() const noexcept { return held_; }
  /// Lets the turn go, if it is here and no transaction needs it any more.
  void settle() noexcept;
  void give_up() noexcept;

  void before_write(engine::Connection&) override { take(); }
  void after_statement(engine::Connection&) noexcept override { settle(); }

 private:
  friend class WriteLock;
  void take();
  void look() noexcept override { lock_->take_over_if_due(); }

  engine::Connection& connection_;
  std::shared_ptr<WriteLock> lock_;
  std::function<bool()> victim_;
  bool held_ = false;  // used by whoever uses the connection
};

}  // namespace libsql::server
