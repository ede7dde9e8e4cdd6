// The watcher of a server, its counters and its end.
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "net/connection.hpp"
#include "net/server_core.hpp"
#include "net/thread_turns.hpp"

namespace libsql::net {
namespace {

constexpr auto kWatchTime = std::chrono::milliseconds(2);    // how long all workers may be stuck before one is added
constexpr auto kSleepTime = std::chrono::milliseconds(200);  // the watcher's step while nothing is going on
constexpr int kCalmRounds = 50;                              // steps with an idle worker before it takes longer ones
constexpr std::int64_t kSweepTime = 100;                     // ms between two looks at the deadlines
constexpr std::int64_t kLongWork = 20'000;                   // us of a processor for one event
constexpr std::int64_t kLongInACrowd = 3'000;                // the same where many more want to run than can
constexpr auto kDrainTime = std::chrono::milliseconds(20);   // between two looks for connections that have become idle

}  // namespace

// Adds workers when none is free to wait, joins those that have ended, and enforces the deadlines.
void ServerCore::watch() {
  // While it waits for its turn nobody adds workers, and no request finds one.
  ask_for_short_turns();
  std::unique_lock<std::mutex> lock(mutex_);
  int calm = 0;
  while (!ending_) {
    calm = idle_.load() > 0 ? calm + 1 : 0;
    watcher_sleeps_.store(calm > kCalmRounds);
    // A worker that stops waiting after this sees the flag; one that did before is seen here.
    const bool sleeps = calm > kCalmRounds && idle_.load() > 0;
    if (sleeps) {
      changed_.wait_for(lock, kSleepTime);
    } else {
      changed_.wait_for(lock, kWatchTime);
    }
    watcher_sleeps_.store(false);
    if (ending_) break;
    join_finished();
    while (running_workers_ < options_.min_workers) {
      const std::size_t before = running_workers_;
      start_worker();
      if (running_workers_ == before) break;
    }
    if (!add_workers_if_stuck()) {
      lock.unlock();
      take_notes();
      lock.lock();
    }
    if (is_crowd()) put_behind(kLongInACrowd);
    const std::int64_t now = coarse_now();
    if (now - last_sweep_ >= kSweepTime) {
      last_sweep_ = now;
      resume_listeners();
      put_behind(kLongWork);
      lock.unlock();
      for_each_connection([now](Connection& connection) {
        connection.enforce_deadline(now);
        connection.probe(now);
      });
      lock.lock();
    }
  }
}

// Workers are stuck when none waits and none has taken an event since the last look. One that is merely busy will be
// back soon, and more threads than that would only take the cores from each other. False if they stay stuck.
bool ServerCore::add_workers_if_stuck() {
  std::uint64_t polls = 0;
  for (const Worker& worker : workers_) polls += worker.polls.get();
  const bool stuck = idle_.load() <= 0 && polls == last_polls_;
  last_polls_ = polls;
  if (!stuck) return true;
  const std::size_t enough = running_workers_;
  const std::size_t wanted = std::min(options_.max_workers, running_workers_ + 1 + running_workers_ / 4);
  while (running_workers_ < wanted) {
    const std::size_t before = running_workers_;
    start_worker();
    if (running_workers_ == before) break;  // The system has no thread to give.
  }
  return running_workers_ > enough;
}

// Whether so many workers run at their full priority that one more would have to wait for its turn.
bool ServerCore::is_crowd() const noexcept {
  const auto is_in_front = [](const Worker& worker) {
    return !worker.waits.load(std::memory_order_relaxed) && !worker.gives_way.load(std::memory_order_relaxed);
  };
  const auto in_front = static_cast<std::size_t>(std::count_if(workers_.begin(), workers_.end(), is_in_front));
  return in_front > 2 * options_.min_workers;
}

void ServerCore::put_behind(std::int64_t longest) {
  for (Worker& worker : workers_) put_behind(worker, longest);
}

// A long-running statement takes only the processor time that nobody else needs, so that small requests are
// answered at once however many such statements there are.
void ServerCore::put_behind(Worker& worker, std::int64_t longest) {
  const int thread = worker.thread_id.load(std::memory_order_acquire);
  if (thread == 0 || worker.finished || worker.gives_way.load(std::memory_order_relaxed)) return;
  const std::uint64_t polls = worker.polls.get();
  const bool waits = worker.waits.load(std::memory_order_relaxed);
  const bool is_new = polls != worker.seen_polls;
  worker.seen_polls = polls;
  if (waits) {
    worker.seen_time = -1;
    return;
  }
  clockid_t clock{};
  timespec used{};
  if (::pthread_getcpuclockid(worker.thread.native_handle(), &clock) != 0 || ::clock_gettime(clock, &used) != 0) return;
  const std::int64_t time = static_cast<std::int64_t>(used.tv_sec) * 1'000'000 + used.tv_nsec / 1000;
  if (is_new || worker.seen_time < 0) worker.seen_time = time;
  if (time - worker.seen_time < longest) return;
  worker.gives_way.store(true, std::memory_order_relaxed);
  stand_back(thread);
}

// Takes the events that no worker takes. Handlers are told at once that their peers are gone, so that they may end and
// come back; everything else is put where the first worker that comes back finds it.
void ServerCore::take_notes() {
  constexpr int kMost = 64;
  epoll_event events[kMost];
  const int count = ::epoll_wait(poll_descriptor_, events, kMost, 0);
  bool tasks = false;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t data = events[i].data.u64;
    const auto index = static_cast<std::uint32_t>(data);
    if (index == kTaskMark) {
      tasks = true;
    } else if ((index & kListenerBit) == 0) {
      Connection* connection = table_[index].load(std::memory_order_acquire);
      if (connection->acquire(static_cast<std::uint32_t>(data >> 32), events[i].events)) hand_over(*connection);
    } else if (index != kEndMark) {
      const std::lock_guard<std::mutex> lock(mutex_);
      listeners_[index & ~kListenerBit].paused = true;
    }
  }
  if (tasks) signal_event(task_descriptor_);
}

