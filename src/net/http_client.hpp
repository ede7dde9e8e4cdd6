// One HTTP/1.1 connection to one server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/error.hpp"
#include "net/http.hpp"
#include "net/interrupt.hpp"
#include "net/tls.hpp"
#include "net/url.hpp"

namespace libsql::net {

/// What a client's connection is made with.
struct ClientOptions {
  /// For reaching the server, TLS handshake included; the deadline of a call counts as well.
  std::chrono::milliseconds connect_timeout{10'000};
  /// Null: TlsContext::default_client().
  std::shared_ptr<const TlsContext> tls;
  /// Whether http_proxy, https_proxy and no_proxy are asked (see proxy_for()); a given `proxy` comes before them.
  bool proxy_from_environment = true;
  std::optional<Url> proxy;
  /// When TCP begins to ask a silent peer whether it is still there, and how long sent bytes may stay unacknowledged
  /// before the connection counts as broken.
  std::chrono::seconds keep_alive_after{30};
  std::chrono::milliseconds unacknowledged_timeout{30'000};
  /// A connection that was idle for longer is not used again but replaced: middle boxes forget such connections
  /// silently. Zero: always used again (a close by the server is noticed in any case).
  std::chrono::milliseconds max_idle{60'000};
  /// The longest head of an answer (status line and headers), and the longest body that request() collects.
  std::size_t max_head_bytes = 64 * 1024;
  std::uint64_t max_body_bytes = std::uint64_t{1} << 30;
  /// The longest WebSocket message that receive() collects.
  std::uint64_t max_message_bytes = std::uint64_t{1} << 30;
};

/// A request; everything is borrowed for the call.
struct HttpRequest {
  std::string_view method = "GET";
  std::string_view target = "/";  ///< path and query as they go into the request line
  /// Host, Content-Length and Connection are added and must not be here.
  std::span<const Header> headers = {};
  std::string_view body = {};
};

/// An answer. The views live until the next call on its connection.
struct HttpResponse {
  int status = 0;
  std::span<const Header> headers;
  std::string_view body;  ///< of request(); empty from open()

  std::optional<std::string_view> header(std::string_view name) const noexcept { return find_header(headers, name); }
};

/// What a connection did so far.
struct ConnectionStatistics {
  std::uint64_t connects = 0;
  std::uint64_t resumptions = 0;  ///< of an earlier TLS session, among the connects
  std::uint64_t requests = 0;
  std::uint64_t bytes_sent = 0;  ///< before encryption
  std::uint64_t bytes_received = 0;
};

/// A connection that is made when it is first needed, kept alive, and made anew after a failure or when the server has
/// closed it in the meantime. A request itself is sent at most once per call: if it fails, the error says whether a
/// byte of it may have left (NetError::sent), and the caller decides. Threads: one at a time; others end a waiting call
/// through its Interrupt.
class HttpConnection final {
 public:
  HttpConnection(Origin origin, ClientOptions options);
  ~HttpConnection();
  HttpConnection(HttpConnection&&) noexcept;
  HttpConnection& operator=(HttpConnection&&) noexcept;

  /// Sends a request and reads the whole answer. Every status is an answer, not an error. Throws NetError.
  HttpResponse request(const HttpRequest& request, const Wait& wait);

  /// Sends a request and reads the head of the answer; the body comes through read().
  HttpResponse open(const HttpRequest& request, const Wait& wait);
  /// The next piece of the body, as the network brought it (at most 64 KiB); empty at its end and from then on. The
  /// view lives until the next call. What nobody reads stays in the network, so memory is bounded and the server feels
  /// it. Throws NetError, always with sent() set.
  std::string_view read(const Wait& wait);

  /// The whole body that follows an open(), in one piece, as request() gives it. Instead of read(), not after it.
  std::string_view read_all(const Wait& wait);

  /// Makes the connection now, if there is none. Throws NetError.
  void connect(const Wait& wait);
  /// True if there is a connection and the peer has not closed it, as far as this side has been told.
  bool connected() noexcept;
  /// Gives back the memory of large answers, whose views end; for a connection that is put aside.
  void trim() noexcept;
  /// Ends the connection (also an unfinished answer). The next call makes a new one.
  void close() noexcept;

  const Origin& origin() const noexcept;
  const ConnectionStatistics& statistics() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace libsql::net
