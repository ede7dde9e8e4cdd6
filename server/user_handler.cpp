#include "server/user_handler.hpp"

#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <libsql/version.hpp>

#include "core/clock.hpp"
#include "hrana/extensions.hpp"
#include "server/base/failure.hpp"
#include "server/hrana/hrana_websocket.hpp"
#include "server/http/dump_http.hpp"
#include "server/http/http_answer.hpp"
#include "server/http/legacy_http.hpp"
#include "server/http/routed_exchange.hpp"

namespace libsql::server {

enum class UserHandler::Route : std::uint8_t {
  None,
  PipelineJson,
  PipelineProtobuf,
  CursorJson,
  CursorProtobuf,
  V1Execute,
  V1Batch,
  Dump,
  Probe,
  Health,
  Version,
  Root,
  Replica,
  Offline,
};

namespace {

bool is_post(std::string_view method) noexcept { return method == "POST"; }

}  // namespace

UserHandler::Route UserHandler::route_of(std::string_view path) noexcept {
  struct Known {
    std::string_view path;
    Route route;
  };
  // The most frequently used first.
  static constexpr std::array<Known, 15> kRoutes = {{{"/v2/pipeline", Route::PipelineJson},
                                                     {"/v3/pipeline", Route::PipelineJson},
                                                     {"/v3/cursor", Route::CursorJson},
                                                     {"/v3-protobuf/pipeline", Route::PipelineProtobuf},
                                                     {"/v3-protobuf/cursor", Route::CursorProtobuf},
                                                     {"/", Route::Root},
                                                     {"/v1/execute", Route::V1Execute},
                                                     {"/v1/batch", Route::V1Batch},
                                                     {"/v1", Route::Probe},
                                                     {"/v2", Route::Probe},
                                                     {"/v3", Route::Probe},
                                                     {"/v3-protobuf", Route::Probe},
                                                     {"/health", Route::Health},
                                                     {"/version", Route::Version},
                                                     {"/dump", Route::Dump}}};
  for (const Known& known : kRoutes) {
    if (known.path == path) return known.route;
  }
  if (GrpcHandler::call_of(path) != GrpcHandler::Call::None) return Route::Replica;
  return V2Handler::is_call(path) ? Route::Offline : Route::None;
}

void UserHandler::on_head(net::Exchange& exchange) {
  const bool legacy = target_of(exchange.request().path).path == "/";
  exchange.set_body_limit(legacy ? state_.options.limits.legacy_request_bytes : state_.options.limits.request_bytes);
  // If the body has arrived, on_request() checks the same right away.
  if (!exchange.body_is_here()) {
    try {
      check_stranger(exchange);
    } catch (...) {
      if (route_of(target_of(exchange.request().path).path) == Route::Replica) {
        const bool has_credentials = ScopeHeaders(exchange.request()).credentials.value.has_value();
        answer_status(exchange, status_of_exception(std::current_exception(), has_credentials));
      } else {
        answer_exception(exchange, std::current_exception());
      }
    }
  } else if (exchange.is_crowded()) {
    const net::Request& request = exchange.request();
    if (request.path == "/health" && !is_post(request.method)) answer(exchange, 200, {}, {});
  }
}

// Checks who sends the request before its body is waited for and kept.
void UserHandler::check_stranger(net::Exchange& exchange) {
  const net::Request& request = exchange.request();
  const Route route = route_of(target_of(request.path).path);
  const bool takes_body =
      is_post(request.method) &&
      (route == Route::PipelineJson || route == Route::PipelineProtobuf || route == Route::CursorJson ||
       route == Route::CursorProtobuf || route == Route::V1Execute || route == Route::V1Batch || route == Route::Root ||
       route == Route::Replica || route == Route::Offline);
  if (!takes_body) {
    constexpr std::uint64_t kUnusedBody = 4096;
    return exchange.set_body_limit(kUnusedBody);
  }
  const std::string name = namespace_of(request, state_.options);
  exchange.set_known(memory_of(state_, *identity_for(state_, ScopeHeaders(request).credentials, name)));
}

void UserHandler::on_request(net::Exchange& exchange) {
  Notes notes;
  Observer* const observer = state_.options.observer.get();
  if (observer != nullptr) notes.begun = core::SteadyClock::now();
  try {
    dispatch(exchange, notes);
  } catch (...) {
    answer_exception(exchange, std::current_exception());
  }
  if (observer == nullptr || notes.is_recorded || exchange.is_parked()) return;
  const net::Request& request = exchange.request();
  const std::string peer = exchange.peer();
  RequestRecord record;
  record.method = request.method;
  record.target = request.target;
  record.peer = peer;
  record.name_space = notes.name_space;
  record.client = request.header("x-libsql-client-version").value_or(request.header("user-agent").value_or(""));
  record.status = exchange.status();
  record.request_bytes = request.body.size();
  record.response_bytes = exchange.body_bytes();
  record.rows = notes.rows;
  record.duration = core::SteadyClock::now() - notes.begun;
  observer->request_finished(record);
}

void UserHandler::dispatch(net::Exchange& exchange, Notes& notes) {
  const net::Request& request = exchange.request();
  if (request.method == "OPTIONS") {  // a browser's preflight request
    return exchange.answer(
        200,
        {kAnyOrigin,
         {"access-control-allow-methods", "*"},
         {"access-control-allow-headers", request.header("access-control-request-headers").value_or("*")},
         {"access-control-max-age", "86400"}},
        {});
  }
  const Route route = route_of(target_of(request.path).path);
  switch (route) {
    case Route::None: {
      RoutedExchange routed(exchange, OtherSites::Allowed);
      if (more_.dispatch(routed) == Router::Found::No) answer(exchange, 404, {}, {});
      return;
    }
    case Route::Probe:
      if (is_post(request.method)) return answer(exchange, 405, {}, {});
      return exchange.answer(
          200, {{"content-type", kPlainText}, kAnyOrigin, {hrana::kBusyTimeoutHeader, hrana::kKeepsBusyTimeout}},
          "Hello, this is a server for Hrana over HTTP");
    case Route::Health:
      return answer(exchange, 200, {}, {});
    case Route::Version:
      return answer_version(exchange);
    case Route::Root:
      if (request.wants_websocket()) break;
      if (!is_post(request.method)) return answer(exchange, 404, {}, {});
      break;
    case Route::Dump:
      if (request.method != "GET") return answer(exchange, 405, {}, {});
      break;
    case Route::Replica:
      if (!is_post(request.method)) return answer(exchange, 405, {}, {});
      return run_call(exchange, GrpcHandler::call_of(target_of(request.path).path), notes);
    case Route::Offline:
      return run_offline(exchange, target_of(request.path).path, notes);
    default:
      if (!is_post(request.method)) return answer(exchange, 405, {}, {});
  }
  notes.name_space = namespace_of(request, state_.options);
  if (route == Route::Root && request.wants_websocket()) return accept_hrana(exchange, state_, notes.name_space);
  run(exchange, route, notes);
}

void UserHandler::run(net::Exchange& exchange, Route route, Notes& notes) {
  const ScopeHeaders headers(exchange.request());
  Context context = context_for(state_, headers.credentials, notes.name_space);
  exchange.set_known(memory_of(state_, context.identity()));
  Places::Place place;
  if (!take_place(exchange, context, place)) return;
  context.count_into(&notes.rows);
  if (const auto wait = headers.busy_timeout()) context.wait_at_most(*wait);
  switch (route) {
    case Route::PipelineJson:
      return hrana_.pipeline(exchange, hrana::Encoding::Json, context);
    case Route::PipelineProtobuf:
      return hrana_.pipeline(exchange, hrana::Encoding::Protobuf, context);
    case Route::CursorJson:
      hrana_.cursor(exchange, hrana::Encoding::Json, context, std::move(place), record_of(exchange, notes));
      notes.is_recorded = true;
      return;
    case Route::CursorProtobuf:
      hrana_.cursor(exchange, hrana::Encoding::Protobuf, context, std::move(place), record_of(exchange, notes));
      notes.is_recorded = true;
      return;
    case Route::V1Execute:
      return hrana_.v1_execute(exchange, context);
    case Route::V1Batch:
      return hrana_.v1_batch(exchange, context);
    case Route::Root:
      return legacy_query(exchange, state_, context);
    case Route::Dump:
      answer_dump(exchange, state_, context, record_of(exchange, notes));
      notes.is_recorded = true;
      return;
    default:
      return answer(exchange, 404, {}, {});
  }
}

// False: no place is free, and the request waits for one without a thread. Throws RequestRefused when it has waited
// long enough.
bool UserHandler::wait_for_place(net::Exchange& exchange, const Context& context, Places::Place& place, Whose whose) {
  Places& places = state_.places;
  const auto now = core::SteadyClock::now();
  const auto until = exchange.parked_since().value_or(now) + state_.options.timeouts.connection_wait;
  if (now >= until || places.waiting() >= state_.options.limits.connections_waiting) {
    throw RequestRefused(whose == Whose::Server ? 503 : 429, "TOO_MANY_REQUESTS", places.message(whose));
  }
  const auto ticket = std::make_shared<int>(0);
  places.wait(context.takers(), ticket, exchange.waker());
  if ((place = places.try_take(context.takers(), &whose))) return true;
  exchange.park(until, ticket);
  return false;
}

void UserHandler::run_call(net::Exchange& exchange, GrpcHandler::Call call, Notes& notes) {
  GrpcHandler::Scope scope;
  scope.take_place = [&](const Context& context, Places::Place& place) {
    notes.name_space = context.name_space().name();
    return take_place(exchange, context, place);
  };
  scope.record = [&](std::string_view name_space) {
    notes.name_space = name_space;
    std::unique_ptr<BodyRecord> record = record_of(exchange, notes);
    notes.is_recorded = record != nullptr;
    return record;
  };
  scope.rows = &notes.rows;
  replication_.handle(exchange, call, scope);
}

void UserHandler::run_offline(net::Exchange& exchange, std::string_view path, Notes& notes) {
  notes.name_space = namespace_of(exchange.request(), state_.options);
  V2Handler::Scope scope;
  scope.take_place = [&](const Context& context, Places::Place& place) { return take_place(exchange, context, place); };
  scope.record = [&] {
    std::unique_ptr<BodyRecord> record = record_of(exchange, notes);
    notes.is_recorded = record != nullptr;
    return record;
  };
  offline_.handle(exchange, path, notes.name_space, scope);
}

// For an answer that continues after the handler has returned.
std::unique_ptr<BodyRecord> UserHandler::record_of(net::Exchange& exchange, Notes& notes) const {
  if (state_.options.observer == nullptr) return nullptr;
  return std::make_unique<BodyRecord>(exchange, state_.options.observer, notes.name_space, 200, notes.begun);
}

void UserHandler::answer_version(net::Exchange& exchange) {
  answer(exchange, 200, kPlainText,
         state_.options.version.empty() ? "libsql-cpp " + std::string(version()) : state_.options.version);
}

}  // namespace libsql::server
