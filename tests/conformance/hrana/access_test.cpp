// Namespaces, permissions, blocking, attaching.
#include <fstream>

#include "conformance/hrana/socket.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

/// Tokens are words: "rw:NAME", "ro:NAME", "roa:NAME" or "all".
class WordIdentity final : public server::Identity {
 public:
  explicit WordIdentity(std::string word) : word_(std::move(word)) {}
  server::Permissions permissions(std::string_view name_space) const override {
    if (word_ == "all") return server::Permissions::all();
    if (word_.substr(word_.find(':') + 1) != name_space && word_ != "roa:shop") return {};
    if (word_ == "roa:shop") return {name_space == "shop", false, true, false};
    return {true, word_.starts_with("rw:"), false, false};
  }
  std::string_view binding() const noexcept override { return word_; }

 private:
  std::string word_;
};

class WordAuthenticator final : public server::Authenticator {
 public:
  std::shared_ptr<const server::Identity> authenticate(const server::Credentials& credentials, std::string_view,
                                                       std::string_view) override {
    if (!credentials.value) {
      throw server::AuthError("AUTH_HEADER_NOT_FOUND", "Expected authorization header but none given");
    }
    const std::string_view token = *credentials.value;
    if (token == "Bearer expired") throw server::AuthError("AUTH_JWT_EXPIRED", "The JWT has expired");
    return std::make_shared<WordIdentity>(std::string(token.substr(token.find(' ') + 1)));  // a hello has no scheme
  }
};

class HranaAccess : public ServerTest {
 protected:
  void configure(server::Options& options) override {
    options.namespaces = true;
    options.hrana.emplace().port = 0;
    options.authenticator = std::make_shared<WordAuthenticator>();
  }
  void SetUp() override {
    ServerTest::SetUp();
    server_->namespaces().create("shop", {});
    server_->namespaces().create("other", {});
  }
  HttpClient as(const std::string& word, const std::string& name_space = "shop") {
    HttpClient http = client();
    http.headers = {{"authorization", "Bearer " + word}, {"x-namespace", name_space}};
    return http;
  }
  static int status(HttpClient http, const std::string& sql) {
    return http.post("/v3/pipeline", {{"requests", list({execute(sql), close()})}}).status;
  }
  static Json run_as(HttpClient http, const std::string& sql) {
    return http.pipeline(list({execute(sql), close()})).at("results")[0];
  }
};

TEST_F(HranaAccess, MissingExpiredAndForeignTokensAreRefused) {
  HttpClient none = client();
  none.headers = {{"x-namespace", "shop"}};
  const Answer answer = none.post("/v3/pipeline", {{"requests", Json::array()}});
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.json().at("error"), "Unauthorized: `Expected authorization header but none given`");
  EXPECT_EQ(answer.json().at("code"), "AUTH_HEADER_NOT_FOUND");
  EXPECT_EQ(status(as("expired"), "SELECT 1"), 401);
  EXPECT_EQ(status(as("rw:other"), "SELECT 1"), 404);
  EXPECT_EQ(status(as("rw:shop"), "SELECT 1"), 200);
}

TEST_F(HranaAccess, AReadOnlyTokenCannotWriteAndNothingOfItsBatchRuns) {
  run_as(as("rw:shop"), "CREATE TABLE t(a)");
  HttpClient reader = as("ro:shop");
  for (const char* sql : {"INSERT INTO t VALUES (1)", "CREATE TABLE u(a)", "PRAGMA foreign_keys=off",
                          "ALTER TABLE t ALTER COLUMN a TO a DEFAULT 1"}) {
    const Answer answer =
        reader.post("/v3/pipeline", {{"requests", list({batch(list({step("BEGIN"), step(sql)})), close()})}});
    EXPECT_EQ(answer.status, 403) << sql;
    EXPECT_NE(answer.body.find("Authorization forbidden"), std::string::npos);
  }
  EXPECT_EQ(reader.post("/v3/cursor", {{"batch", {{"steps", list({step("DROP TABLE t")})}}}}).status, 403);
  EXPECT_EQ(run_as(as("ro:shop"), "SELECT count(*) FROM t").at("type"), "ok");
  EXPECT_EQ(run_as(as("ro:shop"), "BEGIN").at("type"), "ok");
  const Json name = run_as(as("ro:shop"), "SELECT libsql_server_database_name()");
  EXPECT_EQ(name.at("response").at("result").at("rows")[0][0].at("value"), "shop");
}

