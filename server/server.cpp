#include "server/server.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/errors.hpp"
#include "net/server.hpp"
#include "server/base/descriptors.hpp"
#include "server/base/heap.hpp"
#include "server/hrana/hrana_websocket.hpp"
#include "server/http/http_answer.hpp"
#include "server/http/routed_exchange.hpp"
#include "server/http/router.hpp"
#include "server/run/request_scope.hpp"
#include "server/user_handler.hpp"

namespace libsql::server {
namespace {

constexpr std::chrono::milliseconds kTidyPeriod{250};

// Serves the admin port, which has only the routes added from outside.
class AdminHandler final : public net::Handler {
 public:
  AdminHandler(const Router& routes, std::size_t body_limit) : routes_(routes), body_limit_(body_limit) {}
  void on_head(net::Exchange& exchange) override {
    exchange.set_body_limit(body_limit_);
    if (exchange.body_is_here()) return;
    // A body is only waited for if its sender is known.
    RoutedExchange routed(exchange, OtherSites::Refused);
    if (!routes_.refuses(routed)) exchange.set_known(nullptr);
  }
  void on_request(net::Exchange& exchange) override {
    RoutedExchange routed(exchange, OtherSites::Refused);
    if (routes_.dispatch(routed) == Router::Found::No) routed.answer(404, {}, {});
    if (exchange.status() != 401 && exchange.status() != 403) exchange.set_known(nullptr);
  }

 private:
  const Router& routes_;
  std::size_t body_limit_;
};

// Serves the port for WebSocket clients, which may connect to any path.
class WebSocketOnly final : public net::Handler {
 public:
  explicit WebSocketOnly(ServerState& state) : state_(state) {}
  void on_head(net::Exchange& exchange) override { exchange.set_body_limit(0); }
  void on_request(net::Exchange& exchange) override {
    if (!exchange.request().wants_websocket()) return answer(exchange, 404, {}, {});
    try {
      accept_hrana(exchange, state_, namespace_of(exchange.request(), state_.options));
    } catch (...) {
      answer_exception(exchange, std::current_exception());
    }
  }

 private:
  ServerState& state_;
};

// Threads beyond the number of places, so that there is always one to read, to write, and to answer requests that run
// nothing.
constexpr std::size_t kSpareThreads = 8;
// The resources of clients that have not authenticated: enough for a token and a few seconds to send it.
constexpr std::size_t kStrangerMemory = std::size_t{8} << 20;
constexpr std::uint64_t kHelloBytes = 16 * 1024;
constexpr std::chrono::milliseconds kHelloTime{10'000};

net::ServerOptions net_options(const Options& options) {
  net::ServerOptions settings;
  settings.max_workers = places_of(options) + kSpareThreads;
  settings.max_connections = most_clients(options);
  settings.max_memory = options.limits.request_memory();
  settings.stranger_memory = std::min(kStrangerMemory, options.limits.request_memory() / 4);
  settings.stranger_message_bytes = std::min<std::uint64_t>(kHelloBytes, options.limits.request_bytes);
  settings.stranger_timeout = std::min(kHelloTime, options.timeouts.http_idle);
  settings.max_body_bytes = options.limits.request_bytes;
  settings.max_message_bytes = options.limits.request_bytes;
  settings.idle_timeout = options.timeouts.http_idle;
  settings.transfer_timeout = options.timeouts.http_slow;
  settings.stall_timeout = options.timeouts.http_slow;
  return settings;
}

// The admin port has its own threads and connections, which clients cannot take up.
net::ServerOptions admin_options(const Options& options) {
  net::ServerOptions settings = net_options(options);
  settings.max_workers = 32;
  settings.max_connections = 96;
  return settings;
}

}  // namespace

class Server::Impl {
 public:
  explicit Impl(Options options) : state_(std::move(options)), net_(net_options(state_.options)) {
    state_.post = [this](std::function<void()> task) { net_.post(std::move(task)); };
  }
  ~Impl() { stop(std::chrono::milliseconds(0)); }

  void start() {
    const Options& options = state_.options;
    users_ = std::make_shared<UserHandler>(state_, routes_);
    port_ = listen(net_, options.http, users_);
    if (options.admin) {
      admin_net_ = std::make_unique<net::Server>(admin_options(options));
      admin_port_ = listen(*admin_net_, *options.admin,
                           std::make_shared<AdminHandler>(admin_routes_, options.limits.request_bytes));
    }
    if (options.hrana) hrana_port_ = listen(net_, *options.hrana, std::make_shared<WebSocketOnly>(state_));
    tidying_ = std::thread([this] { tidy(); });
  }

  bool stop(std::chrono::milliseconds drain) {
    if (std::exchange(stopped_, true)) return true;
    const net::Deadline until = net::Deadline::after(drain);
    state_.stopping = true;
    for (const auto& name_space : state_.namespaces.loaded()) name_space->wake_followers();
    bool clean = net_.stop(until);
    if (admin_net_ != nullptr) clean = admin_net_->stop(until) && clean;
    state_.dumps.close();
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    ended_.notify_all();
    if (tidying_.joinable()) tidying_.join();
    state_.streams.close();
    return clean;
  }

