// The client against exchanges as sqld, Turso Cloud and written specifications have them: the tests are named by what
// a client must be able to do.
#include <gtest/gtest.h>
#include <cstdlib>

#include <cmath>
#include <cstdlib>
#include <deque>
#include <memory>

#include <libsql/libsql.hpp>

#include "support/eventually.hpp"
#include "support/expect_error.hpp"
#include "support/in_encoding.hpp"
#include "support/scripted_server.hpp"

namespace libsql::test {
namespace {

using namespace std::chrono_literals;

// -- what servers say ------------------------------------------------------------------------------------------------

const std::string kNoRows =
    R"({"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null,"replication_index":null,"rows_read":0,"rows_written":0,"query_duration_ms":0.1})";

std::string ok(const std::string& response) { return R"({"type":"ok","response":)" + response + "}"; }
std::string executed(const std::string& result = kNoRows) {
  return ok(R"({"type":"execute","result":)" + result + "}");
}
std::string closed() { return ok(R"({"type":"close"})"); }
std::string autocommit(bool on) {
  return ok(std::string(R"({"type":"get_autocommit","is_autocommit":)") + (on ? "true}" : "false}"));
}
std::string batch(const std::string& results, const std::string& errors) {
  return ok(R"({"type":"batch","result":{"step_results":[)" + results + R"(],"step_errors":[)" + errors +
            R"(],"replication_index":null}})");
}
std::string error(const std::string& message, const std::string& code) {
  return R"({"type":"error","error":{"message":")" + message + R"(","code":")" + code + R"("}})";
}
// `baton`: null or a string.
std::string pipeline(const std::string& baton, const std::vector<std::string>& results,
                     const std::string& base_url = "null") {
  std::string body = R"({"baton":)" + baton + R"(,"base_url":)" + base_url + R"(,"results":[)";
  for (std::size_t i = 0; i < results.size(); ++i) body += (i == 0 ? "" : ",") + results[i];
  return body + "]}";
}

// What the client sends to learn whether the server has version 3.
bool asks_version(std::string_view body) { return body == R"({"baton":null,"requests":[{"type":"close"}]})"; }
// And to learn whether it keeps to the busy timeout.
bool asks_manners(const Received& request, hrana::Encoding encoding) {
  return request.method == "GET" && request.target == (encoding == hrana::Encoding::Json ? "/v3" : "/v3-protobuf");
}

// Answers in their order; asking which version the server has, and its manners, is answered apart.
class Script {
 public:
  explicit Script(hrana::Encoding encoding) : encoding_(encoding) {}

  Reply operator()(const Received& request) {
    if (asks_version(request_as_json(encoding_, request.target, request.body))) {
      return {.bytes = http_answer(200, "application/json", pipeline_in(encoding_, pipeline("null", {closed()})))};
    }
    const std::lock_guard lock(*mutex_);
    if (asks_manners(request, encoding_)) {
      return {.bytes = std::string("HTTP/1.1 200 OK\r\n") + (*keeps_ ? "libsql-busy-timeout: kept\r\n" : "") +
                       "content-length: 0\r\n\r\n"};
    }
    if (replies_->empty()) return json(R"({"error":"nothing is left to be said"})", 500);
    Reply reply = replies_->front();
    replies_->pop_front();
    return reply;
  }
  void then(Reply reply) {
    const std::lock_guard lock(*mutex_);
    replies_->push_back(std::move(reply));
  }
  // From now on it is another server than ours: it waits for locks as long as it likes.
  void be_stubborn() {
    const std::lock_guard lock(*mutex_);
    *keeps_ = false;
  }

 private:
  hrana::Encoding encoding_;
  std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();
  std::shared_ptr<std::deque<Reply>> replies_ = std::make_shared<std::deque<Reply>>();
  std::shared_ptr<bool> keeps_ = std::make_shared<bool>(true);
};

// A client and the server that it speaks to, in one encoding. The tests write everything down as JSON.
class Exchanges {
 protected:
  explicit Exchanges(hrana::Encoding encoding) : encoding_(encoding), script_(encoding), server_(script_) {}

  bool is_json() const { return encoding_ == hrana::Encoding::Json; }
  RemoteBuilder builder(const std::string& url) const {
    return Builder::remote(url, "secret")
        .encoding(is_json() ? RemoteEncoding::Json : RemoteEncoding::Protobuf)
        .proxy(std::nullopt)
        .busy_timeout(0ms)
        .default_deadline(10s)
        .keep_transactions_alive(0ms);
  }
  RemoteBuilder builder() const { return builder(server_.url()); }
  Connection connect() { return builder().build().connect(); }
  // What was asked of the server but for its version.
  std::vector<Received> requests() const { return requests_of(server_); }
  std::vector<Received> requests_of(const ScriptedServer& server) const {
    std::vector<Received> all;
    for (Received& request : server.received()) {
      request.body = request_as_json(encoding_, request.target, request.body);
      if (!asks_version(request.body) && !asks_manners(request, encoding_)) all.push_back(std::move(request));
    }
    return all;
  }

  // The answer to a pipeline, an error, and the body of a cursor.
  Reply say(const std::string& body) const {
    return {.bytes = http_answer(200, is_json() ? "application/json" : "application/x-protobuf",
                                 pipeline_in(encoding_, body))};
  }
  Reply refuse(int status, const std::string& body) const {
    return {.bytes = http_answer(status, "application/json", error_in(encoding_, body))};
  }
  Reply cursor(std::vector<std::string> lines, bool whole = true) const {
    for (std::string& line : lines) line = cursor_item_in(encoding_, line);
    return chunked(std::move(lines), whole);
  }

  const hrana::Encoding encoding_;
  Script script_;
  ScriptedServer server_;
};

