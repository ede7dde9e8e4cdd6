#include "net/server_core.hpp"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <unordered_map>

#include "net/connection.hpp"
#include "net/error.hpp"
#include "net/resolve.hpp"

namespace libsql::net {
namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nDate: ";
constexpr std::string_view kDateForm = "Ddd, 00 Mmm 0000 00:00:00 GMT";

constexpr char kFull[] =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n\r\n"
    "too many connections\n";

[[noreturn]] void fail(int code, const std::string& what) {
  throw std::system_error(code, std::generic_category(), what);
}

int event_descriptor() {
  const int descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) fail(errno, "eventfd");
  return descriptor;
}

void watch_descriptor(int poll_descriptor, int operation, int descriptor, std::uint32_t events, std::uint64_t data) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = data;
  if (::epoll_ctl(poll_descriptor, operation, descriptor, &event) != 0) fail(errno, "epoll_ctl");
}

void set_option(int descriptor, int level, int name, int value) noexcept {
  ::setsockopt(descriptor, level, name, &value, sizeof value);
}

std::size_t default_workers() { return std::max(1u, std::thread::hardware_concurrency()); }

ServerOptions completed(ServerOptions options) {
  if (options.min_workers == 0) options.min_workers = default_workers();
  options.min_workers = std::max<std::size_t>(options.min_workers, 2);
  options.max_workers = std::max(options.max_workers, options.min_workers);
  options.max_connections = std::clamp<std::size_t>(options.max_connections, 1, 1u << 24);
  options.spare_connections = std::min<std::size_t>(options.spare_connections, 1u << 16);
  return options;
}

}  // namespace

void signal_event(int descriptor) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(descriptor, &one, sizeof one);
}

void Worker::renew_date() {
  const std::time_t now = ::time(nullptr);
  if (now == date_second_) [[likely]]
    return;
  // Not strftime(), which speaks the user's language.
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  const auto two = [](char* to, int value) {
    to[0] = static_cast<char>('0' + value / 10 % 10);
    to[1] = static_cast<char>('0' + value % 10);
  };
  ok_and_date_.assign(kOk).append(kDateForm).append("\r\n");
  char* const date = ok_and_date_.data() + kOk.size();
  std::copy_n(kDays[utc.tm_wday], 3, date);
  two(date + 5, utc.tm_mday);
  std::copy_n(kMonths[utc.tm_mon], 3, date + 8);
  two(date + 12, (utc.tm_year + 1900) / 100);
  two(date + 14, (utc.tm_year + 1900) % 100);
  two(date + 17, utc.tm_hour);
  two(date + 20, utc.tm_min);
  two(date + 23, utc.tm_sec);
  date_second_ = now;
}

std::string_view Worker::date() { return ok_and_date().substr(kOk.size(), kDateForm.size()); }

std::string_view Worker::ok_and_date() {
  renew_date();
  return ok_and_date_;
}

ServerCore::ServerCore(ServerOptions options)
    : memory(options.max_memory),
      strangers(options.stranger_memory),
      options_(completed(std::move(options))),
      retired_(*this),
      table_(new std::atomic<Connection*>[options_.max_connections + options_.spare_connections]) {
  std::fill_n(table_.get(), options_.max_connections + options_.spare_connections, nullptr);
  poll_descriptor_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (poll_descriptor_ < 0) fail(errno, "epoll_create1");
  task_descriptor_ = event_descriptor();
  end_descriptor_ = event_descriptor();
  watch_descriptor(poll_descriptor_, EPOLL_CTL_ADD, task_descriptor_, EPOLLIN | EPOLLET, kTaskMark);
  watch_descriptor(poll_descriptor_, EPOLL_CTL_ADD, end_descriptor_, EPOLLIN, kEndMark);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (std::size_t i = 0; i < options_.min_workers; ++i) start_worker();
  watcher_ = std::thread([this] { watch(); });
}

ServerCore::~ServerCore() {
  stop(Deadline::at(Deadline::Clock::now()));
  for (std::size_t i = 0; i < table_size_; ++i) delete table_[i].load();
  ::close(poll_descriptor_);
  ::close(task_descriptor_);
  ::close(end_descriptor_);
}

void ServerCore::start_worker() {
  Worker& worker = workers_.emplace_back(*this);
  // The host's signals are for the host's threads.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    worker.thread = std::thread([this, &worker] { work(worker); });
  } catch (const std::system_error&) {
    workers_.pop_back();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (running_workers_ == 0) throw;
    return;  // Those that there are have to do.
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ++running_workers_;
}

