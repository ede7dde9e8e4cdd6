#include "server/serve/service.hpp"

#include <libsql/version.hpp>

#include "core/clock.hpp"
#include "server/admin/admin_api.hpp"
#include "server/admin/admin_guard.hpp"
#include "server/auth/watched_file.hpp"
#include "server/base/descriptors.hpp"
#include "server/console/console.hpp"
#include "server/metrics/monitor.hpp"
#include "server/serve/extensions.hpp"
#include "server/server.hpp"

namespace libsql::server {
namespace {

using Clock = core::SteadyClock;

std::optional<Encryption> encryption_of(const Config& config) {
  std::string key = config.encryption_key;
  if (!config.encryption_key_file.empty()) {
    key = read_small_file(config.encryption_key_file);
    if (key.ends_with('\n')) key.pop_back();
    if (key.ends_with('\r')) key.pop_back();
    if (key.empty()) throw ConfigError("the encryption key file is empty");
  }
  if (key.empty()) return std::nullopt;
  return config.cipher.empty() ? Encryption(std::string_view(key)) : Encryption(std::string_view(key), config.cipher);
}

void set_tls(std::optional<TlsFiles>& listener, const TlsFiles& files) {
  if (!files.certificate_chain.empty()) listener = files;
}

Options options_of(const Config& config, std::shared_ptr<Authenticator> authenticator,
                   std::shared_ptr<Observer> observer) {
  Options options = config.options;
  options.encryption = encryption_of(config);
  if (!config.extension_directory.empty()) options.extensions = trusted_extensions(config.extension_directory);
  set_tls(options.http.tls, config.tls);
  if (options.hrana) set_tls(options.hrana->tls, config.tls);
  if (options.admin) set_tls(options.admin->tls, config.admin_tls);
  options.authenticator = std::move(authenticator);
  options.observer = std::move(observer);
  return options;
}

std::unique_ptr<AccessLog> access_log_of(const LogSettings& settings) {
  return settings.access_file.empty() ? nullptr : std::make_unique<AccessLog>(settings.access_file);
}

std::unique_ptr<SlowLog> slow_log_of(const LogSettings& settings, Log& log) {
  if (!settings.slow_threshold) return nullptr;
  return std::make_unique<SlowLog>(settings.slow_file, log, *settings.slow_threshold);
}

std::string url(const Listen& listen, std::uint16_t port, const char* scheme) {
  const bool six = listen.host.find(':') != std::string::npos;
  std::string text = scheme;
  text.append(listen.tls ? "s://" : "://").append(six ? "[" : "").append(listen.host).append(six ? "]" : "");
  return text.append(":").append(std::to_string(port));
}

// The files whose change means that there are new certificates.
std::vector<std::unique_ptr<WatchedFile>> watched_certificates(const Config& config) {
  std::vector<std::unique_ptr<WatchedFile>> files;
  for (const TlsFiles* const tls : {&config.tls, &config.admin_tls}) {
    if (tls->certificate_chain.empty()) continue;
    files.push_back(std::make_unique<WatchedFile>(tls->certificate_chain));
    files.push_back(std::make_unique<WatchedFile>(tls->private_key));
  }
  return files;
}

}  // namespace

class Service::Impl {
 public:
  explicit Impl(Config config)
      : config_(std::move(config)),
        log_(config_.log.file, config_.log.format, config_.log.filter),
        authenticator_(std::make_shared<StandardAuthenticator>(config_.auth, log_)),
        monitor_(std::make_shared<Monitor>(access_log_of(config_.log), slow_log_of(config_.log, log_))),
        guard_(config_.admin_key, config_.admin_key_file,
               config_.allow_unauthenticated_admin ? AdminGuard::Names::Any : AdminGuard::Names::Loopback, log_),
        certificates_(watched_certificates(config_)),
        server_(options_of(config_, authenticator_, monitor_)) {
    if (config_.console) add_console_route(server_.routes());
    add_admin_routes({server_, *monitor_, log_, guard_, config_.backup_directory, config_.dump_directory});
  }