// What concerns one encoding, or none.
class HranaJsonClient : public Exchanges, public ::testing::Test {
 protected:
  HranaJsonClient() : Exchanges(hrana::Encoding::Json) {}
};

class HranaClient : public Exchanges, public ::testing::TestWithParam<hrana::Encoding> {
 protected:
  HranaClient() : Exchanges(GetParam()) {}
};
INSTANTIATE_TEST_SUITE_P(Encodings, HranaClient, ::testing::Values(hrana::Encoding::Json, hrana::Encoding::Protobuf),
                         [](const auto& tested) {
                           return tested.param == hrana::Encoding::Json ? "Json" : "Protobuf";
                         });

// -- 55: URLs

TEST_F(HranaJsonClient, UrlsAreUnderstoodAndContradictionsRefused) {
  const auto refused = [](const char* url) {
    return error_of<Configuration>([&] { Builder::remote(url).build(); }).message();
  };
  EXPECT_NO_THROW(Builder::remote("libsql://db.example.org").build());
  EXPECT_NO_THROW(Builder::remote("libsql://127.0.0.1:8080?tls=0").build());
  EXPECT_NO_THROW(Builder::remote("https://db.example.org/path/?tls=1&authToken=abc").build());
  EXPECT_NO_THROW(Builder::remote("wss://db.example.org").build());
  EXPECT_NO_THROW(Builder::remote("ws://db.example.org?tls=0").build());
  refused("libsql://db.example.org?tls=0");
  refused("http://db.example.org?tls=1");
  refused("https://db.example.org?tls=0");
  refused("wss://db.example.org?tls=0");
  refused("https://db.example.org?tls=2");
  refused("https://db.example.org?unknown=1");
  refused("https://db.example.org#part");
  refused("https://user:password@db.example.org");
  refused("ftp://db.example.org");
  refused("db.example.org");
  EXPECT_EQ(refused("https://db.example.org?authToken=s3cret&x=1").find("s3cret"), std::string::npos);
}

// -- 56: batons

TEST_P(HranaClient, TheNewestBatonIsUsedAndDroppedAfterAnError) {
  script_.then(say(pipeline("\"b1\"", {executed()})));
  script_.then(say(pipeline("\"b2\"", {batch(kNoRows, "null"), autocommit(false)})));
  script_.then(refuse(500, R"({"error":"Internal Error"})"));
  script_.then(say(pipeline("null", {executed(), closed()})));
  Connection conn = connect();
  Transaction tx = conn.transaction();
  tx->execute("INSERT INTO t VALUES (1)");
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (2)"), TransactionLost);
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (3)"), TransactionLost);
  EXPECT_THROW(tx.commit(), TransactionLost);
  tx.rollback();
  conn.execute("INSERT INTO t VALUES (4)");
  const auto sent = requests();
  ASSERT_EQ(sent.size(), 4u);  // nothing was sent for what came after the loss
  EXPECT_TRUE(sent[1].has(R"("baton":"b1")"));
  EXPECT_TRUE(sent[2].has(R"("baton":"b2")"));
  EXPECT_FALSE(sent[3].has("\"b2\""));
  EXPECT_TRUE(sent[3].has("(4)"));
}

// -- 57: base_url

TEST_P(HranaClient, TheBaseUrlIsFollowedForTheRestOfTheStreamOnly) {
  Script elsewhere_script(encoding_);
  ScriptedServer elsewhere(elsewhere_script);
  script_.then(say(pipeline("\"b1\"", {executed()}, "\"" + elsewhere.url() + "/there/\"")));
  elsewhere_script.then(say(pipeline("\"b2\"", {batch(kNoRows, "null"), autocommit(false)})));
  elsewhere_script.then(say(pipeline("null", {batch(kNoRows, "null"), autocommit(true)})));
  script_.then(say(pipeline("null", {executed(), closed()})));
  Connection conn = connect();
  Transaction tx = conn.transaction();
  tx->execute("INSERT INTO t VALUES (1)");
  tx.commit();
  conn.execute("INSERT INTO t VALUES (2)");
  ASSERT_EQ(elsewhere.received().size(), 2u);
  EXPECT_EQ(elsewhere.received()[0].target, is_json() ? "/there/v3/pipeline" : "/there/v3-protobuf/pipeline");
  EXPECT_EQ(requests().size(), 2u);
}

// -- 58: baton null

TEST_P(HranaClient, ANullBatonEndsTheStreamAtAnyTime) {
  script_.then(say(pipeline("\"b1\"", {executed()})));
  script_.then(say(pipeline("null", {batch(kNoRows, "null"), autocommit(false)})));
  script_.then(say(pipeline("null", {executed(), closed()})));
  Connection conn = connect();
  Transaction tx = conn.transaction();
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (1)"), TransactionLost);
  tx.rollback();
  conn.execute("INSERT INTO t VALUES (2)");
  EXPECT_FALSE(requests().back().has("\"b1\""));
}

TEST_P(HranaClient, AStreamOfWhichTheServerHoldsNothingIsNeitherKeptNorClosed) {
  for (const bool held : {true, false}) {
    script_.then(say(pipeline("\"b1\"", {executed()})));
    Reply committed = say(pipeline("\"b2\"", {batch(kNoRows, "null"), autocommit(true)}));
    if (!held) committed.bytes.insert(committed.bytes.find("\r\n") + 2, "libsql-stream: stateless\r\n");
    script_.then(committed);
    if (held) script_.then(say(pipeline("null", {closed()})));
    const std::size_t before = requests().size();
    {
      Connection conn = connect();
      Transaction tx = conn.transaction();
      tx.commit();
    }  // the database ends with its connection, and what is to be closed is closed before that
    if (held) {
      EXPECT_GE(requests().size() - before, 3U);  // a fourth, if the end came while the third was under way
    } else {
      EXPECT_EQ(requests().size() - before, 2U);
    }
  }
}

