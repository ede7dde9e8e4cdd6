#include <libsql/builder.hpp>

#include "api/access.hpp"
#include "remote/location.hpp"
#include "remote/options.hpp"
#include "remote/store.hpp"

namespace libsql {

RemoteBuilder::RemoteBuilder(std::string url, std::string auth_token)
    : options_(std::make_unique<detail::RemoteOptions>()) {
  options_->url = std::move(url);
  options_->auth_token = std::move(auth_token);
}
RemoteBuilder::RemoteBuilder(const RemoteBuilder& other)
    : options_(std::make_unique<detail::RemoteOptions>(*other.options_)) {}
RemoteBuilder::RemoteBuilder(RemoteBuilder&&) noexcept = default;
RemoteBuilder& RemoteBuilder::operator=(const RemoteBuilder& other) {
  if (this != &other) options_ = std::make_unique<detail::RemoteOptions>(*other.options_);
  return *this;
}
RemoteBuilder& RemoteBuilder::operator=(RemoteBuilder&&) noexcept = default;
RemoteBuilder::~RemoteBuilder() = default;

RemoteBuilder& RemoteBuilder::name_space(std::string name) {
  options_->name_space = std::move(name);
  return *this;
}
RemoteBuilder& RemoteBuilder::encryption_key(std::string base64_key) {
  options_->encryption_key = std::move(base64_key);
  return *this;
}
RemoteBuilder& RemoteBuilder::header(std::string name, std::string value) {
  options_->headers.emplace_back(std::move(name), std::move(value));
  return *this;
}
RemoteBuilder& RemoteBuilder::tls(RemoteTls tls) {
  options_->tls = std::move(tls);
  return *this;
}
RemoteBuilder& RemoteBuilder::proxy(std::optional<std::string> url) {
  options_->proxy_from_environment = false;
  options_->proxy = std::move(url);
  return *this;
}
RemoteBuilder& RemoteBuilder::protocol(RemoteProtocol protocol) {
  options_->protocol = protocol;
  return *this;
}
RemoteBuilder& RemoteBuilder::encoding(RemoteEncoding encoding) {
  options_->encoding = encoding;
  return *this;
}
RemoteBuilder& RemoteBuilder::connect_timeout(std::chrono::milliseconds timeout) {
  options_->connect_timeout = timeout;
  return *this;
}
RemoteBuilder& RemoteBuilder::default_deadline(std::optional<std::chrono::milliseconds> limit) {
  options_->default_deadline = limit;
  return *this;
}
RemoteBuilder& RemoteBuilder::busy_timeout(std::chrono::milliseconds timeout) {
  options_->busy_timeout = timeout;
  return *this;
}
RemoteBuilder& RemoteBuilder::retries(unsigned attempts) {
  options_->retries = attempts;
  return *this;
}
RemoteBuilder& RemoteBuilder::keep_transactions_alive(std::chrono::milliseconds interval) {
  options_->keep_alive = interval;
  return *this;
}
RemoteBuilder& RemoteBuilder::batch_limits(std::size_t statements, std::size_t bytes) {
  options_->batch_statements = statements;
  options_->batch_bytes = bytes;
  return *this;
}
RemoteBuilder& RemoteBuilder::row_buffer(std::size_t bytes) {
  options_->row_buffer = bytes;
  return *this;
}
RemoteBuilder& RemoteBuilder::keep_settings(bool on) {
  options_->keep_settings = on;
  return *this;
}
RemoteBuilder& RemoteBuilder::query_log(QueryLog log) {
  options_->query_logs.push_back(std::move(log));
  return *this;
}

Database RemoteBuilder::build() const { return detail::Access::database(std::make_shared<remote::Store>(*options_)); }

namespace {

[[noreturn]] void refuse_setting(const char* what, const char* mode) {
  core::throw_error(ErrorCode::Configuration, std::string(what) + " is not a setting of a " + mode + " database");
}

// What only a replica has.
void refuse_replication(const UrlSettings& settings, const char* mode) {
  if (settings.sync_interval) refuse_setting("an interval between syncs", mode);
  if (settings.read_your_writes) refuse_setting("reading own writes", mode);
}

Database open_replica(std::string_view url, const UrlSettings& settings) {
  if (settings.read_only) refuse_setting("opening for reading only", "replica");
  if (!settings.pragmas.empty()) refuse_setting("a PRAGMA", "replica");
  if (settings.double_quoted_strings) refuse_setting("the meaning of double quotes", "replica");
  ReplicaBuilder builder(settings.replica_file, std::string(url), settings.auth_token);
  builder.name_space(settings.name_space).remote_encryption_key(settings.remote_encryption_key);
  if (settings.tls) builder.tls(*settings.tls);
  if (settings.encryption) builder.encryption(*settings.encryption);
  if (settings.sync_interval) builder.sync_interval(*settings.sync_interval);
  if (settings.read_your_writes) builder.read_your_writes(*settings.read_your_writes);
  if (settings.busy_timeout) builder.busy_timeout(*settings.busy_timeout);
  if (settings.default_deadline) builder.default_deadline(*settings.default_deadline);
  for (const QueryLog& log : settings.query_logs) builder.query_log(log);
  return builder.build();
}

Database open_remote(std::string_view url, const UrlSettings& settings) {
  if (settings.read_only) refuse_setting("opening for reading only", "remote");
  refuse_replication(settings, "remote");
  if (settings.encryption) refuse_setting("the encryption of the file", "remote");
  if (!settings.pragmas.empty()) refuse_setting("a PRAGMA", "remote");
  if (settings.double_quoted_strings) refuse_setting("the meaning of double quotes", "remote");
  RemoteBuilder builder(std::string(url), settings.auth_token);
  builder.name_space(settings.name_space).encryption_key(settings.remote_encryption_key);
  if (settings.tls) builder.tls(*settings.tls);
  if (settings.busy_timeout) builder.busy_timeout(*settings.busy_timeout);
  if (settings.default_deadline) builder.default_deadline(settings.default_deadline);
  for (const QueryLog& log : settings.query_logs) builder.query_log(log);
  return builder.build();
}

Database open_local(std::string_view path, const UrlSettings& settings) {
  if (!settings.auth_token.empty()) refuse_setting("a token", "local");
  if (!settings.name_space.empty()) refuse_setting("a name space", "local");
  if (!settings.remote_encryption_key.empty()) refuse_setting("the encryption key of a server", "local");
  if (settings.tls) refuse_setting("TLS", "local");
  if (!settings.replica_file.empty()) refuse_setting("following a server", "local");
  refuse_replication(settings, "local");
  LocalBuilder builder((std::string(path)));
  if (settings.read_only) builder.read_only();
  if (settings.double_quoted_strings) builder.double_quoted_strings(*settings.double_quoted_strings);
  if (settings.encryption) builder.encryption(*settings.encryption);
  for (const auto& [name, value] : settings.pragmas) builder.pragma(name, value);
  if (settings.busy_timeout) builder.busy_timeout(*settings.busy_timeout);
  if (settings.default_deadline) builder.default_deadline(*settings.default_deadline);
  for (const QueryLog& log : settings.query_logs) builder.query_log(log);
  return builder.build();
}

}  // namespace

Database Builder::from_url(std::string_view url, const UrlSettings& settings) {
  if (!remote::is_remote_url(url)) return open_local(url, settings);
  return settings.replica_file.empty() ? open_remote(url, settings) : open_replica(url, settings);
}

Connection connect(std::string_view path_or_url, std::string_view auth_token) {
  return Builder::from_url(path_or_url, {.auth_token = std::string(auth_token)}).connect();
}
Connection connect(std::string_view path_or_url, const UrlSettings& settings) {
  return Builder::from_url(path_or_url, settings).connect();
}

}  // namespace libsql
