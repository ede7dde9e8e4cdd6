#include "net/connection.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "net/error.hpp"
#include "net/websocket_peer.hpp"

namespace libsql::net {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kKeptMemory = 256 * 1024;          // of a worker's buffer
constexpr std::int64_t kLingerTime = 2000;               // ms; enough for a peer to see the answer and close
constexpr std::uint64_t kLingerBytes = 8 * 1024 * 1024;  // what a refused peer may still send meanwhile
// The same for one that is known: most clients only look for an answer when they have sent everything.
constexpr std::int64_t kKnownLingerTime = 30'000;
constexpr std::uint64_t kKnownLingerBytes = 512 * 1024 * 1024;

// Of what one connection may have done before others have their turn, if it sends faster than it is served: requests,
// reads, frames. Else as many such peers as there are workers would keep them all.
constexpr int kTurn = 64;

// Before a peer that has ended its sending side is asked whether it still listens: most answers take less, and a client
// might not expect the question.
constexpr std::int64_t kProbeTime = 1500;
constexpr std::int64_t kCrowdedTime = 3000;  // ms; for the one request that is allowed when there is no room

std::uint64_t network_of(const SocketAddress& peer) noexcept {
  if (peer.family() == AF_INET) return reinterpret_cast<const sockaddr_in&>(peer.storage).sin_addr.s_addr;
  if (peer.family() != AF_INET6) return 0;
  const in6_addr& address = reinterpret_cast<const sockaddr_in6&>(peer.storage).sin6_addr;
  std::uint64_t network = 0;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    std::memcpy(&network, address.s6_addr + 12, 4);
  } else {
    std::memcpy(&network, address.s6_addr, 8);
  }
  return network;
}

// Of two times, of which 0 means never.
std::int64_t sooner(std::int64_t a, std::int64_t b) noexcept { return a == 0 || (b != 0 && b < a) ? b : a; }

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
                      const TlsContext* tls, bool crowded) {
  const std::lock_guard<std::mutex> lock(mutex_);
  stream_ = Stream(descriptor);
  peer_ = peer;
  handler_ = std::move(handler);
  mode_ = tls != nullptr ? Mode::Handshake : Mode::Http;
  crowded_ = crowded;
  const ServerOptions& options = core_.options();
  const std::int64_t now = coarse_now();
  const auto after = [now](std::chrono::milliseconds time) { return time.count() > 0 ? now + time.count() : 0; };
  std::int64_t deadline = after(tls != nullptr ? options.head_timeout : options.idle_timeout);
  deadline = sooner(deadline, after(options.stranger_timeout));
  if (crowded) deadline = sooner(deadline, now + kCrowdedTime);
  deadline_.store(deadline, std::memory_order_relaxed);
  since_.store(now, std::memory_order_relaxed);
  address_.store(network_of(peer), std::memory_order_relaxed);
  charge_.move_to(std::shared_ptr<MemoryAccount>(std::shared_ptr<void>(), &core_.strangers));
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
                       const TlsContext* tls, bool crowded) {
  bool good = open(descriptor, peer, std::move(handler), tls, crowded);
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

bool Connection::acquire(std::uint32_t generation, std::uint32_t events) {
  const std::uint64_t seen =
      ((events & (EPOLLHUP | EPOLLERR)) != 0 ? kGone : 0) | ((events & EPOLLRDHUP) != 0 ? kHalf : 0);
  std::uint64_t state = state_.load(std::memory_order_acquire);
  for (;;) {
    if (state >> kGenerationShift != generation || (state & kOpen) == 0) return false;
    if ((seen & kHalf) != 0 && (state & kHalf) == 0)
      probe_at_.store(coarse_now() + kProbeTime, std::memory_order_relaxed);
    const std::uint64_t wanted = state | seen | ((state & kOwned) != 0 ? kPending : kOwned);
    if (!state_.compare_exchange_weak(state, wanted, std::memory_order_acq_rel)) continue;
    if ((state & kOwned) == 0) return true;
    if (is_gone(wanted) && !is_gone(state)) tell_gone(generation);
    return false;
  }
}

void Connection::wake(std::uint32_t generation) {
  if (this->generation() != generation) return;
  woken_.store(true, std::memory_order_release);
  if (acquire(generation, 0)) core_.hand_over(*this);
}

Connection::Worth Connection::worth() const noexcept {
  const std::uint64_t state = state_.load(std::memory_order_acquire);
  if ((state & kOpen) == 0) return Worth::InUse;
  if (dropped_.load(std::memory_order_relaxed)) return Worth::Ending;
  if ((state & kOwned) != 0) return Worth::InUse;
  if (!known_.load(std::memory_order_relaxed)) return Worth::Stranger;
  return idle_.load(std::memory_order_relaxed) ? Worth::Idle : Worth::Waiting;
}

bool Connection::drop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const Worth now = worth();
  if (now == Worth::InUse || now == Worth::Ending) return false;
  dropped_.store(true, std::memory_order_relaxed);
  stream_.shut_down();
  return true;
}

