// The calls of a replica over HTTP: recorded answers of sqld, and answers that no primary should give.
#include "replica/primary_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <libsql/error.hpp>

#include "replica/follower.hpp"
#include "replication/frame.hpp"
#include "replication/grpc_web.hpp"
#include "replication/wal_log_messages.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary_directory.hpp"
#include "unit/replication/support.hpp"

namespace libsql::replica {
namespace {

namespace grpc = replication::grpc;
using test::Received;
using test::Reply;

std::string recorded(const std::string& name) {
  for (const std::string& line : replication::test::lines_of("sqld.txt")) {
    if (line.starts_with(name + " ")) return replication::test::bytes(std::string_view(line).substr(name.size() + 1));
  }
  throw std::runtime_error("not recorded: " + name);
}

std::string call_of(const Received& request) { return request.target.substr(request.target.rfind('/') + 1); }
std::uint64_t offset_of(const Received& request) {
  grpc::MessageReader reader;
  reader.feed(request.body);
  return replication::decode_log_offset(core::Source(std::string(reader.next().value())))->next_offset;
}

Reply grpc_reply(std::string_view message, const grpc::Status& status = {}) {
  std::string body;
  grpc::append_message(message, grpc::Form::Binary, body);
  grpc::append_trailers(status, grpc::Form::Binary, body);
  return {.bytes = test::http_answer(200, "application/grpc-web+proto", body)};
}
std::string greeting(std::string_view log_id = "fb570ae7-d7df-4bb2-80cf-d1016883785e",
                     std::string_view token = "1d3a5aa4-9717-74f2-3bf6-08e763ba760c") {
  replication::HelloResponse response;
  response.log_id = log_id;
  response.session_token = token;
  response.current_replication_index = 4;
  std::string message;
  replication::encode(response, message);
  return message;
}

class PrimaryClientTest : public testing::Test {
 protected:
  remote::Options remote_options(const test::ScriptedServer& server) const {
    remote::Options options;
    options.url = server.url();
    options.auth_token = "tok";
    options.retries = 1;
    options.proxy_from_environment = false;
    return options;
  }
  std::shared_ptr<Follower> follow(const test::ScriptedServer& server) {
    FollowerOptions options;
    options.local.path = directory_.file("replica");
    options.primary = remote_options(server);
    return Follower::open(std::move(options));
  }
  static std::int64_t number(const Follower& follower, const std::string& sql) {
    return follower.store()->borrow()->query_integer(sql);
  }