TEST_P(HranaClient, SaysHowLongItWantsToWaitForLocks) {
  script_.then(say(pipeline("null", {executed(), closed()})));
  script_.then(say(pipeline("null", {error("SQLite error: database is locked", "SQLITE_BUSY"), closed()})));
  script_.then(say(pipeline("null", {executed(), closed()})));
  Connection conn = connect();
  const auto said = [&] {
    const std::string head = server_.received().back().head;
    const std::size_t at = head.find("libsql-busy-timeout: ");
    return at == std::string::npos ? -1 : std::stol(head.substr(at + 21));
  };
  conn.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(said(), 0);
  conn.busy_timeout(60s);
  conn.execute("INSERT INTO t VALUES (1)");  // again, with what is left of the time
  EXPECT_GT(said(), 10'000);
  EXPECT_LT(said(), 60'000);
}

TEST_P(HranaClient, LeavesAServerThatWaitsForALockAsLongAsItLikes) {
  script_.be_stubborn();
  Connection conn = connect();
  conn.busy_timeout(100ms);
  const auto locked = [&](const char* what, const std::function<void()>& call) {
    script_.then({.silent = true});
    const auto begun = std::chrono::steady_clock::now();
    const Busy error = error_of<Busy>(call);
    const auto waited = std::chrono::steady_clock::now() - begun;
    EXPECT_GE(waited, 100ms) << what;
    EXPECT_LT(waited, 5s) << what;
    EXPECT_TRUE(error.retryable()) << what;
    EXPECT_TRUE(error.outcome_known()) << what;
    EXPECT_TRUE(error.session_usable()) << what;
    EXPECT_TRUE(conn.is_autocommit()) << what;
    // Nothing but the wish for the lock has been sent.
    EXPECT_TRUE(requests().back().has("BEGIN ")) << what;
    EXPECT_FALSE(requests().back().has("INSERT")) << what;
  };
  locked("a statement", [&] { conn.execute("INSERT INTO t VALUES (1)"); });
  locked("a prepared one", [&] { conn.query("INSERT INTO t VALUES (1) RETURNING a").next(); });
  locked("with a WITH", [&] { conn.execute("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x"); });
  locked("of the schema", [&] { conn.execute("CREATE TABLE u(a)"); });
  locked("a transaction", [&] { static_cast<void>(conn.transaction(TransactionBehavior::Immediate)); });
  locked("as text", [&] { conn.execute("BEGIN EXCLUSIVE"); });
  locked("a batch", [&] { conn.execute_transactional_batch("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)"); });
  locked("many", [&] { conn.execute_many("INSERT INTO t VALUES (?)", std::vector<std::tuple<int>>{{1}, {2}}); });
  conn.busy_timeout(0ms);  // still as long as an answer takes on its way
  script_.then({.silent = true});
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), Busy);
}

TEST_P(HranaClient, WorkThatHasItsLockTakesItsTimeWithAnotherServer) {
  script_.be_stubborn();
  Connection conn = connect();
  conn.busy_timeout(100ms);
  Reply slow = say(pipeline("null", {batch(kNoRows + "," + kNoRows + ",null", "null,null,null"), closed()}));
  slow.delay = 700ms;
  script_.then(say(pipeline("\"b1\"", {executed()})));
  script_.then(slow);
  conn.execute("UPDATE t SET a = a + 1");
  ASSERT_EQ(requests().size(), 2u);
  EXPECT_FALSE(requests()[0].has("UPDATE"));
  EXPECT_TRUE(requests()[1].has("\"b1\""));
  EXPECT_TRUE(requests()[1].has("COMMIT"));

  // What reads, what may not stand in a transaction, and what waits as long as servers do anyway, costs no more.
  script_.then(say(pipeline("null", {executed(), closed()})));
  conn.execute("VACUUM");
  conn.busy_timeout(60s);
  script_.then(say(pipeline("null", {executed(), closed()})));
  conn.execute("UPDATE t SET a = a + 1");
  EXPECT_EQ(requests().size(), 4u);
}

TEST_P(HranaClient, AStatementThatFailsBehindItsLockIsNoLostTransaction) {
  script_.be_stubborn();
  Connection conn = connect();
  const auto begun = [&] { script_.then(say(pipeline("\"b1\"", {executed()}))); };
  begun();
  script_.then(say(pipeline(
      "null",
      {batch("null,null," + kNoRows,
             R"({"message":"SQLite error: UNIQUE constraint failed: t.a","code":"SQLITE_CONSTRAINT"},null,null)"),
       closed()})));
  const Constraint constraint = error_of<Constraint>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_EQ(constraint.table(), "t");
  begun();
  script_.then(say(pipeline(
      "null",
      {batch(kNoRows + ",null," + kNoRows,
             R"(null,{"message":"SQLite error: FOREIGN KEY constraint failed","code":"SQLITE_CONSTRAINT"},null)"),
       closed()})));
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), Constraint);
  begun();
  script_.then(say(pipeline(
      "null", {batch("null,null,null", R"({"message":"Transaction timed out","code":"TRANSACTION_TIMEOUT"},null,null)"),
               closed()})));
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), TransactionLost);
  begun();
  script_.then({.bytes = "", .close = true});
  EXPECT_FALSE(error_of<Network>([&] { conn.execute("INSERT INTO t VALUES (1)"); }).outcome_known());
  begun();
  script_.then(say(pipeline("null", {batch(kNoRows + "," + kNoRows + ",null", "null,null,null"), closed()})));
  EXPECT_EQ(conn.execute("INSERT INTO t VALUES (1)"), 0u);
}

// -- 59: bodies of errors

