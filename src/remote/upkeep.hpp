// What has to be done on the server while the program does something else: closing abandoned streams, and keeping
// idle transactions alive. One thread per database, started when there is something to do.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/interrupt.hpp"
#include "remote/http_client.hpp"

namespace libsql::remote {

class HttpStream;

/// Threads: may be used by several at once.
class Upkeep {
 public:
  /// `keep_alive`: how long a transaction may be idle before it is shown; 0: it never is.
  Upkeep(std::shared_ptr<HttpClient> client, std::chrono::milliseconds keep_alive) noexcept
      : client_(std::move(client)), keep_alive_(keep_alive) {}
  /// Closes what it still can within a moment.
  ~Upkeep();
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  /// Closes a stream at the server, soon and without telling how it went.
  void close(Endpoint endpoint, std::string baton) noexcept;
  /// Keeps a stream alive until it is closed or ends.
  void watch(std::weak_ptr<HttpStream> stream) noexcept;

 private:
  struct Leftover {
    Endpoint endpoint;
    std::string baton;
  };
  struct Watched {
    std::weak_ptr<HttpStream> stream;
    net::Deadline due;
  };
  void start();
  void work() noexcept;
  /// Whether the server has answered.
  bool send_close(const Leftover& leftover, bool ending) noexcept;

  const std::shared_ptr<HttpClient> client_;
  const std::chrono::milliseconds keep_alive_;
  net::Interrupt interrupt_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<Leftover> leftovers_;
  std::vector<Watched> watched_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace libsql::remote