TEST_F(HranaAccess, TheNamespaceHeaderBeatsTheHostAndUnknownNamesAre404) {
  run_as(as("all", "shop"), "CREATE TABLE only_in_shop(a)");
  HttpClient http = client();
  const auto send = [&](const Headers& headers) {
    return http.send("POST", "/v3/pipeline",
                     Json{{"requests", list({execute("SELECT * FROM only_in_shop"), close()})}}.dump(), headers);
  };
  const std::pair<std::string, std::string> token{"authorization", "Bearer all"};
  EXPECT_EQ(send({token, {"x-namespace", "shop"}}).json().at("results")[0].at("type"), "ok");
  EXPECT_EQ(send({token, {"x-namespace-bin", "c2hvcA"}}).json().at("results")[0].at("type"), "ok");
  EXPECT_EQ(send({token, {"x-namespace-bin", "c2hvcA"}, {"x-namespace", "other"}}).json().at("results")[0].at("type"),
            "ok");
  EXPECT_EQ(send({token}).status, 404);  // Host 127.0.0.1 is the namespace `127`
  const Answer unknown = send({token, {"x-namespace", "nowhere"}});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.json().at("error"), "Namespace `nowhere` doesn't exist");
  EXPECT_EQ(send({token, {"x-namespace", "../shop"}}).status, 404);
  const Answer in_path =
      http.send("POST", "/dev/shop/v2/pipeline",
                Json{{"requests", list({execute("SELECT * FROM only_in_shop"), close()})}}.dump(), {token});
  EXPECT_EQ(in_path.json().at("results")[0].at("type"), "ok");
}

TEST_F(HranaAccess, TheNamespaceInThePathIsThatOfAWebSocketToo) {
  run_as(as("all"), "CREATE TABLE only_in_shop(a)");
  for (const std::string_view target : {"/dev/shop/", "/dev/shop"}) {
    // The path comes before the header.
    for (const std::vector<net::Header>& headers : {std::vector<net::Header>{}, {{"x-namespace", "other"}}}) {
      Socket ws(server_->port(), {"hrana3"}, target, headers);
      EXPECT_EQ(ws.hello("all").at("type"), "hello_ok");
      ws.ask(open(1));
      EXPECT_EQ(ws.ask(on(1, "INSERT INTO only_in_shop VALUES (1)")).at("type"), "response_ok") << target;
    }
  }
  Socket own_port(server_->hrana_port(), {"hrana3"}, "/dev/shop/");  // which takes any path
  own_port.hello("all");
  own_port.ask(open(1));
  EXPECT_EQ(own_port.ask(on(1, "INSERT INTO only_in_shop VALUES (1)")).at("type"), "response_ok");
  EXPECT_EQ(run_as(as("ro:shop"), "SELECT count(*) FROM only_in_shop").at("response").at("result").at("rows")[0][0],
            integer(5));
  Socket foreign(server_->port(), {"hrana3"}, "/dev/shop/");
  foreign.send({{"type", "hello"}, {"jwt", "rw:other"}});
  EXPECT_EQ(foreign.close_code(), 1011);
  Socket nowhere(server_->port(), {"hrana3"}, "/dev/nowhere/");
  nowhere.send({{"type", "hello"}, {"jwt", "all"}});
  EXPECT_EQ(nowhere.close_code(), 1011);
}

TEST_F(HranaAccess, ABatonIsGoodForItsNamespaceAndIdentityOnly) {
  const Json baton = as("rw:shop").pipeline(list({execute("BEGIN")})).at("baton");
  const Json body = {{"baton", baton}, {"requests", Json::array()}};
  EXPECT_EQ(as("ro:shop").post("/v3/pipeline", body).status, 400);
  EXPECT_EQ(as("all", "other").post("/v3/pipeline", body).status, 400);
  EXPECT_EQ(as("rw:shop").post("/v3/pipeline", body).status, 200);
}

TEST_F(HranaAccess, ABlockedNamespaceSaysWhy) {
  run_as(as("rw:shop"), "CREATE TABLE t(a)");
  server::NamespaceConfig config;
  config.block_writes = true;
  config.block_reason = "the bill is not paid";
  server_->namespaces().set_config("shop", config);
  Json refused = run_as(as("rw:shop"), "INSERT INTO t VALUES (1)");
  EXPECT_EQ(refused.at("error").at("code"), "BLOCKED");
  EXPECT_EQ(refused.at("error").at("message"), "Operation was blocked: the bill is not paid");
  EXPECT_EQ(run_as(as("rw:shop"), "SELECT * FROM t").at("type"), "ok");
  config.block_reads = true;
  server_->namespaces().set_config("shop", config);
  EXPECT_EQ(run_as(as("rw:shop"), "SELECT * FROM t").at("error").at("code"), "BLOCKED");
}

