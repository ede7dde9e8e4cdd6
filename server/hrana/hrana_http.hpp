// Hrana over HTTP: pipelines, cursors and the stateless requests of version 1.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "hrana/encoding.hpp"
#include "net/server.hpp"
#include "server/base/body_record.hpp"
#include "server/run/baton_streams.hpp"
#include "server/run/request_scope.hpp"

namespace libsql::server {

/// Threads: all members may be called by several at once.
class HranaHttp {
 public:
  HranaHttp(ServerState& state) noexcept : state_(state) {}

  void pipeline(net::Exchange& exchange, hrana::Encoding encoding, Context& context);
  /// The answer continues after this has returned, and holds `place` until it ends.
  void cursor(net::Exchange& exchange, hrana::Encoding encoding, Context& context, Places::Place place,
              std::unique_ptr<BodyRecord> record);
  void v1_execute(net::Exchange& exchange, Context& context);
  void v1_batch(net::Exchange& exchange, Context& context);

 private:
  std::unique_ptr<BatonStream> stream_for(net::Exchange& exchange, std::optional<std::string_view> baton,
                                          const Context& context);

  ServerState& state_;
};

}  // namespace libsql::server
