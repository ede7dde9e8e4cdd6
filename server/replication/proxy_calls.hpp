// SQL that replicas have their primary run: the service Proxy.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
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
  // A client with an open transaction. Others hold nothing here.
  struct Client {
    std::string baton;
    Clock::time_point since;
    std::list<std::string>::iterator place;
  };

  static std::string key_of(std::string_view client_id, const Context& context);
  std::optional<std::string> take_baton(const std::string& key);
  bool is_in_transaction(const std::string& key);
  void keep_baton(const std::string& key, std::string baton);

  void release(const std::string& key, std::unique_ptr<BatonStream> stream, const Context& context);

  ServerState& state_;
  std::mutex mutex_;  // of what follows
  std::unordered_map<std::string, Client> clients_;
  std::list<std::string> by_age_;  // the oldest first
};

}  // namespace libsql::server
