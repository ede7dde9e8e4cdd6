// What a user of a connection leaves on it is gone when the next one gets it: every PRAGMA that the engine lists.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <libsql/libsql.hpp>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;
using Settings = std::map<std::string, std::string>;

// Not read by the comparison: they do something, differ between any two connections, or belong to the whole process,
// where a test must not change them.
constexpr std::array kLeftOut = {"data_version",    "integrity_check", "quick_check",       "incremental_vacuum",
                                 "optimize",        "shrink_memory",   "wal_checkpoint",    "temp_store_directory",
                                 "soft_heap_limit", "hard_heap_limit", "foreign_key_check", "function_list",
                                 "module_list",     "compile_options"};

// Every flag and number changes with one of the first; some settings are words.
std::vector<std::string> values_of(const std::string& pragma) {
  if (pragma == "journal_mode") return {"memory", "off", "delete", "persist"};
  if (pragma == "locking_mode") return {"exclusive"};
  if (pragma == "encoding") return {"UTF-16le"};
  if (pragma == "auto_vacuum") return {"full", "incremental", "none"};
  if (pragma == "secure_delete") return {"1", "0", "fast"};
  if (pragma == "synchronous") return {"off", "full", "extra"};
  return {"1", "0", "8192"};
}

std::vector<std::string> pragma_names(Connection& conn) {
  std::vector<std::string> names;
  for (const auto& [name] : conn.query<std::string>("SELECT DISTINCT name FROM pragma_pragma_list ORDER BY name")) {
    if (std::find(kLeftOut.begin(), kLeftOut.end(), name) == kLeftOut.end()) names.push_back(name);
  }
  return names;
}

std::string answer(Connection& conn, const std::string& text) {
  std::string all;
  try {
    for (const Row& row : conn.query(text)) {
      for (int i = 0; i < row.column_count(); ++i) all += to_sql_literal(row.value(i)) + ' ';
      all += '\n';
    }
  } catch (const Error& error) {
    all = std::string("error: ") + std::string(to_string(error.code()));
  }
  return all;
}

// What PRAGMAs say, and what only shows in what a connection does.
Settings settings_of(Connection& conn, const std::vector<std::string>& names) {
  Settings settings;
  for (const std::string& name : names) settings[name] = answer(conn, "PRAGMA " + name);
  for (const char* name : {"journal_mode", "cache_size", "page_size", "auto_vacuum", "max_page_count", "secure_delete",
                           "journal_size_limit", "locking_mode", "mmap_size", "synchronous"}) {
    settings[std::string("temp.") + name] = answer(conn, std::string("PRAGMA temp.") + name);
  }
  if (settings["temp.cache_size"] == "0 \n") settings["temp.cache_size"] = "-2000 \n";  // 0: not set, which means that
  settings["LIKE"] = answer(conn, "SELECT 'A' LIKE 'a'");
  settings["column name"] = std::string(conn.prepare("SELECT t.a FROM main.t").columns()[0].name);
  settings["busy_timeout()"] = std::to_string(conn.busy_timeout().count());
  // How many pages may wait in memory: shows only with a small cache.
  conn.execute("PRAGMA cache_size=10");
  settings["cache_spill with a small cache"] = answer(conn, "PRAGMA cache_spill");
  return settings;
}

std::string difference(const Settings& expected, const Settings& actual) {
  std::string text;
  for (const auto& [name, value] : expected) {
    if (actual.at(name) != value) text += name + " is " + actual.at(name) + "not " + value;
  }
  return text;
}

struct Kind {
  const char* name;
  std::function<Database(const std::string&)> make;
  friend void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
};

class ResetTest : public ::testing::TestWithParam<Kind> {
 protected:
  test::TemporaryDirectory directory_;
};

TEST_P(ResetTest, EveryPragmaIsAsOnANewConnection) {
  const Database names_of = Builder::local(":memory:").build();
  Connection asking = names_of.connect();
  const std::vector<std::string> names = pragma_names(asking);
  ASSERT_GT(names.size(), 40u);
  const bool keeps_its_file = std::string_view(GetParam().name) == "Temporary";  // the session's own, with its data
  int number = 0;
  for (const std::string& name : names) {
    if (keeps_its_file && (name.ends_with("_version") || name == "application_id" || name == "default_cache_size")) {
      continue;
    }
    const Database db = GetParam().make(directory_.file(std::to_string(number++) + ".db"));
    Connection used = db.connect();
    if (!used.is_readonly()) used.execute("CREATE TABLE IF NOT EXISTS t(a)");
    for (const std::string& value : values_of(name)) {
      for (const char* schema : {"", "main.", "temp."}) {
        try {
          for (const Row& row : used.query("PRAGMA " + (schema + name) + "='" + value + '\'')) static_cast<void>(row);
        } catch (const Error&) {  // it takes no such value
        }
        if (std::string_view(schema) == "temp.") continue;  // both at once
        used.reset();
      }
      Connection fresh = db.connect();
      if (!fresh.is_readonly()) fresh.execute("CREATE TABLE IF NOT EXISTS t(a)");  // a temporary one is its own
      const Settings expected = settings_of(fresh, names);
      fresh.close();
      used.reset();
      EXPECT_EQ(difference(expected, settings_of(used, names)), "") << "after PRAGMA " << name << '=' << value;
      used.reset();
    }
  }
}

TEST(Reset, NextVacuumShapesTheFileAsBefore) {
  const test::TemporaryDirectory directory;
  const Database db = Builder::local(directory.file("a.db")).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a)");
  conn.execute_batch("PRAGMA page_size=8192; PRAGMA auto_vacuum=FULL");
  conn.reset();
  conn.execute("PRAGMA journal_mode=DELETE");  // in WAL mode the size of pages stays anyway
  conn.execute("VACUUM");
  EXPECT_EQ(conn.query_value<int>("PRAGMA page_size"), 4096);
  EXPECT_EQ(conn.query_value<int>("PRAGMA auto_vacuum"), 0);
}

