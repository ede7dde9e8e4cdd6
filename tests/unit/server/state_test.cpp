// Batons, stored SQL, configurations, routes.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include <libsql/error.hpp>

#include "server/base/failure.hpp"
#include "server/base/hmac.hpp"
#include "server/base/namespace_config.hpp"
#include "server/databases/namespaces.hpp"
#include "server/run/baton.hpp"
#include "server/run/stored_sql.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::server {
namespace {

TEST(Baton, IsGoodForItsNamespaceAndIdentityAndSigner) {
  const BatonSigner signer;
  const std::string text = signer.sign({77, 5, false}, "shop", "alice");
  EXPECT_EQ(text.size(), 64U);
  const auto baton = signer.verify(text, "shop", "alice");
  ASSERT_TRUE(baton);
  EXPECT_EQ(baton->stream, 77U);
  EXPECT_EQ(baton->sequence, 5U);
  EXPECT_FALSE(baton->is_replaceable);
  EXPECT_FALSE(baton->is_foreign);
  EXPECT_FALSE(signer.verify(text, "shop", "bob"));
  EXPECT_FALSE(signer.verify(text, "sho", "palice"));
  EXPECT_FALSE(BatonSigner().verify(text, "shop", "alice"));
  EXPECT_FALSE(signer.verify(text + "=", "shop", "alice"));
  EXPECT_FALSE(signer.verify("", "shop", "alice"));
}

TEST(Hmac, IsThatOfTheStandard) {
  // RFC 4231, test case 1, with the key filled up with zeros as the algorithm fills it.
  Hmac::Key key{};
  std::fill(key.begin(), key.begin() + 20, std::byte{0x0b});
  const Hmac hmac(key);
  const Hmac::Code code = hmac({"Hi ", "There"});
  std::string text;
  for (const std::byte byte : code) {
    text += "0123456789abcdef"[static_cast<unsigned>(byte) >> 4U];
    text += "0123456789abcdef"[static_cast<unsigned>(byte) & 15U];
  }
  EXPECT_EQ(text, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

TEST(Baton, NumbersOfStreamsAreGivenOutOnce) {
  const BatonSigner signer;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(signer.new_place().stream).second);
  EXPECT_FALSE(seen.contains(0));
}

TEST(Baton, CannotBeMadeReplaceable) {
  const BatonSigner signer;
  const std::string hard = signer.sign({1, 1, false}, "n", "");
  const std::string soft = signer.sign({1, 1, true}, "n", "");
  EXPECT_FALSE(signer.verify(soft.substr(0, 22) + hard.substr(22), "n", ""));
  EXPECT_FALSE(signer.verify(soft.substr(0, 64), "n", ""));
  EXPECT_FALSE(signer.verify(hard + soft.substr(64), "n", ""));
}

TEST(Baton, ThatIsReplaceableIsKnownToBeForeignByAnotherSigner) {
  const BatonSigner signer;
  const std::string text = signer.sign({77, 5, true}, "shop", "alice");
  ASSERT_TRUE(signer.verify(text, "shop", "alice"));
  EXPECT_FALSE(signer.verify(text, "shop", "alice")->is_foreign);
  const BatonSigner other;
  ASSERT_TRUE(other.verify(text, "shop", "alice"));
  EXPECT_TRUE(other.verify(text, "shop", "alice")->is_foreign);
  EXPECT_FALSE(other.verify(text, "shop", "bob"));
  EXPECT_FALSE(other.verify(text, "stop", "alice"));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string altered = text;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(signer.verify(altered, "shop", "alice")) << i;
    EXPECT_FALSE(other.verify(altered, "shop", "alice")) << i;
  }
}

TEST(StoredSql, KeepsATextForWhoHasItWhenItIsClosed) {
  Budget budget(Resource::StoredSqlBytes, 100'000, 100'000);
  StoredSql stored(2, 1'000);
  const auto store = [&](std::int32_t id, std::string_view sql) { stored.store(id, sql, budget, {}); };
  store(1, "SELECT 1");
  const auto kept = stored.share({{}, 1});
  stored.close(1);
  store(1, "SELECT 2");
  EXPECT_EQ(*kept, "SELECT 1");
  EXPECT_EQ(stored.resolve({{}, 1}), "SELECT 2");
  EXPECT_THROW(store(1, "SELECT 3"), ProtocolViolation);
}

TEST(StoredSql, CountsInTheBudgetAsLongAsSomebodyHasIt) {
  Budget budget(Resource::StoredSqlBytes, 3'000, 3'000);
  StoredSql stored(10, 2'000);
  const std::string text(2'000, 'x');
  stored.store(1, text, budget, {});
  const auto held = budget.held();
  EXPECT_GE(held, 2'000U);
  EXPECT_THROW(stored.store(2, text, budget, {}), StatementFailure);
  auto kept = stored.share({{}, 1});
  stored.close(1);
  EXPECT_EQ(budget.held(), held);
  kept.reset();
  EXPECT_EQ(budget.held(), 0U);
  stored.store(2, text, budget, {});
  EXPECT_EQ(budget.held(), held);
}

TEST(NamespaceConfig, SurvivesBeingWrittenAndRead) {
  const test::TemporaryDirectory directory;
  const std::string file = directory.file("config.json");
  EXPECT_EQ(read_namespace_config(file), NamespaceConfig());
  NamespaceConfig config;
  config.block_writes = config.allow_attach = true;
  config.block_reason = "a \"reason\"";
  config.max_db_size = 1'000'000'000'000;
  config.txn_timeout = std::chrono::seconds(7);
  config.jwt_key = "key";
  config.durability = Durability::Extra;
  config.max_row_size = 10;
  write_namespace_config(file, config);
  EXPECT_EQ(read_namespace_config(file), config);
  std::ofstream(file) << "{";
  EXPECT_THROW(read_namespace_config(file), Configuration);
  std::ofstream(file) << R"({"durability_mode":"sometimes"})";
  EXPECT_THROW(read_namespace_config(file), Configuration);
}

TEST(Namespaces, HaveNamesThatCannotLeaveTheirDirectory) {
  for (const char* name : {"a", "shop-1", "A_b", "127"}) EXPECT_TRUE(Namespaces::is_valid_name(name)) << name;
  for (const std::string& name : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                                  std::string("a.b"), std::string("a\0b", 3), std::string(65, 'a')}) {
    EXPECT_FALSE(Namespaces::is_valid_name(name)) << name;
  }
}

}  // namespace
}  // namespace libsql::server
