// A server for HTTP/1.1 and WebSocket whose handlers may block, but never for a peer: what a peer does not take is
// kept, within bounds, and what it has not sent is waited for by no thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/deadline.hpp"
#include "net/field_lines.hpp"
#include "net/http.hpp"
#include "net/memory_account.hpp"
#include "net/tls.hpp"

namespace libsql::net {

class Exchange;
class WebSocketSession;

/// Limits of a Server. Time-outs of zero mean: none.
struct ServerOptions {
  /// Threads that wait for requests and run the handlers. There is always one free to wait: when all are kept by
  /// handlers that block, more are made up to the maximum; what nobody needed for `worker_idle` ends. Zero: as many as
  /// cores, at least 2.
  std::size_t min_workers = 0;
  std::size_t max_workers = 256;
  std::chrono::milliseconds worker_idle{10'000};

  /// Beyond it a new connection takes the place of one that nobody would miss: the oldest stranger (who was never
  /// Exchange::set_known()) of the address that has most of them, or a known one that is idle between two requests, or
  /// one that waits for a peer whose account has more than half of all.
  std::size_t max_connections = 10'000;
  /// More that are let in if there is no such connection; they may only ask for what on_head() answers
  /// (Exchange::is_crowded()), and get 503 for the rest.
  std::size_t spare_connections = 32;
  std::size_t max_head_bytes = 32 * 1024;         ///< request line and headers; else 431
  std::uint64_t max_body_bytes = 1024 * 1024;     ///< unless the handler sets another for a request; else 413
  std::uint64_t max_message_bytes = 64ull << 20;  ///< a WebSocket message; else close code 1009
  /// What may wait for a WebSocket's peer to take it; beyond it the connection is cut.
  std::size_t max_unsent_bytes = std::size_t{64} << 20;
  /// What all connections together may hold of requests that are not complete and of answers that were not taken. Who
  /// needs more then is answered 503, or cut. Zero: no limit.
  std::size_t max_memory = 0;

  // Of strangers. Zero: as of everybody.
  std::size_t stranger_memory = 0;           ///< of all strangers together, within max_memory
  std::uint64_t stranger_message_bytes = 0;  ///< a WebSocket message
  /// How long a stranger may be silent before its first request, and how long a WebSocket may stay a stranger's.
  std::chrono::milliseconds stranger_timeout{0};

  /// From the first byte of a head to its last one, and for a TLS handshake.
  std::chrono::milliseconds head_timeout{10'000};
  /// How long a body or a WebSocket message may take, and an answer to be taken: this time and what
  /// min_bytes_per_second allow.
  std::chrono::milliseconds transfer_timeout{30'000};
  std::uint64_t min_bytes_per_second = 4096;
  /// How long a peer may take nothing at all of what waits for it.
  std::chrono::milliseconds stall_timeout{60'000};
  /// How long a connection may be idle between two requests.
  std::chrono::milliseconds idle_timeout{75'000};
  /// How long the peer's answer to our Close of a WebSocket is waited for.
  std::chrono::milliseconds close_timeout{5'000};
};

/// What a server did and does. Counters only grow; the others are a moment's state.
struct ServerStatistics {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  ///< beyond max_connections
  std::uint64_t connections_dropped = 0;  ///< to make room for others
  std::uint64_t connections_timed_out = 0;
  std::uint64_t requests = 0;
  std::uint64_t bad_requests = 0;    ///< refused by the server itself: malformed or too large
  std::uint64_t bytes_received = 0;  ///< before decryption counts nothing: these are the bytes of HTTP
  std::uint64_t bytes_sent = 0;
  std::size_t connections = 0;
  std::size_t websockets = 0;
  std::size_t memory_held = 0;  ///< of requests that are not complete and answers that were not taken
  std::size_t workers = 0;
  std::size_t workers_busy = 0;
};

/// A request as a handler sees it. All views live until the handler returns.
struct Request {
  std::string_view method;
  std::string_view target;  ///< as sent, in origin form ("*" for OPTIONS); an absolute-form target is reduced to it
  std::string_view path;    ///< of the target, up to '?'; not decoded
  std::string_view query;   ///< after the '?'; empty without one
  std::string_view host;    ///< the Host header or, before it, the authority of an absolute-form target
  int minor_version = 1;    ///< of HTTP/1.x
  std::span<const Header> headers;
  std::string_view body;  ///< complete, with chunks put together; empty in on_head()
  bool tls = false;

  std::optional<std::string_view> header(std::string_view name) const noexcept { return find_header(headers, name); }
  /// True if it asks for an upgrade to WebSocket.
  bool wants_websocket() const noexcept;
};

/// What is done with the messages of a WebSocket. Threads: the calls for one session come one after the other, on any
/// worker.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;
  /// A message; the view lives until the return. An exception closes the session with 1011.
  virtual void on_message(WebSocketSession& session, MessageType type, std::string_view data) = 0;
  /// The session's end, exactly once, after the last on_message(): the code that the peer sent (1005 if none), or 1006
  /// if the connection broke, or the code that this side closed with.
  virtual void on_close(WebSocketSession& session, int code, std::string_view reason) noexcept = 0;
  /// The peer is gone while on_message() still runs; on another thread, at most once. The place to interrupt what runs.
  virtual void on_peer_gone(WebSocketSession&) noexcept {}
  /// Everything that waited for the peer (WebSocketSession::unsent()) has been taken.
  virtual void on_drained(WebSocketSession&) noexcept {}
};

/// The server's end of a WebSocket. Threads: all members from any thread, also after the end of the connection.
class WebSocketSession : public std::enable_shared_from_this<WebSocketSession> {
 public:
  virtual ~WebSocketSession() = default;

  /// Sends one message. Never waits: what the peer does not take at once is kept (copied), and while that is much, no
  /// message of the peer is read. False if the session is closing or gone, or too much is kept.
  virtual bool send(MessageType type, std::string_view data) = 0;
  /// The bytes that are kept.
  virtual std::size_t unsent() const noexcept = 0;
  /// No message is read until as many resume() have come. For who has enough to do with those that came.
  virtual void pause() noexcept = 0;
  virtual void resume() noexcept = 0;
  /// Only within on_message(): the peer is no stranger, and its memory is counted there, too (may be null).
  virtual void set_known(std::shared_ptr<MemoryAccount> account) = 0;
  /// Begins to close: after this nothing is sent and no message is handed out. `reason` is cut to 123 bytes.
  virtual void close(int code, std::string_view reason) = 0;
  virtual bool is_open() const noexcept = 0;
  /// Address and port of the peer, such as "127.0.0.1:4711" or "[::1]:4711".
  virtual std::string peer() const = 0;

 protected:
  WebSocketSession() = default;
};

/// The body of an answer that is made while the peer takes it. Threads: one at a time, but stop(); no call waits for
/// the peer. Its destructor runs when the answer has ended, one way or another.
class BodySource {
 public:
  virtual ~BodySource() = default;
  enum class Next : std::uint8_t {
    More,   ///< to be called again when the peer has taken this
    Later,  ///< nothing more now: to be called when the Waker has been
    End,
    Broken,  ///< the connection is cut, so that the peer can tell a whole answer from a broken one
  };
  /// Appends the next piece of the body to `to`, which is empty. An exception is as Broken.
  virtual Next pull(std::string& to) = 0;
  /// The peer is gone while pull() runs, on another thread: it had better return soon.
  virtual void stop() noexcept {}
};

/// Goes on with a request that was parked, or an answer that had nothing more. From any thread, any number of times;
/// does nothing once that request has ended. Not after the end of the Server.
using Waker = std::function<void()>;

/// One request and its answer. A handler that returns without an answer answers 500. Threads: used by the thread that
/// the handler runs on, until it returns; peer_gone() from any.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const Request& request() const noexcept = 0;
  /// Address and port of the peer, such as "127.0.0.1:4711" or "[::1]:4711".
  virtual std::string peer() const = 0;
  /// The first certificate of a TLS client, as "CN=..." of its subject; empty without one.
  virtual std::string peer_certificate() const = 0;

  // --- Before the body is read: only in Handler::on_head() ---
  /// Another limit than ServerOptions::max_body_bytes for this request's body.
  virtual void set_body_limit(std::uint64_t bytes) = 0;
  /// Whether the whole body has come along with the head, so that on_request() follows at once.
  virtual bool body_is_here() const noexcept = 0;
  /// Whether the connection is one of ServerOptions::spare_connections.
  virtual bool is_crowded() const noexcept = 0;

  // --- Who it is ---
  /// The peer is no stranger; its memory is counted in `account`, too (may be null).
  virtual void set_known(const std::shared_ptr<MemoryAccount>& account) = 0;

  // --- Waiting without a thread: only in Handler::on_request() ---
  /// The request is handed to on_request() once more when the waker is called, or at that time. Then return. `ticket`
  /// lives until then, or until the request is dropped because its peer is gone.
  virtual void park(std::chrono::steady_clock::time_point until, std::shared_ptr<void> ticket) = 0;
  /// For park(), and for a BodySource's Later.
  virtual Waker waker() = 0;
  /// When the request was parked first; none if it was not.
  virtual std::optional<std::chrono::steady_clock::time_point> parked_since() const noexcept = 0;

  // --- The answer ---
  /// A string to build the answer's body in, empty, with memory that the worker reuses. For one answer() at most.
  virtual std::string& buffer() = 0;
  /// Answers in one piece; head and body go out in one write. Content-Length, Date and Connection are added and must
  /// not be in `headers`. Status 204 and 304 send no body, nor does HEAD (Content-Length still counts it). Throws
  /// std::invalid_argument if a header has characters that would end it, std::logic_error after an answer. What the
  /// peer does not take at once is kept (copied) and sent while no thread waits for it.
  virtual void answer(int status, FieldLines lines, std::span<const Header> headers, std::string_view body) = 0;
  void answer(int status, std::span<const Header> headers, std::string_view body) {
    answer(status, FieldLines(), headers, body);
  }
  void answer(int status, std::initializer_list<Header> headers, std::string_view body) {
    answer(status, FieldLines(), std::span<const Header>(headers.begin(), headers.size()), body);
  }
  void answer(int status, FieldLines lines, std::string_view body) { answer(status, lines, {}, body); }

  /// Begins an answer of unknown length, chunked or, for HTTP/1.0, until the end of the connection. The head goes out
  /// with the first piece of the body, which is pulled when the handler has returned.
  virtual void answer_from(int status, std::span<const Header> headers, std::unique_ptr<BodySource> source) = 0;
  void answer_from(int status, std::initializer_list<Header> headers, std::unique_ptr<BodySource> source) {
    answer_from(status, std::span<const Header>(headers.begin(), headers.size()), std::move(source));
  }

  virtual bool answered() const noexcept = 0;  ///< an answer has at least begun
  virtual bool is_parked() const noexcept = 0;
  /// What was answered, for logs: the status (101 for a WebSocket; 0 before) and the bytes of the body, but for those
  /// of a source.
  virtual int status() const noexcept = 0;
  virtual std::uint64_t body_bytes() const noexcept = 0;
  /// The connection ends after this answer.
  virtual void close_after() noexcept = 0;

  // --- The peer's end ---
  /// True once the peer has closed or reset the connection. A peer that only closed its sending side is still there;
  /// one that seems to have done so is told 100 (Continue) after a time, to find out.
  virtual bool peer_gone() const noexcept = 0;
  /// Calls `callback` on another thread when that happens while the handler runs; at once, on this thread, if it
  /// already has. Replaces the last one; an empty function takes it away (after which it does not run and will not). It
  /// must not throw and should only trigger something. Taken away by itself when the handler returns.
  virtual void on_peer_gone(std::function<void()> callback) = 0;
  /// True once the server drains: a long answer may want to end early.
  virtual bool draining() const noexcept = 0;

  // --- WebSocket ---
  /// Answers 101 and turns the connection into a WebSocket with `subprotocol` (empty: none is named); its messages go
  /// to `handler` after on_request() has returned. Answers 400 or 426 and returns null if the request is no valid
  /// handshake.
  virtual std::shared_ptr<WebSocketSession> accept_websocket(std::shared_ptr<WebSocketHandler> handler,
                                                             std::string_view subprotocol,
                                                             std::span<const Header> headers = {}) = 0;
};

/// What is done with requests. Threads: called by many workers at once; calls may block.
class Handler {
 public:
  virtual ~Handler() = default;
  /// A head has been read; the body has not. Here the body's limit is set, or the request answered without it (the
  /// connection then ends unless there is no body). A client that sent Expect: 100-continue is told to go on only after
  /// this.
  virtual void on_head(Exchange&) {}
  /// Answers a request. An exception before the answer began answers 500 without details; after that it cuts the
  /// connection.
  virtual void on_request(Exchange& exchange) = 0;
};

/// Where a server listens.
struct Listener {
  std::string address = "127.0.0.1";           ///< an IPv4 or IPv6 address, or a name that is looked up
  std::uint16_t port = 0;                      ///< 0: a free one
  std::shared_ptr<const TlsContext> tls = {};  ///< null: plain
  int backlog = 1024;
};

/// Threads: listen(), post(), statistics() and set_tls() from any; stop() once.
class Server final {
 public:
  explicit Server(ServerOptions options = {});
  ~Server();  ///< stop() without waiting for anybody.
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Opens a listener and serves it with `handler` from now on. Returns the port. Throws std::system_error with the
  /// address in its text.
  std::uint16_t listen(const Listener& listener, std::shared_ptr<Handler> handler);
  /// New certificates for the connections to come on that port.
  void set_tls(std::uint16_t port, std::shared_ptr<const TlsContext> tls);

  /// Runs `task` on a worker, soon. For work that belongs to no request, or that a WebSocket hands out so that its
  /// streams run side by side. An exception out of it ends the process. After stop() has begun tasks still run until
  /// the workers end, later ones are dropped.
  void post(std::function<void()> task);

  ServerStatistics statistics() const;

  /// Stops listening, closes idle connections, tells WebSockets 1001, lets running requests finish until the deadline,
  /// then cuts what is left (peer-gone callbacks run, so that handlers end) and waits for the handlers. True if nothing
  /// had to be cut.
  bool stop(Deadline deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace libsql::net