  test::TemporaryDirectory directory_;
};

TEST_F(PrimaryClientTest, FollowsARecordedLogOfSqld) {
  std::atomic<bool> has_more = false;
  const test::ScriptedServer server([&](const Received& request) -> Reply {
    if (call_of(request) == "Hello") return {.bytes = recorded("basic1")};
    switch (offset_of(request)) {
      case 0:
        return {.bytes = recorded("basic2")};
      case 5:
        return {.bytes = recorded(has_more ? "basic6" : "basic4")};
      default:
        return {.bytes = recorded("basic4")};
    }
  });
  const auto follower = follow(server);
  EXPECT_EQ(follower->sync().frame_no, 4U);
  const std::int64_t before = number(*follower, "SELECT count(*) FROM t");
  has_more = true;
  EXPECT_EQ(follower->sync().frame_no, 5U);
  EXPECT_EQ(number(*follower, "SELECT count(*) FROM t"), before + 1);
  EXPECT_EQ(follower->store()->borrow()->query_text("PRAGMA integrity_check"), "ok");
}

TEST_F(PrimaryClientTest, TakesRecordedSnapshotsOfSqldOneAfterTheOther) {
  const std::map<std::pair<std::string, std::uint64_t>, std::string> answers = {
      {{"BatchLogEntries", 0}, "snapshot2"}, {{"Snapshot", 0}, "snapshot3"},
      {{"BatchLogEntries", 4}, "snapshot4"}, {{"Snapshot", 4}, "snapshot5"},
      {{"BatchLogEntries", 5}, "snapshot6"},
  };
  const test::ScriptedServer server([&](const Received& request) -> Reply {
    if (call_of(request) == "Hello") return {.bytes = recorded("snapshot1")};
    return {.bytes = recorded(answers.at({call_of(request), offset_of(request)}))};
  });
  const auto follower = follow(server);
  const SyncReport report = follower->sync();
  EXPECT_EQ(report.frame_no, 4U);
  EXPECT_TRUE(report.took_snapshot);
  EXPECT_TRUE(report.repairs.empty());
  EXPECT_EQ(follower->store()->borrow()->query_text("PRAGMA integrity_check"), "ok");
}

TEST_F(PrimaryClientTest, SendsWhatLibsqlsClientsSend) {
  const test::ScriptedServer server([](const Received&) { return grpc_reply(greeting()); });
  remote::Options options = remote_options(server);
  options.headers.emplace_back("x-own", "value");
  options.encryption_key = "a2V5";
  options.request_hook = [](auto& headers) { headers.emplace_back("x-hook", "hooked"); };
  PrimaryClient client(options, {});
  client.hello({});
  client.frames(5, [](std::span<const std::byte>) {}, {});
  const auto requests = server.received();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].target, "/wal_log.ReplicationLog/Hello");
  EXPECT_EQ(requests[0].body, std::string("\0\0\0\0\2\x08\1", 7));
  for (const char* const line :
       {"content-type: application/grpc-web\r\n", "x-authorization: Bearer tok\r\n", "x-namespace-bin: MTI3\r\n",
        "x-own: value\r\n", "x-turso-encryption-key: a2V5\r\n", "x-hook: hooked\r\n"}) {
    EXPECT_NE(requests[0].head.find(line), std::string::npos) << line << requests[0].head;
  }
  EXPECT_EQ(requests[0].head.find("x-session-token"), std::string::npos);
  EXPECT_EQ(requests[1].target, "/wal_log.ReplicationLog/BatchLogEntries");
  EXPECT_EQ(offset_of(requests[1]), 5U);
  EXPECT_NE(requests[1].head.find("x-session-token: 1d3a5aa4-9717-74f2-3bf6-08e763ba760c\r\n"), std::string::npos);
}

TEST_F(PrimaryClientTest, NamesTheNamespaceByTheHost) {
  EXPECT_EQ(namespace_of_host("localhost"), "default");
  EXPECT_EQ(namespace_of_host("127.0.0.1"), "127");
  EXPECT_EQ(namespace_of_host("db.example.org"), "db");
  EXPECT_EQ(namespace_of_host("::1"), "default");
}

TEST_F(PrimaryClientTest, TellsWhatAStatusMeans) {
  grpc::Status status;
  const test::ScriptedServer server([&](const Received&) -> Reply {
    std::string answer = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc-web+proto\r\ngrpc-status: ";
    answer += std::to_string(static_cast<int>(status.code)) +
              "\r\ngrpc-message: " + grpc::encode_message(status.message) + "\r\ncontent-length: 0\r\n\r\n";
    return {.bytes = answer};
  });
  PrimaryClient client(remote_options(server), {});
  const auto frames = [&] { return client.frames(0, [](std::span<const std::byte>) {}, {}); };
  status = {grpc::Code::FailedPrecondition, "NO_HELLO"};
  EXPECT_EQ(frames(), Primary::Outcome::NoHello);
  EXPECT_THROW(client.hello({}), Protocol);
  status = {grpc::Code::FailedPrecondition, "NEED_SNAPSHOT"};
  EXPECT_EQ(frames(), Primary::Outcome::NeedSnapshot);
  status = {grpc::Code::FailedPrecondition, "NAMESPACE_DOESNT_EXIST"};
  EXPECT_THROW(client.hello({}), CannotOpen);
  status = {grpc::Code::Unauthenticated, "AuthError: no"};
  EXPECT_THROW(client.hello({}), Auth);
  status = {grpc::Code::PermissionDenied, "no"};
  EXPECT_THROW(client.hello({}), Auth);
  status = {grpc::Code::Unavailable, "snapshot not found"};
  try {
    frames();
    ADD_FAILURE() << "threw nothing";
  } catch (const Error& error) {
    EXPECT_TRUE(error.retryable());
  }
}

