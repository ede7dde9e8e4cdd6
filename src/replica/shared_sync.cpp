#include "replica/shared_sync.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/errors.hpp"

namespace libsql::replica {
namespace {

// An interrupt has a descriptor, which a condition variable cannot wait for.
constexpr std::chrono::milliseconds kUnnoticed{5};

void check(const net::Wait& wait) {
  if (wait.interrupt != nullptr && wait.interrupt->triggered()) {
    core::throw_error(ErrorCode::Interrupted, "interrupted while waiting for the replica's sync");
  }
  if (!wait.deadline.passed()) return;
  detail::ErrorData data;
  data.code = ErrorCode::Timeout;
  data.message = "the deadline passed while waiting for the replica's sync";
  data.retryable = true;
  core::throw_error(std::move(data));
}

// Whether it says something of the one who synced, and nothing of the primary.
bool is_private(const std::exception_ptr& failure) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const Interrupted&) {
    return true;
  } catch (const Timeout&) {
    return true;
  } catch (const Error&) {
    return false;
  } catch (...) {
    return true;  // of his progress callback
  }
}

}  // namespace

bool SharedSync::is_running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

bool SharedSync::has(std::optional<FrameNumber> until) const noexcept {
  if (!until) return false;
  const std::optional<FrameNumber> applied = source_.applied();
  return applied && *applied >= *until;
}

libsql::SyncReport SharedSync::run(const SyncOrder& order, std::optional<FrameNumber> until) {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = begun_ + 1;
  std::uint64_t seen = steps_;
  for (;;) {
    if (has(until)) {
      libsql::SyncReport report;
      report.frame_no = source_.applied();
      return report;
    }
    if (last_.number >= wanted) {
      if (last_.failure == nullptr) return last_.report;
      if (!is_private(last_.failure)) std::rethrow_exception(last_.failure);
    }
    check(order.wait);
    if (!running_) return lead(lock, order, until);
    wait(lock, order, seen);
  }
}

libsql::SyncReport SharedSync::lead(std::unique_lock<std::mutex>& lock, const SyncOrder& order,
                                    std::optional<FrameNumber> until) {
  running_ = true;
  Ended ended;
  ended.number = ++begun_;
  lock.unlock();
  try {
    SyncOrder mine = order;
    mine.progress = [&](const libsql::SyncProgress& progress) {
      {
        const std::lock_guard told(mutex_);
        progress_ = progress;
        ++steps_;
      }
      changed_.notify_all();
      if (order.progress) order.progress(progress);
    };
    ended.report = source_.sync(mine, until);
  } catch (...) {
    ended.failure = std::current_exception();
  }
  lock.lock();
  running_ = false;
  // One that went only so far is nobody else's.
  if (!until || ended.failure != nullptr) last_ = ended;
  changed_.notify_all();
  if (ended.failure != nullptr) std::rethrow_exception(ended.failure);
  return ended.report;
}

void SharedSync::pause(std::chrono::nanoseconds time, const net::Wait& wait) {
  const net::Deadline end = net::Deadline::after(time);
  while (!end.passed()) {
    check(wait);
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::min<std::chrono::nanoseconds>(kUnnoticed, end.left()));
  }
}

void SharedSync::wait(std::unique_lock<std::mutex>& lock, const SyncOrder& order, std::uint64_t& seen) {
  if (order.progress && seen != steps_) {
    seen = steps_;
    const libsql::SyncProgress progress = progress_;
    lock.unlock();
    order.progress(progress);
    lock.lock();
    return;
  }
  if (order.wait.interrupt != nullptr) {
    changed_.wait_for(lock, std::min<std::chrono::nanoseconds>(kUnnoticed, order.wait.deadline.left()));
  } else if (order.wait.deadline.is_never()) {
    changed_.wait(lock);
  } else {
    changed_.wait_until(lock, order.wait.deadline.time());
  }
}

}  // namespace libsql::replica
