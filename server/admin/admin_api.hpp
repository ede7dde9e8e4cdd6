// The admin API: namespaces, backups, counters. Routes as observed in sqld 0.24.33, except that the list of namespaces
// and the backup are our own.
#pragma once

#include <filesystem>

namespace libsql::server {

class AdminGuard;
class Log;
class Monitor;
class Router;
class Server;

/// What the routes work on. All of it outlives the server's listeners.
struct AdminContext {
  Server& server;
  Monitor& monitor;
  Log& log;
  const AdminGuard& guard;
  std::filesystem::path backup_directory;  // empty: no backups
  std::filesystem::path dump_directory;    // empty: no dumps from files
};

/// Adds the routes to the server's admin listener. Call it before the server starts.
void add_admin_routes(const AdminContext& context);

// The groups of routes, each in its own file.
void add_namespace_routes(Router& router, const AdminContext& context);
void add_stats_routes(Router& router, const AdminContext& context);

}  // namespace libsql::server
