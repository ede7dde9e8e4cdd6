#include "server/console/console.hpp"

#include <string>
#include <string_view>

#include "server/http/router.hpp"

namespace libsql::server {

// The content of console.html, which the build turns into a string.
extern const std::string_view kConsolePage;

void add_console_route(Router& router) {
  router.add("GET", "/console", [](Exchange& exchange) {
    // The page is self-contained and must not load anything else, because it shows what databases hold.
    exchange.add_header("content-security-policy",
                        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src "
                        "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    exchange.add_header("x-content-type-options", "nosniff");
    exchange.add_header("referrer-policy", "no-referrer");
    exchange.add_header("cache-control", "no-cache");
    exchange.answer(200, "text/html; charset=utf-8", std::string(kConsolePage));
  });
}

}  // namespace libsql::server
