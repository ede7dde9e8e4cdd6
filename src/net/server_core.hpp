// The inside of a Server: its workers, its listeners and the table of its connections.
//
// All workers wait in epoll_wait() on one descriptor. The kernel wakes the one that waited last, one event at a time,
// and that worker reads, runs the handler and answers, without handing anything to another thread. Sockets are
// registered once, edge-triggered; who owns a connection meanwhile is decided by an atomic word in it (connection.hpp).
// What other events arrive for an owned connection is noted there, and that is also how the peer's end is noticed while
// a handler works. When all workers are kept, and there may be no more, the watcher takes the events instead: it notes
// who is gone, and leaves the rest for the first worker that comes free.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/byte_buffer.hpp"
#include "net/http_parser.hpp"
#include "net/memory_account.hpp"
#include "net/server.hpp"

namespace libsql::net {

class Connection;
class ServerCore;
struct SocketAddress;

/// Milliseconds of a monotonic clock that is cheap to read and a few milliseconds coarse.
std::int64_t coarse_now() noexcept;

/// Makes an event descriptor readable.
void signal_event(int descriptor) noexcept;

/// What an event names when it is no connection; connections have the indexes below.
inline constexpr std::uint32_t kListenerBit = 0x80000000;
inline constexpr std::uint32_t kTaskMark = 0xfffffffe;
inline constexpr std::uint32_t kEndMark = 0xffffffff;

/// A counter that one thread advances and others read.
class Counter {
 public:
  void add(std::uint64_t value) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

/// One thread of the pool, with the memory that it reuses from request to request.
struct Worker {
  explicit Worker(ServerCore& server) : core(server) {}

  /// The Date header's value for now (RFC 9110 6.6.1), renewed once a second.
  std::string_view date();
  /// How an answer with status 200 begins: the first line and that field.
  std::string_view ok_and_date();

  ServerCore& core;
  std::thread thread;
  ByteBuffer scratch;     // what was read from the connection at hand
  HttpParser parser;      // of the request at hand
  RequestHead head;       // its head, parsed
  std::string head_text;  // an answer's head
  std::string body;       // what Exchange::buffer() hands out
  Counter requests;
  Counter bad_requests;
  Counter received;
  Counter sent;
  Counter polls;
  bool finished = false;  // under the core's mutex: the thread has ended and wants to be joined

  // For the watcher, who makes those give way that use much of a processor for one event.
  std::atomic<int> thread_id = 0;
  std::atomic<bool> waits = false;
  std::atomic<bool> gives_way = false;
  std::uint64_t seen_polls = 0;  // the watcher's
  std::int64_t seen_time = -1;   // of the processor, in us, when that event was first seen; -1: not yet

 private:
  void renew_date();

  std::int64_t date_second_ = -1;
  std::string ok_and_date_;
};

struct ListenSocket {
  int descriptor = -1;
  std::uint16_t port = 0;
  std::shared_ptr<Handler> handler;
  std::shared_ptr<const TlsContext> tls;  // under the core's mutex
  bool paused = false;                    // under the core's mutex: out of descriptors, to be tried again
};

class ServerCore {
 public:
  explicit ServerCore(ServerOptions options);
  ~ServerCore();
  ServerCore(const ServerCore&) = delete;
  ServerCore& operator=(const ServerCore&) = delete;

  std::uint16_t listen(const Listener& listener, std::shared_ptr<Handler> handler);
  void set_tls(std::uint16_t port, std::shared_ptr<const TlsContext> tls);
  void post(std::function<void()> task);
  /// For connections: some worker runs `connection`, whose owner the caller was.
  void hand_over(Connection& connection);
  ServerStatistics statistics() const;
  bool stop(Deadline deadline);

  const ServerOptions& options() const noexcept { return options_; }
  int poll_descriptor() const noexcept { return poll_descriptor_; }
  bool draining() const noexcept { return draining_.load(std::memory_order_relaxed); }

  /// For connections: their end. Afterwards the slot is someone else's.
  void give_back(Connection& connection);
  /// What threads other than workers have sent.
  void count_sent(std::uint64_t bytes) noexcept { other_sent_.fetch_add(bytes, std::memory_order_relaxed); }

  std::atomic<std::uint64_t> timed_out = 0;
  std::atomic<std::size_t> websockets = 0;
  MemoryAccount memory;     // of all connections
  MemoryAccount strangers;  // of those of strangers

 private:
  void start_worker();  // with mutex_ held
  void work(Worker& worker);
  bool take_event(Worker& worker, std::uint64_t data, std::uint32_t events);
  void run_task(Worker& worker);
  void queue_task(std::function<void(Worker&)> task);
  void accept_from(Worker& worker, std::size_t index);
  void admit(Worker& worker, int descriptor, const SocketAddress& peer, ListenSocket& listener);
  void resume_listeners();
  /// Asks for an event if a connection waits at that listener, now or later.
  void rearm(std::size_t index, int descriptor);
  void join_finished();  // with mutex_ held
  void retire(const Worker& worker);
  void signal_workers_to_end() noexcept;
  void watch();
  bool add_workers_if_stuck();
  void take_notes();
  bool is_crowd() const noexcept;         // with mutex_ held, as the next
  void put_behind(std::int64_t longest);  // us of a processor for one event
  void put_behind(Worker& worker, std::int64_t longest);
  bool make_room(bool at_any_rate);
  template <class Action>
  void for_each_connection(Action action) {
    const std::size_t size = table_size_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < size; ++i) action(*table_[i].load(std::memory_order_acquire));
  }
  void close_listeners();

  const ServerOptions options_;
  int poll_descriptor_ = -1;
  int task_descriptor_ = -1;  // readable (an edge each time) when a task has been posted
  int end_descriptor_ = -1;   // readable for good when the workers are to end

  alignas(64) std::atomic<int> idle_ = 0;  // workers that wait
  std::atomic<bool> watcher_sleeps_ = false;
  std::atomic<bool> draining_ = false;

  mutable std::mutex mutex_;
  std::condition_variable changed_;  // for the watcher and for stop()
  std::list<Worker> workers_;
  std::size_t running_workers_ = 0;
  std::deque<ListenSocket> listeners_;  // never shrinks: events name them by index
  std::thread watcher_;
  bool ending_ = false;
  bool stopped_ = false;
  Worker retired_;  // the counters of workers that have ended

  std::mutex room_mutex_;  // one at a time looks for whom to drop
  mutable std::mutex table_mutex_;
  // Slots are made when first needed and live as long as the server: a stale event may still name one.
  std::unique_ptr<std::atomic<Connection*>[]> table_;
  std::atomic<std::size_t> table_size_ = 0;
  std::vector<std::uint32_t> free_;
  std::atomic<std::size_t> connections_ = 0;

  std::mutex task_mutex_;
  std::deque<std::function<void(Worker&)>> tasks_;

  std::atomic<std::uint64_t> accepted_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::atomic<std::uint64_t> other_sent_ = 0;

  // The watcher's.
  std::uint64_t last_polls_ = 0;
  std::int64_t last_sweep_ = 0;
};

}  // namespace libsql::net