void ServerCore::work(Worker& worker) {
  ::pthread_setname_np(::pthread_self(), "libsql-net");
  worker.thread_id.store(static_cast<int>(::syscall(SYS_gettid)), std::memory_order_release);
  const int timeout = options_.worker_idle.count() > 0 ? static_cast<int>(options_.worker_idle.count()) : -1;
  for (;;) {
    epoll_event event{};
    worker.waits.store(true, std::memory_order_relaxed);
    idle_.fetch_add(1);
    // One event at a time: a second one would wait behind a handler that blocks, while others are free to take it.
    const int count = ::epoll_wait(poll_descriptor_, &event, 1, timeout);
    worker.waits.store(false, std::memory_order_relaxed);
    if (idle_.fetch_sub(1) == 1 && watcher_sleeps_.load()) {
      const std::lock_guard<std::mutex> lock(mutex_);
      changed_.notify_all();
    }
    if (count > 0) {
      const bool go_on = take_event(worker, event.data.u64, event.events);
      worker.polls.add(1);
      // Who gave way cannot come forward again; the watcher starts another one.
      if (go_on && !worker.gives_way.load(std::memory_order_relaxed)) continue;
    } else if (count < 0) {
      continue;  // EINTR
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    if (count == 0 && running_workers_ <= options_.min_workers && !worker.gives_way) continue;
    --running_workers_;
    worker.finished = true;
    changed_.notify_all();
    return;
  }
}

// False when the workers are to end.
bool ServerCore::take_event(Worker& worker, std::uint64_t data, std::uint32_t events) {
  const auto index = static_cast<std::uint32_t>(data);
  if (index == kEndMark) return false;
  if (index == kTaskMark) {
    run_task(worker);
  } else if ((index & kListenerBit) != 0) {
    accept_from(worker, index & ~kListenerBit);
  } else {
    Connection* connection = table_[index].load(std::memory_order_acquire);
    if (connection->acquire(static_cast<std::uint32_t>(data >> 32), events)) connection->run(worker);
  }
  return true;
}

void ServerCore::run_task(Worker& worker) {
  std::function<void(Worker&)> task;
  {
    const std::lock_guard<std::mutex> lock(task_mutex_);
    if (tasks_.empty()) return;
    task = std::move(tasks_.front());
    tasks_.pop_front();
    if (!tasks_.empty()) signal_event(task_descriptor_);  // Another worker takes the next one.
  }
  task(worker);
}

void ServerCore::post(std::function<void()> task) {
  queue_task([task = std::move(task)](Worker&) { task(); });
}

void ServerCore::hand_over(Connection& connection) {
  queue_task([&connection](Worker& worker) { connection.run(worker); });
}

void ServerCore::queue_task(std::function<void(Worker&)> task) {
  {
    const std::lock_guard<std::mutex> lock(task_mutex_);
    tasks_.push_back(std::move(task));
  }
  signal_event(task_descriptor_);
}

std::uint16_t ServerCore::listen(const Listener& listener, std::shared_ptr<Handler> handler) {
  std::vector<SocketAddress> addresses;
  try {
    addresses = resolve(listener.address, listener.port, Wait{Deadline::after(std::chrono::seconds(10)), nullptr});
  } catch (const NetError& error) {
    throw std::system_error(std::make_error_code(std::errc::address_not_available), error.what());
  }
  SocketAddress& address = addresses.front();
  const std::string text = "cannot listen on " + address.text();
  const int descriptor = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) fail(errno, text);
  Stream owner(descriptor);  // closes it if something below fails
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  // Accepted sockets inherit these (tcp(7)): answers leave at once, and peers that vanished are found.
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 4);
  if (::bind(descriptor, address.get(), address.length) != 0) fail(errno, text);
  if (::listen(descriptor, listener.backlog) != 0) fail(errno, text);
  SocketAddress bound;
  bound.length = sizeof bound.storage;
  if (::getsockname(descriptor, bound.get(), &bound.length) != 0) fail(errno, text);
  const std::uint16_t port =
      ntohs(bound.family() == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound.storage).sin6_port
                                       : reinterpret_cast<const sockaddr_in&>(bound.storage).sin_port);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (draining())
    throw std::system_error(std::make_error_code(std::errc::operation_canceled), "the server has been stopped");
  ListenSocket& entry = listeners_.emplace_back();
  entry.descriptor = descriptor;
  entry.port = port;
  entry.handler = std::move(handler);
  entry.tls = listener.tls;
  watch_descriptor(poll_descriptor_, EPOLL_CTL_ADD, descriptor, EPOLLIN | EPOLLET,
                   kListenerBit | static_cast<std::uint32_t>(listeners_.size() - 1));
  owner.release();
  return port;
}

void ServerCore::set_tls(std::uint16_t port, std::shared_ptr<const TlsContext> tls) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (ListenSocket& listener : listeners_) {
    if (listener.port == port) listener.tls = tls;
  }
}

void ServerCore::rearm(std::size_t index, int descriptor) {
  watch_descriptor(poll_descriptor_, EPOLL_CTL_MOD, descriptor, EPOLLIN | EPOLLET,
                   kListenerBit | static_cast<std::uint32_t>(index));
}

void ServerCore::signal_workers_to_end() noexcept { signal_event(end_descriptor_); }