TEST_P(HranaClient, AllShapesOfErrorBodiesAreUnderstood) {
  script_.then(refuse(400, R"({"message":"SQLite error: no such table: t","code":"SQLITE_UNKNOWN"})"));
  script_.then(refuse(401, R"({"error":"Unauthorized: `The JWT has expired`"})"));
  script_.then({.bytes = http_answer(400, "text/plain", "Received an invalid request")});
  for (int i = 0; i < (is_json() ? 2 : 1); ++i) {  // JSON: asked in version 3 and in version 2
    script_.then({.bytes = http_answer(404, "text/html", "<html>nothing here</html>")});
  }
  script_.then(refuse(429, R"({"error":"Too many concurrent requests"})"));
  Connection conn = builder().retries(0).build().connect();
  EXPECT_EQ(error_of<SqlError>([&] { conn.execute("INSERT INTO t VALUES (1)"); }).message(), "no such table: t");
  const Auth auth = error_of<Auth>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_NE(auth.message().find("expired"), std::string::npos);
  EXPECT_EQ(auth.server_message(), "Unauthorized: `The JWT has expired`");
  EXPECT_NE(error_of<Protocol>([&] { conn.execute("INSERT INTO t VALUES (1)"); }).message().find("invalid request"),
            std::string::npos);
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), CannotOpen);
  EXPECT_TRUE(error_of<Busy>([&] { conn.execute("INSERT INTO t VALUES (1)"); }).retryable());
}

