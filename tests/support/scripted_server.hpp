// A server that says what a test wants, byte by byte: over HTTP, on a port of 127.0.0.1.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace libsql::test {

/// A request as it arrived.
struct Received {
  std::string method;
  std::string target;
  std::string head;  // all header lines
  std::string body;
  int connection = 0;  // which, from 0

  bool has(std::string_view text) const { return body.find(text) != std::string::npos; }
};

/// What is answered, and how badly.
struct Reply {
  std::string bytes = {};
  std::optional<std::size_t> cut_after = std::nullopt;  // then the connection is reset
  std::chrono::milliseconds delay{0};                   // before the first byte
  std::size_t piece = 0;                                // send so many bytes at a time, 0: all
  std::chrono::milliseconds pause{0};                   // between two pieces
  bool close = false;                                   // after the answer
  bool silent = false;                                  // nothing is said; the connection stays open
};

/// A whole HTTP answer.
std::string http_answer(int status, std::string_view content_type, std::string_view body);
Reply json(std::string_view body, int status = 200);
/// A chunked answer, as cursors come.
Reply chunked(std::vector<std::string> pieces, bool whole = true);

/// One thread per connection. Its end closes all.
class ScriptedServer {
 public:
  using Script = std::function<Reply(const Received&)>;
  explicit ScriptedServer(Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// The requests so far.
  std::vector<Received> received() const;
  /// Closes the connections that are open, as a server does with idle ones. Their peers can know it when this returns.
  void drop_connections();

 private:
  void accept_all();
  void shut_down_all();
  void serve(int descriptor, int number);
  bool send(int descriptor, const Reply& reply);

  Script script_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;  // of what follows
  std::vector<Received> received_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::atomic<bool> ending_ = false;
  std::thread acceptor_;
};

}  // namespace libsql::test
