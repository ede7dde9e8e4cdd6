// Many small write transactions share one sync: the first caller to find the writer's connection free runs and commits
// everything that waits.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>

namespace libsql::local {

/// What group commit drives: a connection, used by one thread at a time.
class GroupTarget {
 public:
  using Clock = std::chrono::steady_clock;
  virtual ~GroupTarget() = default;
  /// Begins a group's transaction. Waits for the write lock until `until` at most, then throws.
  virtual void begin(Clock::time_point until) = 0;
  /// Marks the state before a job, to return to if the job fails. Not called while the transaction holds no other job's
  /// work.
  virtual void set_mark() = 0;
  virtual void drop_mark() = 0;
  /// Undoes everything since the mark. False if the engine has rolled back the whole transaction.
  virtual bool return_to_mark() noexcept = 0;
  /// Whether the transaction is still open. A job must not end it.
  virtual bool in_transaction() const noexcept = 0;
  /// Called after a job has returned. Throws if the commit would fail because of the job.
  virtual void vet() {}
  virtual void commit() = 0;
  virtual void rollback() noexcept = 0;
  /// Called after a job. Returns whether it has left something that must not reach the next job, such as a setting or a
  /// temporary table; the transaction is then ended before clean() is called. Undoes at once whatever could spoil that
  /// end.
  virtual bool is_soiled() noexcept { return false; }
  virtual void clean() noexcept {}
};

/// Totals since the beginning.
struct GroupCounts {
  std::uint64_t jobs = 0;
  std::uint64_t failed = 0;
  std::uint64_t commits = 0;
  std::uint64_t largest_group = 0;
};

/// Threads: submit() may be called by any number at once. The jobs of a group run one after the other on the thread of
/// one of its callers.
class GroupCommit {
 public:
  using Clock = GroupTarget::Clock;

  /// At most `max_group` jobs share a transaction.
  GroupCommit(GroupTarget& target, std::size_t max_group) noexcept : target_(target), max_group_(max_group) {}
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  /// Runs `job(context)` in a transaction and returns when that is committed. Throws what the job threw, after undoing
  /// everything it did; what commit() threw; Timeout if the job had not begun at `until`.
  void submit(void (*job)(void* context), void* context, Clock::time_point until);

  GroupCounts counts() const;
  /// How many jobs are queued now.
  std::size_t waiting() const noexcept { return in_line_.load(std::memory_order_relaxed); }
  /// The same without the leader's job, whose thread waits for the write lock on behalf of all.
  std::size_t waiting_behind_leader() const;

 private:
  enum class Stage : std::uint8_t { Waiting, Leading, Done };
  struct Job {
    void (*run)(void*) = nullptr;
    void* context = nullptr;
    Clock::time_point until;
    std::exception_ptr error;
    // Guarded by mutex_. A job taken out of the queue belongs to the leader, including `next`.
    Job* next = nullptr;
    Job* previous = nullptr;
    bool in_line = false;
    // Guarded by `mutex`.
    std::mutex mutex;
    std::condition_variable changed;
    Stage stage = Stage::Waiting;
  };

  bool wait(Job& job);
  void lead(Job& own);
  Job* take(std::size_t limit);
  void linger(std::size_t members) const noexcept;
  void append(Job& job) noexcept;
  void remove(Job& job) noexcept;
  void pass_on();
  static void set_stage(Job& job, Stage stage);

  GroupTarget& target_;
  const std::size_t max_group_;
  mutable std::mutex mutex_;  // guards the queue; locked before a job's own mutex
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  std::atomic<std::size_t> in_line_ = 0;
  bool led_ = false;
  bool leader_in_line_ = false;  // until it has the write lock
  GroupCounts counts_;
  std::size_t last_members_ = 1;  // of the group before; used by the leader only
};

}  // namespace libsql::local
