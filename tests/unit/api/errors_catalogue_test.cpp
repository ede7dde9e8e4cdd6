// One test per entry of docs/errors.md, of the same name; checks.errors_catalogue holds the two together.
#include <libsql/libsql.hpp>

#include <atomic>
#include <cmath>
#include <limits>
#include <memory>

#include "net/server.hpp"
#include "support/certificates.hpp"
#include "support/expect_error.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;

constexpr const char* kEndless =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

class ErrorsCatalogue : public ::testing::Test {
 protected:
  template <class E, class Run>
  static E expect(Run&& run) {
    return test::error_of<E>(run);
  }
  std::string file(const std::string& name = "a.db") const { return dir_.file(name); }
  static Connection memory() { return Builder::local(":memory:").build().connect(); }
  Database table() const {
    Database db = Builder::local(file()).build();
    db.connect().execute("CREATE TABLE t(a)");
    return db;
  }
  static Connection constrained() {
    Connection conn = memory();
    conn.execute_batch(
        "CREATE TABLE c(id INTEGER PRIMARY KEY, u INTEGER NOT NULL UNIQUE CONSTRAINT positive CHECK (u > 0));"
        "CREATE TABLE d(c INTEGER REFERENCES c(id)); INSERT INTO c VALUES (1, 1)");
    return conn;
  }
  void encrypted() const {
    Builder::local(file()).encryption({"right"}).build().connect().execute("CREATE TABLE t(a)");
  }
  // A database whose table pages are overwritten.
  void damaged() const {
    {
      Connection conn = Builder::local(file()).pragma("journal_mode", "delete").build().connect();
      conn.execute("CREATE TABLE t(a)");
      conn.execute_many("INSERT INTO t VALUES (?)", std::vector<std::string>(200, std::string(200, 'x')));
    }
    const auto size = std::filesystem::file_size(file());
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(4096);
    stream << std::string(size - 4096, '\xff');
  }

  test::TemporaryDirectory dir_;
};

TEST_F(ErrorsCatalogue, TheFolderDoesNotExist) {
  expect<CannotOpen>([&] { Builder::local(file("no/such/folder/a.db")).build(); });
}

TEST_F(ErrorsCatalogue, ThePathIsAFolder) {
  expect<CannotOpen>([&] { Builder::local(dir_.path().string()).build(); });
}

TEST_F(ErrorsCatalogue, TheFileDoesNotExistAndMayNotBeCreated) {
  expect<CannotOpen>([&] { Builder::local(file()).open_mode(OpenMode::ReadWrite).build(); });
  expect<CannotOpen>([&] { Builder::local(file()).read_only().build(); });
}

TEST_F(ErrorsCatalogue, TheFileAlreadyExists) {
  Builder::local(file()).build();
  expect<CannotOpen>([&] { Builder::local(file()).exclusive().build(); });
}

TEST_F(ErrorsCatalogue, ASymbolicLinkWasRefused) {
  Builder::local(file()).build();
  std::filesystem::create_symlink(file(), file("link.db"));
  expect<CannotOpen>([&] { Builder::local(file("link.db")).no_follow().build(); });
}

TEST_F(ErrorsCatalogue, TheFileIsNotADatabase) {
  std::ofstream(file()) << std::string(4096, 'x');
  expect<NotADatabase>([&] { Builder::local(file()).build(); });
}

TEST_F(ErrorsCatalogue, TheKeyIsWrong) {
  encrypted();
  expect<NotADatabase>([&] { Builder::local(file()).encryption({"wrong"}).build(); });
  expect<NotADatabase>([&] { Builder::local(file()).encryption({"right", "aegis"}).build(); });
}

TEST_F(ErrorsCatalogue, TheKeyIsMissing) {
  encrypted();
  expect<NotADatabase>([&] { Builder::local(file()).build(); });
}

TEST_F(ErrorsCatalogue, TheCipherIsUnknown) {
  expect<Configuration>([&] { Builder::local(file()).encryption({"key", "rot13"}).build(); });
  expect<Configuration>([&] { Builder::local(file()).encryption({""}).build(); });
}

TEST_F(ErrorsCatalogue, TheVFSIsUnknown) {
  expect<Configuration>([&] { Builder::local(file()).vfs("nobody").build(); });
  expect<Configuration>([&] { Builder::local("file:" + file() + "?vfs=nobody").build(); });
}

