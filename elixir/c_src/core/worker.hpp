// The thread of one connection, and the jobs that wait for it. Nothing here knows the Erlang VM.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include <libsql/interrupt.hpp>
#include <libsql/replica.hpp>

namespace libsql::beam {

class Session;

/// Why a job ends without having run.
enum class Refusal : std::uint8_t { Cancelled, Closed };

/// One call of a client. Either run() and then answer() are called, on the worker's thread, or refuse() is, on any;
/// none may throw.
class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;

  virtual void run(Session& session) noexcept = 0;
  /// Tells the client what run() found. Nothing can cancel the job any more, so what the client does next cannot
  /// either.
  virtual void answer() noexcept = 0;
  virtual void refuse(Refusal reason) noexcept = 0;

  /// Whether the caller has given the call up: its answer is wanted no more, and work should end soon.
  bool is_cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }

 private:
  friend class Worker;
  std::uint64_t number_ = 0;
  std::atomic<bool> cancelled_{false};
};

/// A queue of jobs and the thread that runs them, one after the other, with the session of one connection. The thread
/// starts with the first job and ends, with the session, after close(). It keeps the worker alive; nobody joins it.
/// Threads: all functions may be called by any thread; none waits for a job.
class Worker : public std::enable_shared_from_this<Worker> {
 public:
  /// At most `max_queued` jobs wait.
  static std::shared_ptr<Worker> create(std::size_t max_queued = 4096);
  ~Worker();

  /// Queues a job. Returns its number, which is never 0 and never used again; 0 if the worker is closed or its queue
  /// full: then the job was neither run nor refused, and is gone.
  std::uint64_t post(std::unique_ptr<Job> job);
  /// The same in front of all others, without a limit: for ends of handles, which nobody waits for.
  void post_first(std::unique_ptr<Job> job);
  /// Ends one job: refused if it still waits, interrupted until it returns if it runs. Does nothing to any other job.
  void cancel(std::uint64_t number) noexcept;
  /// Interrupts the job that runs now, whichever it is; its caller gets an error. Does nothing if none runs.
  void interrupt_running() noexcept;
  /// Takes no more jobs, cancels all there are, and ends the thread. `ended` runs when the session has ended; of a
  /// second call at once.
  void close(std::function<void()> ended = {}) noexcept;
  bool is_closed() const noexcept;

  /// The session's interrupt handle, which exists once it has a connection. Called by the session, on the thread.
  void set_interrupt(InterruptHandle handle);
  /// What else ends the job that runs, such as a sync of a replica; nullopt: nothing. Called by the session, on the
  /// thread.
  void set_cancellation(std::optional<Cancellation> cancellation);

  /// What the session tells after each job: its transaction's number, 0 for none that has one, and whether any is open.
  void publish(std::uint64_t transaction, bool open) noexcept {
    transaction_.store(transaction, std::memory_order_release);
    in_transaction_.store(open, std::memory_order_release);
  }
  /// As last published; without asking the thread.
  std::uint64_t transaction() const noexcept { return transaction_.load(std::memory_order_acquire); }
  bool in_transaction() const noexcept { return in_transaction_.load(std::memory_order_acquire); }

  /// How many jobs wait or run.
  std::size_t load() const noexcept;
  /// Threads of all workers that have not ended. For tests.
  static std::size_t threads_alive() noexcept;

 private:
  friend class Canceller;
  explicit Worker(std::size_t max_queued) noexcept : max_queued_(max_queued) {}
  void start_locked();
  void loop() noexcept;
  void interrupt_locked() noexcept;
  /// Interrupts the running job if it is cancelled. False if there is nothing left to interrupt.
  bool interrupt_again() noexcept;

  const std::size_t max_queued_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Job>> queue_;
  Job* running_ = nullptr;
  InterruptHandle interrupt_;
  std::optional<Cancellation> cancellation_;
  std::uint64_t next_number_ = 1;
  bool started_ = false;
  bool closed_ = false;
  std::function<void()> ended_;
  std::atomic<std::uint64_t> transaction_{0};
  std::atomic<bool> in_transaction_{false};
};

/// The workers of this process by number. Numbers are never used twice, so a handle of a closed connection can never
/// reach another one. Threads: any.
class Registry {
 public:
  static Registry& instance();
  std::uint64_t add(std::shared_ptr<Worker> worker);
  std::shared_ptr<Worker> find(std::uint64_t id) const;
  /// The worker, which nobody finds any more.
  std::shared_ptr<Worker> take(std::uint64_t id);
  std::size_t size() const;

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Worker>> workers_;
  std::uint64_t next_ = 1;
};

}  // namespace libsql::beam
