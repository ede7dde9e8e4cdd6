#include "server/config/load.hpp"
#include "server/config/values.hpp"

namespace libsql::server {
namespace {

void check_databases(const Config& config) {
  const bool file = !config.options.database.empty();
  const bool directory = !config.options.data_directory.empty();
  if (file && directory) throw ConfigError("--db and --data exclude each other");
  if (!file && !directory) throw ConfigError("nothing to serve: use --db FILE or --data DIR");
  if (config.options.namespaces && !directory) throw ConfigError("--enable-namespaces needs --data DIR");
  if (!config.options.default_namespace && !config.options.namespaces) {
    throw ConfigError("--disable-default-namespace needs --enable-namespaces");
  }
  const bool key = !config.encryption_key_file.empty() || !config.encryption_key.empty();
  if (!config.cipher.empty() && !key) {
    throw ConfigError("--cipher needs a key: use --encryption-key-file FILE or set LIBSQL_ENCRYPTION_KEY");
  }
}

void check_tls(const TlsFiles& files, const char* name) {
  if (files.certificate_chain.empty() == files.private_key.empty()) return;
  throw ConfigError(std::string(name) + "-cert and " + name + "-key must be given together");
}

void check_listeners(const Config& config) {
  check_tls(config.tls, "--tls");
  check_tls(config.admin_tls, "--admin-tls");
  if (!config.options.admin && !config.admin_tls.certificate_chain.empty()) {
    throw ConfigError("--admin-tls-cert needs --admin-listen");
  }
  const bool admin_key = !config.admin_key.empty() || !config.admin_key_file.empty();
  if (!config.options.admin && admin_key) throw ConfigError("an admin key needs --admin-listen");
  if (config.options.admin && !admin_key && !config.allow_unauthenticated_admin &&
      !is_loopback(config.options.admin->host)) {
    throw ConfigError("--admin-listen " + config.options.admin->host +
                      " is open to other machines, and no admin key is set: use --admin-auth-key-file, or "
                      "--allow-unauthenticated-admin if that is intended");
  }
}

void check_authentication(const Config& config) {
  const AuthSettings& auth = config.auth;
  const bool asked =
      !auth.jwt_key_file.empty() || !auth.jwt_key.empty() || !auth.http_auth_file.empty() || !auth.http_auth.empty();
  if (asked || config.allow_unauthenticated) return;
  const auto check = [](const Listen& listen, const char* option) {
    if (is_loopback(listen.host)) return;
    throw ConfigError(std::string(option) + " " + listen.host +
                      " is open to other machines, and no token is required: use --auth-jwt-key-file or "
                      "--http-auth-file, or --allow-unauthenticated if that is intended");
  };
  check(config.options.http, "--http-listen");
  if (config.options.hrana) check(*config.options.hrana, "--hrana-listen");
}

void check_replication(const Config& config) {
  const bool key = !config.encryption_key_file.empty() || !config.encryption_key.empty();
  if (config.options.replication.offline_sync && key) {
    throw ConfigError("--offline-sync cannot serve databases that the server encrypts");
  }
}

void check_logs(const Config& config) {
  if (!config.log.slow_file.empty() && !config.log.slow_threshold) {
    throw ConfigError("--slow-query-log needs --slow-query-threshold");
  }
  if (config.initial_idle_shutdown && !config.idle_shutdown) {
    throw ConfigError("--initial-idle-shutdown needs --idle-shutdown");
  }
}

}  // namespace

void check_config(const Config& config) {
  check_databases(config);
  check_listeners(config);
  check_authentication(config);
  check_replication(config);
  check_logs(config);
}

}  // namespace libsql::server
