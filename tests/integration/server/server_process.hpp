// `libsql serve` as a child, and what is said to it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_client.hpp"
#include "support/eventually.hpp"

namespace libsql_test {

using Variables = std::map<std::string, std::string>;

/// A server of its own for one test; killed at the end if it still runs.
class ServerProcess {
 public:
  /// Starts it with `--http-listen 127.0.0.1:0` and these arguments, and waits until it is ready or has ended.
  explicit ServerProcess(std::vector<std::string> arguments, Variables variables = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  bool is_ready() const noexcept { return ready_; }
  std::uint16_t port() const { return port_after("http=http"); }
  std::uint16_t admin_port() const { return port_after("admin=http"); }
  const std::string& ready_line() const noexcept { return out_; }
  int pid() const noexcept { return pid_; }

  void signal(int number) const;
  /// The exit status; 128 + signal if a signal ended it; nothing if it has not ended in that time.
  std::optional<int> wait(std::chrono::seconds longest = std::chrono::seconds(20));
  /// What it wrote to standard error until now.
  std::string errors();

 private:
  std::uint16_t port_after(std::string_view label) const;
  bool read_some(int fd, std::string& to, std::chrono::milliseconds longest);

  int pid_ = -1;
  int out_fd_ = -1, err_fd_ = -1;
  bool ready_ = false;
  std::optional<int> status_;
  std::string out_, err_;
};

struct Reply {
  int status = 0;
  std::string body;
  std::string content_type;
};

/// One request over a connection of its own. Throws NetError.
Reply request(std::uint16_t port, std::string_view method, std::string_view target, std::string_view body = {},
              std::vector<std::pair<std::string, std::string>> headers = {},
              std::shared_ptr<const libsql::net::TlsContext> tls = nullptr);

/// Runs one statement through /v2/pipeline; the value of the first column of the first row as text, or "ok" without
/// rows, or the error's code, or the HTTP status.
std::string run_sql(std::uint16_t port, std::string_view sql,
                    std::vector<std::pair<std::string, std::string>> headers = {},
                    std::shared_ptr<const libsql::net::TlsContext> tls = nullptr);

using libsql::test::eventually;

}  // namespace libsql_test
