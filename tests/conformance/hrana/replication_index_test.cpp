// The replication index of answers: which commit of the log they are about.
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "conformance/hrana/socket.hpp"
#include "hrana/decode.hpp"
#include "hrana/encode.hpp"
#include "remote/session.hpp"
#include "remote/store.hpp"
#include "replication/log/log.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

using replication::FrameNo;

/// A way to run one statement, alone or as the only step of a batch, and what its answer gave as the index.
struct IndexRoute {
  std::string name;
  std::function<Json(const std::string& sql)> run;
};

class ReplicationIndexTest : public ServerTest {
 protected:
  void configure(server::Options& options) override {
    options.replication.log = true;
    options.durability = durability_;
  }

  const std::shared_ptr<replication::Log>& log() { return server_->namespaces().get("default")->log(); }
  Json newest() {
    const auto last = log()->last_frame();
    return last ? Json(std::to_string(*last)) : Json(nullptr);
  }
  /// The last frames of all commits from `from` on.
  std::set<FrameNo> commit_ends(FrameNo from) {
    std::set<FrameNo> ends;
    static_cast<void>(log()->read(log()->state().id, from, [&](const replication::LoggedFrame& frame) {
      if (frame.size_after != 0) ends.insert(frame.number);
      return true;
    }));
    return ends;
  }

