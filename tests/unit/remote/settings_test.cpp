// What sets up a connection of the server's, and would be gone with it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include <libsql/libsql.hpp>

#include "support/scripted_wire.hpp"

namespace libsql {
namespace {

using test::Exchange;
using test::ScriptedServer;

const std::vector<std::string> kForeignKeysOff = {
    "PRAGMA foreign_keys = OFF",        "PRAGMA \"foreign_keys\"=OFF", "PRAGMA 'foreign_keys' = OFF",
    "PRAGMA `Foreign_Keys`(OFF)",       "PRAGMA [foreign_keys]=0",     "PRAGMA main.\"foreign_keys\" = 0",
    "PRAGMA /* x */ \"FOREIGN_KEYS\"=0"};

TEST(RemoteSettings, ThatWouldBeLostAtOnceAreRefusedHoweverTheyAreWritten) {
  const auto server = std::make_shared<ScriptedServer>();
  Connection conn = server->database().connect();
  std::vector<std::string> texts = kForeignKeysOff;
  texts.insert(texts.end(), {"CREATE TEMP TABLE t (a)", "CREATE TABLE temp.t (a)", "CREATE TABLE \"temp\".t (a)",
                             "CREATE VIEW [Temp].v AS SELECT 1", "ATTACH 'x' AS y", "DETACH y"});
  for (const std::string& text : texts) {
    EXPECT_THROW(conn.execute(text), Unsupported) << text;
    EXPECT_THROW(conn.query(text), Unsupported) << text;
    EXPECT_THROW(conn.execute_batch(text), Unsupported) << text;
    EXPECT_THROW(conn.execute_many(text, std::vector<Params>{Params()}), Unsupported) << text;
  }
  EXPECT_TRUE(server->exchanges.empty());
  // In a transaction they hold for it, and asking sets nothing.
  {
    Transaction tx = conn.transaction();
    for (const std::string& text : texts) EXPECT_NO_THROW(tx->execute(text)) << text;
    tx.commit();
  }
  EXPECT_NO_THROW(conn.execute("PRAGMA \"foreign_keys\""));
  EXPECT_NO_THROW(conn.execute("CREATE TABLE \"tempo\".t (a)"));
}

TEST(RemoteSettings, ThatAreKeptAreMadeAgainOnEachStreamHoweverTheyAreWritten) {
  const auto server = std::make_shared<ScriptedServer>();
  remote::Options options;
  options.keep_settings = true;
  Connection conn = server->database(options).connect();
  for (const std::string& text : kForeignKeysOff) conn.execute(text);
  server->ran.clear();
  conn.execute("INSERT 1");
  ASSERT_EQ(server->ran.size(), 2u) << "the newest of that name, once";
  EXPECT_TRUE(server->ran[0].ends_with(kForeignKeysOff.back())) << server->ran[0];
  // In a transaction it does nothing, so it is not kept.
  {
    Transaction tx = conn.transaction();
    tx->execute("PRAGMA \"foreign_keys\" = ON");
    tx.commit();
  }
  server->ran.clear();
  conn.execute("INSERT 2");
  EXPECT_TRUE(server->ran.at(0).ends_with(kForeignKeysOff.back())) << server->ran[0];
  conn.reset();
  server->ran.clear();
  conn.execute("INSERT 3");
  EXPECT_EQ(server->ran.size(), 1u);
}

TEST(RemoteSettings, ThatCannotBeMadeAgainFailTheStatement) {
  const auto server = std::make_shared<ScriptedServer>();
  remote::Options options;
  options.keep_settings = true;
  Connection conn = server->database(options).connect();
  conn.execute("PRAGMA cache_size = 7");
  server->statements["PRAGMA cache_size = 7"].error = "no";
  EXPECT_THROW(conn.execute("INSERT 1"), SqlError);
  EXPECT_TRUE(server->committed.size() == 1 && server->committed[0].starts_with("PRAGMA"));
  server->statements.clear();
  server->gives_up = [](const Exchange&) { return true; };
  EXPECT_THROW(conn.execute("INSERT 1"), Protocol) << "the stream that was set up is gone";
  server->gives_up = nullptr;
  EXPECT_NO_THROW(conn.execute("INSERT 1"));
  EXPECT_EQ(server->committed.back(), "INSERT 1");
}

}  // namespace
}  // namespace libsql