void ServerCore::join_finished() {
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    if (!worker->finished) {
      ++worker;
      continue;
    }
    worker->thread.join();  // It has nothing left to do.
    retire(*worker);
    worker = workers_.erase(worker);
  }
}

void ServerCore::retire(const Worker& worker) {
  retired_.requests.add(worker.requests.get());
  retired_.bad_requests.add(worker.bad_requests.get());
  retired_.received.add(worker.received.get());
  retired_.sent.add(worker.sent.get());
}

void ServerCore::resume_listeners() {
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (!listeners_[i].paused || draining()) continue;
    listeners_[i].paused = false;
    rearm(i, listeners_[i].descriptor);
  }
}

ServerStatistics ServerCore::statistics() const {
  ServerStatistics result;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto add = [&](const Worker& worker) {
      result.requests += worker.requests.get();
      result.bad_requests += worker.bad_requests.get();
      result.bytes_received += worker.received.get();
      result.bytes_sent += worker.sent.get();
    };
    add(retired_);
    for (const Worker& worker : workers_) add(worker);
    result.workers = running_workers_;
    result.workers_busy =
        running_workers_ - std::min(running_workers_, static_cast<std::size_t>(std::max(0, idle_.load())));
  }
  result.bytes_sent += other_sent_.load(std::memory_order_relaxed);
  result.connections_accepted = accepted_.load(std::memory_order_relaxed);
  result.connections_refused = refused_.load(std::memory_order_relaxed);
  result.connections_dropped = dropped_.load(std::memory_order_relaxed);
  result.memory_held = memory.held();
  result.connections_timed_out = timed_out.load(std::memory_order_relaxed);
  result.connections = connections_.load(std::memory_order_relaxed);
  result.websockets = websockets.load(std::memory_order_relaxed);
  return result;
}

void ServerCore::close_listeners() {
  const std::lock_guard<std::mutex> lock(mutex_);
  // Closed only when the workers have ended: one of them may be about to accept.
  for (const ListenSocket& listener : listeners_) ::shutdown(listener.descriptor, SHUT_RDWR);
}

bool ServerCore::stop(Deadline deadline) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return true;
    stopped_ = true;
    draining_.store(true);
  }
  close_listeners();
  Worker helper(*this);
  bool cut = false;
  for (;;) {
    for_each_connection([](Connection& connection) { connection.drain(); });
    std::unique_lock<std::mutex> lock(mutex_);
    if (connections_.load() == 0) break;
    if (deadline.passed()) {
      lock.unlock();
      cut = true;
      for_each_connection([](Connection& connection) { connection.cut(); });
      lock.lock();
    }
    changed_.wait_for(lock, kDrainTime, [this] { return connections_.load() == 0; });
  }
  for (;;) {  // What was posted before is done; so are the closings of WebSockets that were posted above.
    {
      const std::lock_guard<std::mutex> lock(task_mutex_);
      if (tasks_.empty()) break;
    }
    run_task(helper);
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  watcher_.join();
  signal_workers_to_end();
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return running_workers_ == 0; });
  join_finished();
  for (ListenSocket& listener : listeners_) ::close(std::exchange(listener.descriptor, -1));
  retire(helper);
  return !cut;
}

}  // namespace libsql::net
