// The primary behind a URL: gRPC-web over HTTP/1.1, as libSQL's embedded replicas speak it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_client.hpp"
#include "remote/location.hpp"
#include "remote/options.hpp"
#include "replica/primary.hpp"
#include "replication/grpc_status.hpp"
#include "replication/grpc_web.hpp"

namespace libsql::replica {

/// The namespace that a replica asks for if its user named none: the first label of the host, as libSQL's clients do
/// it; "default" for a host of one label.
std::string namespace_of_host(std::string_view host);

class PrimaryClient final : public Primary {
 public:
  struct Limits {
    std::uint32_t max_message_bytes = 1U << 30U;
  };
  /// Throws Configuration for options that cannot be.
  PrimaryClient(const remote::Options& options, Limits limits);

  Greeting hello(const net::Wait& wait) override;
  Outcome frames(std::uint64_t from, const Take& take, const net::Wait& wait) override;
  Outcome snapshot(std::uint64_t from, const Take& take, const net::Wait& wait) override;
  std::uint64_t bytes_received() const noexcept override { return connection_.statistics().bytes_received; }

 private:
  // The body of one answer.
  class Body;
  struct Asking {
    std::string_view method;
    std::string_view message;
    std::uint32_t max_message;
    bool joined = false;      // joined commits are welcome
    bool compressed = false;  // and so are compressed messages
  };
  static void take_messages_of_frames(Body& body, const Take& take);
  template <class Read>
  Outcome call(const Asking& asking, const net::Wait& wait, Read&& read);
  net::Wait patient(const net::Wait& wait) const;
  static Outcome outcome_of(const replication::grpc::Status& status);

  const remote::Options options_;
  const remote::Location location_;
  const Limits limits_;
  std::vector<std::pair<std::string, std::string>> headers_;
  bool is_near_ = false;  // on this machine: it costs less to send pages than to compress them
  net::HttpConnection connection_;
  std::string session_token_;
};

}  // namespace libsql::replica
