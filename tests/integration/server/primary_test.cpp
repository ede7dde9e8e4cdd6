// A primary that is killed: its log goes on for those who follow it.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "integration/server/server_process.hpp"
#include "replication/grpc_web.hpp"
#include "replication/wal_log_messages.hpp"
#include "support/replica_file.hpp"
#include "support/temporary_directory.hpp"

namespace libsql_test {
namespace {

namespace replication = libsql::replication;
namespace grpc = libsql::replication::grpc;
using libsql::test::PulledFrame;

std::string call(std::uint16_t port, std::string_view method, std::string_view message, std::string_view token) {
  std::string body;
  grpc::append_message(message, grpc::Form::Binary, body);
  const Reply reply =
      request(port, "POST", std::string("/wal_log.ReplicationLog/").append(method), body,
              {{"content-type", "application/grpc-web+proto"}, {"x-session-token", std::string(token)}});
  grpc::MessageReader reader;
  reader.feed(reply.body);
  const auto answer = reader.next();
  EXPECT_TRUE(answer) << method << " has failed";
  return std::string(answer.value_or(std::string_view()));
}

struct Greeting {
  std::string log_id, token;
};

Greeting hello(std::uint16_t port) {
  const std::string message = call(port, "Hello", {}, {});
  const auto hello = replication::decode_hello_response(libsql::core::Source::borrowed(message));
  return {std::string(hello->log_id), std::string(hello->session_token)};
}

// All frames from one on.
std::vector<PulledFrame> pull_all(std::uint16_t port, const std::string& token, std::uint64_t from) {
  std::vector<PulledFrame> all;
  for (;;) {
    std::string offset;
    replication::encode(replication::LogOffset{from + all.size(), std::nullopt}, offset);
    std::vector<PulledFrame> frames = libsql::test::frames_in(call(port, "BatchLogEntries", offset, token)).frames;
    if (frames.empty()) return all;
    for (PulledFrame& frame : frames) all.push_back(std::move(frame));
  }
}

TEST(PrimaryProcess, AfterAKillTheSameLogGoesOnAndLacksNothing) {
  constexpr int kRounds = 5;
  constexpr int kWriters = 3;
  constexpr const char* kContent = "SELECT count(*) || ':' || coalesce(sum(a * (b + 1)), 0) FROM t";
  const libsql::test::TemporaryDirectory directory;
  const std::vector<std::string> arguments = {"--db", directory.file("a.db"), "--replication-log"};
  std::string log_id;
  libsql::test::ReplicaFile replica;
  std::uint64_t next = 0;
  std::vector<int> acknowledged(kWriters, 0);
  for (int round = 0; round <= kRounds; ++round) {
    ServerProcess server(arguments);
    ASSERT_TRUE(server.is_ready()) << server.errors();
    const std::uint16_t port = server.port();
    if (round == 0) {
      ASSERT_EQ(run_sql(port, "CREATE TABLE t(a INTEGER, b INTEGER, PRIMARY KEY(a, b))"), "ok");
    }
    for (int writer = 0; writer < kWriters; ++writer) {
      const std::string there = run_sql(port, "SELECT count(*) FROM t WHERE a = " + std::to_string(writer));
      EXPECT_GE(std::stoi(there), acknowledged[writer]) << "round " << round;
      acknowledged[writer] = std::stoi(there);
    }

    const Greeting greeting = hello(port);
    if (round == 0) log_id = greeting.log_id;
    EXPECT_EQ(greeting.log_id, log_id) << "round " << round;
    const std::vector<PulledFrame> frames = pull_all(port, greeting.token, next);
    for (const PulledFrame& frame : frames) EXPECT_EQ(frame.header.frame_no, next++);
    replica.apply(frames);
    EXPECT_EQ(replica.content(directory.file("replica.db"), kContent), run_sql(port, kContent)) << "round " << round;
    if (round == kRounds) break;

    std::atomic<int> written = 0;
    std::vector<std::thread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&, writer] {
        try {
          for (;;) {
            const std::string row = std::to_string(writer) + ", " + std::to_string(acknowledged[writer]);
            if (run_sql(port, "INSERT INTO t VALUES (" + row + ")") != "ok") return;
            ++acknowledged[writer];
            ++written;
          }
        } catch (const std::exception&) {  // it is gone
        }
      });
    }
    EXPECT_TRUE(eventually([&] { return written >= 10 + 7 * round; }));
    server.signal(SIGKILL);
    for (std::thread& writer : writers) writer.join();
    EXPECT_EQ(server.wait(), 128 + SIGKILL);
  }
}

}  // namespace
}  // namespace libsql_test
