#include "replica/shared_sync.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
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

// What a failure says to those who did not sync themselves; none if it is about the one who did.
std::optional<detail::ErrorData> told_to_others() {
  try {
    throw;
  } catch (const Interrupted&) {
    return std::nullopt;
  } catch (const Timeout&) {
    return std::nullopt;
  } catch (const Error& error) {
    return core::error_data(error);
  } catch (...) {
    return std::nullopt;  // of his progress callback
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
      if (!last_.failed) return last_.report;
      if (last_.failure) std::rethrow_exception(core::make_error(*last_.failure));
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
  std::exception_ptr failure;
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
    failure = std::current_exception();
    ended.failed = true;
    ended.failure = told_to_others();
  }
  lock.lock();
  running_ = false;
  // One that went only so far is nobody else's.
  if (!until || ended.failed) last_ = ended;
  changed_.notify_all();
  if (failure != nullptr) std::rethrow_exception(failure);
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
