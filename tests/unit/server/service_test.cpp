#include "server/serve/service.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "support/eventually.hpp"
#include "support/fake_clock.hpp"
#include "support/server_client.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::server {
namespace {

using namespace std::chrono_literals;
using test::eventually;

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() : service_(config()) { service_.start(); }
  ~ServiceTest() override { service_.stop(); }

  std::uint16_t port() const {
    const std::string addresses = service_.addresses();
    return static_cast<std::uint16_t>(std::stoi(addresses.substr(addresses.rfind(':') + 1)));
  }
  void run_select() { test::HttpClient(port()).pipeline(test::list({test::execute("SELECT 1"), test::close()})); }

 private:
  Config config() const {
    Config config;
    config.options.database = directory_.file("a.db");
    config.options.http.port = 0;
    config.idle_shutdown = 60s;
    config.initial_idle_shutdown = 1h;
    return config;
  }

 protected:
  test::TemporaryDirectory directory_;
  test::FakeClock clock_{test::FakeClock::Pace::Running};  // outlives the server's threads
  Service service_;
};

TEST_F(ServiceTest, WaitsLongerForTheFirstRequestThanForTheNext) {
  clock_.advance(50min);
  EXPECT_FALSE(service_.is_idle());
  clock_.advance(10min);
  EXPECT_TRUE(service_.is_idle());
}

TEST_F(ServiceTest, IsIdleOnceNobodyHasAskedForAnythingForSoLong) {
  for (int i = 0; i < 5; ++i) {
    run_select();
    clock_.advance(40s);
    EXPECT_FALSE(service_.is_idle()) << "a server that is used stays";
  }
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(test::HttpClient(port()).get("/health").status, 200);
    clock_.advance(10s);
    return service_.is_idle();
  })) << "who looks whether it lives keeps it alive";
}

TEST(ServiceEnd, RewritesFilesThatAreMostlyFreeIfItIsToldTo) {
  for (const bool told : {false, true}) {
    const test::TemporaryDirectory directory;
    Config config;
    config.options.database = directory.file("a.db");
    config.options.http.port = 0;
    config.options.replication.log = true;
    config.options.replication.snapshot_at_shutdown = told;
    config.options.replication.rewrite_from_bytes = 1 << 20;
    {
      Service service(std::move(config));
      service.start();
      const std::string addresses = service.addresses();
      test::HttpClient http(static_cast<std::uint16_t>(std::stoi(addresses.substr(addresses.rfind(':') + 1))));
      http.pipeline(test::list({test::execute("CREATE TABLE t(a)"),
                                test::execute("INSERT INTO t SELECT zeroblob(100000) FROM generate_series(1, 40)"),
                                test::execute("DELETE FROM t WHERE rowid > 2"), test::close()}));
      EXPECT_TRUE(service.stop());
    }
    const auto size = std::filesystem::file_size(directory.file("a.db"));
    EXPECT_EQ(size < (1U << 20U), told) << size;
    EXPECT_LE(std::filesystem::file_size(directory.file("a.db-wal")), 56U) << "everything is in the file";
  }
}

}  // namespace
}  // namespace libsql::server
