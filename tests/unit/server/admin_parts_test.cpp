#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "local/store.hpp"
#include "server/admin/admin_error.hpp"
#include "server/admin/config_json.hpp"
#include "server/admin/dump_loader.hpp"
#include "server/admin/dump_source.hpp"
#include "server/auth/token.hpp"
#include "server/auth/token_request.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::server {
namespace {

std::shared_ptr<core::Session> session_in_memory() {
  local::Options options;
  options.path = ":memory:";
  return std::make_shared<local::Store>(std::move(options))->connect();
}

std::int64_t number(core::Session& session, std::string_view sql) {
  const auto statement = session.prepare(sql);
  statement->open({});
  return statement->next() ? statement->cell(0).integer() : -1;
}

TEST(DumpLoader, TakesADumpInPiecesOfAnySize) {
  const std::string dump =
      "PRAGMA foreign_keys=OFF; -- ;\nBEGIN TRANSACTION;\nCREATE TABLE t(a);\nINSERT INTO t VALUES('x;y'),(';'),(1);\n"
      "CREATE TRIGGER r AFTER DELETE ON t BEGIN INSERT INTO t VALUES(';'); SELECT 1; END;\n/* ; */\nCOMMIT;\n";
  for (std::size_t size = 1; size <= dump.size(); ++size) {
    const auto session = session_in_memory();
    DumpLoader loader(*session);
    for (std::size_t at = 0; at < dump.size(); at += size) loader.feed(std::string_view(dump).substr(at, size));
    loader.finish();
    EXPECT_EQ(number(*session, "SELECT count(*) FROM t"), 3) << size;
    EXPECT_EQ(number(*session, "SELECT count(*) FROM sqlite_schema"), 2) << size;
  }
}

TEST(DumpLoader, RollsBackWhatItDidNotFinish) {
  const auto session = session_in_memory();
  {
    DumpLoader loader(*session);
    loader.feed("BEGIN; CREATE TABLE t(a);");
  }
  EXPECT_EQ(number(*session, "SELECT count(*) FROM sqlite_schema"), 0);
  {
    DumpLoader loader(*session);
    loader.feed("BEGIN; CREATE TABLE t(a);");
    EXPECT_THROW(loader.feed("ATTACH 'x' AS y;"), AdminError);
  }
  EXPECT_EQ(number(*session, "SELECT count(*) FROM sqlite_schema"), 0);
}

TEST(PathWithin, LetsNoPathOutOfItsDirectory) {
  libsql::test::TemporaryDirectory directory;
  const std::filesystem::path inside = directory.path() / "inside";
  std::filesystem::create_directories(inside / "deeper");
  std::filesystem::create_directory_symlink(directory.path(), inside / "out");
  std::filesystem::create_symlink(directory.path() / "file", inside / "link");
  const std::filesystem::path root = std::filesystem::canonical(inside);
  EXPECT_EQ(path_within(inside, "a"), root / "a");
  EXPECT_EQ(path_within(inside, "deeper/../a"), root / "a");
  EXPECT_EQ(path_within(inside, root / "a"), root / "a");
  for (const char* const wrong : {"", ".", "..", "../a", "deeper/../../a", "/etc/passwd", "out/a", "link", "out"}) {
    EXPECT_THROW(path_within(inside, wrong), AdminError) << wrong;
  }
  EXPECT_THROW(path_within(inside, std::string("a\0b", 3)), AdminError);
  EXPECT_THROW(path_within(directory.path() / "missing", "a"), AdminError);
}

TEST(ConfigJson, IsReadBackAsItWasWritten) {
  NamespaceConfig config;
  config.block_writes = true;
  config.block_reason = "because";
  config.max_db_size = 5'000'000'000;
  config.txn_timeout = std::chrono::seconds(7);
  config.allow_attach = true;
  config.durability = Durability::Extra;
  EXPECT_EQ(config_from_json(config_to_json(config), {}), config);
}

TEST(ConfigJson, TellsEverySizeSoThatItMayBeSentBack) {
  for (const std::uint64_t size :
       {1ull, 999ull, 1000ull, 4096ull, 5'500'000ull, 123'456'789ull, 5'000'000'000ull, 1'000'000'000'000'001ull}) {
    NamespaceConfig config;
    config.max_db_size = size;
    EXPECT_EQ(config_from_json(config_to_json(config), {}).max_db_size, size);
  }
  EXPECT_EQ(create_request_from_json(R"({"max_db_size":"1.5GB"})").config.max_db_size, 1'500'000'000u);
}

TEST(ConfigJson, KeepsOrTakesAwayWhatIsLeftOutAsTheReferenceDoes) {
  NamespaceConfig config;
  config.block_reason = "because";
  config.max_db_size = 1000;
  config.txn_timeout = std::chrono::seconds(7);
  config.allow_attach = true;
  config.jwt_key = "key";
  config.durability = Durability::Extra;
  config.max_row_size = 7;
  const NamespaceConfig after = config_from_json(R"({"block_reads":true,"block_writes":false})", config);
  EXPECT_TRUE(after.block_reads);
  EXPECT_EQ(after.block_reason, std::nullopt);
  EXPECT_EQ(after.max_db_size, 1000u);
  EXPECT_EQ(after.txn_timeout, std::nullopt);
  EXPECT_FALSE(after.allow_attach);
  EXPECT_EQ(after.jwt_key, "");
  EXPECT_EQ(after.durability, Durability::Extra);
  EXPECT_EQ(after.max_row_size, 7u);
}

TEST(ConfigJson, ReadsSizesAsTextAndAsNumbers) {
  EXPECT_EQ(create_request_from_json(R"({"max_db_size":"5 GB"})").config.max_db_size, 5'000'000'000u);
  EXPECT_EQ(create_request_from_json(R"({"max_db_size":123})").config.max_db_size, 123u);
  EXPECT_EQ(create_request_from_json(R"({"max_db_size":"1000.0 PB"})").config.max_db_size, std::nullopt);
  for (const char* const wrong : {R"({"max_db_size":-1})", R"({"max_db_size":1.5})", R"({"max_db_size":"x"})",
                                  R"({"max_db_size":[]})", R"({"max_db_size":"1.25GBx"})", R"({"max_db_size":".GB"})",
                                  R"({"txn_timeout_s":-1})", R"({"allow_attach":"yes"})"}) {
    EXPECT_THROW(create_request_from_json(wrong), AdminError) << wrong;
  }
}

TEST(TokenRequest, SaysWhatTheVerifierReads) {
  TokenRequest request;
  request.access = "ro";
  request.namespaces = {"shop", "x"};
  request.tags = {"blue"};
  request.subject = "me";
  request.expires = std::chrono::sys_seconds(std::chrono::seconds(1000));
  const auto claims = read_claims(claims_of(request));
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->expires, 1000);
  EXPECT_TRUE(claims->rights("shop", "").read);
  EXPECT_FALSE(claims->rights("shop", "").write);
  EXPECT_TRUE(claims->rights("other", "blue").read);
  EXPECT_FALSE(claims->rights("other", "").read);
  EXPECT_TRUE(read_claims(claims_of({}))->rights("anything", "").write);
  request.access = "all";
  EXPECT_THROW(claims_of(request), std::invalid_argument);
  TokenRequest everywhere;
  everywhere.access = "ddl";
  EXPECT_THROW(claims_of(everywhere), std::invalid_argument);
}

}  // namespace
}  // namespace libsql::server
