// The HTTP side of a database: connections that are kept, the headers, and the dialect that the server speaks.
// Threads: shared by all sessions of a database.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hrana/encoding.hpp"
#include "net/http_client.hpp"
#include "remote/location.hpp"
#include "remote/options.hpp"
#include "remote/wire.hpp"

namespace libsql::remote {

class HttpClient {
 public:
  /// Throws Configuration for headers, certificates or a proxy that cannot be.
  HttpClient(const Options& options, Location location);

  /// How the server is spoken with.
  struct Dialect {
    int version = 3;
    hrana::Encoding encoding = hrana::Encoding::Json;

    /// What the paths of its requests begin with.
    std::string_view prefix() const noexcept {
      if (encoding == hrana::Encoding::Protobuf) return "/v3-protobuf";
      return version == 3 ? "/v3" : "/v2";
    }
  };
  /// Asks the server the first time, and then remembers. Throws Network, Timeout, Interrupted.
  Dialect dialect(const Call& call);
  /// The version for sure, which only an answer shows: what needs version 3 asks before it is sent.
  int version(const Call& call);
  /// As Wire::lock_deadline().
  std::optional<net::Deadline> lock_deadline(const Call& call);
  /// The server has answered in this dialect.
  void prove(const Dialect& dialect) noexcept;
  /// As far as it is known.
  hrana::Encoding encoding() const noexcept { return encoding_.load(std::memory_order_relaxed); }
  /// The server has no such paths. Whether there is another dialect to be tried, which is then the one.
  bool give_up(const Dialect& dialect);

  /// Whether a stream that is needed no longer is closed with the last request.
  bool closes_streams() const noexcept { return closes_streams_.load(std::memory_order_relaxed); }
  /// Whether an answer tells that the server does not know `close`, and so could not read the request and ran nothing
  /// of it; then it is not sent again. Observed: tursodb 0.7.0, which keeps no streams anyway.
  bool give_up_close(int status, std::string_view body) noexcept;

  /// A connection on loan, which its end gives back.
  class Lease {
   public:
    Lease(HttpClient& client, net::HttpConnection connection) noexcept
        : client_(&client), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept
        : client_(std::exchange(other.client_, nullptr)), connection_(std::move(other.connection_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (client_ != nullptr) client_->give_back(std::move(connection_));
    }
    net::HttpConnection* operator->() noexcept { return &connection_; }

   private:
    HttpClient* client_;
    net::HttpConnection connection_;
  };
  Lease take(const net::Origin& origin);

  /// What every request carries, besides what HTTP itself wants.
  std::span<const net::Header> headers(hrana::Encoding encoding) const noexcept {
    return encoding == hrana::Encoding::Json ? json_headers_ : protobuf_headers_;
  }
  const Endpoint& endpoint() const noexcept { return endpoint_; }
  const Options& options() const noexcept { return options_; }

 private:
  // How the server behaves to a request that waits for locks.
  struct Manners {
    bool keeps_busy_timeout = false;
    std::chrono::nanoseconds answered_in{0};  // a request that waits for nothing
  };

  void give_back(net::HttpConnection connection) noexcept;
  Dialect ask(const Call& call);
  struct Reply {
    int status;
    std::string body;
    Manners manners;
  };
  // Asks something that may be asked at any time.
  Reply send(net::HttpRequest request, const Call& call);
  void note(const Reply& reply);

  const Options options_;
  const Endpoint endpoint_;
  const net::ClientOptions client_options_;
  std::vector<std::pair<std::string, std::string>> header_texts_;
  std::vector<net::Header> json_headers_;
  std::vector<net::Header> protobuf_headers_;

  std::mutex mutex_;  // of what follows
  std::optional<Dialect> dialect_;
  bool proved_ = false;
  std::optional<Manners> manners_;
  std::vector<net::HttpConnection> resting_;  // the most recently used last
  std::atomic<hrana::Encoding> encoding_ = hrana::Encoding::Json;
  std::atomic<bool> closes_streams_ = true;
};

/// What a client's connections are made with. Throws Configuration.
net::ClientOptions client_options(const Options& options, const Location& location);
/// The headers of one request, as a hook wants them.
class HookedHeaders {
 public:
  /// Valid as long as this. Throws Configuration for a header that cannot be sent, and what the hook throws.
  std::span<const net::Header> of(const Options& options, std::span<const net::Header> headers);

 private:
  std::vector<std::pair<std::string, std::string>> texts_;
  std::vector<net::Header> views_;
};

/// The headers of every request and of every handshake; the token is not among them. Throws Configuration.
std::vector<std::pair<std::string, std::string>> common_headers(const Options& options);

}  // namespace libsql::remote
