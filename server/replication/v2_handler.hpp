// Offline writes: the calls of the second protocol on the user port, plain HTTP with frames of SQLite's log.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/server.hpp"
#include "replication/v2_messages.hpp"
#include "server/base/body_record.hpp"
#include "server/replication/generations.hpp"
#include "server/replication/held_frames.hpp"
#include "server/run/places.hpp"
#include "server/run/request_scope.hpp"

namespace libsql::server {

/// Threads: all members may be called by several at once.
class V2Handler {
 public:
  explicit V2Handler(ServerState& state);

  /// Whether the path is one of the protocol's.
  static bool is_call(std::string_view path) noexcept { return replication::v2::parse_route(path).has_value(); }

  struct Scope {
    /// False: the request is parked until there is a place to run.
    std::function<bool(const Context&, Places::Place&)> take_place;
    /// For an answer that goes on when the handler has returned; may be null.
    std::function<std::unique_ptr<BodyRecord>()> record;
  };
  /// Answers the request, or parks it. Where the protocol is off there is nothing, for anybody: clients that find it
  /// change to it.
  void handle(net::Exchange& exchange, std::string_view path, const std::string& name_space, const Scope& scope);
  /// Drops what has waited too long.
  void tidy() { held_.tidy(); }

 private:
  bool is_on(const NamespaceConfig& config) const noexcept;
  std::shared_ptr<Generations> generations_of(const Context& context, const std::shared_ptr<replication::Log>& log);
  void info(net::Exchange& exchange, Generations& generations, replication::Log& log);
  void pull(net::Exchange& exchange, const Context& context, const Generations& generations, replication::Log& log,
            const replication::v2::SyncRoute& route);
  void push(net::Exchange& exchange, const Context& context, const Generations& generations, replication::Log& log,
            const replication::v2::SyncRoute& route);
  void send_image(net::Exchange& exchange, const Context& context, const Generations& generations,
                  std::uint32_t generation, std::unique_ptr<BodyRecord> record);

  ServerState& state_;
  HeldPushes held_;
  std::mutex mutex_;
  struct Known {
    std::weak_ptr<replication::Log> log;
    std::shared_ptr<Generations> generations;
  };
  std::map<std::string, Known> known_;  // by namespace
};

}  // namespace libsql::server