TEST_F(HranaAccess, ADatabaseMayNotOutgrowItsLimit) {
  server::NamespaceConfig config;
  config.max_db_size = 64 * 1024;
  server_->namespaces().set_config("shop", config);
  run_as(as("rw:shop"), "CREATE TABLE t(a)");
  EXPECT_EQ(run_as(as("rw:shop"), "INSERT INTO t VALUES (zeroblob(200000))").at("error").at("code"), "SQLITE_FULL");
}

TEST_F(HranaAccess, AttachNeedsTheTargetsConsentAndTheRight) {
  run_as(as("all", "other"), "CREATE TABLE secret(a)");
  run_as(as("all", "other"), "INSERT INTO secret VALUES (42)");
  const Json attach = batch(
      list({step("ATTACH \"other\" AS o"), step("SELECT a FROM o.secret"), step("INSERT INTO o.secret VALUES (1)")}));
  EXPECT_EQ(as("all").post("/v3/pipeline", {{"requests", list({attach, close()})}}).status, 403);
  server::NamespaceConfig config;
  config.allow_attach = true;
  server_->namespaces().set_config("other", config);
  EXPECT_EQ(as("rw:shop").post("/v3/pipeline", {{"requests", list({attach, close()})}}).status, 403);
  const Json result = result_of(as("all").pipeline(list({attach, close()})).at("results")[0]);
  EXPECT_EQ(result.at("step_results")[1].at("rows")[0][0], integer(42)) << result;
  EXPECT_EQ(result.at("step_errors")[2].at("code"), "SQLITE_READONLY") << result;
  EXPECT_EQ(status(as("all"), "SELECT * FROM o.secret"), 200);  // of another stream, where nothing is attached
  EXPECT_EQ(run_as(as("all"), "SELECT * FROM o.secret").at("error").at("code"), "SQLITE_UNKNOWN");
}

TEST_F(HranaAccess, FilesAreOutOfReach) {
  const std::string file = directory_.file("stolen.db");
  for (const std::string& sql : std::vector<std::string>{
           "VACUUM INTO '" + file + "'", "ATTACH '" + file + "' AS x", "SELECT load_extension('x')",
           "PRAGMA writable_schema=1", "PRAGMA temp_store_directory='/tmp'", "PRAGMA key='x'", "PRAGMA rekey='x'",
           "CREATE VIRTUAL TABLE p USING sqlite_dbpage", "UPDATE sqlite_dbpage SET data = x''",
           "UPDATE sqlite_master SET sql = ''", "SELECT * FROM pragma_optimize", "EXPLAIN PRAGMA writable_schema=1",
           "CREATE TEMP VIEW v AS SELECT 1"}) {
    EXPECT_EQ(run_as(as("all"), sql).at("type"), "error") << sql;
  }
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(HranaAccess, NamespacesAreForkedRemovedAndKeptAcrossARestart) {
  run_as(as("all"), "CREATE TABLE t(a)");
  run_as(as("all"), "INSERT INTO t VALUES (1)");
  server_->namespaces().fork("shop", "copy");
  run_as(as("all"), "INSERT INTO t VALUES (2)");
  EXPECT_EQ(run_as(as("all", "copy"), "SELECT count(*) FROM t").at("response").at("result").at("rows")[0][0],
            integer(1));
  server::NamespaceConfig config;
  config.block_reads = true;
  server_->namespaces().set_config("copy", config);
  server_->namespaces().remove("other");
  EXPECT_EQ(status(as("all", "other"), "SELECT 1"), 404);
  EXPECT_THROW(server_->namespaces().create("shop", {}), server::NamespaceError);
  EXPECT_THROW(server_->namespaces().create("a/b", {}), server::NamespaceError);
  EXPECT_THROW(server_->namespaces().remove("default"), server::NamespaceError);

  const server::Options before = server_->options();
  server_->stop(std::chrono::seconds(5));
  server_.reset();
  server_ = std::make_unique<server::Server>(before);
  server_->start();
  EXPECT_EQ(server_->namespaces().list(), (std::vector<std::string>{"copy", "default", "shop"}));
  EXPECT_EQ(run_as(as("all", "copy"), "SELECT 1").at("error").at("code"), "BLOCKED");
  EXPECT_EQ(run_as(as("all"), "SELECT count(*) FROM t").at("response").at("result").at("rows")[0][0], integer(2));
}

}  // namespace
}  // namespace libsql::test