  Json pipeline_in(hrana::Encoding encoding, const Json& requests) {
    const bool is_json = encoding == hrana::Encoding::Json;
    std::string body = Json{{"baton", nullptr}, {"requests", requests}}.dump();
    if (!is_json) {
      std::string encoded;
      hrana::encode(encoding, *hrana::decode_pipeline_request(hrana::Encoding::Json, core::Source::borrowed(body)),
                    encoded);
      body = std::move(encoded);
    }
    HttpClient http = client();
    Answer answer = http.send("POST", is_json ? "/v3/pipeline" : "/v3-protobuf/pipeline", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    if (!is_json) {
      std::string decoded;
      hrana::encode(hrana::Encoding::Json,
                    *hrana::decode_pipeline_response(encoding, core::Source::borrowed(answer.body)), decoded);
      answer.body = std::move(decoded);
    }
    return answer.json();
  }

  Json index_over_socket(const Json& request, bool protobuf) {
    Socket socket(server_->port(), {protobuf ? "hrana3-protobuf" : "hrana3"});
    const auto exchange = [&](const Json& message) {
      if (!protobuf) {
        socket.send(message);
        return socket.receive();
      }
      const std::string json = message.dump();
      std::string out;
      hrana::encode(hrana::Encoding::Protobuf,
                    *hrana::decode_client_message(hrana::Encoding::Json, core::Source::borrowed(json)), out);
      socket.send_raw(net::MessageType::Binary, out);
      const std::string answer(socket.connection().receive(soon()).data);
      out.clear();
      hrana::encode(hrana::Encoding::Json,
                    *hrana::decode_server_message(hrana::Encoding::Protobuf, core::Source::borrowed(answer)), out);
      return Json::parse(out);
    };
    const auto ask = [&](int id, Json what) {
      return exchange({{"type", "request"}, {"request_id", id}, {"request", std::move(what)}});
    };
    exchange({{"type", "hello"}, {"jwt", nullptr}});
    ask(0, open(1));
    Json on_stream = request;
    on_stream["stream_id"] = 1;
    return ask(1, on_stream).at("response").at("result").at("replication_index");
  }

  std::vector<IndexRoute> routes() {
    std::vector<IndexRoute> all;
    for (const bool protobuf : {false, true}) {
      const hrana::Encoding encoding = protobuf ? hrana::Encoding::Protobuf : hrana::Encoding::Json;
      const std::string in = protobuf ? " in Protobuf" : " in JSON";
      const auto over_http = [this, encoding](const Json& request) {
        return result_of(pipeline_in(encoding, list({request, close()})).at("results").at(0)).at("replication_index");
      };
      all.push_back({"execute" + in, [=](const std::string& sql) { return over_http(execute(sql)); }});
      all.push_back({"batch" + in, [=](const std::string& sql) { return over_http(batch(list({step(sql)}))); }});
      all.push_back({"batch of two" + in, [=](const std::string& sql) {
                       return over_http(batch(list({step("SELECT 1"), step(sql)})));
                     }});
      all.push_back({"WebSocket execute" + in,
                     [=, this](const std::string& sql) { return index_over_socket(execute(sql), protobuf); }});
      all.push_back({"WebSocket batch" + in, [=, this](const std::string& sql) {
                       return index_over_socket(batch(list({step(sql)})), protobuf);
                     }});
    }
    all.push_back(
        {"v1 execute", [this](const std::string& sql) {
           return client().post("/v1/execute", {{"stmt", stmt(sql)}}).json().at("result").at("replication_index");
         }});
    all.push_back({"v1 batch", [this](const std::string& sql) {
                     return client()
                         .post("/v1/batch", {{"batch", {{"steps", list({step(sql)})}}}})
                         .json()
                         .at("result")
                         .at("replication_index");
                   }});
    all.push_back({"cursor in JSON", [this](const std::string& sql) {
                     const Json last = client().cursor({{"steps", list({step(sql)})}}).back();
                     EXPECT_EQ(last.at("type"), "replication_index");
                     const Json& index = last.at("replication_index");
                     return index.is_null() ? index : Json(index.dump());  // a number there
                   }});
    return all;
  }

  server::Durability durability_ = server::Durability::Relaxed;
};

class ReplicationIndexOfGroups : public ReplicationIndexTest {
 protected:
  ReplicationIndexOfGroups() { durability_ = server::Durability::Strong; }
};

TEST_F(ReplicationIndexTest, EveryRouteTellsTheNumberOfItsCommit) {
  run("CREATE TABLE t(a)");
  for (const IndexRoute& route : routes()) {
    for (const std::string sql : {"INSERT INTO t VALUES (1) RETURNING a", "CREATE TABLE IF NOT EXISTS u(a)",
                                  "DROP TABLE IF EXISTS u", "UPDATE t SET a = a + 1", "PRAGMA user_version = 7"}) {
      const auto before = log()->last_frame();
      const Json index = route.run(sql);
      EXPECT_EQ(index, newest()) << route.name << ": " << sql;
      EXPECT_GT(log()->last_frame(), before) << route.name << ": " << sql;
      if (sql.starts_with("PRAGMA")) run("PRAGMA user_version = 8");
    }
  }
}

TEST_F(ReplicationIndexOfGroups, EveryRouteTellsTheNumberOfItsCommit) {
  run("CREATE TABLE t(a)");
  for (const IndexRoute& route : routes()) {
    const auto before = log()->last_frame();
    const Json index = route.run("INSERT INTO t VALUES (1) RETURNING a");
    EXPECT_EQ(index, newest()) << route.name;
    EXPECT_GT(log()->last_frame(), before) << route.name;
  }
}

TEST_F(ReplicationIndexTest, AReadTellsTheNewestCommit) {
  run("CREATE TABLE t(a)");
  for (const IndexRoute& route : routes()) EXPECT_EQ(route.run("SELECT count(*) FROM t"), newest()) << route.name;
}

TEST_F(ReplicationIndexTest, ARequestThatNamesACommitToComeIsAnsweredAtOnce) {
  run("CREATE TABLE t(a)");
  HttpClient http = client();
  Json asked = execute("INSERT INTO t VALUES (1)");
  asked["stmt"]["replication_index"] = "999999";
  const Json index = result_of(http.pipeline(list({asked, close()})).at("results").at(0)).at("replication_index");
  EXPECT_EQ(index, newest());
}

TEST_F(ReplicationIndexTest, WhatIsNotCommittedYetHasNoNumberOfItsOwn) {
  run("CREATE TABLE t(a)");
  const Json before = newest();
  HttpClient http = client();
  const Json begun = http.pipeline(list({execute("BEGIN"), execute("INSERT INTO t VALUES (1)")}));
  for (const Json& result : begun.at("results")) EXPECT_EQ(result_of(result).at("replication_index"), before);
  const Json ended = http.pipeline(list({execute("COMMIT"), close()}), begun.at("baton"));
  const Json index = result_of(ended.at("results").at(0)).at("replication_index");
  EXPECT_EQ(index, newest());
  EXPECT_NE(index, before);
}

TEST_F(ReplicationIndexTest, ABatchThatCommitsAndGoesOnReadingTellsTheCommit) {
  run("CREATE TABLE t(a)");
  const Json before = newest();
  HttpClient http = client();
  const Json request = batch(list({step("BEGIN"), step("INSERT INTO t VALUES (1)"), step("COMMIT"), step("SELECT 1")}));
  const Json index = result_of(http.pipeline(list({request, close()})).at("results").at(0)).at("replication_index");
  EXPECT_EQ(index, newest());
  EXPECT_NE(index, before);
}

// Many share a commit, and none is told that of a later group, nor of an earlier one.
TEST_F(ReplicationIndexOfGroups, WritersOfAGroupAreToldTheirOwnCommit) {
  constexpr int kThreads = 8;
  constexpr int kWrites = 25;
  run("CREATE TABLE t(a)");
  const FrameNo from = *log()->last_frame() + 1;
  std::mutex mutex;
  std::set<FrameNo> told;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      HttpClient http = client();
      FrameNo last = 0;
      for (int j = 0; j < kWrites; ++j) {
        const Json result =
            result_of(http.pipeline(list({execute("INSERT INTO t VALUES (1)"), close()})).at("results").at(0));
        const FrameNo index = std::stoull(result.at("replication_index").get<std::string>());
        EXPECT_GT(index, last);
        last = index;
        const std::lock_guard lock(mutex);
        told.insert(index);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(told, commit_ends(from));
  EXPECT_GT(server_->namespaces().stats("default").grouped_writes, 0U);
}

TEST_F(ReplicationIndexTest, OurClientKnowsTheNumberOfItsCommitOverEveryTransport) {
  run("CREATE TABLE t(a)");
  for (const RemoteProtocol protocol : {RemoteProtocol::Http, RemoteProtocol::WebSocket}) {
    for (const RemoteEncoding encoding : {RemoteEncoding::Json, RemoteEncoding::Protobuf}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(protocol) << "/" << static_cast<int>(encoding));
      remote::Options options;
      options.url = std::string(protocol == RemoteProtocol::Http ? "http" : "ws") +
                    "://127.0.0.1:" + std::to_string(server_->port());
      options.proxy_from_environment = false;
      options.protocol = protocol;
      options.encoding = encoding;
      remote::Session session(std::make_shared<remote::Store>(options));
      EXPECT_EQ(session.conversation().replication_index(), std::nullopt) << "nothing was asked yet";

      session.execute("INSERT INTO t VALUES (1)", {});
      EXPECT_EQ(session.conversation().replication_index(), log()->last_frame());

      session.begin(TransactionBehavior::Immediate);
      session.execute("INSERT INTO t VALUES (2)", {});
      const auto before = log()->last_frame();
      EXPECT_EQ(session.conversation().replication_index(), before);
      session.commit();
      EXPECT_EQ(session.conversation().replication_index(), log()->last_frame());
      EXPECT_NE(session.conversation().replication_index(), before);
      EXPECT_EQ(session.conversation().highest_replication_index(), log()->last_frame());
      session.close();
    }
  }
}

using NoReplicationIndexTest = ServerTest;

TEST_F(NoReplicationIndexTest, WithoutALogAnswersHaveNone) {
  run("CREATE TABLE t(a)");
  HttpClient http = client();
  for (const Json& request :
       {execute("INSERT INTO t VALUES (1)"), batch(list({step("INSERT INTO t VALUES (1)")})), execute("SELECT 1")}) {
    const Json result = result_of(http.pipeline(list({request, close()})).at("results").at(0));
    EXPECT_EQ(result.at("replication_index"), nullptr);
  }
  EXPECT_EQ(http.cursor({{"steps", list({step("INSERT INTO t VALUES (1)")})}}).back(),
            (Json{{"type", "replication_index"}, {"replication_index", nullptr}}));
}

}  // namespace
}  // namespace libsql::test
