#include "local/group_commit.hpp"

#include <algorithm>
#include <string>
#include <thread>

#include "core/errors.hpp"

namespace libsql::local {
namespace {

// How long a leader waits for the writers of the last group to return before it commits without them: a small part of
// the time a sync takes, and several times what a thread needs to wake up and call again.
constexpr std::chrono::microseconds kLinger{60};

std::exception_ptr lost_with_the_group() {
  detail::ErrorData data;
  data.code = ErrorCode::TransactionLost;
  data.retryable = true;
  data.transaction_open = false;
  data.message = "the transaction was undone, because another one broke their group; it can be retried";
  return core::make_error(std::move(data));
}

// The same error for another caller. Each gets its own exception object, as they end on different threads.
std::exception_ptr copy_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return core::make_error(core::error_data(error));
  } catch (...) {
    return failure;
  }
}

}  // namespace

void GroupCommit::submit(void (*run)(void*), void* context, Clock::time_point until) {
  Job job;
  job.run = run;
  job.context = context;
  job.until = until;
  bool leads = false;
  {
    const std::lock_guard line(mutex_);
    append(job);
    if (!led_) {
      led_ = leader_in_line_ = true;
      leads = true;
    }
  }
  if (leads || wait(job)) lead(job);
  if (job.error) std::rethrow_exception(job.error);
}

// Returns when the job is done (false) or when its thread has to lead (true).
bool GroupCommit::wait(Job& job) {
  {
    std::unique_lock own(job.mutex);
    if (job.changed.wait_until(own, job.until, [&] { return job.stage != Stage::Waiting; })) {
      return job.stage == Stage::Leading;
    }
  }
  {
    const std::lock_guard line(mutex_);
    const std::lock_guard own(job.mutex);
    if (job.in_line && job.stage == Stage::Waiting) {
      remove(job);
      core::throw_error(ErrorCode::Timeout, "the deadline passed before the writer reached this transaction");
    }
  }
  // The job is being run. There is no answer until it is known whether its work is committed.
  std::unique_lock own(job.mutex);
  job.changed.wait(own, [&] { return job.stage != Stage::Waiting; });
  return job.stage == Stage::Leading;
}

void GroupCommit::lead(Job& own) {
  try {
    target_.begin(own.until);
  } catch (...) {
    const std::lock_guard line(mutex_);
    remove(own);
    pass_on();
    throw;
  }

  Job* all = nullptr;  // all jobs taken so far, linked by `next`
  Job** end = &all;
  std::size_t taken = 0;
  std::size_t members = 0;  // how many jobs' work is in the open transaction
  Job* first_member = nullptr;
  bool open = true;
  const auto blame = [&](const auto& make_error) {
    for (Job* job = first_member; members > 0; job = job->next) {
      if (job->error) continue;
      job->error = make_error();
      --members;
    }
    first_member = nullptr;
  };
  std::uint64_t commits = 0;
  std::size_t largest = 0;
  const auto finish = [&] {
    if (!open) return;
    open = false;
    if (members == 0) return target_.rollback();
    largest = std::max(largest, members);
    try {
      target_.commit();
      ++commits;
      members = 0;
      first_member = nullptr;
    } catch (...) {
      const std::exception_ptr failure = std::current_exception();
      blame([&] { return copy_of(failure); });
      target_.rollback();
    }
  };

  for (;;) {
    if (taken < max_group_ && taken > 0) linger(members);
    Job* batch = take(max_group_ - taken);
    if (batch == nullptr) break;
    *end = batch;
    for (Job* job = batch; job != nullptr; job = job->next) {
      ++taken;
      end = &job->next;
      bool marked = false;
      try {
        if (!open) {
          target_.begin(job->until);
          open = true;
        }
        // The first job of a transaction needs no mark: if it fails, the whole transaction can be rolled back.
        if (members > 0) {
          target_.set_mark();
          marked = true;
        }
        job->run(job->context);
        if (!target_.in_transaction()) {
          core::throw_error(ErrorCode::Misuse, "a job of a Writer must not end the transaction that it runs in");
        }
        target_.vet();
        if (marked) target_.drop_mark();
        if (members++ == 0) first_member = job;
      } catch (...) {
        job->error = std::current_exception();
        if (open && members == 0) {
          target_.rollback();
          open = false;
        } else if (open && !(target_.in_transaction() && marked && target_.return_to_mark())) {
          target_.rollback();
          open = false;
          blame(lost_with_the_group);
        }
      }
      if (target_.is_soiled()) {
        finish();
        target_.clean();
      }
    }
  }
  finish();
  last_members_ = std::max<std::size_t>(largest, 1);

  {
    const std::lock_guard line(mutex_);
    counts_.jobs += taken;
    for (const Job* job = all; job != nullptr; job = job->next) counts_.failed += job->error ? 1 : 0;
    counts_.commits += commits;
    counts_.largest_group = std::max<std::uint64_t>(counts_.largest_group, largest);
    pass_on();
  }
  while (all != nullptr) {
    Job* const job = all;
    all = job->next;  // the job may be gone as soon as its thread is told
    if (job != &own) set_stage(*job, Stage::Done);
  }
}

// Takes up to `limit` jobs out of the queue, linked by `next`.
GroupCommit::Job* GroupCommit::take(std::size_t limit) {
  if (limit == 0) return nullptr;
  const std::lock_guard line(mutex_);
  leader_in_line_ = false;  // the leader's own job is the first one taken
  Job* const taken = first_;
  Job* last = nullptr;
  for (; first_ != nullptr && limit > 0; --limit) {
    last = first_;
    last->in_line = false;
    first_ = last->next;
    in_line_.fetch_sub(1, std::memory_order_relaxed);
  }
  if (last != nullptr) last->next = nullptr;
  if (first_ == nullptr) {
    last_ = nullptr;
  } else {
    first_->previous = nullptr;
  }
  return taken;
}

void GroupCommit::linger(std::size_t members) const noexcept {
  if (members >= last_members_) return;
  const auto until = Clock::now() + kLinger;
  while (members + in_line_.load(std::memory_order_relaxed) < last_members_ && Clock::now() < until) {
    std::this_thread::yield();
  }
}

void GroupCommit::append(Job& job) noexcept {
  job.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &job;
  last_ = &job;
  job.in_line = true;
  in_line_.fetch_add(1, std::memory_order_relaxed);
}

void GroupCommit::remove(Job& job) noexcept {
  (job.previous != nullptr ? job.previous->next : first_) = job.next;
  (job.next != nullptr ? job.next->previous : last_) = job.previous;
  job.in_line = false;
  in_line_.fetch_sub(1, std::memory_order_relaxed);
}

void GroupCommit::pass_on() {
  led_ = leader_in_line_ = first_ != nullptr;
  if (led_) set_stage(*first_, Stage::Leading);
}

void GroupCommit::set_stage(Job& job, Stage stage) {
  const std::lock_guard own(job.mutex);
  job.stage = stage;
  job.changed.notify_one();  // while the mutex is held: the job lives on its thread's stack
}

std::size_t GroupCommit::waiting_behind_leader() const {
  const std::lock_guard line(mutex_);
  return waiting() - (leader_in_line_ ? 1 : 0);
}

GroupCounts GroupCommit::counts() const {
  const std::lock_guard line(mutex_);
  return counts_;
}

}  // namespace libsql::local
