// Many clients at once that do what clients should and should not, each in an order of its own, to a server with tiny
// limits. When all have gone the server is as it was before, and nothing that it acknowledged is lost.
//
// LIBSQL_WALK_SECONDS: how long; one or a few walks are made without it. LIBSQL_WALK_SEED: the first walk's, which is
// printed with what went wrong. LIBSQL_WALK_STEPS: of each client in each walk.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "conformance/walk/admin_walker.hpp"
#include "conformance/walk/http_walker.hpp"
#include "conformance/walk/replica_walker.hpp"
#include "conformance/walk/websocket_walker.hpp"
#include "conformance/walk/world.hpp"
#include "server/admin/admin_api.hpp"
#include "server/admin/admin_guard.hpp"
#include "server/log/log.hpp"
#include "server/metrics/monitor.hpp"
#include "support/eventually.hpp"

namespace libsql::test::walk {
namespace {

using namespace std::chrono_literals;

std::optional<std::uint64_t> number_in_environment(const char* name) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

server::Options tiny(Dice& dice, const std::filesystem::path& directory, const World& world) {
  server::Options options;
  options.data_directory = directory / "data";
  options.namespaces = true;
  options.http.port = 0;
  options.admin.emplace().port = 0;
  options.authenticator = world.bearers;
  options.replication.log = true;
  options.replication.max_log_bytes = dice.one_in(2) ? 200'000 : 20'000'000;
  options.max_loaded_namespaces = static_cast<std::size_t>(2 + dice.below(3));
  options.threads = static_cast<std::size_t>(2 + dice.below(5));
  server::Limits& limits = options.limits;
  limits.tenant_share = static_cast<unsigned>(50 + dice.below(51));
  limits.request_bytes = 500'000;
  limits.response_bytes = 600'000;
  limits.total_response_bytes = 1'000'000;
  limits.total_request_bytes = 3'000'000;
  limits.dumps = 2;
  limits.cursor_fetch_bytes = 20'000;
  limits.rows = 3000;
  limits.stored_sql_http = 3;
  limits.stored_sql_websocket = 4;
  limits.total_stored_sql_bytes = 20'000;
  limits.http_streams = 3;
  limits.websocket_streams = 3;
  limits.total_websocket_streams = 7;
  limits.max_row_size = 500'000;
  limits.websocket_jobs = static_cast<std::size_t>(1 + dice.below(3));
  limits.connections = static_cast<std::size_t>(2 + dice.below(5));
  limits.connections_waiting = 3;
  limits.http_connections = static_cast<std::size_t>(12 + dice.below(20));
  limits.idle_sessions = 2;
  server::Timeouts& timeouts = options.timeouts;
  timeouts.stream_idle = 150ms;
  timeouts.stream_tombstone = 300ms;
  timeouts.transaction = 60ms;
  timeouts.write_wait = 200ms;
  timeouts.connection_wait = 100ms;
  timeouts.statement = 1000ms;
  timeouts.namespace_idle = 100ms;
  timeouts.session_idle = 100ms;
  timeouts.http_idle = 5000ms;
  timeouts.http_slow = 3000ms;
  if (dice.one_in(3)) timeouts.checkpoint_interval = 50ms;
  return options;
}

/// A server with its admin API.
class Running {
 public:
  explicit Running(server::Options options)
      : monitor_(std::make_shared<server::Monitor>(nullptr, nullptr)),
        log_("-", server::LogFormat::Text, server::LogFilter::parse("off")),
        guard_("", {}, server::AdminGuard::Names::Loopback, log_) {
    options.observer = monitor_;
    const std::filesystem::path backups = options.data_directory.parent_path();
    server_ = std::make_unique<server::Server>(std::move(options));
    server::add_admin_routes({*server_, *monitor_, log_, guard_, backups, {}});
    server_->start();
  }
  server::Server& operator*() { return *server_; }
  server::Server* operator->() { return server_.get(); }

 private:
  std::shared_ptr<server::Monitor> monitor_;
  server::Log log_;
  server::AdminGuard guard_;
  std::unique_ptr<server::Server> server_;
};

/// What clients who have left still hold; empty if nothing.
std::string held_by_nobody(server::Server& server, const World& world) {
  const server::ServerGauges gauges = server.gauges();
  std::string text = world.bearers->debts();
  const auto none = [&](const char* name, std::size_t number) {
    if (number != 0) text.append(name).append(": ").append(std::to_string(number)).append("; ");
  };
  none("http streams", gauges.http_streams);
  none("WebSockets", gauges.websockets);
  none("connections waiting", gauges.connections_waiting);
  none("clients", gauges.clients);
  none("bytes in transit", gauges.transit_bytes);
  none("requests waiting", gauges.requests_waiting);
  for (std::size_t i = 0; i < server::kResources; ++i) {
    none(std::string("resource ").append(std::to_string(i)).c_str(), gauges.taken[i]);
  }
  for (const auto& name_space : server.namespaces().loaded()) {
    none("sessions in use", name_space->sessions_in_use());
    for (std::size_t i = 0; i < server::kResources; ++i) {
      none("taken of a namespace", name_space->counters().taken.of(static_cast<server::Resource>(i)).load());
    }
  }
  return text;
}

template <class Walker>
std::function<void()> walking(World& world, std::uint64_t seed, int steps) {
  return [&world, seed, steps] {
    Walker walker(world, seed);
    for (int i = 0; i < steps && !world.has_stopped; ++i) {
      walker.step();
      ++world.steps;
    }
    walker.leave();
  };
}

class Walk {
 public:
  explicit Walk(std::uint64_t seed, int steps) : dice_(seed), steps_(steps) {}

