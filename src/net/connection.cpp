#include "net/connection.hpp"

#include <sys/epoll.h>
#include <time.h>

#include <algorithm>

#include "net/error.hpp"
#include "net/websocket_peer.hpp"

namespace libsql::net {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kKeptMemory = 256 * 1024;          // of a worker's buffer
constexpr std::int64_t kLingerTime = 2000;               // ms; enough for a peer to see the answer and close
constexpr std::uint64_t kLingerBytes = 8 * 1024 * 1024;  // what a refused peer may still send meanwhile

}  // namespace

std::int64_t coarse_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

std::uint64_t Connection::mark() const noexcept {
  return (state_.load(std::memory_order_relaxed) >> kGenerationShift) << 32 | index_;
}

bool Connection::open(int descriptor, const SocketAddress& peer, std::shared_ptr<Handler> handler,
                      const TlsContext* tls) {
  const std::lock_guard<std::mutex> lock(mutex_);
  stream_ = Stream(descriptor);
  peer_ = peer;
  handler_ = std::move(handler);
  mode_ = tls != nullptr ? Mode::Handshake : Mode::Http;
  const std::chrono::milliseconds time = tls != nullptr ? core_.options().head_timeout : core_.options().idle_timeout;
  deadline_.store(time.count() > 0 ? coarse_now() + time.count() : 0, std::memory_order_relaxed);
  state_.store((state_.load(std::memory_order_relaxed) >> kGenerationShift << kGenerationShift) | kOpen | kOwned,
               std::memory_order_release);
  try {
    if (tls != nullptr) stream_.start_tls_server(*tls);
  } catch (const NetError&) {
    return false;
  }
  return true;
}

void Connection::begin(Worker& worker, int descriptor, const SocketAddress& peer, std::shared_ptr<Handler> handler,
                       const TlsContext* tls) {
  bool good = open(descriptor, peer, std::move(handler), tls);
  // Owned meanwhile, so that nobody ends it before it is registered.
  good = good && watch(EPOLL_CTL_ADD, EPOLLIN | EPOLLRDHUP | EPOLLET);
  if (!good) {
    finish();
  } else if (!release()) {
    run(worker);
  }
}

bool Connection::watch(int operation, std::uint32_t events) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u64 = mark();
  return ::epoll_ctl(core_.poll_descriptor(), operation, stream_.descriptor(), &event) == 0;
}

// Asks for an event when the socket can be written. Not from the beginning: a fresh socket can be, so that each
// connection would begin with an event about nothing. What has become possible meanwhile is reported too
// (epoll_ctl(2)).
void Connection::watch_output() noexcept {
  if (watches_output_) return;
  watches_output_ = true;
  watch(EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

bool Connection::acquire(std::uint32_t generation, bool gone) {
  std::uint64_t state = state_.load(std::memory_order_acquire);
  for (;;) {
    if (state >> kGenerationShift != generation || (state & kOpen) == 0) return false;
    const std::uint64_t wanted = state | (gone ? kGone : 0) | ((state & kOwned) != 0 ? kPending : kOwned);
    if (!state_.compare_exchange_weak(state, wanted, std::memory_order_acq_rel)) continue;
    if ((state & kOwned) == 0) return true;
    if (gone && (state & kGone) == 0) tell_gone(generation);
    return false;
  }
}

bool Connection::release() {
  std::uint64_t state = state_.load(std::memory_order_acquire);
  for (;;) {
    const bool pending = (state & kPending) != 0;
    const std::uint64_t wanted = pending ? state & ~kPending : state & ~kOwned;
    if (state_.compare_exchange_weak(state, wanted, std::memory_order_acq_rel)) return !pending;
  }
}

void Connection::tell_gone(std::uint32_t generation) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::uint64_t state = state_.load(std::memory_order_acquire);
  if (state >> kGenerationShift != generation || (state & kOwned) == 0) return;
  if (gone_callback_) gone_callback_();
  if (websocket_) websocket_->tell_gone();
}

void Connection::set_gone_callback(std::function<void()> callback) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!callback || !gone()) {
      gone_callback_ = std::move(callback);
      return;
    }
    gone_callback_ = nullptr;
  }
  callback();
}

void Connection::upgrade(std::shared_ptr<WebSocketPeer> websocket) {
  deadline_.store(0, std::memory_order_relaxed);
  core_.websockets.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard<std::mutex> lock(mutex_);
  websocket_ = std::move(websocket);
}