  void start() {
    server_.start();
    started_ = Clock::now();
    log_.info("serve", "libsql " + std::string(version()) + " serves " + addresses());
    const Limits& limits = server_.options().limits;
    if (const std::size_t clients = most_clients(server_.options()); clients < limits.http_connections) {
      log_.warn("serve", "the limit of open files allows only " + std::to_string(clients) +
                             " connected clients instead of " + std::to_string(limits.http_connections));
    }
    if (authenticator_->scheme() == AuthScheme::None) {
      log_.warn("auth", "no token is required: everyone who reaches the port may do everything");
    }
  }

  std::string addresses() const {
    const Options& options = server_.options();
    std::string text = "http=" + url(options.http, server_.port(), "http");
    if (options.hrana) text += " hrana=" + url(*options.hrana, server_.hrana_port(), "ws");
    if (options.admin) text += " admin=" + url(*options.admin, server_.admin_port(), "http");
    return text;
  }

  void tick() noexcept {
    authenticator_->reload_changed();
    guard_.reload_changed();
    bool changed = false;
    for (const auto& file : certificates_) changed = file->has_changed() || changed;
    if (changed) reload_certificates();
    if (AccessLog* const log = monitor_->access_log()) log->flush();
  }

  void reload() noexcept {
    reopen(log_);
    if (AccessLog* const log = monitor_->access_log()) reopen(*log);
    if (SlowLog* const log = monitor_->slow_log()) reopen(*log);
    log_.info("serve", "SIGHUP: the log files were reopened; changed keys and certificates are reloaded");
    tick();
  }

  bool is_idle() const noexcept {
    if (!config_.idle_shutdown) return false;
    const auto last = monitor_->last_activity();
    const bool used = last != Clock::time_point();
    const auto longest = used ? *config_.idle_shutdown : config_.initial_idle_shutdown.value_or(*config_.idle_shutdown);
    if (Clock::now() - (used ? last : started_) < longest) return false;
    try {
      return server_.gauges().connections_in_use == 0;
    } catch (const std::exception&) {
      return false;
    }
  }

  bool stop() noexcept {
    try {
      log_.info("serve", "stopping");
      const bool clean = server_.stop(config_.shutdown_timeout);
      if (config_.options.replication.snapshot_at_shutdown) {
        for (const std::string& failure : server_.compact()) log_.error("serve", failure);
      }
      if (AccessLog* const log = monitor_->access_log()) log->flush();
      log_.info("serve", clean ? "stopped" : "stopped; requests that ran too long were cut off");
      return clean;
    } catch (const std::exception& error) {
      log_.error("serve", std::string("while stopping: ") + error.what());
      return false;
    }
  }

  void say_last_words() noexcept {
    try {
      if (AccessLog* const log = monitor_->access_log()) log->flush();
      log_.error("serve",
                 "a request did not end even when it was cut off: exiting without it. What was "
                 "acknowledged is in the files");
    } catch (const std::exception&) {  // the process ends anyway
    }
  }

 private:
  template <class AnyLog>
  void reopen(AnyLog& file) noexcept {
    try {
      file.reopen();
    } catch (const std::exception& error) {
      log_.error("serve", error.what());
    }
  }

  void reload_certificates() noexcept {
    try {
      server_.reload_tls();
      log_.info("serve", "the certificates were reloaded");
    } catch (const std::exception& error) {
      log_.error("serve", std::string("keeping the previous certificates: ") + error.what());
    }
  }

  const Config config_;
  Log log_;
  std::shared_ptr<StandardAuthenticator> authenticator_;
  std::shared_ptr<Monitor> monitor_;
  AdminGuard guard_;
  std::vector<std::unique_ptr<WatchedFile>> certificates_;
  Server server_;
  Clock::time_point started_;
};

Service::Service(Config config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Service::~Service() = default;
void Service::start() { impl_->start(); }
std::string Service::addresses() const { return impl_->addresses(); }
void Service::tick() noexcept { impl_->tick(); }
void Service::reload() noexcept { impl_->reload(); }
bool Service::is_idle() const noexcept { return impl_->is_idle(); }
bool Service::stop() noexcept { return impl_->stop(); }
void Service::say_last_words() noexcept { impl_->say_last_words(); }

}  // namespace libsql::server
