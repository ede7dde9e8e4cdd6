#include "server/serve/service.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>

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

}  // namespace
}  // namespace libsql::server
