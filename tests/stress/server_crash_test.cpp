// A server is killed with kill -9 in the middle of a thousand write transactions of several clients.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "stress/child.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

constexpr int kClients = 4;
constexpr int kTransactions = 1000;

TEST(ServerCrash, KeepsEveryAcknowledgedTransactionAndNoHalfOfAnother) {
  const TemporaryDirectory directory;
  const std::string data = directory.file("data");
  std::mt19937 random(20240607);
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::int64_t> acknowledged;
  std::atomic<std::int64_t> next = 1;
  for (int round = 0; acknowledged.size() < kTransactions; ++round) {
    ASSERT_LT(round, 200) << "it does not get on";
    Child server({LIBSQL_SERVER_WORKER, data});
    std::uint16_t port = 0;
    ASSERT_TRUE(server.read(&port, sizeof port));
    {
      HttpClient http(port);
      http.pipeline(list({sequence("CREATE TABLE IF NOT EXISTS a(n INTEGER PRIMARY KEY, filler BLOB);"
                                   "CREATE TABLE IF NOT EXISTS b(n INTEGER PRIMARY KEY);"),
                          close()}));
      const Json answer = http.pipeline(
          list({execute("SELECT n FROM a"), execute("SELECT n FROM a EXCEPT SELECT n FROM b"),
                execute("SELECT n FROM b EXCEPT SELECT n FROM a"), execute("PRAGMA integrity_check"), close()}));
      std::set<std::int64_t> present;
      const Json rows = result_of(answer.at("results")[0]).at("rows");
      for (const Json& row : rows) present.insert(std::stoll(row[0].at("value").get<std::string>()));
      for (const std::int64_t n : acknowledged) ASSERT_TRUE(present.contains(n)) << n << " was lost in round " << round;
      ASSERT_EQ(result_of(answer.at("results")[1]).at("rows").size(), 0U) << "half a transaction, round " << round;
      ASSERT_EQ(result_of(answer.at("results")[2]).at("rows").size(), 0U) << "half a transaction, round " << round;
      ASSERT_EQ(result_of(answer.at("results")[3]).at("rows")[0][0].at("value"), "ok");
    }
    const std::size_t enough = acknowledged.size() + 50 + random() % 100;
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.emplace_back([&] {
        HttpClient http(port);
        try {
          for (;;) {
            const std::int64_t n = next++;
            const Json args = list({integer(n)});
            Json first = step("INSERT INTO a VALUES (?, randomblob(200))", ok(0));
            Json second = step("INSERT INTO b VALUES (?)", ok(1));
            first["stmt"]["args"] = second["stmt"]["args"] = args;
            const Json answer = http.pipeline(
                list({batch(list({step("BEGIN IMMEDIATE"), first, second, step("COMMIT", ok(2))})), close()}));
            if (result_of(answer.at("results")[0]).at("step_results")[3].is_null()) continue;
            const std::lock_guard lock(mutex);
            acknowledged.insert(n);
            if (acknowledged.size() == enough) changed.notify_one();
          }
        } catch (const std::exception&) {  // the server is gone
        }
      });
    }
    {
      std::unique_lock lock(mutex);
      EXPECT_TRUE(changed.wait_for(lock, std::chrono::minutes(2), [&] { return acknowledged.size() >= enough; }));
    }
    server.kill();
    const int status = server.wait();
    for (std::thread& one : clients) one.join();
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
  }
}

}  // namespace
}  // namespace libsql::test
