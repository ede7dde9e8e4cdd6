#include "sql/dump.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "unit/sql/corpus.hpp"

namespace libsql::sql {
namespace {

// Reads a database in memory, and fails where a test wants it.
class TestPort final : public DumpPort {
 public:
  explicit TestPort(const char* script) : database_(test::open_memory_database()) { run(script); }

  void query(const std::string& sql, std::span<const std::string_view> arguments, const OnRow& on_row) override {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) {
      core::throw_error(ErrorCode::SqlError, sqlite3_errmsg(database_.get()), sql);
    }
    const test::StatementHandle statement(raw);
    int number = 0;
    for (const std::string_view argument : arguments) {
      sqlite3_bind_text(raw, ++number, argument.data(), static_cast<int>(argument.size()), SQLITE_TRANSIENT);
    }
    const bool fails = sql.find(failing_query) != std::string::npos;
    for (int rows = 0; sqlite3_step(raw) == SQLITE_ROW; ++rows) {
      if (fails && rows == rows_before_failure) core::throw_error(failure, "a page is bad", sql);
      std::vector<ValueRef> row;
      for (int i = 0; i < sqlite3_column_count(raw); ++i) row.push_back(value(raw, i));
      on_row(row);
    }
  }
  void write(std::string_view text) override { written += text; }
  void damaged(std::string_view what, const Error& error) override {
    damages.push_back(std::string(what) + ": " + error.message());
  }

  void run(const std::string& script) {
    char* message = nullptr;
    if (sqlite3_exec(database_.get(), script.c_str(), nullptr, nullptr, &message) != SQLITE_OK) {
      const std::string text = message;
      sqlite3_free(message);
      throw std::runtime_error(text);
    }
  }
  std::string text(const char* sql) {
    std::string text;
    query(sql, {}, [&](std::span<const ValueRef> row) { text += std::string(row[0].text()) + "\n"; });
    return text;
  }

  std::string failing_query = "no such query";
  int rows_before_failure = 0;
  ErrorCode failure = ErrorCode::Corrupt;
  std::string written;
  std::vector<std::string> damages;

 private:
  static ValueRef value(sqlite3_stmt* statement, int column) {
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
    switch (sqlite3_column_type(statement, column)) {
      case SQLITE_INTEGER:
        return ValueRef(static_cast<std::int64_t>(sqlite3_column_int64(statement, column)));
      case SQLITE_FLOAT:
        return ValueRef(sqlite3_column_double(statement, column));
      case SQLITE_TEXT:
        return ValueRef(std::string_view(reinterpret_cast<const char*>(sqlite3_column_text(statement, column)), size));
      case SQLITE_BLOB:
        return ValueRef(BlobView(static_cast<const std::byte*>(sqlite3_column_blob(statement, column)), size));
      default:
        return {};
    }
  }

