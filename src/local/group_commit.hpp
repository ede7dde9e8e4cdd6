// Many small write transactions, one sync: whoever finds the writer's connection free commits everything that waits.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>

namespace libsql::local {

/// What group commit drives: a connection that one thread at a time uses.
class GroupTarget {
 public:
  using Clock = std::chrono::steady_clock;
  virtual ~GroupTarget() = default;
  /// Opens the transaction of a group. Waits for the write lock until `until` at most, then throws.
  virtual void begin(Clock::time_point until) = 0;
  /// Marks the state before a job, to return to if it fails. Not called for a job that is alone in its transaction.
  virtual void set_mark() = 0;
  virtual void drop_mark() = 0;
  /// Undoes what was done since the mark. False if the engine has lost the whole transaction.
  virtual bool return_to_mark() noexcept = 0;
  /// Whether the transaction is still open; a job that ends it is at fault.
  virtual bool in_transaction() const noexcept = 0;
  /// After a job that has returned: throws if the commit would fail because of what it did.
  virtual void vet() {}
  virtual void commit() = 0;
  virtual void rollback() noexcept = 0;
  /// After a job: whether it left something that the next one must not find, such as a setting or a temporary table.
  /// Then the transaction is ended before clean() is called; what could spoil that end is undone here.
  virtual bool is_soiled() noexcept { return false; }
  virtual void clean() noexcept {}
};

/// Counts since the beginning.
struct GroupCounts {
  std::uint64_t jobs = 0;
  std::uint64_t failed = 0;
  std::uint64_t commits = 0;
  std::uint64_t largest_group = 0;
};

/// Threads: submit() by any number at once. The jobs of a group run one after the other on one of their threads.
class GroupCommit {
 public:
  using Clock = GroupTarget::Clock;

  /// At most `max_group` jobs share a transaction.
  GroupCommit(GroupTarget& target, std::size_t max_group) noexcept : target_(target), max_group_(max_group) {}
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  /// Runs `job(context)` in a transaction and returns when that is committed. Throws what the job threw, when
  /// everything the job did is undone; what commit() threw; Timeout if it was not yet begun at `until`.
  void submit(void (*job)(void* context), void* context, Clock::time_point until);

  GroupCounts counts() const;
  /// How many jobs stand in line now.
  std::size_t waiting() const noexcept { return in_line_.load(std::memory_order_relaxed); }
  /// The same without the one whose thread waits for the write lock on behalf of all.
  std::size_t waiting_behind_leader() const;

 private:
  enum class Stage : std::uint8_t { Waiting, Leading, Done };
  struct Job {
    void (*run)(void*) = nullptr;
    void* context = nullptr;
    Clock::time_point until;
    std::exception_ptr error;
    // Guarded by mutex_; a job taken out of the line belongs to the leader, `next` included.
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
  mutable std::mutex mutex_;  // of the line; taken before a job's own
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  std::atomic<std::size_t> in_line_ = 0;
  bool led_ = false;
  bool leader_in_line_ = false;  // it has not begun yet
  GroupCounts counts_;
  std::size_t last_members_ = 1;  // the leader's
};

}  // namespace libsql::local
