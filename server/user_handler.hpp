// Answers clients' requests: the routes of the user port.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "net/server.hpp"
#include "server/base/body_record.hpp"
#include "server/base/metrics.hpp"
#include "server/hrana/hrana_http.hpp"
#include "server/http/router.hpp"
#include "server/replication/grpc_handler.hpp"
#include "server/replication/v2_handler.hpp"
#include "server/run/request_scope.hpp"

namespace libsql::server {

class UserHandler final : public net::Handler {
 public:
  UserHandler(ServerState& state, const Router& more)
      : state_(state), more_(more), hrana_(state), replication_(state), offline_(state) {}

  /// Drops what has waited too long for its client's next request.
  void tidy() { offline_.tidy(); }

  void on_head(net::Exchange& exchange) override;
  void on_request(net::Exchange& exchange) override;

 private:
  enum class Route : std::uint8_t;
  // What is learnt about a request while it is answered.
  struct Notes {
    std::chrono::steady_clock::time_point begun;
    std::string name_space;
    RowTally rows;
    bool is_recorded = false;  // another object records it when the answer has ended
  };
  static Route route_of(std::string_view path) noexcept;
  void dispatch(net::Exchange& exchange, Notes& notes);
  void run(net::Exchange& exchange, Route route, Notes& notes);
  void run_call(net::Exchange& exchange, GrpcHandler::Call call, Notes& notes);
  void run_offline(net::Exchange& exchange, std::string_view path, Notes& notes);
  void check_stranger(net::Exchange& exchange);
  bool take_place(net::Exchange& exchange, const Context& context, Places::Place& place) {
    Whose whose = Whose::Nobody;
    place = state_.places.try_take(context.takers(), &whose);
    return place || wait_for_place(exchange, context, place, whose);
  }
  bool wait_for_place(net::Exchange& exchange, const Context& context, Places::Place& place, Whose whose);
  std::unique_ptr<BodyRecord> record_of(net::Exchange& exchange, Notes& notes) const;
  void answer_version(net::Exchange& exchange);

  ServerState& state_;
  const Router& more_;
  HranaHttp hrana_;
  GrpcHandler replication_;
  V2Handler offline_;
};

}  // namespace libsql::server