TEST_P(HranaClient, InBandErrorsHaveTheClassesOfALocalDatabase) {
  script_.then(say(
      pipeline("null", {error("SQLite error: UNIQUE constraint failed: t.a, t.b", "SQLITE_CONSTRAINT"), closed()})));
  script_.then(say(pipeline("null", {error("SQLite error: database is locked", "SQLITE_BUSY"), closed()})));
  script_.then(
      say(pipeline("null", {error("SQL input error: no such column: x (at offset 7)", "SQL_INPUT_ERROR"), closed()})));
  script_.then(say(pipeline("null", {error("Operation was blocked: over the limit", "BLOCKED"), closed()})));
  script_.then(say(pipeline("null", {error("Response is too large", "RESPONSE_TOO_LARGE"), closed()})));
  script_.then(say(pipeline("null", {error("what nobody knows yet", "NEW_CODE"), closed()})));
  Connection conn = connect();
  const auto run = [&] { conn.execute("INSERT INTO t VALUES (1)"); };
  const Constraint constraint = error_of<Constraint>(run);
  EXPECT_EQ(constraint.kind(), ConstraintKind::Unique);
  EXPECT_EQ(constraint.columns(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(constraint.sqlite_code(), 19);
  EXPECT_TRUE(error_of<Busy>(run).retryable());
  EXPECT_EQ(error_of<SqlError>(run).offset(), 7u);
  EXPECT_THROW(run(), Auth);
  EXPECT_EQ(error_of<ResourceError>(run).code(), ErrorCode::TooBig);
  EXPECT_THROW(run(), SqlError);
}

// -- 60: tolerance

TEST_F(HranaJsonClient, RowidsComeAsStringsNumbersOrNull) {
  const auto inserted = [](const std::string& rowid) {
    return executed(R"({"cols":[],"rows":[],"affected_row_count":1,"last_insert_rowid":)" + rowid + "}");
  };
  script_.then(say(pipeline("null", {inserted("\"9007199254740993\""), closed()})));
  script_.then(say(pipeline("null", {inserted("7"), closed()})));
  script_.then(say(pipeline("null", {inserted("null"), closed()})));
  Connection conn = connect();
  conn.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(conn.last_insert_rowid(), 9007199254740993);
  conn.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(conn.last_insert_rowid(), 7);
  conn.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(conn.last_insert_rowid(), 7);
}

TEST_P(HranaClient, CursorsMayHaveUnknownEntriesAndNoTerminator) {
  const std::string head = "{\"baton\":null,\"base_url\":null}\n";
  const std::string begin = "{\"type\":\"step_begin\",\"step\":0,\"cols\":[{\"name\":\"a\",\"decltype\":null}]}\n";
  script_.then(cursor({head, begin, "{\"type\":\"row\",\"row\":[{\"type\":\"integer\",\"value\":\"1\"}]}\n",
                       "{\"type\":\"of the future\",\"x\":[1]}\n",
                       "{\"type\":\"row\",\"row\":[{\"type\":\"float\",\"value\":null}]}\r\n",
                       "{\"type\":\"step_end\",\"affected_row_count\":0,\"last_insert_rowid\":5}\n",
                       "{\"type\":\"replication_index\",\"replication_index\":3}\n"}));
  script_.then(cursor({head, begin, "{\"type\":\"step_end\",\"affected_row_count\":0,\"last_insert_rowid\":null}"}));
  script_.then(cursor({head, begin, "{\"type\":\"row\",\"row\":[{\"type\":\"null\"}]}\n"}));
  Connection conn = connect();
  Rows rows = conn.query("SELECT a FROM t");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.row().get<int>(0), 1);
  ASSERT_TRUE(rows.next());
  EXPECT_TRUE(std::isnan(rows.row().get<double>("a")));
  EXPECT_FALSE(rows.next());
  EXPECT_FALSE(conn.query("SELECT a FROM t").next());
  Rows broken = conn.query("SELECT a FROM t");  // ends without saying that it is the end
  ASSERT_TRUE(broken.next());
  EXPECT_THROW(broken.next(), Protocol);
}

// -- 61: what is sent

TEST_F(HranaJsonClient, ValuesAreSentAsServersWantThem) {
  for (int i = 0; i < 2; ++i) script_.then(say(pipeline("null", {executed(), closed()})));
  Connection conn = connect();
  conn.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", std::numeric_limits<std::int64_t>::min(), 1.0,
               Blob{std::byte{0xff}, std::byte{0xfe}, std::byte{0xfd}}, "a/b\"\\", null);
  conn.execute("INSERT INTO t VALUES (:a, @b)", named("b", 2), named("a", 1));
  const auto sent = requests();
  EXPECT_TRUE(sent[0].has(R"({"type":"integer","value":"-9223372036854775808"})"));
  EXPECT_TRUE(sent[0].has(R"("base64":"//79")"));  // no escapes: sqld refuses them
  EXPECT_TRUE(sent[0].has(R"("value":"a/b\"\\")"));
  EXPECT_TRUE(sent[0].has(R"("want_rows":false)"));
  EXPECT_TRUE(sent[0].has(R"({"type":"close"})"));
  EXPECT_EQ(sent[0].target, "/v3/pipeline");
  EXPECT_NE(sent[0].head.find("Bearer secret"), std::string::npos);
  EXPECT_NE(sent[0].head.find("libsql-remote-cpp-"), std::string::npos);
  EXPECT_TRUE(sent[1].has(R"("args":[])"));
  EXPECT_TRUE(sent[1].has(R"({"name":":a","value":{"type":"integer","value":"1"}})"));
  EXPECT_TRUE(sent[1].has(R"({"name":"@b","value":{"type":"integer","value":"2"}})"));
}

TEST_P(HranaClient, HeadersOfTheBuilderGoWithEveryRequest) {
  script_.then(say(pipeline("null", {executed(), closed()})));
  Connection conn =
      builder().name_space("customers").encryption_key("a2V5").header("x-source", "test").build().connect();
  conn.execute("INSERT INTO t VALUES (1)");
  const std::string head = requests().at(0).head;
  EXPECT_NE(head.find("x-namespace: customers"), std::string::npos);
  EXPECT_NE(head.find("x-turso-encryption-key: a2V5"), std::string::npos);
  EXPECT_NE(head.find("x-source: test"), std::string::npos);
  EXPECT_THROW(builder().header("content-length", "1").build(), Configuration);
  EXPECT_THROW(builder().header("x y", "1").build(), Configuration);
  EXPECT_THROW(builder().header("x", "a\r\nb: c").build(), Configuration);
}

// -- 62: transactions whose steps are skipped

TEST_P(HranaClient, AStepThatWasSkippedMeansThatTheTransactionIsLost) {
  script_.then(say(pipeline("\"b1\"", {executed()})));
  script_.then(say(pipeline("\"b2\"", {batch("null", "null"), autocommit(true)})));
  Connection conn = connect();
  Transaction tx = conn.transaction();
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (1)"), TransactionLost);
  EXPECT_TRUE(requests()[1].has(R"("condition":{"type":"not","cond":{"type":"is_autocommit"}})"));
}

TEST_P(HranaClient, ATransactionalBatchTellsWhatFailed) {
  const std::string failure =
      R"({"message":"SQLite error: CHECK constraint failed: age < 3","code":"SQLITE_CONSTRAINT"})";
  script_.then(say(pipeline(
      "null",
      {batch(kNoRows + "," + kNoRows + ",null,null," + kNoRows, "null,null," + failure + ",null,null"), closed()})));
  script_.then(
      say(pipeline("null", {batch("null,null,null,null,null",
                                  R"({"message":"SQLite error: database is locked","code":"SQLITE_BUSY"},null,)"
                                  R"(null,null,{"message":"SQLite error: cannot rollback","code":"SQLITE_UNKNOWN"})"),
                            closed()})));
  script_.then(say(pipeline(
      "null", {batch(kNoRows + "," + kNoRows + ",null,null," + kNoRows, "null,null,null,null,null"), closed()})));
  Connection conn = connect();
  const auto run = [&] { conn.execute_transactional_batch("INSERT INTO t VALUES (1); UPDATE t SET age = 3"); };
  const Constraint constraint = error_of<Constraint>(run);
  EXPECT_EQ(constraint.statement_index(), 1u);
  EXPECT_EQ(constraint.name(), "age < 3");
  EXPECT_THROW(run(), Busy);  // BEGIN failed; that ROLLBACK failed, too, does not matter
  EXPECT_THROW(run(), TransactionLost);
  EXPECT_EQ(requests().size(), 3u);  // one each
}

TEST_P(HranaClient, ATransactionThatTheServerTimedOutIsLost) {
  script_.then(say(pipeline("\"b1\"", {executed()})));
  script_.then(
      say(pipeline("\"b2\"", {batch("null", R"({"message":"Transaction timed out","code":"TRANSACTION_TIMEOUT"})"),
                              autocommit(true)})));
  Connection conn = connect();
  conn.execute("BEGIN IMMEDIATE");
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), TransactionLost);
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), TransactionLost);
  EXPECT_THROW(conn.execute("COMMIT"), TransactionLost);
  conn.execute("ROLLBACK");
  EXPECT_TRUE(conn.is_autocommit());
}

// -- 63: servers of both kinds

TEST_P(HranaClient, AnExpiredBatonIsALostTransactionHoweverItIsSaid) {
  struct Said {
    int status;
    std::string type;
    std::string body;
  };
  for (const Said& said : {Said{400, "application/json",
                                R"({"message":"The stream has expired due to inactivity","code":"STREAM_EXPIRED"})"},
                           Said{400, "text/plain", "Received an invalid baton"},
                           Said{404, "application/json", R"({"error":"stream not found"})"}}) {
    script_.then(say(pipeline("\"b1\"", {executed()})));
    const bool is_text = said.type == "text/plain";
    script_.then(is_text ? Reply{.bytes = http_answer(said.status, said.type, said.body)}
                         : refuse(said.status, said.body));
    Connection conn = connect();
    Transaction tx = conn.transaction();
    EXPECT_THROW(tx->execute("INSERT INTO t VALUES (1)"), TransactionLost) << said.body;
    tx.rollback();
  }
}