void Connection::enforce_deadline(std::int64_t now) {
  const auto over = [&] {
    const std::int64_t deadline = deadline_.load(std::memory_order_relaxed);
    return deadline != 0 && now > deadline && (state_.load(std::memory_order_acquire) & (kOpen | kOwned)) == kOpen;
  };
  if (!over()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!over()) return;
  deadline_.store(now + 1000, std::memory_order_relaxed);
  core_.timed_out.fetch_add(1, std::memory_order_relaxed);
  stream_.shut_down();
}

void Connection::cut() {
  std::uint64_t state = state_.load(std::memory_order_acquire);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    state = state_.load(std::memory_order_acquire);
    if ((state & kOpen) == 0) return;
    stream_.shut_down();
  }
  // The same as the event that the kernel will report, for the case that no worker is free to take it.
  state = state_.fetch_or(kGone, std::memory_order_acq_rel);
  if ((state & kGone) == 0) tell_gone(static_cast<std::uint32_t>(state >> kGenerationShift));
}

void Connection::drain() {
  const std::uint64_t state = state_.load(std::memory_order_acquire);
  if ((state & kOpen) == 0) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (websocket_) {  // On a worker, because a peer that takes nothing makes it wait.
      core_.post([websocket = websocket_] { websocket->close(close_code::kGoingAway, "the server is shutting down"); });
      return;
    }
  }
  if (!acquire(static_cast<std::uint32_t>(state >> kGenerationShift), false)) return;
  const bool idle = mode_ == Mode::Http && phase_ == Phase::Head && in_.empty() && out_.empty();
  // A request may be on its way; then there is something to read, and a worker answers it.
  if (idle && stream_.idle_and_open()) {
    finish();
  } else {
    core_.hand_over(*this);
  }
}

void Connection::run(Worker& worker) {
  do {
    drained_ = false;
    bool alive = false;
    try {
      alive = step(worker);
    } catch (const std::exception&) {
      alive = false;  // No memory is left for this connection.
    }
    if (!alive) {
      worker.scratch.clear();
      finish();
      return;
    }
  } while (!release());
}

bool Connection::step(Worker& worker) {
  for (;;) {
    const Mode mode = mode_;
    bool alive = false;
    switch (mode) {
      case Mode::Handshake:
        alive = step_handshake();
        break;
      case Mode::Http:
        alive = step_http(worker);
        break;
      case Mode::WebSocket:
        alive = step_websocket(worker);
        break;
      case Mode::Linger:
        alive = step_linger(worker);
        break;
    }
    if (!alive || mode_ == mode) return alive;
  }
}

void Connection::finish() {
  if (websocket_) {
    websocket_->detach();
    core_.websockets.fetch_sub(1, std::memory_order_relaxed);
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stream_.close();
    websocket_.reset();
    gone_callback_ = nullptr;
    const std::uint64_t generation = (state_.load(std::memory_order_relaxed) >> kGenerationShift) + 1;
    state_.store(generation << kGenerationShift, std::memory_order_release);
  }
  handler_.reset();
  phase_ = Phase::Head;
  close_after_ = linger_ = body_unread_ = close_asked_ = watches_output_ = false;
  scanned_ = handed_out_ = 0;
  started_ = 0;
  moved_ = 0;
  in_.release();
  out_.release();
  body_.release();
  parser_ = HttpParser();
  head_text_ = std::string();
  core_.give_back(*this);
}

IoState Connection::fill(Worker& worker, ByteBuffer& in, std::size_t size) {
  // After the peer's end there may be no further event, so then it is read until its end is seen.
  if (drained_ && !gone()) return IoState::WantRead;
  char* to = in.prepare(size);
  const std::size_t room = in.room();
  const IoResult result = mode_ == Mode::WebSocket ? websocket_->read(to, room) : stream_.read(to, room);
  if (result.state == IoState::Ready) {
    in.commit(result.bytes);
    // Less than asked for was all there was (epoll(7)); what comes later is an event of its own.
    drained_ = !stream_.encrypted() && result.bytes < room;
    worker.received.add(result.bytes);
    moved_ += result.bytes;
  } else if (result.state == IoState::WantWrite) {
    watch_output();
  }
  return result.state;
}

void Connection::stash(Worker& worker) {
  if (!worker.scratch.empty()) in_.append(worker.scratch.view());
  worker.scratch.clear();
  if (worker.scratch.capacity() > kKeptMemory) worker.scratch.release();
  if (in_.empty()) in_.release();
}

