// More writers than threads: whoever holds the turn to write, the readers run.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "conformance/hrana/socket.hpp"
#include "hrana/extensions.hpp"
#include "support/eventually.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class HranaCrowd : public ServerTest {
 protected:
  void configure(server::Options& options) override {
    options.threads = 8;  // four of them may wait for one database
    options.limits.connections = 40;
    options.timeouts.connection_wait = std::chrono::milliseconds(100);
    options.timeouts.transaction = std::chrono::minutes(10);
    options.durability = durability_;
  }
  void SetUp() override {
    ServerTest::SetUp();
    run("CREATE TABLE t(a)");
    baton_ = holder().pipeline(list({execute("BEGIN IMMEDIATE")})).at("baton");
  }
  HttpClient holder() { return client(); }
  void let_go() { client().pipeline(list({execute("COMMIT"), close()}), baton_); }
  std::size_t waiting() { return server_->namespaces().get("default")->stats().writers_waiting; }

  // Each runs one INSERT by another way; the code of its error.
  std::vector<std::function<std::string(const Headers&)>> ways() {
    const auto post = [this](const char* path, Json body) {
      return [this, path, body = std::move(body)](const Headers& headers) -> std::string {
        HttpClient http = client();
        http.headers = headers;
        const Answer answer = http.post(path, body);
        const std::string code = "SQLITE_BUSY";
        if (answer.body.find(code) != std::string::npos || answer.body.find("is locked") != std::string::npos)
          return code;
        if (answer.status != 200) return answer.body;
        return answer.body.find("\"error\":") != std::string::npos ? answer.body : "";
      };
    };
    const std::string insert = "INSERT INTO t VALUES (1)";
    return {
        post("/v3/pipeline", {{"requests", list({execute(insert), close()})}}),
        post("/v3/pipeline", {{"requests", list({execute("SELECT 1"), execute(insert), close()})}}),
        post("/v2/pipeline", {{"requests", list({sequence("BEGIN; " + insert + "; COMMIT"), close()})}}),
        post("/v3/pipeline", {{"requests", list({Json{{"type", "store_sql"}, {"sql_id", 1}, {"sql", insert}},
                                                 Json{{"type", "execute"}, {"stmt", {{"sql_id", 1}}}}, close()})}}),
        post("/v3/cursor", {{"batch", {{"steps", list({step("SELECT 1"), step(insert)})}}}}),
        post("/v1/execute", {{"stmt", stmt(insert)}}),
        post("/v1/batch", {{"batch", {{"steps", list({step("BEGIN IMMEDIATE"), step(insert), step("COMMIT")})}}}}),
        post("/", {{"statements", list({Json(insert)})}}),
        [this, insert](const Headers& headers) -> std::string {
          Socket socket(server_->port(), {"hrana3"});
          socket.hello();
          socket.ask(test::open(1));
          Json message = {{"type", "request"}, {"request_id", 1}, {"request", on(1, insert)}};
          if (!headers.empty()) message[hrana::kBusyTimeoutMember] = std::stoi(headers.front().second);
          socket.send(message);
          const Json answer = socket.receive();
          return answer.at("type") == "response_ok" ? "" : answer.at("error").at("code").get<std::string>();
        },
    };
  }
  // That many at once, by all ways in turn; how many got which code.
  struct Crowd {
    std::vector<std::thread> threads;
    std::vector<std::string> codes;
  };
  void gather(Crowd& crowd, std::size_t count, const Headers& headers = {}) {
    const auto ways = this->ways();
    crowd.codes.assign(count, "none");
    for (std::size_t i = 0; i < count; ++i) {
      crowd.threads.emplace_back([way = ways[i % ways.size()], headers, &code = crowd.codes[i]] {
        try {
          code = way(headers);
        } catch (const std::exception& error) {
          code = error.what();
        }
      });
    }
  }
  static void disperse(Crowd& crowd) {
    for (std::thread& thread : crowd.threads) thread.join();
  }

  server::Durability durability_ = server::Durability::Relaxed;
  Json baton_;
};

class HranaCrowdOfDurability : public HranaCrowd, public ::testing::WithParamInterface<server::Durability> {
 protected:
  void SetUp() override {
    durability_ = GetParam();
    HranaCrowd::SetUp();
  }
};

TEST_P(HranaCrowdOfDurability, ReadersRunWhileMoreWritersWaitThanThereAreThreads) {
  constexpr std::size_t kWriters = 36;
  Crowd crowd;
  gather(crowd, kWriters);
  EXPECT_TRUE(eventually([&] { return waiting() == kWriters; })) << waiting();
  HttpClient reader = client();
  for (int i = 0; i < 20; ++i) {
    const Answer answer = reader.post("/v3/pipeline", {{"requests", list({execute("SELECT 1"), close()})}});
    EXPECT_EQ(answer.status, 200) << answer.body;
  }
  Socket socket(server_->port(), {"hrana3"});
  socket.hello();
  socket.ask(test::open(1));
  EXPECT_EQ(socket.ask(on(1, "SELECT count(*) FROM t")).at("type"), "response_ok");
  let_go();
  disperse(crowd);
  for (const std::string& code : crowd.codes) EXPECT_EQ(code, "");
  EXPECT_EQ(number("SELECT count(*) FROM t"), static_cast<int>(kWriters));
  EXPECT_EQ(waiting(), 0U);
}

INSTANTIATE_TEST_SUITE_P(All, HranaCrowdOfDurability,
                         ::testing::Values(server::Durability::Relaxed, server::Durability::Strong),
                         [](const auto& each) {
                           return each.param == server::Durability::Relaxed ? "Alone" : "InGroups";
                         });

TEST_F(HranaCrowd, WhoWantsToWaitForAMomentIsToldThatTheDatabaseIsLocked) {
  Crowd crowd;
  gather(crowd, 18, {{std::string(hrana::kBusyTimeoutHeader), "400"}});
  disperse(crowd);  // while the turn is held
  for (const std::string& code : crowd.codes) EXPECT_EQ(code, "SQLITE_BUSY");
  let_go();
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
}

TEST_F(HranaCrowd, TheHolderGoesOnHoweverManyWait) {
  Crowd crowd;
  gather(crowd, 18);
  EXPECT_TRUE(eventually([&] { return waiting() == 18; })) << waiting();
  HttpClient http = holder();
  const Json answer = http.pipeline(list({execute("INSERT INTO t VALUES (2)"), execute("COMMIT"), close()}), baton_);
  for (const Json& result : answer.at("results")) EXPECT_EQ(result.at("type"), "ok") << result;
  disperse(crowd);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 19);
}

TEST_F(HranaCrowd, WhoHasLeftIsForgotten) {
  std::vector<Socket> sockets;
  for (int i = 0; i < 12; ++i) {
    Socket& socket = sockets.emplace_back(server_->port(), std::vector<std::string_view>{"hrana3"});
    socket.hello();
    socket.ask(test::open(1));
    socket.request(on(1, "INSERT INTO t VALUES (1)"));
  }
  EXPECT_TRUE(eventually([&] { return waiting() == 12; })) << waiting();
  sockets.clear();
  EXPECT_TRUE(eventually([&] { return waiting() == 0; })) << waiting();
  let_go();
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
}

}  // namespace
}  // namespace libsql::test
