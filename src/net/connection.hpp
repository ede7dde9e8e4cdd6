// One accepted connection: what it waits for, and who may touch it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "net/byte_buffer.hpp"
#include "net/charge.hpp"
#include "net/http_parser.hpp"
#include "net/repeated_head.hpp"
#include "net/resolve.hpp"
#include "net/server_core.hpp"
#include "net/stream.hpp"

namespace libsql::net {

class HttpExchange;
class WebSocketPeer;

/// A slot for connections, used for one after the other. A generation number tells events of an earlier one.
///
/// Threads: whoever acquire()s it owns it until release() or its end, and only the owner touches what has no comment to
/// the contrary. An event for an owned connection is noted, and the owner looks again before it lets go.
class Connection {
 public:
  Connection(ServerCore& core, std::uint32_t index) : core_(core), index_(index), charge_(core.memory) {}

  // --- For the core ---
  std::uint32_t index() const noexcept { return index_; }
  /// What the slot's events are marked with: index and generation.
  std::uint64_t mark() const noexcept;
  /// Begins a connection. `tls` may be null.
  void begin(Worker& worker, int descriptor, const SocketAddress& peer, std::shared_ptr<Handler> handler,
             const TlsContext* tls, bool crowded);
  /// True: the caller is the owner now, and calls run(). False: the event is stale or the owner has been told.
  /// `events`: of epoll; 0 if something else has happened.
  bool acquire(std::uint32_t generation, std::uint32_t events);
  /// Works until there is nothing to do, and gives the ownership up.
  void run(Worker& worker);
  /// Any thread: ends it if it is waiting and its time is over.
  void enforce_deadline(std::int64_t now);
  /// Any thread: while a handler works for a peer that has ended its sending side, finds out whether it still listens.
  void probe(std::int64_t now);
  /// Any thread: the request that is parked, or the source that had nothing, may go on.
  void wake(std::uint32_t generation);
  /// Any thread: how much somebody would miss it, and since when it is what it is. Waiting: for the peer, or parked.
  enum class Worth : std::uint8_t { InUse, Waiting, Idle, Stranger, Ending };
  Worth worth() const noexcept;
  std::int64_t since() const noexcept { return since_.load(std::memory_order_relaxed); }
  /// Stands for whose it is, of one that is known; null if they are not told apart.
  const void* owner() const noexcept { return owner_.load(std::memory_order_relaxed); }
  /// Stands for the peer's network: an IPv4 address, or the half of an IPv6 address that one customer gets.
  std::uint64_t address() const noexcept { return address_.load(std::memory_order_relaxed); }
  /// Any thread: ends it if it is not in use. False if it is.
  bool drop();
  /// Any thread: ends it, whatever it does; a handler is told that its peer is gone.
  void cut();
  /// Any thread, when the server drains: ends it if it is idle, or asks a WebSocket to close.
  void drain();
  bool is_open() const noexcept { return (state_.load(std::memory_order_acquire) & kOpen) != 0; }

  // --- For the Exchange of the request at hand, by the owner ---
  /// Sends; what the peer does not take is kept and sent later. False if the connection is broken.
  bool send_or_keep(Worker& worker, std::string_view first, std::string_view second);
  /// The answer's body comes from there when the handler has returned.
  void set_source(std::string_view head, std::unique_ptr<BodySource> source, bool chunked, bool keep_alive);
  void park(std::int64_t until, std::shared_ptr<void> ticket);
  std::optional<std::chrono::steady_clock::time_point> parked_since() const noexcept { return parked_since_; }
  void set_known(const std::shared_ptr<MemoryAccount>& account);
  bool is_known() const noexcept { return known_.load(std::memory_order_relaxed); }
  bool is_crowded() const noexcept { return crowded_; }
  /// What the owner is going to write is the answer: from now on probe() does not write.
  void close_gate() noexcept;
  bool body_unread() const noexcept { return body_unread_; }
  bool close_asked() const noexcept { return close_asked_; }
  bool gone() const noexcept { return is_gone(state_.load(std::memory_order_acquire)); }
  std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(state_.load(std::memory_order_relaxed) >> kGenerationShift);
  }
  void set_gone_callback(std::function<void()> callback);
  std::string peer() const { return peer_.text(); }
  Stream& stream() noexcept { return stream_; }
  ServerCore& core() noexcept { return core_; }
  /// The connection becomes a WebSocket when the handler returns.
  void upgrade(std::shared_ptr<WebSocketPeer> websocket);

  // --- For the WebSocket, any thread that holds its lock ---
  void set_deadline(std::int64_t when) noexcept { deadline_.store(when, std::memory_order_relaxed); }
  void cut_socket() noexcept { stream_.shut_down(); }

 private:
  enum class Mode : std::uint8_t { Handshake, Http, WebSocket, Linger };
  enum class Phase : std::uint8_t { Head, Body };
  enum class Progress : std::uint8_t { NeedMore, Handled, Parked, Broken, Upgraded };