TEST_F(HranaJsonClient, AServerWithoutVersion3IsSpokenToInVersion2) {
  script_.then({.bytes = http_answer(404, "text/plain", "")});
  script_.then(say(pipeline("null", {executed(), closed()})));
  script_.then(say(pipeline("\"b1\"", {executed()})));
  script_.then(say(pipeline("\"b2\"", {batch(kNoRows + ",null,null", "null,null,null")})));
  script_.then(
      say(pipeline("\"b3\"", {batch("null," + kNoRows + "," + kNoRows,
                                    R"({"message":"SQLite error: disk full","code":"SQLITE_FULL"},null,null)")})));
  Connection conn = connect();
  conn.execute("INSERT INTO t VALUES (1)");
  Transaction tx = conn.transaction();
  tx->execute("INSERT INTO t VALUES (2)");
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (3)"), ResourceError);  // and BEGIN worked: nothing was open any more
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (4)"), TransactionLost);
  const auto sent = requests();
  ASSERT_GE(sent.size(), 5u);  // and perhaps the one that closes the stream that is left
  EXPECT_EQ(sent[0].target, "/v3/pipeline");
  EXPECT_EQ(sent[1].target, "/v2/pipeline");
  EXPECT_EQ(sent[4].target, "/v2/pipeline");
  EXPECT_FALSE(sent[4].has("is_autocommit"));
}

TEST_F(HranaJsonClient, TheEncodingIsAskedForOnceAndRemembered) {
  script_.then({.bytes = http_answer(404, "text/plain", "")});
  for (int i = 0; i < 3; ++i) script_.then(say(pipeline("null", {executed(), closed()})));
  const Database db = builder().encoding(RemoteEncoding::Auto).busy_timeout(5s).build();
  for (int i = 0; i < 3; ++i) db.connect().execute("INSERT INTO t VALUES (1)");
  const auto sent = requests();
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_EQ(sent[0].method + ' ' + sent[0].target, "GET /v3-protobuf");
  EXPECT_EQ(sent[3].target, "/v3/pipeline");
}

// -- faults of the way

TEST_P(HranaClient, AWriteWhoseAnswerIsCutAnywhereIsSentOnceAndItsOutcomeIsNotKnown) {
  const Reply whole = say(pipeline("null", {executed(), closed()}));
  for (std::size_t cut = 0; cut < whole.bytes.size(); cut += cut < 120 ? 1 : 7) {
    Reply reply = whole;
    reply.cut_after = cut;
    const std::size_t before = requests().size();
    script_.then(reply);
    Connection conn = connect();
    const Network error = error_of<Network>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
    EXPECT_FALSE(error.outcome_known()) << cut;
    EXPECT_FALSE(error.retryable()) << cut;
    EXPECT_EQ(requests().size(), before + 1) << cut;
  }
}

TEST_P(HranaClient, AReadWhoseAnswerIsCutAnywhereIsRepeated) {
  const Reply whole = say(pipeline(
      "null",
      {executed(
           R"({"cols":[{"name":"a","decltype":null}],"rows":[[{"type":"integer","value":"5"}]],"affected_row_count":0,"last_insert_rowid":null})"),
       closed()}));
  for (const std::size_t cut : {0U, 1U, 20U, 60U, 100U, 150U}) {
    Reply reply = whole;
    reply.cut_after = cut;
    script_.then(reply);
    script_.then(whole);
    Connection conn = connect();
    EXPECT_EQ(conn.query_value<int>("SELECT a FROM t"), 5) << cut;
  }
}

TEST_P(HranaClient, AQueryWhoseAnswerIsCutBeforeItsRowsIsRepeated) {
  const Reply whole = cursor({"{\"baton\":null,\"base_url\":null}\n",
                              "{\"type\":\"step_begin\",\"step\":0,\"cols\":[{\"name\":\"a\",\"decltype\":null}]}\n",
                              "{\"type\":\"row\",\"row\":[{\"type\":\"integer\",\"value\":\"5\"}]}\n",
                              "{\"type\":\"step_end\",\"affected_row_count\":0,\"last_insert_rowid\":null}\n"});
  for (std::size_t cut = 0; cut < whole.bytes.find("\r\n\r\n") + 4; cut += 5) {
    Reply reply = whole;
    reply.cut_after = cut;
    script_.then(reply);
    script_.then(whole);
    Connection conn = connect();
    Rows rows = conn.query("SELECT a FROM t");
    ASSERT_TRUE(rows.next()) << cut;
    EXPECT_EQ(rows.row().get<int>(0), 5) << cut;
    EXPECT_FALSE(rows.next()) << cut;
  }
}

TEST_P(HranaClient, ACutInsideATransactionLosesItAndNothingMoreIsSent) {
  script_.then(say(pipeline("\"b1\"", {executed()})));
  Reply cut = say(pipeline("\"b2\"", {batch(kNoRows, "null"), autocommit(false)}));
  cut.cut_after = 40;
  script_.then(cut);
  Connection conn = connect();
  Transaction tx = conn.transaction();
  const TransactionLost error = error_of<TransactionLost>([&] { tx->execute("INSERT INTO t VALUES (1)"); });
  EXPECT_TRUE(error.outcome_known());
  EXPECT_THROW(tx->query_value<int>("SELECT 1"), TransactionLost);
  EXPECT_THROW(tx->execute_batch("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)"), TransactionLost);
  EXPECT_THROW(conn.execute_transactional_batch("INSERT INTO t VALUES (1)"), TransactionLost);
  EXPECT_THROW(conn.execute_many("INSERT INTO t VALUES (?)", std::vector<int>{1}), TransactionLost);
  EXPECT_THROW(conn.prepare("SELECT 2"), TransactionLost);
  EXPECT_THROW(tx.commit(), TransactionLost);
  EXPECT_EQ(requests().size(), 2u);
}

