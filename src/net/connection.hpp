// One accepted connection: what it waits for, and who may touch it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/byte_buffer.hpp"
#include "net/http_parser.hpp"
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
  Connection(ServerCore& core, std::uint32_t index) : core_(core), index_(index) {}

  // --- For the core ---
  std::uint32_t index() const noexcept { return index_; }
  /// What the slot's events are marked with: index and generation.
  std::uint64_t mark() const noexcept;
  /// Begins a connection. `tls` may be null.
  void begin(Worker& worker, int descriptor, const SocketAddress& peer, std::shared_ptr<Handler> handler,
             const TlsContext* tls);
  /// True: the caller is the owner now, and calls run(). False: the event is stale or the owner has been told.
  bool acquire(std::uint32_t generation, bool gone);
  /// Works until there is nothing to do, and gives the ownership up.
  void run(Worker& worker);
  /// Any thread: ends it if it is waiting and its time is over.
  void enforce_deadline(std::int64_t now);
  /// Any thread: ends it, whatever it does; a handler is told that its peer is gone.
  void cut();
  /// Any thread, when the server drains: ends it if it is idle, or asks a WebSocket to close.
  void drain();
  bool is_open() const noexcept { return (state_.load(std::memory_order_acquire) & kOpen) != 0; }

  // --- For the Exchange of the request at hand, by the owner ---
  /// Sends; what the peer does not take is kept and sent later. False if the connection is broken.
  bool send_or_keep(Worker& worker, std::string_view first, std::string_view second);
  /// Sends all, waiting for the peer. False if it is gone or takes nothing for too long.
  bool send_all(Worker& worker, std::string_view first, std::string_view second);
  /// The next piece of a streamed body; see Exchange::read_body().
  std::string_view read_body(Worker& worker);
  bool body_unread() const noexcept { return body_unread_; }
  bool close_asked() const noexcept { return close_asked_; }
  bool gone() const noexcept { return (state_.load(std::memory_order_acquire) & kGone) != 0; }
  void set_gone_callback(std::function<void()> callback);
  std::string peer() const { return peer_.text(); }
  Stream& stream() noexcept { return stream_; }
  ServerCore& core() noexcept { return core_; }
  /// The connection becomes a WebSocket when the handler returns.
  void upgrade(std::shared_ptr<WebSocketPeer> websocket);

  // --- For the WebSocket, any thread that holds its lock ---
  void set_deadline(std::int64_t when) noexcept { deadline_.store(when, std::memory_order_relaxed); }

 private:
  enum class Mode : std::uint8_t { Handshake, Http, WebSocket, Linger };
  enum class Phase : std::uint8_t { Head, Body };
  enum class Progress : std::uint8_t { NeedMore, Handled, Broken, Upgraded };

  static constexpr std::uint64_t kOwned = 1;
  static constexpr std::uint64_t kPending = 2;  // an event has come since the owner last looked
  static constexpr std::uint64_t kGone = 4;     // the peer has closed at least its sending side
  static constexpr std::uint64_t kOpen = 8;
  static constexpr int kGenerationShift = 32;

  bool open(int descriptor, const SocketAddress& peer, std::shared_ptr<Handler> handler, const TlsContext* tls);
  bool watch(int operation, std::uint32_t events) noexcept;
  void watch_output() noexcept;
  bool release();
  void finish();
  void tell_gone(std::uint32_t generation);

  // Each works as far as it can. False: the connection is at its end.
  bool step(Worker& worker);
  bool step_handshake();
  bool step_http(Worker& worker);
  bool step_websocket(Worker& worker);
  bool step_linger(Worker& worker);

  IoState fill(Worker& worker, ByteBuffer& in, std::size_t size);
  bool flush(Worker& worker);
  void stash(Worker& worker);
  void wait_until();

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

  // Guards closing the socket against shutting it down from outside, and the callback against its removal.
  std::mutex mutex_;
  std::function<void()> gone_callback_;

  Stream stream_;
  SocketAddress peer_;
  std::shared_ptr<Handler> handler_;
  Mode mode_ = Mode::Http;
  Phase phase_ = Phase::Head;
  bool drained_ = false;         // the last read took all there was
  bool close_after_ = false;     // the connection ends when what is kept has been sent
  bool linger_ = false;          // and what the peer still sends is taken and dropped, so that it sees the answer
  bool body_unread_ = false;     // the request at hand has a body that is not all here
  bool watches_output_ = false;  // events say when the socket can be written
  bool close_asked_ = false;     // on_head() wants this request to be the last
  std::size_t scanned_ = 0;      // of an incomplete head
  std::int64_t started_ = 0;     // when the first byte of the head, the body or the answer came or went
  std::uint64_t moved_ = 0;      // bytes of the body or the answer since then
  std::uint64_t body_limit_ = 0;
  std::uint64_t body_left_ = 0;
  ByteBuffer in_;                             // what did not make a whole request yet
  ByteBuffer out_;                            // what the peer did not take yet
  std::string head_text_;                     // the head of a request whose body is still coming
  ByteBuffer body_;                           // a chunked body, put together
  HttpParser parser_;                         // of a body that comes in pieces
  std::size_t handed_out_ = 0;                // by read_body(), of the input
  std::shared_ptr<WebSocketPeer> websocket_;  // changed under mutex_
};

}  // namespace libsql::net
