// The calls of replicas on the user port: gRPC-web over HTTP/1.1.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/server.hpp"
#include "replication/log/log.hpp"
#include "server/base/body_record.hpp"
#include "server/base/hmac.hpp"
#include "server/replication/grpc_answer.hpp"
#include "server/replication/proxy_calls.hpp"
#include "server/run/places.hpp"
#include "server/run/request_scope.hpp"

namespace libsql::server {

/// Threads: all members may be called by several at once.
class GrpcHandler {
 public:
  explicit GrpcHandler(ServerState& state);

  enum class Call : std::uint8_t {
    None,
    Hello,
    LogEntries,
    BatchLogEntries,
    Snapshot,
    Execute,
    Describe,
    Disconnect,
    Unknown,  // of a service that is there
  };
  static Call call_of(std::string_view path) noexcept;

  /// What the caller does for all its requests.
  struct Scope {
    /// False: the request is parked until there is a place to run.
    std::function<bool(const Context&, Places::Place&)> take_place;
    /// For an answer that goes on when the handler has returned; may be null.
    std::function<std::unique_ptr<BodyRecord>(std::string_view name_space)> record;
    /// The rows that the request reads and writes.
    RowTally* rows = nullptr;
  };
  /// Answers the request, or parks it.
  void handle(net::Exchange& exchange, Call call, const Scope& scope);

 private:
  void run(net::Exchange& exchange, Call call, grpc::Form form, std::string_view message, const Scope& scope);
  void hello(net::Exchange& exchange, grpc::Form form, std::string_view message, const Context& context,
             replication::Log& log);
  void batch(net::Exchange& exchange, const AnswerForm& form, replication::FrameNo from, const Context& context,
             replication::Log& log, const replication::Uuid& id);
  std::string session_token(const Context& context, const replication::Uuid& log_id) const;

  ServerState& state_;
  Hmac signer_;  // another one in each process
  ProxyCalls proxy_;
};

}  // namespace libsql::server
