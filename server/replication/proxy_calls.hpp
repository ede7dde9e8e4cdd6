// SQL that replicas have their primary run: the service Proxy.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/clock.hpp"
#include "net/server.hpp"
#include "server/replication/grpc_answer.hpp"
#include "server/run/context.hpp"
#include "server/run/request_scope.hpp"

namespace libsql::server {

/// Threads: all members may be called by several at once.
class ProxyCalls {
 public:
  explicit ProxyCalls(ServerState& state) noexcept : state_(state) {}

  /// The calls, whose message is `request`. Each answers, or parks the request, or throws what
  /// status_of_exception() knows. The caller has a place to run.
  void execute(net::Exchange& exchange, grpc::Form form, std::string_view request, Context& context);
  void describe(net::Exchange& exchange, grpc::Form form, std::string_view request, Context& context);
  void disconnect(net::Exchange& exchange, grpc::Form form, std::string_view request, const Context& context);

 private:
  using Clock = core::SteadyClock;
  // A client that runs a call, has an open transaction or has lost one. Others have nothing here.
  struct Client {
    enum class Is : std::uint8_t {
      Unknown,        // until now
      Running,        // a call; a second one at once has to wait outside
      InTransaction,  // the baton is that of its stream
      Lost,           // the transaction is gone, and the client does not know it yet
    };
    Is is = Is::Unknown;
    std::string baton;
    Clock::time_point since;
    std::list<std::string>::iterator place;
  };
  class Turn;

  static std::string key_of(std::string_view client_id, const Context& context);
  bool is_known(const std::string& key);
  Client take(const std::string& key);
  void keep(const std::string& key, Client::Is is, std::string baton);
  void forget(const std::string& key) noexcept;
  void tidy(Clock::time_point now);

  ServerState& state_;
  std::mutex mutex_;  // of what follows
  std::unordered_map<std::string, Client> clients_;
  std::list<std::string> by_age_;  // the oldest first
};

}  // namespace libsql::server
