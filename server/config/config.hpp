// The configuration of `libsql serve`: flags, the environment and a file.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

#include "server/auth/authenticator.hpp"
#include "server/base/options.hpp"
#include "server/log/log.hpp"

namespace libsql::server {

/// A setting is unknown, has an impossible value, or contradicts another one.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct LogSettings {
  std::string file = "-";  // standard error
  LogFilter filter;
  LogFormat format = LogFormat::Text;
  std::string access_file;  // empty: none
  std::string slow_file;    // empty: the log
  std::optional<std::chrono::milliseconds> slow_threshold;
};

struct Config {
  Options options;
  AuthSettings auth;

  std::string admin_key;
  std::filesystem::path admin_key_file;
  bool allow_unauthenticated = false;
  bool allow_unauthenticated_admin = false;

  std::string cipher;
  std::filesystem::path encryption_key_file;
  std::string encryption_key;
  std::filesystem::path extension_directory;

  TlsFiles tls;        // for the clients' listeners
  TlsFiles admin_tls;  // for the admin API

  bool console = false;
  std::filesystem::path backup_directory;
  std::filesystem::path dump_directory;

  LogSettings log;
  std::filesystem::path pid_file;
  std::chrono::milliseconds shutdown_timeout{30'000};
  std::optional<std::chrono::milliseconds> idle_shutdown;
  std::optional<std::chrono::milliseconds> initial_idle_shutdown;
};

}  // namespace libsql::server
