// Everything that GET /metrics reports.
#pragma once

#include <string>

namespace libsql::server {

class Monitor;
class Server;

std::string render_metrics(const Monitor& monitor, Server& server);

}  // namespace libsql::server
