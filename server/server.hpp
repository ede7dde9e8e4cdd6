// A server for databases, with one or many namespaces: Hrana over HTTP and WebSocket, and libSQL's replication.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/base/metrics.hpp"
#include "server/base/options.hpp"

namespace libsql::server {

class Namespaces;
class Router;

/// Threads: all members may be called by several at once.
class Server {
 public:
  /// Opens the data, but does not listen yet. Throws Configuration and what opening a database throws.
  explicit Server(Options options);
  /// Stops without waiting for running requests.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Routes added here before start() take precedence over the server's own.
  Router& routes() noexcept;
  Router& admin_routes() noexcept;

  /// Starts to listen, and returns. Throws Network if an address cannot be used.
  void start();
  /// Stops accepting connections, gives running requests at most `drain` to end, interrupts the others, rolls back open
  /// transactions and closes the databases. True if nothing had to be interrupted.
  bool stop(std::chrono::milliseconds drain);

  /// After stop(): Namespace::compact() of each loaded database. What fails leaves its database as it was, with its
  /// write-ahead log; a line about each such failure is returned.
  std::vector<std::string> compact();

  /// Reads the certificates again, for later connections. Throws Network if they cannot be used, and then keeps the old
  /// ones.
  void reload_tls();

  /// The ports on which it listens since start(); 0: not listening.
  std::uint16_t port() const noexcept;
  std::uint16_t admin_port() const noexcept;
  std::uint16_t hrana_port() const noexcept;

  Namespaces& namespaces() noexcept;
  const Options& options() const noexcept;
  ServerGauges gauges() const;
  /// One line for each HTTP stream.
  std::vector<std::string> describe_streams() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace libsql::server