void ServerCore::accept_from(Worker& worker, std::size_t index) {
  ListenSocket* listener = nullptr;
  int descriptor = -1;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    listener = &listeners_[index];
    if (draining()) return;
    descriptor = listener->descriptor;
  }
  SocketAddress peer;
  int accepted = -1;
  do {
    peer.length = sizeof peer.storage;
    accepted = ::accept4(descriptor, peer.get(), &peer.length, SOCK_CLOEXEC | SOCK_NONBLOCK);
  } while (accepted < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (accepted < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (errno == EMFILE || errno == ENFILE) make_room(true);
    const std::lock_guard<std::mutex> lock(mutex_);
    listener->paused = true;  // Out of descriptors or memory; the watcher tries again.
    return;
  }
  // If more are waiting, another worker takes the next one: this one may soon be in a handler that blocks.
  rearm(index, descriptor);
  admit(worker, accepted, peer, *listener);
}

void ServerCore::admit(Worker& worker, int descriptor, const SocketAddress& peer, ListenSocket& listener) {
  Stream owner(descriptor);
  std::shared_ptr<Handler> handler;
  std::shared_ptr<const TlsContext> tls;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    handler = listener.handler;
    tls = listener.tls;
  }
  bool crowded = connections_.load(std::memory_order_relaxed) >= options_.max_connections;
  if (crowded && make_room(false)) crowded = false;
  Connection* connection = nullptr;
  {
    const std::lock_guard<std::mutex> lock(table_mutex_);
    if (connections_.load(std::memory_order_relaxed) >= options_.max_connections + options_.spare_connections) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      if (!tls) static_cast<void>(owner.write({kFull, sizeof kFull - 1}));
      return;
    }
    if (free_.empty()) {
      const std::size_t index = table_size_.load(std::memory_order_relaxed);
      connection = new Connection(*this, static_cast<std::uint32_t>(index));
      table_[index].store(connection, std::memory_order_release);
      table_size_.store(index + 1, std::memory_order_release);
    } else {
      connection = table_[free_.back()].load(std::memory_order_relaxed);
      free_.pop_back();
    }
    connections_.fetch_add(1, std::memory_order_relaxed);
  }
  accepted_.fetch_add(1, std::memory_order_relaxed);
  owner.release();
  connection->begin(worker, descriptor, peer, std::move(handler), tls.get(), crowded);
}

// Ends connections that nobody would miss, if there are too many (or at any rate). Which: strangers of the address that
// has most of them, as somebody who opens many is likely to have one address; else those that are idle between two
// requests, whose clients open another one; else, if one bearer has more than half of all, those of its connections
// that wait for it. Always the oldest ones, and some at a time, as this looks at all. False if there is none.
bool ServerCore::make_room(bool at_any_rate) {
  struct Candidate {
    Connection* connection;
    std::int64_t since;
    std::uint64_t whose;
  };
  std::vector<Candidate> strangers_found;
  std::vector<Candidate> idle;
  std::vector<Candidate> waiting;
  std::size_t ending = 0;
  const std::lock_guard<std::mutex> lock(room_mutex_);
  for_each_connection([&](Connection& connection) {
    switch (connection.worth()) {
      case Connection::Worth::InUse:
        break;
      case Connection::Worth::Ending:
        ++ending;
        break;
      case Connection::Worth::Stranger:
        strangers_found.push_back({&connection, connection.since(), connection.address()});
        break;
      case Connection::Worth::Idle:
        idle.push_back({&connection, connection.since(), 0});
        break;
      case Connection::Worth::Waiting:
        if (const void* owner = connection.owner()) {
          waiting.push_back({&connection, connection.since(), reinterpret_cast<std::uintptr_t>(owner)});
        }
        break;
    }
  });
  const std::size_t open = connections_.load(std::memory_order_relaxed);
  if (!at_any_rate && open < options_.max_connections + ending) return true;  // The last time did it.
  // Leaves those of whoever has most, and says how many.
  const auto keep_most = [](std::vector<Candidate>& candidates) {
    std::unordered_map<std::uint64_t, std::size_t> counts;
    for (const Candidate& each : candidates) ++counts[each.whose];
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most == counts.end()) return std::size_t{0};
    std::erase_if(candidates, [&](const Candidate& each) { return each.whose != most->first; });
    return candidates.size();
  };
  std::vector<Candidate>* candidates = &strangers_found;
  if (keep_most(strangers_found) == 0) candidates = &idle;
  if (candidates->empty() && keep_most(waiting) > options_.max_connections / 2) candidates = &waiting;
  const std::size_t count = std::min(candidates->size(), 1 + options_.max_connections / 64);
  std::partial_sort(candidates->begin(), candidates->begin() + static_cast<std::ptrdiff_t>(count), candidates->end(),
                    [](const Candidate& a, const Candidate& b) { return a.since < b.since; });
  bool made = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (!(*candidates)[i].connection->drop()) continue;
    dropped_.fetch_add(1, std::memory_order_relaxed);
    made = true;
  }
  return made;
}

void ServerCore::give_back(Connection& connection) {
  {
    const std::lock_guard<std::mutex> lock(table_mutex_);
    free_.push_back(connection.index());
    connections_.fetch_sub(1, std::memory_order_relaxed);
  }
  if (draining()) {
    const std::lock_guard<std::mutex> lock(mutex_);
    changed_.notify_all();
  }
}

}  // namespace libsql::net