TEST(Reset, LetsGoOfALockOfTheWholeFile) {
  const test::TemporaryDirectory directory;
  const Database db = Builder::local(directory.file("a.db")).busy_timeout(0ms).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a)");
  // The log that is opened second is one for a single connection.
  conn.execute_batch("PRAGMA journal_mode=DELETE; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL");
  conn.execute("INSERT INTO t VALUES (1)");
  EXPECT_THROW(db.connect(), Busy);
  conn.reset();
  db.connect().execute("INSERT INTO t VALUES (2)");
  EXPECT_EQ(conn.query_value<int>("SELECT count(*) FROM t"), 2);
}

TEST(Reset, RestoresTheParametersOfCiphers) {
  const Database db = Builder::local(":memory:").build();
  Connection conn = db.connect();
  if (!conn.capabilities().encryption) GTEST_SKIP() << "no ciphers";
  const auto settings = [&] {
    std::string all;
    for (const char* name : {"cipher", "hmac_check", "mc_legacy_wal"}) {
      all += conn.query_value<std::string>(std::string("SELECT sqlite3mc_config('") + name + "') || ' '");
    }
    return all + conn.query_value<std::string>("SELECT sqlite3mc_config('sqlcipher', 'kdf_iter') || ''");
  };
  const std::string before = settings();
  conn.execute_batch(
      "PRAGMA hmac_check=0; PRAGMA cipher='rc4'; SELECT sqlite3mc_config('default:cipher', 'ascon128');"
      "SELECT sqlite3mc_config('sqlcipher', 'default:kdf_iter', 7)");
  ASSERT_NE(settings(), before);
  conn.reset();
  EXPECT_EQ(settings(), before);
}

TEST(Reset, LeavesAnEncryptedDatabaseAsItWas) {
  const test::TemporaryDirectory directory;
  Encryption encryption("secret", "sqlcipher");
  encryption.parameters.emplace_back("kdf_iter", 4000);
  const auto open = [&] { return Builder::local(directory.file("a.db")).encryption(encryption).build(); };
  if (!Builder::local(":memory:").build().connect().capabilities().encryption) GTEST_SKIP() << "no ciphers";
  const Database db = open();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t AS SELECT 7 AS a");
  conn.execute("PRAGMA cipher='rc4'");
  conn.reset();
  conn.release_memory();
  EXPECT_EQ(conn.query_value<int>("SELECT a FROM t"), 7);
  EXPECT_EQ(db.connect().query_value<int>("SELECT a FROM t"), 7);
  const std::string_view key = "another";
  conn.rekey(std::as_bytes(std::span(key)));
  conn.reset();
  EXPECT_EQ(conn.query_value<int>("SELECT a FROM t"), 7);
  conn.close();
  encryption.key.assign(std::as_bytes(std::span(key)).begin(), std::as_bytes(std::span(key)).end());
  EXPECT_EQ(open().connect().query_value<int>("SELECT a FROM t"), 7);
}

TEST(Reset, HeapLimitThatTheEngineCannotHoldIsUnsupported) {
  const Database db = Builder::local(":memory:").build();
  Connection conn = db.connect();
  if (conn.query_value<int>(
          "SELECT count(*) FROM pragma_compile_options WHERE compile_options='DEFAULT_MEMSTATUS=0'") == 0) {
    GTEST_SKIP() << "this engine counts its memory";
  }
  for (const char* name : {"hard_heap_limit", "SOFT_HEAP_LIMIT"}) {
    const std::string pragma = std::string("PRAGMA ") + name;
    EXPECT_THROW(conn.execute(pragma + "=1000000"), Unsupported) << name;
    EXPECT_THROW(conn.execute(pragma + "(1000000)"), Unsupported) << name;
    EXPECT_THROW(conn.execute_batch("SELECT 1; " + pragma + "=1000000"), Unsupported) << name;
    EXPECT_THROW(Pragma(conn).set(name, 1000000), Unsupported) << name;
    EXPECT_THROW(Builder::local(":memory:").pragma(name, 1000000).build(), Unsupported) << name;
    EXPECT_EQ(conn.query_value<int>(pragma), 0) << name;
    conn.execute(pragma + "=0");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Databases, ResetTest,
    ::testing::Values(Kind{"File", [](const std::string& file) { return Builder::local(file).build(); }},
                      Kind{"Memory", [](const std::string&) { return Builder::local(":memory:").build(); }},
                      Kind{"Temporary", [](const std::string&) { return Builder::local("").build(); }},
                      Kind{"ReadOnly",
                           [](const std::string& file) {
                             Builder::local(file).build().connect().execute("CREATE TABLE IF NOT EXISTS t(a)");
                             return Builder::local(file).read_only().build();
                           }},
                      Kind{"RollbackJournal",
                           [](const std::string& file) {
                             return Builder::local(file).pragma("journal_mode", "truncate").build();
                           }},
                      Kind{"WithOptions",
                           [](const std::string& file) {
                             return Builder::local(file)
                                 .pragma("page_size", 1024)
                                 .pragma("auto_vacuum", "full")
                                 .pragma("cache_spill", false)
                                 .pragma("secure_delete", "fast")
                                 .pragma("max_page_count", 5000)
                                 .pragma("case_sensitive_like", true)
                                 .pragma("short_column_names", false)
                                 .pragma("full_column_names", true)
                                 .pragma("count_changes", true)
                                 .pragma("temp_store", "memory")
                                 .pragma("journal_size_limit", 4096)
                                 .build();
                           }}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace libsql
