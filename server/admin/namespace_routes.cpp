#include <nlohmann/json.hpp>
#include <unordered_set>

#include <libsql/error.hpp>

#include "server/admin/admin_error.hpp"
#include "server/admin/admin_handler.hpp"
#include "server/admin/config_json.hpp"
#include "server/admin/dump_loader.hpp"
#include "server/admin/dump_source.hpp"
#include "server/databases/namespaces.hpp"
#include "server/log/log.hpp"
#include "server/metrics/monitor.hpp"
#include "server/server.hpp"

namespace libsql::server {
namespace {

using Json = nlohmann::json;

std::string name_in(const Exchange& exchange, std::string_view parameter = "namespace") {
  return std::string(exchange.parameter(parameter));
}

// Members of a request's body that may be missing.
Json optional_object(std::string_view body) {
  if (body.empty()) return Json::object();
  Json object = Json::parse(body, nullptr, false);
  if (!object.is_object()) throw AdminError("The body is not a JSON object");
  return object;
}

void load_dump(Namespace& name_space, const std::string& url, const AdminContext& context) {
  try {
    const std::shared_ptr<core::Session> session = name_space.connect();
    DumpLoader loader(*session);
    read_dump(url, context.dump_directory, [&](std::string_view piece) { loader.feed(piece); });
    loader.finish();
    check_loaded(*name_space.connect());  // a new session, which has to read the schema
  } catch (const Error& error) {
    throw AdminError("The dump cannot be loaded: " + std::string(error.message()));
  }
}

void check_offline_sync(const NamespaceConfig& config, const AdminContext& context) {
  if (!config.offline_sync.value_or(false)) return;
  const Options& options = context.server.options();
  if (!options.replication.log) throw AdminError("`offline_sync` needs a server with --replication-log");
  if (options.encryption) throw AdminError("`offline_sync`: not for databases that the server encrypts");
}

void create(Exchange& exchange, const AdminContext& context) {
  const std::string name = name_in(exchange);
  const CreateRequest request = create_request_from_json(exchange.body());
  check_offline_sync(request.config, context);
  Namespaces& namespaces = context.server.namespaces();
  Namespaces::Fill fill;
  if (!request.dump_url.empty()) {
    fill = [&](Namespace& made) { load_dump(made, request.dump_url, context); };
  }
  namespaces.create(name, request.config, fill);
  context.log.info("admin", "namespace " + name + " was created");
  answer_done(exchange);
}

void fork(Exchange& exchange, const AdminContext& context) {
  const std::string from = name_in(exchange, "from");
  const std::string to = name_in(exchange, "to");
  if (const Json object = optional_object(exchange.body());
      object.contains("timestamp") && !object["timestamp"].is_null()) {
    throw AdminError("`timestamp`: this server keeps no history to fork from");
  }
  context.server.namespaces().fork(from, to);
  context.log.info("admin", "namespace " + to + " was forked from " + from);
  answer_done(exchange);
}

void remove(Exchange& exchange, const AdminContext& context) {
  const std::string name = name_in(exchange);
  if (const Json object = optional_object(exchange.body()); object.value("keep_backup", Json(false)) == true) {
    throw AdminError("`keep_backup`: this server makes no backups of its own");
  }
  context.server.namespaces().remove(name);
  context.monitor.forget(name);
  context.log.info("admin", "namespace " + name + " was deleted");
  answer_done(exchange);
}

void list(Exchange& exchange, const AdminContext& context) {
  std::unordered_set<std::string> loaded;
  for (const auto& name_space : context.server.namespaces().loaded()) loaded.insert(name_space->name());
  Json namespaces = Json::array();
  for (const std::string& name : context.server.namespaces().list()) {
    namespaces.push_back({{"name", name}, {"loaded", loaded.contains(name)}});
  }
  answer_json(exchange, Json{{"namespaces", std::move(namespaces)}}.dump());
}

void get_config(Exchange& exchange, const AdminContext& context) {
  answer_json(exchange, config_to_json(context.server.namespaces().config(name_in(exchange))));
}

void set_config(Exchange& exchange, const AdminContext& context) {
  Namespaces& namespaces = context.server.namespaces();
  const std::string name = name_in(exchange);
  const NamespaceConfig config = config_from_json(exchange.body(), namespaces.config(name));
  check_offline_sync(config, context);
  namespaces.set_config(name, config);
  context.log.info("admin", "namespace " + name + " has a new configuration");
  answer_done(exchange);
}

void checkpoint(Exchange& exchange, const AdminContext& context) {
  context.server.namespaces().checkpoint(name_in(exchange));
  answer_done(exchange);
}

void backup(Exchange& exchange, const AdminContext& context) {
  if (context.backup_directory.empty()) {
    throw AdminError("Backups are not allowed: the server was started without --backup-dir");
  }
  const std::string name = name_in(exchange);
  const Json object = optional_object(exchange.body());
  const auto path = object.find("path");
  if (path == object.end() || !path->is_string()) throw AdminError("`path` is missing");
  const std::filesystem::path file = path_within(context.backup_directory, path->get<std::string>());
  if (std::filesystem::exists(file)) throw AdminError("The backup file already exists", 409);
  if (!std::filesystem::is_directory(file.parent_path())) throw AdminError("The backup directory does not exist");
  context.server.namespaces().backup(name, file);
  context.log.info("admin", "namespace " + name + " was backed up to " + file.string());
  answer_json(exchange, Json{{"path", file.string()}, {"bytes", std::filesystem::file_size(file)}}.dump());
}

}  // namespace

void add_namespace_routes(Router& router, const AdminContext& context) {
  add_admin_route(router, context, "GET", "/v1/namespaces", list);
  add_admin_route(router, context, "POST", "/v1/namespaces/{namespace}/create", create);
  add_admin_route(router, context, "POST", "/v1/namespaces/{from}/fork/{to}", fork);
  add_admin_route(router, context, "DELETE", "/v1/namespaces/{namespace}", remove);
  add_admin_route(router, context, "GET", "/v1/namespaces/{namespace}/config", get_config);
  add_admin_route(router, context, "POST", "/v1/namespaces/{namespace}/config", set_config);
  add_admin_route(router, context, "POST", "/v1/namespaces/{namespace}/checkpoint", checkpoint);
  add_admin_route(router, context, "POST", "/v1/namespaces/{namespace}/backup", backup);
}

}  // namespace libsql::server
