// What RemoteBuilder collects.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <libsql/remote_builder.hpp>

namespace libsql::detail {

struct RemoteOptions {
  std::string url;
  std::string auth_token;
  std::string name_space;
  std::string encryption_key;
  std::vector<std::pair<std::string, std::string>> headers;
  RemoteTls tls;
  std::optional<std::string> proxy;
  bool proxy_from_environment = true;
  RemoteProtocol protocol = RemoteProtocol::Auto;
  RemoteEncoding encoding = RemoteEncoding::Auto;
  std::chrono::milliseconds connect_timeout{10'000};
  std::optional<std::chrono::milliseconds> default_deadline{60'000};
  std::chrono::milliseconds busy_timeout{5'000};
  unsigned retries = 3;
  std::chrono::milliseconds keep_alive{4'000};
  std::size_t batch_statements = 1'000;
  std::size_t batch_bytes = std::size_t{4} << 20;
  std::size_t row_buffer = std::size_t{64} << 20;
  bool keep_settings = false;
  std::vector<QueryLog> query_logs;
  /// Called with the headers of each request over HTTP before it is sent; may change them.
  std::function<void(std::vector<std::pair<std::string, std::string>>& headers)> request_hook;
};

}  // namespace libsql::detail

namespace libsql::remote {
using Options = libsql::detail::RemoteOptions;
}