  void run() {
    const server::Options options = tiny(dice_, directory_.path(), world_);
    const bool is_stopped_amidst = dice_.one_in(3);
    {
      Running server(options);
      for (const char* name : {"kept", "toy0", "toy1", "toy2"}) server->namespaces().create(name, {});
      const Json tables = list(
          {execute("CREATE TABLE kept(id INTEGER PRIMARY KEY)"), execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")});
      as_anna(*server).pipeline(tables);
      world_.port = server->port();
      world_.admin_port = server->admin_port();
      walk(*server, is_stopped_amidst);
      if (!is_stopped_amidst) look_after(*server);
      server->stop(dice_.one_in(2) ? 0ms : 5000ms);
      EXPECT_EQ(held_by_nobody(*server, world_), "") << "after the server's end";
    }
    world_.is_stopping = world_.has_stopped = false;
    Running again(options);
    look_after(*again);
    if (number_in_environment("LIBSQL_WALK_SECONDS")) {
      for (const auto& [what, times] : world_.seen()) std::cout << "  " << what << ": " << times << '\n';
      std::cout << "  rows that were acknowledged: " << world_.rows().size() << std::endl;
    }
  }

 private:
  static HttpClient as_anna(server::Server& server) {
    HttpClient http(server.port());
    http.headers = {{"authorization", "anna"}, {"x-namespace", kKept}};
    return http;
  }

  void walk(server::Server& server, bool stop_amidst) {
    std::vector<std::function<void()>> all;
    for (int i = 0; i < 4; ++i) all.push_back(walking<WebSocketWalker>(world_, dice_.next(), steps_));
    for (int i = 0; i < 3; ++i) all.push_back(walking<HttpWalker>(world_, dice_.next(), steps_));
    for (int i = 0; i < 2; ++i) all.push_back(walking<ReplicaWalker>(world_, dice_.next(), steps_));
    all.push_back(walking<AdminWalker>(world_, dice_.next(), steps_));
    const int enough = steps_ * static_cast<int>(all.size()) / 2;
    const auto drain = std::chrono::milliseconds(dice_.below(100));
    std::vector<std::thread> threads;
    for (const auto& each : all) threads.emplace_back(each);
    if (stop_amidst) {
      EXPECT_TRUE(eventually([&] { return world_.steps >= enough; }, std::chrono::seconds(300)));
      world_.is_stopping = true;
      server.stop(drain);
      world_.has_stopped = true;
    }
    for (std::thread& thread : threads) thread.join();
  }

  void look_after(server::Server& server) {
    std::string held;
    EXPECT_TRUE(eventually([&] { return (held = held_by_nobody(server, world_)).empty(); })) << held;
    EXPECT_EQ(HttpClient(server.port()).get("/health").status, 200);
    server.namespaces().set_config(kKept, {});
    HttpClient http = as_anna(server);
    const std::int64_t row = world_.new_row();
    const Json added = http.pipeline(list({batch(adding(row).at("steps")), close()}));
    ASSERT_TRUE(has_added(result_of(added.at("results").at(0)))) << added;
    world_.acknowledged(row);
    Json rows = Json::array();
    std::int64_t from = 0;
    std::set<std::int64_t> missing = world_.rows();
    do {  // the server gives so many at once
      const Json answer = http.pipeline(
          list({execute("SELECT id FROM kept WHERE id > ?1 ORDER BY id LIMIT 1000", list({integer(from)})), close()}));
      rows = result_of(answer.at("results").at(0)).at("rows");
      for (const Json& each : rows) missing.erase(from = std::stoll(each.at(0).at("value").get<std::string>()));
    } while (!rows.empty());
    EXPECT_TRUE(missing.empty()) << missing.size() << " acknowledged rows are lost, such as " << *missing.begin();
    const Json checked = http.pipeline(list({execute("PRAGMA integrity_check"), close()}));
    EXPECT_EQ(result_of(checked.at("results").at(0)).at("rows").at(0).at(0).at("value"), "ok");
  }

  Dice dice_;
  const int steps_;
  TemporaryDirectory directory_;
  World world_;
};

TEST(ServerWalk, WhenAllClientsHaveGoneTheServerIsAsItWasBefore) {
  const auto seconds = number_in_environment("LIBSQL_WALK_SECONDS");
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds.value_or(0));
  const int steps = static_cast<int>(number_in_environment("LIBSQL_WALK_STEPS").value_or(120));
  std::uint64_t seed = number_in_environment("LIBSQL_WALK_SEED").value_or(std::random_device()());
  int walks = 0;
  do {
    SCOPED_TRACE(std::string("LIBSQL_WALK_SEED=").append(std::to_string(seed)));
    std::cout << "LIBSQL_WALK_SEED=" << seed << std::endl;
    Walk(seed, steps).run();
    ++seed;
  } while (!HasFailure() && (++walks < 2 || std::chrono::steady_clock::now() < until));
}

}  // namespace
}  // namespace libsql::test::walk