bool Connection::step_handshake() {
  switch (stream_.handshake()) {
    case IoState::Ready:
      mode_ = Mode::Http;
      wait_until();
      return true;
    case IoState::WantWrite:
      watch_output();
      return true;
    case IoState::WantRead:
      return true;
    case IoState::Closed:
    case IoState::Failed:
      break;
  }
  return false;
}

bool Connection::step_http(Worker& worker) {
  ByteBuffer* in = in_.empty() ? &worker.scratch : &in_;
  for (;;) {
    if (!out_.empty()) {
      if (!flush(worker)) return false;
      if (!out_.empty()) break;
    }
    if (close_after_) {
      if (!linger_) return false;
      stream_.end_output();
      mode_ = Mode::Linger;
      worker.scratch.clear();
      in_.release();
      moved_ = 0;
      deadline_.store(coarse_now() + kLingerTime, std::memory_order_relaxed);
      return true;
    }
    switch (take_request(worker, *in)) {
      case Progress::Handled:
        if (in_.empty()) in_.release();
        in = in_.empty() || !worker.scratch.empty() ? &worker.scratch : &in_;
        continue;
      case Progress::Broken:
        return false;
      case Progress::Upgraded:
        mode_ = Mode::WebSocket;
        stash(worker);
        return true;
      case Progress::NeedMore:
        break;
    }
    std::size_t size = kReadSize;
    if (phase_ == Phase::Body) {
      if (in == &worker.scratch) {
        stash(worker);
        in = &in_;
      }
      // Memory follows what really arrives, not what a peer announces.
      if (body_left_ > in->size()) {
        const std::size_t missing = static_cast<std::size_t>(body_left_) - in->size();
        size = std::min(missing, std::max(kReadSize, in->size()));
      }
    } else if (in == &in_) {
      size = 4096;
    }
    const IoState state = fill(worker, *in, size);
    if (state == IoState::Closed || state == IoState::Failed) return false;
    if (state != IoState::Ready) break;
  }
  stash(worker);
  wait_until();
  return true;
}

bool Connection::step_websocket(Worker& worker) {
  ByteBuffer* in = in_.empty() ? &worker.scratch : &in_;
  while (websocket_->take(*in)) {
    if (websocket_->missing() > 0 && in == &worker.scratch) {
      stash(worker);
      in = &in_;
    }
    const std::size_t size = std::clamp(websocket_->missing(), kReadSize, std::max(kReadSize, in->size()));
    const IoState state = fill(worker, *in, size);
    if (state == IoState::Closed || state == IoState::Failed) return false;
    if (state != IoState::Ready) {
      websocket_->release(*in);
      stash(worker);
      return true;
    }
  }
  worker.scratch.clear();
  in_.release();
  websocket_->detach();
  core_.websockets.fetch_sub(1, std::memory_order_relaxed);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    websocket_.reset();
  }
  mode_ = Mode::Linger;
  moved_ = 0;
  deadline_.store(coarse_now() + kLingerTime, std::memory_order_relaxed);
  return true;
}

bool Connection::step_linger(Worker& worker) {
  for (;;) {
    worker.scratch.clear();
    const IoState state = fill(worker, worker.scratch, kReadSize);
    if (state == IoState::Closed || state == IoState::Failed || moved_ > kLingerBytes) return false;
    if (state != IoState::Ready) return true;
  }
}

void Connection::wait_until() {
  const ServerOptions& options = core_.options();
  std::int64_t deadline = 0;
  if (!out_.empty()) watch_output();
  if (!out_.empty() || phase_ == Phase::Body) {
    deadline = transfer_deadline(started_, moved_);
    const std::int64_t stall = options.stall_timeout.count();
    if (!out_.empty() && stall > 0 && (deadline == 0 || deadline > coarse_now() + stall))
      deadline = coarse_now() + stall;
  } else if (started_ != 0) {
    deadline = options.head_timeout.count() > 0 ? started_ + options.head_timeout.count() : 0;
  } else if (options.idle_timeout.count() > 0) {
    deadline = coarse_now() + options.idle_timeout.count();
  }
  deadline_.store(deadline, std::memory_order_relaxed);
}

std::int64_t Connection::transfer_deadline(std::int64_t start, std::uint64_t bytes) const noexcept {
  const ServerOptions& options = core_.options();
  if (options.transfer_timeout.count() == 0) return 0;
  const std::uint64_t rate = std::max<std::uint64_t>(options.min_bytes_per_second, 1);
  return start + options.transfer_timeout.count() + static_cast<std::int64_t>(bytes / rate * 1000);
}

}  // namespace libsql::net