TEST_F(PrimaryClientTest, RefusesAnswersThatNoPrimaryShouldGive) {
  const std::string frame(4120, 'x');
  std::string frames;
  replication::append_to_frames({frame, {}, {}}, frames);
  std::string cut_frames;
  grpc::append_message(std::string_view(frames).substr(0, 100), grpc::Form::Binary, cut_frames);
  const auto web = [](std::string_view body) {
    return Reply{.bytes = test::http_answer(200, "application/grpc-web+proto", body)};
  };
  std::string two;
  grpc::append_message({}, grpc::Form::Binary, two);
  grpc::append_message({}, grpc::Form::Binary, two);
  const std::vector<std::pair<const char*, Reply>> answers = {
      {"no message", web("")},
      {"a message cut off", web(cut_frames.substr(0, 50))},
      {"frames cut off", web(cut_frames)},
      {"two messages", web(two)},
      {"a compressed message that is none", web(std::string("\1\0\0\0\3abc", 8))},
      {"an unknown flag", web(std::string("\x55\0\0\0\0", 5))},
      {"a message that is too long", web(std::string("\0\xff\xff\xff\xff", 5))},
      {"HTML", {.bytes = test::http_answer(200, "text/html", "<html>hello</html>")}}};
  Reply next;
  const test::ScriptedServer server([&](const Received&) { return next; });
  PrimaryClient client(remote_options(server), {});
  for (const auto& [what, answer] : answers) {
    next = answer;
    EXPECT_THROW(client.frames(0, [](std::span<const std::byte>) {}, {}), Error) << what;
    EXPECT_THROW(client.hello({}), Error) << what;
  }
  // And goes on with the next answer.
  next = grpc_reply(greeting());
  EXPECT_EQ(client.hello({}).last_frame, 4U);
}

TEST_F(PrimaryClientTest, RefusesGreetingsThatCannotBeUsed) {
  std::string message;
  const test::ScriptedServer server([&](const Received&) { return grpc_reply(message); });
  PrimaryClient client(remote_options(server), {});
  message = greeting("no uuid");
  EXPECT_THROW(client.hello({}), Protocol);
  message = greeting("fb570ae7-d7df-4bb2-80cf-d1016883785e", "a\r\nb: c");
  EXPECT_THROW(client.hello({}), Protocol);
  const std::string long_token(300, 'x');
  message = greeting("fb570ae7-d7df-4bb2-80cf-d1016883785e", long_token);
  EXPECT_THROW(client.hello({}), Protocol);
  message = "\xff\xff\xff";
  EXPECT_THROW(client.hello({}), Protocol);
}

TEST_F(PrimaryClientTest, KeepsToItsDeadlineAndGivesUpOnASilentPrimary) {
  const test::ScriptedServer server([](const Received&) -> Reply { return {.silent = true}; });
  remote::Options options = remote_options(server);
  PrimaryClient patient(options, {});
  EXPECT_THROW(patient.hello({net::Deadline::after(std::chrono::milliseconds(30)), nullptr}), Timeout);
  options.default_deadline = std::chrono::milliseconds(30);
  PrimaryClient hasty(options, {});
  EXPECT_THROW(hasty.hello({}), Timeout);
}

TEST_F(PrimaryClientTest, GoesOnAfterAConnectionThatWasCutAnywhere) {
  const std::string whole = recorded("basic2");
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{200}, std::size_t{600}, whole.size() / 2,
                                whole.size() - 20, whole.size() - 1}) {
    test::TemporaryDirectory directory;
    std::atomic<bool> was_cut = false;
    const test::ScriptedServer server([&](const Received& request) -> Reply {
      if (call_of(request) == "Hello") return {.bytes = recorded("basic1")};
      if (offset_of(request) != 0) return {.bytes = recorded("basic4")};
      if (was_cut.exchange(true)) return {.bytes = whole};
      return {.bytes = whole, .cut_after = cut};
    });
    FollowerOptions options;
    options.local.path = directory.file("replica");
    options.primary = remote_options(server);
    const auto follower = Follower::open(std::move(options));
    EXPECT_EQ(follower->sync().frame_no, 4U) << cut;
    EXPECT_EQ(follower->store()->borrow()->query_text("PRAGMA integrity_check"), "ok") << cut;
  }
}

}  // namespace
}  // namespace libsql::replica