void Connection::set_known(const std::shared_ptr<MemoryAccount>& account) {
  if (known_.load(std::memory_order_relaxed) && charge_.owner() == account.get()) [[likely]]
    return;
  known_.store(true, std::memory_order_relaxed);
  owner_.store(account.get(), std::memory_order_relaxed);
  charge_.move_to(account);
}

// The kernel says the same of a peer that has closed its socket and of one that has only ended its sending side, which
// HTTP allows, until something is sent to it. An interim answer may be sent at any time (RFC 9110 15.2).
void Connection::probe(std::int64_t now) {
  const auto is_due = [&](std::uint64_t state) {
    return (state & (kOpen | kOwned | kHalf | kGone | kSocket)) == (kOpen | kOwned | kHalf) &&
           now >= probe_at_.load(std::memory_order_relaxed);
  };
  if (!is_due(state_.load(std::memory_order_acquire))) return;
  const std::lock_guard<std::mutex> lock(mutex_);  // The socket stays open meanwhile.
  if (!is_due(state_.load(std::memory_order_acquire))) return;
  std::uint8_t ajar = kAjar;
  if (!gate_.compare_exchange_strong(ajar, kProbing, std::memory_order_acq_rel)) return;
  constexpr std::string_view kInterim = "HTTP/1.1 100 Continue\r\n\r\n";
  const IoResult result = stream_.write(kInterim);
  if (result.state == IoState::Ready && result.bytes != kInterim.size()) stream_.shut_down();
  probe_at_.store(now + kProbeTime, std::memory_order_relaxed);
  gate_.store(kAjar, std::memory_order_release);
}

void Connection::close_gate() noexcept {
  for (;;) {
    std::uint8_t ajar = kAjar;
    if (gate_.compare_exchange_weak(ajar, kShut, std::memory_order_acq_rel) || ajar == kShut) return;
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
  deadline_.store(websocket->first_deadline(), std::memory_order_relaxed);
  core_.websockets.fetch_add(1, std::memory_order_relaxed);
  watch_output();
  if (!out_.empty()) websocket->keep(out_.view());
  out_.release();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    websocket_ = std::move(websocket);
  }
  idle_.store(false, std::memory_order_relaxed);
  state_.fetch_or(kSocket, std::memory_order_acq_rel);
}

void Connection::enforce_deadline(std::int64_t now) {
  const auto over = [&] {
    const std::int64_t deadline = deadline_.load(std::memory_order_relaxed);
    return deadline != 0 && now > deadline && (state_.load(std::memory_order_acquire) & (kOpen | kOwned)) == kOpen;
  };
  if (!over()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!over()) return;
  if (wakes_at_deadline_.load(std::memory_order_relaxed)) {
    deadline_.store(0, std::memory_order_relaxed);
    return wake(generation());
  }
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
  if (!is_gone(state)) tell_gone(static_cast<std::uint32_t>(state >> kGenerationShift));
}

void Connection::drain() {
  const std::uint64_t state = state_.load(std::memory_order_acquire);
  if ((state & kOpen) == 0) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (websocket_) return websocket_->close(close_code::kGoingAway, "the server is shutting down");
  }
  if (!acquire(static_cast<std::uint32_t>(state >> kGenerationShift), 0)) return;
  const bool idle =
      mode_ == Mode::Http && phase_ == Phase::Head && in_.empty() && out_.empty() && source_ == nullptr && !parked_;
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
    if (alive && std::exchange(turn_is_over_, false)) {
      try {
        core_.hand_over(*this);  // It may belong to another worker now.
        return;
      } catch (const std::exception&) {
        alive = false;
      }
    }
    if (!alive) {
      worker.scratch.clear();
      finish();
      return;
    }
  } while (!release());
}

// Nobody else looks at the deadline of a connection that is owned, and one that sends all the time always is.
bool Connection::is_in_time() noexcept {
  const std::int64_t deadline = deadline_.load(std::memory_order_relaxed);
  if (deadline == 0 || coarse_now() <= deadline) return true;
  core_.timed_out.fetch_add(1, std::memory_order_relaxed);
  return false;
}