TEST_P(HranaClient, ACommitWhoseAnswerIsCutHasAnUnknownOutcome) {
  script_.then(say(pipeline("\"b1\"", {executed()})));
  Reply cut = say(pipeline("null", {batch(kNoRows, "null"), autocommit(true)}));
  cut.cut_after = 30;
  script_.then(cut);
  Connection conn = connect();
  Transaction tx = conn.transaction();
  EXPECT_FALSE(error_of<Network>([&] { tx.commit(); }).outcome_known());
  tx.rollback();
  EXPECT_TRUE(conn.is_autocommit());
}

TEST_P(HranaClient, RowsThatAreCutThrowAndAreNeverTakenForComplete) {
  const std::string row = "{\"type\":\"row\",\"row\":[{\"type\":\"integer\",\"value\":\"1\"}]}\n";
  script_.then(
      cursor({"{\"baton\":null,\"base_url\":null}\n",
              "{\"type\":\"step_begin\",\"step\":0,\"cols\":[{\"name\":\"a\",\"decltype\":null}]}\n", row, row},
             false));
  Connection conn = connect();
  Rows rows = conn.query("SELECT a FROM t");
  EXPECT_TRUE(rows.next());
  EXPECT_TRUE(rows.next());
  EXPECT_THROW(rows.next(), Network);
  EXPECT_FALSE(rows.next());
}

