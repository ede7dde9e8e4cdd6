// The web console: a page that runs SQL through the same interface as every other client.
#pragma once

namespace libsql::server {

class Router;

/// GET /console.
void add_console_route(Router& router);

}  // namespace libsql::server