// It goes on as soon as others had their turn. False: its time is over.
bool Connection::end_turn() noexcept {
  turn_is_over_ = is_in_time();
  return turn_is_over_;
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
  close_gate();
  if (websocket_) {
    websocket_->detach();
    core_.websockets.fetch_sub(1, std::memory_order_relaxed);
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stream_.close();
    websocket_.reset();
    gone_callback_ = nullptr;
    wakes_at_deadline_.store(false, std::memory_order_relaxed);
    known_.store(false, std::memory_order_relaxed);
    owner_.store(nullptr, std::memory_order_relaxed);
    idle_.store(false, std::memory_order_relaxed);
    dropped_.store(false, std::memory_order_relaxed);
    woken_.store(false, std::memory_order_relaxed);
    const std::uint64_t generation = (state_.load(std::memory_order_relaxed) >> kGenerationShift) + 1;
    state_.store(generation << kGenerationShift, std::memory_order_release);
  }
  source_.reset();
  ticket_.reset();
  parked_since_.reset();
  handler_.reset();
  phase_ = Phase::Head;
  close_after_ = linger_ = body_unread_ = close_asked_ = watches_output_ = crowded_ = parked_ = asked_ = false;
  scanned_ = 0;
  blocked_ = blocked_since_ = 0;
  started_ = 0;
  moved_ = 0;
  in_.release();
  out_.release();
  body_.release();
  parser_ = HttpParser();
  repeated_.forget();
  head_text_ = std::string();
  source_head_ = std::string();
  charge_.set(0);
  charge_.move_to(nullptr);
  core_.give_back(*this);
}

IoState Connection::fill(Worker& worker, ByteBuffer& in, std::size_t size) {
  // After the peer's end there may be no further event, so then it is read until its end is seen.
  if (drained_ && (state_.load(std::memory_order_acquire) & (kGone | kHalf)) == 0) return IoState::WantRead;
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
  charge_.set(in_.size() + body_.size() + out_.size() + (websocket_ ? websocket_->held() : 0));
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
  if (parked_) {
    if (!woken_.exchange(false, std::memory_order_acq_rel)) return !gone();
    parked_ = false;
    ticket_.reset();
    wakes_at_deadline_.store(false, std::memory_order_relaxed);
  }
  idle_.store(false, std::memory_order_relaxed);
  ByteBuffer* in = in_.empty() ? &worker.scratch : &in_;
  for (int left = kTurn;; --left) {
    if (left < 0) {
      stash(worker);
      wait_until();
      return end_turn();
    }
    if (!out_.empty()) {
      if (!flush(worker)) return false;
      if (!out_.empty()) break;
    }
    if (source_ != nullptr) {
      if (gone() || !pump(worker)) return false;
      if (source_ != nullptr || !out_.empty()) break;
      continue;
    }
    if (close_after_) {
      if (!linger_) return false;
      stream_.end_output();
      mode_ = Mode::Linger;
      worker.scratch.clear();
      in_.release();
      charge_.set(0);
      moved_ = 0;
      deadline_.store(coarse_now() + (is_known() ? kKnownLingerTime : kLingerTime), std::memory_order_relaxed);
      return true;
    }
    switch (take_request(worker, *in)) {
      case Progress::Handled:
        if (in_.empty()) in_.release();
        in = in_.empty() || !worker.scratch.empty() ? &worker.scratch : &in_;
        continue;
      case Progress::Parked:
        stash(worker);
        wait_until();
        return true;
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
    if (phase_ == Phase::Body && is_over_budget()) {
      const char* const whose = !charge_.is_own_over() ? "incomplete requests have reached the server's limit"
                                : is_known()           ? "incomplete requests have reached this bearer's limit"
                                             : "incomplete requests have reached the limit of unauthenticated clients";
      in_.release();
      body_.release();
      charge_.set(0);
      in = &worker.scratch;
      if (refuse(worker, 503, whose) == Progress::Broken) return false;
    }
  }
  stash(worker);
  wait_until();
  return is_in_time();
}

// With what has just arrived.
bool Connection::is_over_budget() noexcept {
  charge_.set(in_.size() + body_.size() + out_.size());
  return charge_.is_over();
}

void Connection::set_source(std::string_view head, std::unique_ptr<BodySource> source, bool chunked, bool keep_alive) {
  set_gone_callback([to = source.get()] { to->stop(); });
  source_head_ = head;
  source_ = std::move(source);
  source_chunked_ = chunked;
  source_keep_alive_ = keep_alive;
  blocked_ = blocked_since_ = 0;
  moved_ = 0;
}

void Connection::drop_source() noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    gone_callback_ = nullptr;
  }
  source_.reset();
}

