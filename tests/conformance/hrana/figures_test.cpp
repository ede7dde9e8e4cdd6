// What the server counts.
#include <thread>

#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class ForgottenSoon : public ServerTest {
 protected:
  void configure(server::Options& options) override { options.timeouts.namespace_idle = std::chrono::milliseconds(1); }

  bool wait_until_unloaded() {
    for (int i = 0; i < 500; ++i) {
      server_->namespaces().tidy();
      if (server_->gauges().namespaces_loaded == 0) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
};

TEST_F(ForgottenSoon, ANamespaceThatIsLoadedAgainGoesOnCounting) {
  run("CREATE TABLE t(a)");
  run("INSERT INTO t VALUES (1), (2)");
  ASSERT_TRUE(wait_until_unloaded());
  EXPECT_EQ(server_->namespaces().stats("default").rows_written, 2U);
  ASSERT_TRUE(wait_until_unloaded());
  run("INSERT INTO t VALUES (3)");
  const server::NamespaceStats stats = server_->namespaces().stats("default");
  EXPECT_EQ(stats.rows_written, 3U);
  EXPECT_EQ(stats.queries, 3U);
}

TEST_F(ForgottenSoon, ANamespaceThatIsMadeAgainBeginsAtNothing) {
  server_->namespaces().create("shop", {});
  server_->namespaces().get("shop")->counters().queries = 7;
  server_->namespaces().remove("shop");
  server_->namespaces().create("shop", {});
  EXPECT_EQ(server_->namespaces().stats("shop").queries, 0U);
}

}  // namespace
}  // namespace libsql::test
