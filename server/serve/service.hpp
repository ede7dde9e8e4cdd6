// A server with everything around it: keys, logs, the admin API, the console.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "server/config/config.hpp"

namespace libsql::server {

/// Threads: used by one. Requests are answered on others.
class Service final {
 public:
  /// Opens logs, keys and databases. Throws ConfigError, KeyError, std::system_error, libsql::Error.
  explicit Service(Config config);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void start();
  /// The addresses on which it listens, such as "http=http://127.0.0.1:8080 admin=http://127.0.0.1:9090".
  std::string addresses() const;

  /// Reloads files that have changed and flushes the logs. Call it several times a second.
  void tick() noexcept;
  /// Reopens the logs and reloads files that have changed.
  void reload() noexcept;
  /// Whether there have been no requests for so long that it should stop.
  bool is_idle() const noexcept;
  /// Stops. True if all requests ended in time.
  bool stop() noexcept;
  /// For another thread, if stop() does not return: logs why the process ends, and flushes the logs.
  void say_last_words() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// `libsql serve`: serves until a signal ends it. Returns the exit status.
int run_service(Config config);

}  // namespace libsql::server