// Sends what the source gives, as long as the peer takes it. False: the connection is at its end.
bool Connection::pump(Worker& worker) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string& piece = worker.body;
  std::string& text = worker.head_text;
  while (source_ != nullptr && out_.empty()) {
    piece.clear();
    const BodySource::Next next = source_->pull(piece);
    if (next == BodySource::Next::Broken) return false;
    text.clear();
    if (!piece.empty() || next == BodySource::Next::End) text.swap(source_head_);
    if (!piece.empty() && source_chunked_) {
      char digits[16];
      std::size_t at = sizeof digits;
      for (std::size_t left = piece.size(); left != 0; left >>= 4) digits[--at] = kDigits[left & 15];
      text.append(digits + at, sizeof digits - at).append("\r\n").append(piece).append("\r\n");
    } else {
      text.append(piece);
    }
    if (next == BodySource::Next::End) {
      if (source_chunked_) text.append("0\r\n\r\n");
      close_after_ = !source_keep_alive_;
      drop_source();
    }
    if (!text.empty() && !send_or_keep(worker, text, {})) return false;
    if (next == BodySource::Next::Later) break;
  }
  if (piece.capacity() > kKeptMemory) std::string().swap(piece);
  if (text.capacity() > kKeptMemory) std::string().swap(text);
  return true;
}

bool Connection::step_websocket(Worker& worker) {
  if (!websocket_->flush()) return false;
  ByteBuffer* in = in_.empty() ? &worker.scratch : &in_;
  int left = kTurn;
  while (websocket_->take(*in, left)) {
    if (left <= 0 && !websocket_->is_paused()) {
      websocket_->release(*in);
      stash(worker);
      websocket_->wait(!in_.empty());
      return end_turn();
    }
    if (websocket_->is_paused()) {
      websocket_->release(*in);
      stash(worker);
      websocket_->wait(false);
      return !gone();
    }
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
      websocket_->wait(!in_.empty());
      return true;
    }
    if (in == &in_) {
      charge_.set(in_.size() + websocket_->held());
      if (charge_.is_over()) {
        websocket_->close(close_code::kTryAgainLater, "incomplete messages have reached their limit");
        break;
      }
    }
  }
  worker.scratch.clear();
  in_.release();
  charge_.set(0);
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
    if (state == IoState::Closed || state == IoState::Failed) return false;
    if (moved_ > (is_known() ? kKnownLingerBytes : kLingerBytes)) return false;
    if (state != IoState::Ready) return true;
  }
}

void Connection::wait_until() {
  const ServerOptions& options = core_.options();
  const std::int64_t now = coarse_now();
  std::int64_t deadline = 0;
  if (!out_.empty()) watch_output();
  if (parked_) {
    deadline = parked_until_;
    wakes_at_deadline_.store(true, std::memory_order_relaxed);
  } else if (!out_.empty() && source_ != nullptr) {
    // Only the peer's own time counts, that in which something waited for it.
    if (blocked_since_ == 0) blocked_since_ = now;
    deadline = transfer_deadline(blocked_since_ - blocked_, moved_);
  } else if (source_ != nullptr) {
    deadline = 0;  // What it waits for, it has to bound.
  } else if (!out_.empty() || phase_ == Phase::Body) {
    deadline = transfer_deadline(started_, moved_);
  } else if (started_ != 0) {
    deadline = options.head_timeout.count() > 0 ? started_ + options.head_timeout.count() : 0;
  } else {
    idle_.store(true, std::memory_order_relaxed);
    if (options.idle_timeout.count() > 0) deadline = now + options.idle_timeout.count();
    if (!asked_ && options.stranger_timeout.count() > 0) {
      deadline = sooner(deadline, since() + options.stranger_timeout.count());
    }
  }
  if (!out_.empty() && options.stall_timeout.count() > 0)
    deadline = sooner(deadline, now + options.stall_timeout.count());
  if (crowded_) deadline = sooner(deadline, since() + kCrowdedTime);
  if (asked_) since_.store(now, std::memory_order_relaxed);
  deadline_.store(deadline, std::memory_order_relaxed);
}

std::int64_t Connection::transfer_deadline(std::int64_t start, std::uint64_t bytes) const noexcept {
  const ServerOptions& options = core_.options();
  if (options.transfer_timeout.count() == 0) return 0;
  const std::uint64_t rate = std::max<std::uint64_t>(options.min_bytes_per_second, 1);
  return start + options.transfer_timeout.count() + static_cast<std::int64_t>(bytes / rate * 1000);
}

}  // namespace libsql::net
