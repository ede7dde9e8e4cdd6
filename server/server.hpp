// A server for databases: Hrana over HTTP and WebSocket, one or many namespaces.
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
  /// Stops without waiting for requests that run.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Further routes go in here before start(). They come before the server's own.
  Router& routes() noexcept;
  Router& admin_routes() noexcept;

  /// Listens and returns. Throws Network if an address cannot be taken.
  void start();
  /// Takes no new connections, lets running requests end for at most `drain`, interrupts the rest, rolls back what is
  /// open and closes the databases. True if nothing had to be interrupted.
  bool stop(std::chrono::milliseconds drain);

  /// Reads the certificates again, for the connections to come. Throws Network if they cannot be used; then the old
  /// ones stay in use.
  void reload_tls();

  /// The ports that start() took; 0 for what does not listen.
  std::uint16_t port() const noexcept;
  std::uint16_t admin_port() const noexcept;
  std::uint16_t hrana_port() const noexcept;

  Namespaces& namespaces() noexcept;
  const Options& options() const noexcept;
  ServerGauges gauges() const;
  /// A line for each HTTP stream.
  std::vector<std::string> describe_streams() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace libsql::server