  static constexpr std::uint64_t kOwned = 1;
  static constexpr std::uint64_t kPending = 2;  // an event has come since the owner last looked
  static constexpr std::uint64_t kGone = 4;     // the peer has reset the connection or closed both sides
  static constexpr std::uint64_t kOpen = 8;
  static constexpr std::uint64_t kHalf = 16;    // the peer has closed at least its sending side
  static constexpr std::uint64_t kSocket = 32;  // it is a WebSocket, where that means that it is gone
  static bool is_gone(std::uint64_t state) noexcept {
    return (state & kGone) != 0 || (state & (kHalf | kSocket)) == (kHalf | kSocket);
  }
  static constexpr int kGenerationShift = 32;

  bool open(int descriptor, const SocketAddress& peer, std::shared_ptr<Handler> handler, const TlsContext* tls,
            bool crowded);
  bool watch(int operation, std::uint32_t events) noexcept;
  void watch_output() noexcept;
  bool release();
  void finish();
  void tell_gone(std::uint32_t generation);

  // Each works as far as it can. False: the connection is at its end.
  bool step(Worker& worker);
  bool step_handshake();
  bool step_http(Worker& worker);
  bool end_turn() noexcept;
  bool is_in_time() noexcept;
  bool step_websocket(Worker& worker);
  bool step_linger(Worker& worker);

  IoState fill(Worker& worker, ByteBuffer& in, std::size_t size);
  bool flush(Worker& worker);
  void stash(Worker& worker);
  void wait_until();
  bool pump(Worker& worker);
  void drop_source() noexcept;
  bool is_over_budget() noexcept;

  Progress take_request(Worker& worker, ByteBuffer& in);
  Progress take_head(Worker& worker, ByteBuffer& in);
  Progress take_body(Worker& worker, ByteBuffer& in);
  Progress handle(HttpExchange& exchange);
  void end_request();
  Progress refuse(Worker& worker, int status, std::string_view reason);
  std::int64_t transfer_deadline(std::int64_t start, std::uint64_t bytes) const noexcept;

  ServerCore& core_;
  const std::uint32_t index_;
  std::atomic<std::uint64_t> state_ = 0;
  std::atomic<std::int64_t> deadline_ = 0;  // of coarse_now(); 0: none. Looked at only while nobody is the owner.

  std::atomic<bool> wakes_at_deadline_ = false;  // instead of ending
  std::atomic<bool> woken_ = false;
  // For those who look for room. Changed by the owner.
  std::atomic<bool> known_ = false;
  std::atomic<bool> idle_ = false;  // between two requests
  std::atomic<bool> dropped_ = false;
  std::atomic<const void*> owner_ = nullptr;
  std::atomic<std::int64_t> since_ = 0;
  std::atomic<std::uint64_t> address_ = 0;
  // For probe(). The gate is open while a handler works and has written nothing.
  enum Gate : std::uint8_t { kShut, kAjar, kProbing };
  std::atomic<std::uint8_t> gate_ = kShut;
  std::atomic<std::int64_t> probe_at_ = 0;

  // Guards closing the socket against shutting it down from outside, and the callback against its removal.
  std::mutex mutex_;
  std::function<void()> gone_callback_;

  Stream stream_;
  SocketAddress peer_;
  std::shared_ptr<Handler> handler_;
  Mode mode_ = Mode::Http;
  Phase phase_ = Phase::Head;
  bool drained_ = false;         // the last read took all there was
  bool turn_is_over_ = false;    // it sends more than is read at once
  bool close_after_ = false;     // the connection ends when what is kept has been sent
  bool linger_ = false;          // and what the peer still sends is taken and dropped, so that it sees the answer
  bool body_unread_ = false;     // the request at hand has a body that is not all here
  bool watches_output_ = false;  // events say when the socket can be written
  bool close_asked_ = false;     // on_head() wants this request to be the last
  bool crowded_ = false;         // there was no room for it; it may ask one thing
  bool parked_ = false;          // the request at hand waits
  bool asked_ = false;           // a request has come
  std::size_t scanned_ = 0;      // of an incomplete head
  std::int64_t started_ = 0;     // when the first byte of the head, the body or the answer came or went
  std::uint64_t moved_ = 0;      // bytes of the body or the answer since then
  std::uint64_t body_limit_ = 0;
  std::uint64_t body_left_ = 0;
  ByteBuffer in_;                       // what did not make a whole request yet
  ByteBuffer out_;                      // what the peer did not take yet
  std::string head_text_;               // the head of a request whose body is still coming
  ByteBuffer body_;                     // a chunked body, put together
  HttpParser parser_;                   // of a body that comes in pieces
  RepeatedHead repeated_;               // of who is known
  Charge charge_;                       // for all of these
  std::unique_ptr<BodySource> source_;  // of the answer at hand
  std::string source_head_;             // what has to be sent before its first piece
  bool source_chunked_ = false;
  bool source_keep_alive_ = false;
  std::int64_t blocked_since_ = 0;  // while the peer takes nothing of it; 0: it takes
  std::int64_t blocked_ = 0;        // ms that it did so before
  std::shared_ptr<void> ticket_;    // of a parked request
  std::int64_t parked_until_ = 0;
  std::optional<std::chrono::steady_clock::time_point> parked_since_;
  std::shared_ptr<WebSocketPeer> websocket_;  // changed under mutex_
};

}  // namespace libsql::net