  test::DatabaseHandle database_;
};

std::string dumped(TestPort& port) {
  dump(port, {});
  return port.written;
}

// What the dump of `script` makes, dumped again.
std::string dumped_twice(const char* script) {
  TestPort first(script);
  TestPort second(dumped(first).c_str());
  return dumped(second);
}

TEST(Dump, EndsTextsOfTheSchemaThatEndInComments) {
  for (const char* script : {
           "CREATE TABLE t(a);\nCREATE VIEW v AS SELECT a FROM t -- the last word\n;\nCREATE VIEW w AS SELECT 2;",
           "CREATE TABLE t(a);\nCREATE INDEX i ON t(a) -- ;\n;\nCREATE VIEW w AS SELECT 2;",
           "CREATE TABLE t(a) -- of a\n;\nCREATE TABLE u(b)",
           "CREATE TABLE t(a);\nCREATE VIEW v AS SELECT a FROM t /* closed */;CREATE VIEW w AS SELECT '--';",
           "CREATE TABLE t(a);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END /* x */;CREATE VIEW w AS SELECT "
           "1",
       }) {
    TestPort port(script);
    const std::string text = dumped(port);
    TestPort again(text.c_str());
    EXPECT_EQ(again.text("SELECT name FROM sqlite_schema"), port.text("SELECT name FROM sqlite_schema")) << text;
  }
}

TEST(Dump, ClosesACommentThatASchemaLeavesOpen) {
  TestPort port("CREATE VIEW v AS SELECT 1 /* open");
  port.run("CREATE VIEW w AS SELECT 2");
  TestPort again(dumped(port).c_str());
  EXPECT_EQ(again.text("SELECT name FROM sqlite_schema"), "v\nw\n") << port.written;
}

TEST(Dump, LeavesOutStatisticsThatOnlySomeBuildsKnow) {
  TestPort port("CREATE TABLE t(a); CREATE INDEX i ON t(a); INSERT INTO t VALUES(1),(2),(3); ANALYZE");
  const std::string text = dumped(port);
  EXPECT_EQ(text.find("stat4"), std::string::npos) << text;
  EXPECT_NE(text.find("INSERT INTO sqlite_stat1 VALUES('t','i','3 1');"), std::string::npos) << text;
  EXPECT_EQ(dumped_twice("CREATE TABLE t(a); CREATE INDEX i ON t(a); INSERT INTO t VALUES(1),(2),(3); ANALYZE"), text);
}

TEST(Dump, WritesTheSequencesOnlyWhereTheirTableIsMade) {
  TestPort without("CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES(9); DROP TABLE t;");
  EXPECT_EQ(dumped(without), "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCOMMIT;\n");
  TestPort with("CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES(9);");
  EXPECT_NE(dumped(with).find("INSERT INTO sqlite_sequence VALUES('t',9);"), std::string::npos);
}

TEST(Dump, WritesTextThatIsNotUtf8AsBytes) {
  TestPort port("CREATE TABLE t(a); INSERT INTO t VALUES(CAST(x'61ff0a' AS TEXT)),('\xC3\xA9')");
  EXPECT_NE(dumped(port).find("VALUES(CASE CAST(X'61' AS TEXT) WHEN 'a' THEN CAST(X'61ff0a' AS TEXT) ELSE "
                              "replace('a\xEF\xBF\xBD\\n','\\n',char(10)) END);\nINSERT INTO t VALUES('\xC3\xA9');"),
            std::string::npos)
      << port.written;
}

// The texts that the dump of a database in one encoding makes in another, as the digits of their bytes in UTF-8.
std::string restored(const std::string& from, const std::string& to, const std::string& values) {
  TestPort port(("PRAGMA encoding='" + from + "'; CREATE TABLE t(a); INSERT INTO t VALUES" + values).c_str());
  const std::string dump = dumped(port);
  EXPECT_EQ(dump.find('\0'), std::string::npos);
  TestPort target(("PRAGMA encoding='" + to + "'").c_str());
  target.run(dump);
  EXPECT_EQ(target.text("PRAGMA encoding"), to + "\n");
  std::string digits;
  target.query("SELECT a FROM t ORDER BY rowid", {}, [&](std::span<const ValueRef> row) {
    for (const char character : row[0].text()) {
      const auto byte = static_cast<unsigned char>(character);
      digits += "0123456789ABCDEF"[byte >> 4U];
      digits += "0123456789ABCDEF"[byte & 15U];
    }
    digits += ' ';
  });
  return digits;
}

TEST(Dump, KeepsTextsInEachEncoding) {
  const std::string values =
      "('a'||char(0)||'b'),(char(0)),(char(10,0,13)||'\\0\\n(\\01)'||char(0)),('\xC3\xA9\xF0\x9F\x98\x80'||char(0)),"
      "(''),('it''s'||char(0)||'''')";
  for (const char* const from : {"UTF-8", "UTF-16le", "UTF-16be"}) {
    for (const char* const to : {"UTF-8", "UTF-16le", "UTF-16be"}) {
      EXPECT_EQ(restored(from, to, values), "610062 00 0A000D5C305C6E285C30312900 C3A9F09F988000  697427730027 ")
          << from << " to " << to;
    }
  }
}

TEST(Dump, WritesReplacementCharactersWhereBytesCannotBe) {
  const std::string values = "(CAST(x'61fffe62' AS TEXT)),(CAST(x'ff00' AS TEXT))";
  EXPECT_EQ(restored("UTF-8", "UTF-8", values), "61FFFE62 FF00 ");
  for (const char* const to : {"UTF-16le", "UTF-16be"}) {
    EXPECT_EQ(restored("UTF-8", to, values), "61EFBFBDEFBFBD62 EFBFBD00 ") << to;
  }
  // Half a surrogate pair, which UTF-16 can hold and UTF-8 cannot.
  EXPECT_EQ(restored("UTF-16le", "UTF-16le", "(CAST(x'610000d8' AS TEXT))"), "61EFBFBD ");
}

TEST(Dump, GoesOnBehindWhatIsDamaged) {
  TestPort port(
      "CREATE TABLE a(x); INSERT INTO a VALUES(1),(2),(3),(4),(5); CREATE TABLE b(x); INSERT INTO b VALUES(6);"
      "CREATE VIEW v AS SELECT 1");
  port.failing_query = "FROM main.\"a\" NOT INDEXED";
  port.rows_before_failure = 2;
  const std::string text = dumped(port);
  // Two rows from the beginning; two from the end, which the third read of the table gives.
  EXPECT_EQ(text,
            "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE a(x);\nINSERT INTO a VALUES(1);\n"
            "INSERT INTO a VALUES(2);\n-- ERROR: the table a after 2 rows: a page is bad\n"
            "INSERT INTO a VALUES(5);\nINSERT INTO a VALUES(4);\n"
            "-- ERROR: the table a from its end: a page is bad\nCREATE TABLE b(x);\nINSERT INTO b VALUES(6);\n"
            "CREATE VIEW v AS SELECT 1;\nROLLBACK; -- due to errors\n");
  ASSERT_EQ(port.damages.size(), 2U);
  EXPECT_EQ(port.damages[0], "the table a after 2 rows: a page is bad");
}

TEST(Dump, EndsAtFailuresThatAreNotOfOneTable) {
  for (const ErrorCode code : {ErrorCode::Interrupted, ErrorCode::Timeout, ErrorCode::Network, ErrorCode::NoMemory,
                               ErrorCode::TransactionLost, ErrorCode::Busy}) {
    TestPort port("CREATE TABLE a(x); INSERT INTO a VALUES(1); CREATE TABLE b(x)");
    port.failing_query = "FROM main.\"a\"";
    port.failure = code;
    EXPECT_THROW(dump(port, {}), Error);
    EXPECT_EQ(port.written.find("CREATE TABLE b"), std::string::npos);
    EXPECT_EQ(port.written.find("COMMIT"), std::string::npos);
  }
}

}  // namespace
}  // namespace libsql::sql