  void reload_tls() {
    // Reads all certificates before it replaces any.
    std::vector<std::pair<std::uint16_t, std::shared_ptr<const net::TlsContext>>> fresh;
    const auto read = [&](std::uint16_t port, const Listen& where) {
      if (auto tls = tls_of(where)) fresh.emplace_back(port, std::move(tls));
    };
    const Options& options = state_.options;
    read(port_, options.http);
    if (options.hrana) read(hrana_port_, *options.hrana);
    if (options.admin) read(admin_port_, *options.admin);
    for (auto& [port, tls] : fresh) {
      net_.set_tls(port, tls);
      if (admin_net_ != nullptr) admin_net_->set_tls(port, tls);
    }
  }

  net::ServerStatistics statistics() const { return net_.statistics(); }

  ServerState state_;
  Router routes_;
  Router admin_routes_;
  std::uint16_t port_ = 0, admin_port_ = 0, hrana_port_ = 0;

 private:
  static std::uint16_t listen(net::Server& server, const Listen& where, std::shared_ptr<net::Handler> handler) {
    net::Listener listener;
    listener.address = where.host;
    listener.port = where.port;
    listener.tls = tls_of(where);
    return server.listen(listener, std::move(handler));
  }

  static std::shared_ptr<const net::TlsContext> tls_of(const Listen& where) {
    if (!where.tls) return nullptr;
    net::TlsServerOptions tls;
    tls.certificate_file = where.tls->certificate_chain.string();
    tls.key_file = where.tls->private_key.string();
    return net::TlsContext::server(tls);
  }

  void tidy() {
    auto next_checkpoint = core::SteadyClock::now();
    std::unique_lock lock(mutex_);
    while (!ended_.wait_for(lock, kTidyPeriod, [&] { return ending_; })) {
      lock.unlock();
      state_.streams.tidy();
      state_.places.tidy();
      state_.dumps.tidy();
      users_->tidy();
      state_.namespaces.tidy();
      heap_.tidy();
      if (const auto interval = state_.options.timeouts.checkpoint_interval;
          interval && core::SteadyClock::now() >= next_checkpoint) {
        next_checkpoint = core::SteadyClock::now() + *interval;
        checkpoint_all();
      }
      lock.lock();
    }
  }

  void checkpoint_all() {
    for (const auto& name_space : state_.namespaces.loaded()) {
      try {
        name_space->checkpoint_now();
      } catch (const std::exception&) {  // the next round tries again
      }
    }
  }

  net::Server net_;
  std::shared_ptr<UserHandler> users_;
  std::unique_ptr<net::Server> admin_net_;
  Heap heap_;  // used by the tidying thread
  std::thread tidying_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  bool stopped_ = false;
};

Server::Server(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;

Router& Server::routes() noexcept { return impl_->routes_; }
Router& Server::admin_routes() noexcept { return impl_->admin_routes_; }
void Server::start() { impl_->start(); }
bool Server::stop(std::chrono::milliseconds drain) { return impl_->stop(drain); }
std::vector<std::string> Server::compact() {
  std::vector<std::string> failures;
  for (const std::shared_ptr<Namespace>& name_space : impl_->state_.namespaces.loaded()) {
    try {
      name_space->compact();
    } catch (const std::exception& error) {
      failures.push_back("the write-ahead log of '" + name_space->name() + "' stays: " + error.what());
    }
  }
  return failures;
}

void Server::reload_tls() { impl_->reload_tls(); }
std::uint16_t Server::port() const noexcept { return impl_->port_; }
std::uint16_t Server::admin_port() const noexcept { return impl_->admin_port_; }
std::uint16_t Server::hrana_port() const noexcept { return impl_->hrana_port_; }
Namespaces& Server::namespaces() noexcept { return impl_->state_.namespaces; }
const Options& Server::options() const noexcept { return impl_->state_.options; }

std::vector<std::string> Server::describe_streams() const { return impl_->state_.streams.describe(); }

ServerGauges Server::gauges() const {
  const ServerState& state = impl_->state_;
  ServerGauges gauges;
  gauges.http_streams = state.streams.idle();
  gauges.websockets = state.websockets.load(std::memory_order_relaxed);
  gauges.connections_in_use = state.slots->in_use();
  gauges.connections_waiting = state.slots->waiting();
  gauges.namespaces_loaded = state.namespaces.loaded().size();
  gauges.response_bytes_held = state.budgets.responses.held();
  const net::ServerStatistics net = impl_->statistics();
  gauges.clients = net.connections;
  gauges.transit_bytes = net.memory_held;
  gauges.requests_waiting = state.places.waiting();
  const auto set = [&](Resource resource, std::size_t taken) {
    gauges.taken[static_cast<std::size_t>(resource)] = taken;
  };
  const Budgets& budgets = state.budgets;
  set(Resource::ResponseBytes, budgets.responses.held());
  set(Resource::StoredSqlBytes, budgets.stored_sql.held());
  set(Resource::HttpStreams, budgets.http_streams.held());
  set(Resource::WebSocketStreams, budgets.websocket_streams.held());
  set(Resource::WebSockets, budgets.websockets.held());
  set(Resource::Places, state.places.taken());
  set(Resource::Connections, gauges.connections_in_use);
  set(Resource::Dumps, budgets.dumps.held());
  set(Resource::DecodedBytes, budgets.decoded.held());
  return gauges;
}

}  // namespace libsql::server