TEST_F(ErrorsCatalogue, ThePragmaIsUnknown) {
  expect<Configuration>([&] { Builder::local(file()).pragma("foreign_key", true).build(); });
}

TEST_F(ErrorsCatalogue, ThePragmaCannotHaveThisValue) {
  expect<Configuration>([&] { Builder::local(file()).pragma("foreign_keys", "perhaps").build(); });
  expect<Configuration>([&] { Builder::local(":memory:").pragma("journal_mode", "banana").build(); });
}

TEST_F(ErrorsCatalogue, AnExtensionCannotBeLoaded) {
  expect<Configuration>([&] { Builder::local(file()).extension("/no/such/extension").build(); });
  Connection conn = memory();
  const ExtensionGuard guard = conn.enable_load_extension();
  expect<SqlError>([&] { conn.load_extension("/no/such/extension"); });
}

TEST_F(ErrorsCatalogue, TheEngineWasBuiltWithoutTheFeature) {
  const auto error = expect<Unsupported>([&] { Builder::local(file()).mutex_mode(MutexMode::Full).build(); });
  EXPECT_EQ(error.mode(), "engine");
  EXPECT_FALSE(error.feature().empty());
}

TEST_F(ErrorsCatalogue, AnotherConnectionHoldsTheLock) {
  const Database db = table();
  Connection writer = db.connect();
  const Transaction tx = writer.transaction(TransactionBehavior::Immediate);
  Connection other = db.connect();
  other.busy_timeout(1ms);
  const auto error = expect<Busy>([&] { other.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_TRUE(error.retryable());
  EXPECT_TRUE(error.session_usable());
}

TEST_F(ErrorsCatalogue, TheSnapshotIsTooOldToWrite) {
  const Database db = table();
  Connection first = db.connect();
  Transaction tx = first.transaction(TransactionBehavior::Deferred);
  tx->query_value<int>("SELECT count(*) FROM t");
  db.connect().execute("INSERT INTO t VALUES (1)");
  const auto error = expect<Busy>([&] { tx->execute("INSERT INTO t VALUES (2)"); });
  EXPECT_FALSE(error.retryable());
  EXPECT_EQ(error.transaction_open(), true);
}

TEST_F(ErrorsCatalogue, TheConnectionsOwnRowsLockTheTable) {
  Connection conn = table().connect();
  conn.execute("INSERT INTO t VALUES (1), (2)");
  Rows rows = conn.query("SELECT a FROM t");
  ASSERT_TRUE(rows.next());
  const auto error = expect<Busy>([&] { conn.execute("DROP TABLE t"); });
  EXPECT_FALSE(error.retryable());
}

TEST_F(ErrorsCatalogue, TheDeadlinePassed) {
  Connection conn = memory();
  conn.deadline(20ms);
  const auto error = expect<Timeout>([&] { conn.execute(kEndless); });
  EXPECT_TRUE(error.retryable());
  EXPECT_TRUE(error.session_usable());
}

TEST_F(ErrorsCatalogue, TheCallWasInterrupted) {
  Connection conn = memory();
  const InterruptHandle handle = conn.interrupt_handle();
  std::atomic<bool> done = false;
  std::jthread other([&] {
    while (!done) {
      handle.interrupt();
      std::this_thread::yield();
    }
  });
  EXPECT_THROW(conn.execute(kEndless), Interrupted);
  done = true;
}

TEST_F(ErrorsCatalogue, TheTransactionIsGone) {
  Connection conn = table().connect();
  Transaction tx = conn.transaction();
  conn.execute("ROLLBACK");
  const auto error = expect<TransactionLost>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_EQ(error.transaction_open(), false);
  tx.rollback();
  EXPECT_NO_THROW(conn.execute("INSERT INTO t VALUES (1)"));
}

TEST_F(ErrorsCatalogue, AFinishedTransactionIsUsed) {
  Connection conn = table().connect();
  Transaction tx = conn.transaction();
  tx.commit();
  expect<Misuse>([&] { tx.commit(); });
}

TEST_F(ErrorsCatalogue, AWriteInAReadonlyTransaction) {
  Connection conn = table().connect();
  Transaction tx = conn.transaction(TransactionBehavior::ReadOnly);
  expect<ReadOnly>([&] { tx->execute("INSERT INTO t VALUES (1)"); });
}

TEST_F(ErrorsCatalogue, AWriteToAReadonlyDatabase) {
  table();
  Connection conn = Builder::local(file()).read_only().build().connect();
  expect<ReadOnly>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
}

TEST_F(ErrorsCatalogue, ADeferredForeignKeyIsViolatedAtTheCommit) {
  Connection conn = table().connect();
  conn.execute("CREATE TABLE c(p INTEGER REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)");
  conn.execute("CREATE TABLE p(id INTEGER PRIMARY KEY)");
  Transaction tx = conn.transaction();
  tx->execute("INSERT INTO c VALUES (1)");
  const auto error = expect<Constraint>([&] { tx.commit(); });
  EXPECT_EQ(error.kind(), ConstraintKind::ForeignKey);
  EXPECT_TRUE(tx.is_open());
}

TEST_F(ErrorsCatalogue, TheSQLIsWrong) {
  Connection conn = memory();
  const auto error = expect<SqlError>([&] { conn.execute("SELECT 1 FRMO t"); });
  EXPECT_TRUE(error.offset().has_value());
}

TEST_F(ErrorsCatalogue, TheTableOrColumnDoesNotExist) {
  Connection conn = table().connect();
  expect<SqlError>([&] { conn.execute("SELECT a FROM nothing"); });
  expect<SqlError>([&] { conn.execute("SELECT nothing FROM t"); });
  expect<SqlError>([&] { conn.execute("SELECT \"text\" FROM t"); });
}

TEST_F(ErrorsCatalogue, AnSQLFunctionFailed) {
  Connection conn = memory();
  expect<SqlError>([&] { conn.execute("SELECT abs(-9223372036854775807 - 1)"); });
}

TEST_F(ErrorsCatalogue, ASecondStatementFollows) {
  Connection conn = table().connect();
  const auto error = expect<Misuse>([&] { conn.execute("SELECT 1; DROP TABLE t"); });
  EXPECT_EQ(error.offset(), 10u);
}

TEST_F(ErrorsCatalogue, TheTextHoldsANULCharacter) {
  Connection conn = memory();
  const auto error = expect<SqlError>([&] { conn.execute(std::string_view("SELECT 1\0", 9)); });
  EXPECT_EQ(error.offset(), 8u);
}

TEST_F(ErrorsCatalogue, TheTextHoldsNoStatement) {
  Connection conn = memory();
  expect<Misuse>([&] { conn.execute(" -- nothing"); });
}

TEST_F(ErrorsCatalogue, TheSQLTextIsTooLong) {
  Connection conn = memory();
  conn.limit(Limit::SqlLength, 50);
  EXPECT_EQ(expect<ResourceError>([&] { conn.execute("SELECT '" + std::string(100, 'x') + "'"); }).code(),
            ErrorCode::TooBig);
}

TEST_F(ErrorsCatalogue, AnArgumentIsMissing) {
  Connection conn = memory();
  expect<Misuse>([&] { conn.query("SELECT ?, ?", 1); });
  EXPECT_THAT(expect<Misuse>([&] { conn.query("SELECT :name"); }).message(), ::testing::HasSubstr(":name"));
}

TEST_F(ErrorsCatalogue, AnArgumentIsLeftOver) {
  Connection conn = memory();
  expect<Misuse>([&] { conn.query("SELECT ?", 1, 2); });
  expect<Misuse>([&] { conn.query("SELECT :a", named("a", 1), named(":a", 2)); });
}

TEST_F(ErrorsCatalogue, TheParameterNameIsUnknown) {
  Connection conn = memory();
  EXPECT_THAT(expect<Misuse>([&] { conn.query("SELECT :a", named("b", 1)); }).message(), ::testing::HasSubstr("'b'"));
}

TEST_F(ErrorsCatalogue, TheParameterNameIsAmbiguous) {
  Connection conn = memory();
  expect<Misuse>([&] { conn.query("SELECT :a, $a", named("a", 1)); });
}

TEST_F(ErrorsCatalogue, ANumberIsTooLargeToStore) {
  Connection conn = memory();
  expect<OutOfRange>([&] { conn.query("SELECT ?", std::numeric_limits<std::uint64_t>::max()); });
}

TEST_F(ErrorsCatalogue, NaNCannotBeStored) {
  Connection conn = memory();
  expect<OutOfRange>([&] { conn.query("SELECT ?", std::nan("")); });
}

TEST_F(ErrorsCatalogue, ATextOrBlobIsTooLarge) {
  Connection conn = memory();
  conn.limit(Limit::Length, 1000);
  EXPECT_EQ(expect<ResourceError>([&] { conn.query("SELECT ?", Blob(2000)); }).code(), ErrorCode::TooBig);
}

TEST_F(ErrorsCatalogue, TheValueAlreadyExists) {
  Connection conn = constrained();
  const auto error = expect<Constraint>([&] { conn.execute("INSERT INTO c(id, u) VALUES (2, 1)"); });
  EXPECT_EQ(error.kind(), ConstraintKind::Unique);
  EXPECT_EQ(error.table(), "c");
  EXPECT_THAT(error.columns(), ::testing::ElementsAre("u"));
}

TEST_F(ErrorsCatalogue, AValueIsMissing) {
  Connection conn = constrained();
  EXPECT_EQ(expect<Constraint>([&] { conn.execute("INSERT INTO c(id) VALUES (2)"); }).kind(), ConstraintKind::NotNull);
}

TEST_F(ErrorsCatalogue, ACheckFailed) {
  Connection conn = constrained();
  const auto error = expect<Constraint>([&] { conn.execute("INSERT INTO c(id, u) VALUES (2, -1)"); });
  EXPECT_EQ(error.kind(), ConstraintKind::Check);
  EXPECT_EQ(error.name(), "positive");
}

TEST_F(ErrorsCatalogue, TheRowReferredToDoesNotExist) {
  Connection conn = constrained();
  EXPECT_EQ(expect<Constraint>([&] { conn.execute("INSERT INTO d VALUES (9)"); }).kind(), ConstraintKind::ForeignKey);
}

TEST_F(ErrorsCatalogue, TheTableIsStrictAboutTypes) {
  Connection conn = memory();
  conn.execute("CREATE TABLE s(a INTEGER) STRICT");
  EXPECT_EQ(expect<Constraint>([&] { conn.execute("INSERT INTO s VALUES ('x')"); }).kind(), ConstraintKind::DataType);
}

TEST_F(ErrorsCatalogue, TheValueHasAnotherType) {
  Connection conn = memory();
  expect<TypeMismatch>([&] { conn.query_value<int>("SELECT '1'"); });
  expect<TypeMismatch>([&] { conn.query_value<int>("SELECT NULL"); });
}

TEST_F(ErrorsCatalogue, TheValueDoesNotFit) {
  Connection conn = memory();
  expect<OutOfRange>([&] { conn.query_value<std::int8_t>("SELECT 1000"); });
}

TEST_F(ErrorsCatalogue, ThereIsNoSuchColumn) {
  Connection conn = memory();
  const OwnedRow row = conn.query_row("SELECT 1 AS a");
  expect<OutOfRange>([&] { static_cast<void>(row.get<int>(1)); });
  expect<OutOfRange>([&] { static_cast<void>(row.get<int>("b")); });
}

TEST_F(ErrorsCatalogue, TheNumberOfColumnsDiffers) {
  Connection conn = memory();
  expect<Misuse>([&] { conn.query_row<int>("SELECT 1, 2"); });
}

TEST_F(ErrorsCatalogue, ThereIsNoRow) {
  Connection conn = table().connect();
  expect<UnexpectedRows>([&] { conn.query_value<int>("SELECT a FROM t"); });
}

TEST_F(ErrorsCatalogue, ThereIsMoreThanOneRow) {
  Connection conn = memory();
  expect<UnexpectedRows>([&] { conn.query_row_optional<int>("SELECT 1 UNION SELECT 2"); });
}

TEST_F(ErrorsCatalogue, TheDatabaseIsFull) {
  Connection conn = table().connect();
  conn.execute("PRAGMA max_page_count=3");
  EXPECT_EQ(expect<ResourceError>([&] { conn.execute("INSERT INTO t VALUES (zeroblob(1000000))"); }).code(),
            ErrorCode::Full);
}

TEST_F(ErrorsCatalogue, TheFileIsDamaged) {
  damaged();
  Connection conn = Builder::local(file()).build().connect();
  expect<Corrupt>([&] { conn.query("SELECT * FROM t ORDER BY a").fetch_all(); });
}

TEST_F(ErrorsCatalogue, TheFileWasMovedOrDeleted) {
  Connection conn = table().connect();
  std::filesystem::rename(file(), file("moved.db"));
  expect<CannotOpen>([&] { conn.ping(); });
}

TEST_F(ErrorsCatalogue, TheConnectionIsClosed) {
  Connection conn = memory();
  conn.close();
  EXPECT_FALSE(expect<Misuse>([&] { conn.execute("SELECT 1"); }).session_usable());
}

TEST_F(ErrorsCatalogue, TheConnectionCannotBeClosedYet) {
  Connection conn = memory();
  const Statement statement = conn.prepare("SELECT 12345");
  EXPECT_THAT(expect<Misuse>([&] { conn.close(); }).message(), ::testing::HasSubstr("12345"));
  EXPECT_FALSE(conn.is_closed());
}

TEST_F(ErrorsCatalogue, TheStatementIsStillRunning) {
  Connection conn = memory();
  Statement statement = conn.prepare("SELECT 1");
  Rows rows = statement.query();
  expect<Misuse>([&] { statement.execute(); });
}

TEST_F(ErrorsCatalogue, AHandleIsUsedAfterAMove) {
  Connection conn = memory();
  const Connection other = std::move(conn);
  expect<Misuse>([&] { conn.execute("SELECT 1"); });  // NOLINT(bugprone-use-after-move)
}

TEST_F(ErrorsCatalogue, LoadingExtensionsIsNotAllowed) {
  Connection conn = memory();
  expect<Auth>([&] { conn.load_extension("anything"); });
}

TEST_F(ErrorsCatalogue, TheKeyCannotChangeNow) {
  const Database db = table();
  Connection conn = db.connect();
  conn.busy_timeout(0ms);
  Connection other = db.connect();
  other.query_value<int>("SELECT count(*) FROM t");
  expect<Busy>([&] { conn.rekey("new"); });
  const Transaction tx = conn.transaction();
  expect<Misuse>([&] { conn.rekey("new"); });
}

TEST_F(ErrorsCatalogue, OneStatementOfManyFailed) {
  Connection conn = constrained();
  const auto error = expect<Constraint>([&] {
    conn.execute_many("INSERT INTO c(u) VALUES (?)", std::vector{5, 6, 5});
  });
  EXPECT_EQ(error.statement_index(), 2u);
  EXPECT_EQ(conn.query_value<int>("SELECT count(*) FROM c"), 1);
}

// -- servers

// A connection to a server that gives this answer to everything.
struct Answering {
  explicit Answering(test::Reply reply, std::chrono::milliseconds busy_timeout = std::chrono::milliseconds(0))
      : server([=](const test::Received&) { return reply; }), conn(connect(server.url(), busy_timeout)) {}
  // With a short time-out, a write asks for its lock first.
  static Connection connect(const std::string& url,
                            std::chrono::milliseconds busy_timeout = std::chrono::milliseconds(0)) {
    return Builder::remote(url)
        .encoding(RemoteEncoding::Json)
        .proxy(std::nullopt)
        .retries(0)
        .busy_timeout(busy_timeout)
        .build()
        .connect();
  }
  test::ScriptedServer server;
  Connection conn;
};

TEST_F(ErrorsCatalogue, TheURLIsWrong) {
  expect<Configuration>([] { Builder::remote("http://db.example.org?tls=1").build(); });
  expect<Configuration>([] { Builder::remote("db.example.org").build(); });
}

TEST_F(ErrorsCatalogue, TheServerCannotBeReached) {
  std::string url;
  {
    const test::ScriptedServer gone([](const test::Received&) { return test::Reply{}; });
    url = gone.url();
  }
  Connection conn = Answering::connect(url);
  const auto error = expect<Network>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_TRUE(error.retryable());
  EXPECT_TRUE(error.outcome_known());
}

TEST_F(ErrorsCatalogue, TheServerIsNotTrusted) {
  struct Silent final : net::Handler {
    void on_request(net::Exchange&) override {}
  };
  const test::Certificate self_signed({.subject_names = "IP:127.0.0.1"}, nullptr);
  self_signed.write(file("server"));
  net::Server server;
  net::Listener listener;
  listener.tls = net::TlsContext::server({file("server.pem"), file("server.key"), {}});
  const std::string url = "https://127.0.0.1:" + std::to_string(server.listen(listener, std::make_shared<Silent>()));
  Connection conn = Builder::remote(url).proxy(std::nullopt).build().connect();
  const auto error = expect<Network>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_NE(error.message().find("certificate"), std::string::npos);
  EXPECT_FALSE(error.retryable());
  EXPECT_TRUE(error.outcome_known());
}

TEST_F(ErrorsCatalogue, TheProxyIsNotSupported) {
  expect<Unsupported>([] { Builder::remote("https://db.example.org").proxy("https://proxy:3128").build(); });
  expect<Unsupported>([] { Builder::remote("http://db.example.org").proxy("socks5://proxy:1080").build(); });
}

TEST_F(ErrorsCatalogue, TheProxyRejectsTheCredentials) {
  const test::ScriptedServer proxy([](const test::Received&) {
    return test::Reply{.bytes = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"};
  });
  Connection conn = Builder::remote("https://db.invalid").proxy(proxy.url()).build().connect();
  EXPECT_TRUE(expect<Auth>([&] { conn.execute("INSERT INTO t VALUES (1)"); }).outcome_known());
}

TEST_F(ErrorsCatalogue, TheAnswerToAWriteWasLost) {
  test::Reply cut = test::json("{}");
  cut.cut_after = 10;
  Answering peer(cut, 5s);
  EXPECT_FALSE(expect<Network>([&] { peer.conn.execute("INSERT INTO t VALUES (1)"); }).outcome_known());
}

TEST_F(ErrorsCatalogue, TheServerLostTheTransaction) {
  const std::string begun =
      R"({"baton":"b","results":[{"type":"ok","response":{"type":"execute","result":{"cols":[],"rows":[],)"
      R"("affected_row_count":0,"last_insert_rowid":null}}}]})";
  std::atomic<int> asked = 0;
  const test::ScriptedServer server([&](const test::Received&) {
    return ++asked == 1 ? test::json(begun)
                        : test::json(R"({"message":"The stream has expired","code":"STREAM_EXPIRED"})", 400);
  });
  Connection conn = Answering::connect(server.url());
  Transaction tx = conn.transaction();
  expect<TransactionLost>([&] { tx->execute("INSERT INTO t VALUES (1)"); });
  expect<TransactionLost>([&] { tx.commit(); });
  tx.rollback();
}

TEST_F(ErrorsCatalogue, TheServerRefusesTheToken) {
  Answering peer(test::json(R"({"error":"Unauthorized: `The JWT has expired`"})", 401));
  EXPECT_EQ(expect<Auth>([&] { peer.conn.query("SELECT 1"); }).server_message(), "Unauthorized: `The JWT has expired`");
}

TEST_F(ErrorsCatalogue, TheServerHasNoSuchDatabase) {
  Answering peer(test::json(R"({"error":"Namespace `x` doesn't exist"})", 404));
  expect<CannotOpen>([&] { peer.conn.execute("INSERT INTO t VALUES (1)"); });
}

TEST_F(ErrorsCatalogue, ThePeerDoesNotSpeakTheProtocol) {
  Answering page({.bytes = test::http_answer(200, "text/html", "<html>welcome</html>")});
  expect<Protocol>([&] { page.conn.execute("INSERT INTO t VALUES (1)"); });
  Answering redirect({.bytes = "HTTP/1.1 301 Moved\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"});
  expect<Protocol>([&] { redirect.conn.execute("INSERT INTO t VALUES (1)"); });
}

TEST_F(ErrorsCatalogue, AResultIsTooLargeForOneAnswer) {
  Answering peer(
      test::json(R"({"baton":null,"results":[{"type":"error","error":{"message":"Response is too large","code":)"
                 R"("RESPONSE_TOO_LARGE"}},{"type":"ok","response":{"type":"close"}}]})"));
  EXPECT_EQ(expect<ResourceError>([&] { peer.conn.execute("DELETE FROM t RETURNING *"); }).code(), ErrorCode::TooBig);
}

TEST_F(ErrorsCatalogue, AValueIsTooLargeForTheServer) {
  Answering value(
      test::json(R"({"baton":null,"results":[{"type":"error","error":{"message":"Arguments do not match SQL )"
                 R"(parameters: string or blob too big","code":"ARGS_INVALID"}},{"type":"ok","response":)"
                 R"({"type":"close"}}]})"));
  EXPECT_EQ(expect<ResourceError>([&] { value.conn.execute("INSERT INTO t VALUES (?)", "x"); }).code(),
            ErrorCode::TooBig);
  Answering request({.bytes = test::http_answer(413, "text/plain", "Payload Too Large")});
  EXPECT_EQ(expect<ResourceError>([&] { request.conn.execute("INSERT INTO t VALUES (?)", "x"); }).code(),
            ErrorCode::TooBig);
}

TEST_F(ErrorsCatalogue, RowsAreStillArrivingInTheTransaction) {
  const std::string begun =
      R"({"baton":"b","results":[{"type":"ok","response":{"type":"execute","result":{"cols":[],"rows":[],)"
      R"("affected_row_count":0,"last_insert_rowid":null}}}]})";
  const std::string taken =
      R"({"baton":"b","results":[{"type":"ok","response":{"type":"batch","result":{"step_results":[null],)"
      R"("step_errors":[null]}}}]})";
  const std::string row = "{\"type\":\"row\",\"row\":[{\"type\":\"integer\",\"value\":\"1\"}]}\n";
  std::atomic<int> asked = 0;
  const test::ScriptedServer server([&](const test::Received& request) {
    if (request.body.find("\"close\"") != std::string::npos) {
      return test::json(R"({"baton":null,"results":[{"type":"ok","response":{"type":"close"}}]})");
    }
    switch (++asked) {
      case 1:
        return test::json(begun);
      case 2:
        return test::json(taken);
      default:
        return test::chunked({"{\"baton\":\"b\",\"base_url\":null}\n",
                              "{\"type\":\"step_begin\",\"step\":0,\"cols\":[{\"name\":\"a\"}]}\n", row, row,
                              "{\"type\":\"step_end\",\"affected_row_count\":0,\"last_insert_rowid\":null}\n"});
    }
  });
  Connection conn =
      Builder::remote(server.url()).encoding(RemoteEncoding::Json).proxy(std::nullopt).row_buffer(0).build().connect();
  Transaction tx = conn.transaction();
  Rows rows = tx->query("SELECT a FROM t");
  ASSERT_TRUE(rows.next());
  const auto error = expect<ResourceError>([&] { tx->execute("INSERT INTO t VALUES (1)"); });
  EXPECT_EQ(error.code(), ErrorCode::TooBig);
  EXPECT_TRUE(error.transaction_open());
  EXPECT_TRUE(rows.next());
  EXPECT_FALSE(rows.next());
}

TEST_F(ErrorsCatalogue, AValueCannotBeSent) {
  Answering peer(test::json("{}"), 5s);
  expect<OutOfRange>([&] { peer.conn.execute("INSERT INTO t VALUES (?)", "\xff"); });
  expect<OutOfRange>([&] { peer.conn.execute("INSERT INTO t VALUES (?)", std::numeric_limits<double>::infinity()); });
}

TEST_F(ErrorsCatalogue, TheFeatureNeedsALocalDatabase) {
  Answering peer(test::json("{}"));
  Connection& conn = peer.conn;
  EXPECT_FALSE(conn.capabilities().hooks);
  for (const std::function<void()>& use : std::vector<std::function<void()>>{
           [&] { Hooks hooks(conn); }, [&] { Functions functions(conn); }, [&] { Wal wal(conn); },
           [&] { conn.snapshot(); }, [&] { conn.cacheflush(); }, [&] { conn.rekey("key"); },
           [&] { conn.limit(Limit::Length); }, [&] { conn.load_extension("x"); },
           [&] { static_cast<void>(conn.enable_load_extension()); }, [&] { conn.set_reserved_bytes(8); },
           [&] { static_cast<void>(serialize(conn)); },
           [&] { BlobHandle(conn, {.table = "t", .column = "a", .rowid = 1}); },
           [&] { ChangeStream stream(conn, [](const ChangeSet&) {}); }}) {
    const Unsupported error = expect<Unsupported>(use);
    EXPECT_EQ(error.mode(), "remote");
    EXPECT_FALSE(error.feature().empty());
  }
}

TEST_F(ErrorsCatalogue, ASettingWouldBeLostAtOnce) {
  Answering peer(test::json("{}"));
  expect<Unsupported>([&] { peer.conn.execute("PRAGMA foreign_keys = OFF"); });
  expect<Unsupported>([&] { peer.conn.execute("CREATE TEMP TABLE t (a)"); });
  EXPECT_TRUE(peer.server.received().empty());
}

}  // namespace
}  // namespace libsql
