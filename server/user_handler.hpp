// What a client's request is answered with: the routes of the user port.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/server.hpp"
#include "server/hrana_http.hpp"
#include "server/metrics.hpp"
#include "server/request_scope.hpp"
#include "server/router.hpp"

namespace libsql::server {

class UserHandler final : public net::Handler {
 public:
  UserHandler(ServerState& state, const Router& more) : state_(state), more_(more), hrana_(state) {}

  void on_head(net::Exchange& exchange) override;
  void on_request(net::Exchange& exchange) override;

 private:
  enum class Route : std::uint8_t;
  // What becomes known of a request while it is answered.
  struct Notes {
    std::string name_space;
    RowTally rows;
  };
  static Route route_of(std::string_view path) noexcept;
  void dispatch(net::Exchange& exchange, Notes& notes);
  void run(net::Exchange& exchange, Route route, Notes& notes);
  void answer_version(net::Exchange& exchange);

  ServerState& state_;
  const Router& more_;
  HranaHttp hrana_;
};

}  // namespace libsql::server
