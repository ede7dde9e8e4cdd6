#include "server/admin/admin_api.hpp"

#include <libsql/error.hpp>

#include "server/admin/admin_error.hpp"
#include "server/admin/admin_guard.hpp"
#include "server/admin/admin_handler.hpp"
#include "server/base/failure.hpp"
#include "server/databases/namespaces.hpp"
#include "server/log/log.hpp"
#include "server/metrics/server_metrics.hpp"
#include "server/server.hpp"

namespace libsql::server {
namespace {

void log(const Exchange& exchange, const AdminContext& context, const std::exception& error) {
  context.log.error("admin", std::string(exchange.method()) + " " + std::string(exchange.path()) + ": " + error.what());
}

// Client errors, transient conditions, and errors of the server.
int status_of(const Error& error) noexcept {
  switch (error.code()) {
    case ErrorCode::Conflict:
      return 409;
    case ErrorCode::Busy:
    case ErrorCode::Interrupted:
    case ErrorCode::Timeout:
      return 503;
    default:
      return 500;
  }
}

void set_log_filter(Exchange& exchange, const AdminContext& context) {
  try {
    context.log.set_filter(LogFilter::parse(exchange.body()));
  } catch (const std::invalid_argument& error) {
    throw AdminError(error.what());
  }
  answer_done(exchange);
}

}  // namespace

void add_admin_route(Router& router, const AdminContext& context, std::string method, std::string pattern,
                     AdminHandler handler) {
  router.add(std::move(method), std::move(pattern), [context, handler = std::move(handler)](Exchange& exchange) {
    try {
      handler(exchange, context);
    } catch (const AdminError& error) {
      exchange.answer_error(error.status(), error.what());
    } catch (const NamespaceError& error) {
      exchange.answer_error(error.status(), error.what());
    } catch (const RequestRefused& error) {
      exchange.answer_error(error.status(), error.what());
    } catch (const Error& error) {
      const int status = status_of(error);
      if (status >= 500) log(exchange, context, error);
      exchange.answer_error(status, error.what());
    } catch (const std::exception& error) {
      log(exchange, context, error);
      exchange.answer_error(500, error.what());
    }
  });
}

void answer_done(Exchange& exchange) { exchange.answer(200, {}, {}); }

void answer_json(Exchange& exchange, std::string json) { exchange.answer(200, "application/json", std::move(json)); }

void add_admin_routes(const AdminContext& context) {
  Router& router = context.server.admin_routes();
  router.set_guard([&guard = context.guard](Exchange& exchange) { return guard.refuses(exchange); });
  add_admin_route(router, context, "GET", "/", [](Exchange& exchange, const AdminContext&) {
    exchange.answer(200, "text/plain", "The admin API of libsql serve");
  });
  add_admin_route(router, context, "GET", "/health",
                  [](Exchange& exchange, const AdminContext&) { answer_done(exchange); });
  add_admin_route(router, context, "GET", "/metrics", [](Exchange& exchange, const AdminContext& with) {
    exchange.answer(200, "text/plain; version=0.0.4", render_metrics(with.monitor, with.server));
  });
  add_admin_route(router, context, "POST", "/log-filter", set_log_filter);
  add_namespace_routes(router, context);
  add_stats_routes(router, context);
}

}  // namespace libsql::server