TEST_P(HranaClient, RowsThatAreCutAnywhereThrow) {
  const std::string row = "{\"type\":\"row\",\"row\":[{\"type\":\"integer\",\"value\":\"1\"}]}\n";
  const Reply whole =
      cursor({"{\"baton\":null,\"base_url\":null}\n",
              "{\"type\":\"step_begin\",\"step\":0,\"cols\":[{\"name\":\"a\",\"decltype\":null}]}\n", row, row, row,
              "{\"type\":\"step_end\",\"affected_row_count\":0,\"last_insert_rowid\":null}\n"});
  // Up to here the answer is chunked; behind the last entry the end of the chunks is missing, which is a cut as well.
  for (std::size_t cut = whole.bytes.find("\r\n\r\n") + 4; cut < whole.bytes.size(); cut += 3) {
    Reply reply = whole;
    reply.cut_after = cut;
    script_.then(reply);
    Connection conn = builder().retries(0).build().connect();
    const auto read = [&] {
      int rows = 0;
      for (Rows all = conn.query("SELECT a FROM t"); all.next();) ++rows;
      return rows;
    };
    try {
      EXPECT_EQ(read(), 3) << cut;  // all that the statement had was there
      EXPECT_GE(cut, whole.bytes.size() - 7) << cut;
    } catch (const Network&) {
      EXPECT_LT(cut, whole.bytes.size()) << cut;
    }
  }
  // Without chunks the end of the connection is the end of the answer, so only the entries can tell.
  std::string body;
  for (const std::string& line :
       {std::string("{\"baton\":null,\"base_url\":null}\n"),
        std::string("{\"type\":\"step_begin\",\"step\":0,\"cols\":[{\"name\":\"a\",\"decltype\":null}]}\n"), row,
        row}) {
    body += cursor_item_in(encoding_, line);
    script_.then({.bytes = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n" + body, .close = true});
    Connection conn = connect();
    EXPECT_THROW(conn.query("SELECT a FROM t").fetch_all(), Protocol) << body;
  }
}

TEST_P(HranaClient, ASilentServerEndsInATimeout) {
  script_.then({.silent = true});
  script_.then({.silent = true});
  Connection conn = connect();
  conn.deadline(100ms);
  EXPECT_FALSE(error_of<Timeout>([&] { conn.execute("INSERT INTO t VALUES (1)"); }).outcome_known());
  EXPECT_TRUE(error_of<Timeout>([&] { conn.query("SELECT 1"); }).outcome_known());
}

TEST_P(HranaClient, AServerThatDripsIsWaitedFor) {
  Reply slow = say(pipeline("null", {executed(), closed()}));
  slow.piece = 16;
  slow.pause = 1ms;
  script_.then(slow);
  EXPECT_NO_THROW(connect().execute("INSERT INTO t VALUES (1)"));
}

TEST_P(HranaClient, AConnectionThatWasClosedWhileIdleIsReplacedUnnoticed) {
  for (int i = 0; i < 3; ++i) script_.then(say(pipeline("null", {executed(), closed()})));
  Connection conn = connect();
  for (int i = 0; i < 3; ++i) {
    conn.execute("INSERT INTO t VALUES (1)");
    server_.drop_connections();
  }
  EXPECT_EQ(requests().size(), 3u);
}

TEST_P(HranaClient, RequestsShareOneConnection) {
  for (int i = 0; i < 5; ++i) script_.then(say(pipeline("null", {executed(), closed()})));
  Connection conn = connect();
  for (int i = 0; i < 5; ++i) conn.execute("INSERT INTO t VALUES (1)");
  for (const Received& request : server_.received()) EXPECT_EQ(request.connection, 0);
}

TEST_P(HranaClient, NobodyThereIsANetworkErrorWithAKnownOutcome) {
  std::string url;
  {
    ScriptedServer gone([](const Received&) { return Reply{}; });
    url = gone.url();
  }
  Connection conn = builder(url).retries(1).build().connect();
  const Network error = error_of<Network>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_TRUE(error.outcome_known());
  EXPECT_TRUE(error.retryable());
  EXPECT_TRUE(error.session_usable());
}

TEST_F(HranaJsonClient, AConnectionInOneCallSendsItsToken) {
  ::setenv("no_proxy", "127.0.0.1", 1);
  const ScriptedServer server([](const Received&) { return json(R"({"error":"no"})", 401); });
  EXPECT_THROW(libsql::connect(server.url(), "secret").execute("SELECT 1"), Auth);
  ASSERT_FALSE(server.received().empty());
  EXPECT_NE(server.received().back().head.find("Bearer secret"), std::string::npos);
}

TEST_F(HranaJsonClient, RedirectsAreRefused) {
  script_.then({.bytes = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"});
  EXPECT_THROW(connect().execute("INSERT INTO t VALUES (1)"), Protocol);
  EXPECT_EQ(requests().size(), 1u);
}

TEST_P(HranaClient, NonsenseIsAProtocolError) {
  for (const char* nonsense :
       {"", "{", "[]", "{\"results\":[]}",
        "{\"baton\":null,\"base_url\":null,\"results\":[{\"type\":\"ok\",\"response\":{\"type\":\"close\"}}]}"}) {
    script_.then(json(nonsense));
    EXPECT_THROW(connect().execute("INSERT INTO t VALUES (1)"), Protocol) << nonsense;
  }
  // Answers to what was not asked, and too few.
  for (const std::vector<std::string>& results : std::vector<std::vector<std::string>>{
           {closed()}, {}, {autocommit(true), closed()}, {batch("null", "null"), closed()}}) {
    script_.then(say(pipeline("null", results)));
    EXPECT_THROW(connect().execute("INSERT INTO t VALUES (1)"), Protocol) << results.size();
  }
  script_.then({.bytes = "SSH-2.0-OpenSSH_9.2\r\n\r\n", .close = true});
  EXPECT_THROW(connect().execute("INSERT INTO t VALUES (1)"), Protocol);
}

TEST_P(HranaClient, ABusyServerIsAskedAgainForReadsOnly) {
  script_.then(refuse(503, R"({"error":"shutting down"})"));
  script_.then(say(pipeline(
      "null",
      {executed(
           R"({"cols":[{"name":"a"}],"rows":[[{"type":"null"}]],"affected_row_count":0,"last_insert_rowid":null})"),
       closed()})));
  script_.then(refuse(503, R"({"error":"shutting down"})"));
  Connection conn = connect();
  EXPECT_TRUE(conn.query_value<Value>("SELECT a FROM t").is_null());
  const Network error = error_of<Network>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_TRUE(error.outcome_known());
  EXPECT_TRUE(error.retryable());
}

// -- rows in a transaction

TEST_P(HranaClient, ATransactionAsksWhetherATextIsTakenBeforeItOpensACursorOverIt) {
  const std::string head = "{\"baton\":\"b3\",\"base_url\":null}\n";
  const auto rows = [&] {
    return cursor({head, "{\"type\":\"step_begin\",\"step\":0,\"cols\":[{\"name\":\"a\",\"decltype\":null}]}\n",
                   "{\"type\":\"step_end\",\"affected_row_count\":0,\"last_insert_rowid\":null}\n"});
  };
  script_.then(say(pipeline("\"b1\"", {executed()})));
  script_.then(say(pipeline("\"b2\"", {error("SQL string could not be parsed: near a", "SQL_PARSE_ERROR")})));
  script_.then(say(pipeline("\"b3\"", {batch("null", "null")})));
  script_.then(rows());
  script_.then(rows());
  script_.then(say(pipeline("\"b4\"", {batch(kNoRows, "null"), autocommit(false)})));
  Connection conn = connect();
  Transaction tx = conn.transaction();
  EXPECT_THROW(tx->query("SELECT a FROM t WHERE"), SqlError);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(tx->query("SELECT a FROM t").next());
  EXPECT_FALSE(tx->query("SELECT 1 AS a").next());  // one row at most: with the answer, at once
  const auto sent = requests();
  ASSERT_EQ(sent.size(), 6u);
  EXPECT_TRUE(sent[1].has(R"("condition":{"type":"or","conds":[]})"));  // never true, so nothing runs
  EXPECT_TRUE(sent[2].has(R"("baton":"b2")"));
  EXPECT_TRUE(sent[3].target.ends_with("/cursor"));
  EXPECT_TRUE(sent[4].target.ends_with("/cursor"));  // what was taken once is not asked about again
  EXPECT_TRUE(sent[5].target.ends_with("/pipeline"));
}

// -- what stays open

TEST_P(HranaClient, AStreamThatACursorLeavesIsClosed) {
  script_.then(cursor({"{\"baton\":\"b1\",\"base_url\":null}\n",
                       "{\"type\":\"step_begin\",\"step\":0,\"cols\":[{\"name\":\"a\",\"decltype\":null}]}\n",
                       "{\"type\":\"step_end\",\"affected_row_count\":0,\"last_insert_rowid\":null}\n"}));
  script_.then(say(pipeline("null", {closed()})));
  Connection conn = connect();
  EXPECT_FALSE(conn.query("SELECT a FROM t").next());
  EXPECT_TRUE(eventually([&] { return requests().size() >= 2; }));
  ASSERT_EQ(requests().size(), 2u);
  EXPECT_TRUE(requests()[1].has(R"("baton":"b1")"));
  EXPECT_TRUE(requests()[1].has(R"({"type":"close"})"));
}

TEST_P(HranaClient, AnIdleTransactionIsShownToTheServer) {
  script_.then(say(pipeline("\"b1\"", {executed()})));
  for (int i = 2; i < 50; ++i) script_.then(say(pipeline("\"b" + std::to_string(i) + "\"", {})));
  Connection conn = builder().keep_transactions_alive(20ms).build().connect();
  conn.execute("BEGIN");
  EXPECT_TRUE(eventually([&] { return requests().size() >= 4; }));
  const auto sent = requests();
  ASSERT_GE(sent.size(), 4u);
  EXPECT_TRUE(sent[2].has(R"("baton":"b2","requests":[])"));
  EXPECT_FALSE(conn.is_autocommit());
}

}  // namespace
}  // namespace libsql::test
