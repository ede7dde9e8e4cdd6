// A server with all that is around it: keys, logs, the admin API, the console.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "server/config/config.hpp"

namespace libsql::server {

/// Threads: used by one; what it makes answers requests on others.
class Service final {
 public:
  /// Opens logs, keys and databases. Throws ConfigError, KeyError, std::system_error, libsql::Error.
  explicit Service(Config config);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void start();
  /// Where it listens, as "http=http://127.0.0.1:8080 admin=http://127.0.0.1:9090".
  std::string addresses() const;

  /// To be called several times a second: takes over files that have changed, writes out what logs collect.
  void tick() noexcept;
  /// Reopens the logs and reloads files that have changed.
  void reload() noexcept;
  /// Whether nothing has been asked for so long that it should stop.
  bool is_idle() const noexcept;
  /// True if all requests had ended in time.
  bool stop() noexcept;
  /// For another thread, when stop() does not return: says in the log why the process ends, and writes the logs out.
  void say_last_words() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// `libsql serve`: serves until a signal says otherwise. Returns the exit status.
int run_service(Config config);

}  // namespace libsql::server
