#include <libsql/replica_builder.hpp>

#include "api/access.hpp"
#include "replica/options.hpp"

namespace libsql {

// -- follows a primary -----------------------------------------------------------------------------------------------

ReplicaBuilder::ReplicaBuilder(std::string path, std::string url, std::string auth_token)
    : options_(std::make_unique<detail::ReplicaOptions>()) {
  options_->local.path = std::move(path);
  detail::RemoteOptions& remote = options_->remote.emplace();
  remote.url = std::move(url);
  remote.auth_token = std::move(auth_token);
  remote.keep_settings = true;  // what is set here holds for what runs there, too
}
ReplicaBuilder::ReplicaBuilder(const ReplicaBuilder& other)
    : options_(std::make_unique<detail::ReplicaOptions>(*other.options_)) {}
ReplicaBuilder::ReplicaBuilder(ReplicaBuilder&&) noexcept = default;
ReplicaBuilder& ReplicaBuilder::operator=(const ReplicaBuilder& other) {
  if (this != &other) options_ = std::make_unique<detail::ReplicaOptions>(*other.options_);
  return *this;
}
ReplicaBuilder& ReplicaBuilder::operator=(ReplicaBuilder&&) noexcept = default;
ReplicaBuilder::~ReplicaBuilder() = default;

ReplicaBuilder& ReplicaBuilder::read_your_writes(bool on) {
  options_->read_your_writes = on;
  return *this;
}
ReplicaBuilder& ReplicaBuilder::sync_interval(std::chrono::milliseconds interval) {
  options_->sync_interval = interval;
  return *this;
}
ReplicaBuilder& ReplicaBuilder::on_sync(std::function<void(const SyncEvent&)> observer) {
  options_->on_sync = std::move(observer);
  return *this;
}
ReplicaBuilder& ReplicaBuilder::first_sync(FirstSync when) {
  options_->first_sync = when;
  return *this;
}
ReplicaBuilder& ReplicaBuilder::sync_deadline(std::optional<std::chrono::milliseconds> limit) {
  options_->sync_deadline = limit;
  return *this;
}
ReplicaBuilder& ReplicaBuilder::protocol(SyncProtocol protocol) {
  options_->protocol = protocol;
  return *this;
}
ReplicaBuilder& ReplicaBuilder::encryption(Encryption encryption) {
  options_->local.encryption = std::move(encryption);
  return *this;
}
ReplicaBuilder& ReplicaBuilder::statement_cache_bytes(std::size_t bytes) {
  options_->local.statement_cache_bytes = bytes;
  return *this;
}
ReplicaBuilder& ReplicaBuilder::name_space(std::string name) {
  options_->remote->name_space = std::move(name);
  return *this;
}
ReplicaBuilder& ReplicaBuilder::remote_encryption_key(std::string base64_key) {
  options_->remote->encryption_key = std::move(base64_key);
  return *this;
}
ReplicaBuilder& ReplicaBuilder::header(std::string name, std::string value) {
  options_->remote->headers.emplace_back(std::move(name), std::move(value));
  return *this;
}
ReplicaBuilder& ReplicaBuilder::request_hook(
    std::function<void(std::vector<std::pair<std::string, std::string>>& headers)> hook) {
  options_->remote->request_hook = std::move(hook);
  return *this;
}
ReplicaBuilder& ReplicaBuilder::tls(RemoteTls tls) {
  options_->remote->tls = std::move(tls);
  return *this;
}
ReplicaBuilder& ReplicaBuilder::proxy(std::optional<std::string> url) {
  options_->remote->proxy_from_environment = false;
  options_->remote->proxy = std::move(url);
  return *this;
}
ReplicaBuilder& ReplicaBuilder::connect_timeout(std::chrono::milliseconds timeout) {
  options_->remote->connect_timeout = timeout;
  return *this;
}
ReplicaBuilder& ReplicaBuilder::default_deadline(std::chrono::milliseconds limit) {
  options_->local.default_deadline = limit;
  options_->remote->default_deadline = limit;
  return *this;
}
ReplicaBuilder& ReplicaBuilder::busy_timeout(std::chrono::milliseconds timeout) {
  options_->local.busy_timeout = timeout;
  options_->remote->busy_timeout = timeout;
  return *this;
}
ReplicaBuilder& ReplicaBuilder::batch_limits(std::size_t statements, std::size_t bytes) {
  options_->remote->batch_statements = statements;
  options_->remote->batch_bytes = bytes;
  return *this;
}
ReplicaBuilder& ReplicaBuilder::row_buffer(std::size_t bytes) {
  options_->remote->row_buffer = bytes;
  return *this;
}
ReplicaBuilder& ReplicaBuilder::query_log(QueryLog log) {
  options_->local.query_logs.push_back(std::move(log));
  return *this;
}

Database ReplicaBuilder::build() const { return detail::Access::database(replica::open(*options_)); }

// -- fed by hand -----------------------------------------------------------------------------------------------------

LocalReplicaBuilder::LocalReplicaBuilder(std::string path) : options_(std::make_unique<detail::ReplicaOptions>()) {
  options_->local.path = std::move(path);
}
LocalReplicaBuilder::LocalReplicaBuilder(const LocalReplicaBuilder& other)
    : options_(std::make_unique<detail::ReplicaOptions>(*other.options_)) {}
LocalReplicaBuilder::LocalReplicaBuilder(LocalReplicaBuilder&&) noexcept = default;
LocalReplicaBuilder& LocalReplicaBuilder::operator=(const LocalReplicaBuilder& other) {
  if (this != &other) options_ = std::make_unique<detail::ReplicaOptions>(*other.options_);
  return *this;
}
LocalReplicaBuilder& LocalReplicaBuilder::operator=(LocalReplicaBuilder&&) noexcept = default;
LocalReplicaBuilder::~LocalReplicaBuilder() = default;

LocalReplicaBuilder& LocalReplicaBuilder::encryption(Encryption encryption) {
  options_->local.encryption = std::move(encryption);
  return *this;
}
LocalReplicaBuilder& LocalReplicaBuilder::default_deadline(std::chrono::milliseconds limit) {
  options_->local.default_deadline = limit;
  return *this;
}
LocalReplicaBuilder& LocalReplicaBuilder::busy_timeout(std::chrono::milliseconds timeout) {
  options_->local.busy_timeout = timeout;
  return *this;
}
LocalReplicaBuilder& LocalReplicaBuilder::query_log(QueryLog log) {
  options_->local.query_logs.push_back(std::move(log));
  return *this;
}

Database LocalReplicaBuilder::build() const { return detail::Access::database(replica::open(*options_)); }

}  // namespace libsql
