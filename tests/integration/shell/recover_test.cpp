// .recover, and what else the shell does with damaged files.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "integration/shell/process.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {
namespace {

class Recover : public ::testing::Test {
 protected:
  std::string file(const std::string& name = "a.db") const { return directory_.file(name); }

  ProcessResult make(const std::string& script, const std::string& name = "a.db") {
    return run_shell({"--pragma", "journal_mode=DELETE", "--pragma", "page_size=1024", file(name)}, script);
  }
  // What .recover prints makes this database.
  ProcessResult recover(const std::vector<std::string>& options = {".recover"}, const std::string& from = "a.db",
                        const std::string& to = "b.db") {
    std::filesystem::remove(file(to));
    std::vector<std::string> arguments = {file(from)};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProcessResult printed = run_shell(arguments);
    EXPECT_EQ(printed.status, 0) << printed.err;
    const ProcessResult loaded = run_shell({"--bail", file(to)}, printed.out);
    EXPECT_EQ(loaded.err, "") << printed.out.substr(0, 2000);
    return printed;
  }
  std::string query(const std::string& sql, const std::string& name = "b.db") const {
    const ProcessResult result = run_shell({file(name), sql});
    EXPECT_EQ(result.err, "");
    return result.out;
  }
  int page_of(const std::string& condition) const {
    return std::stoi(query("SELECT pageno FROM dbstat WHERE " + condition + " LIMIT 1", "a.db"));
  }
  void overwrite(int page, std::size_t from = 0, std::size_t bytes = 1024) const {
    std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(page - 1) * 1024 + static_cast<std::streamoff>(from));
    out << std::string(bytes, 'x');
  }

  TemporaryDirectory directory_;
};

constexpr const char* kRows =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);\nWITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE "
    "i<3000) "
    "INSERT INTO t SELECT i, 'row ' || i FROM n;\nCREATE TABLE u(x);\nINSERT INTO u VALUES('whole');\n"
    "CREATE INDEX tv ON t(v);\nCREATE VIEW late AS SELECT count(*) AS n FROM t -- all\n;\n";

TEST_F(Recover, GivesAWholeDatabaseBack) {
  const std::string script = R"sql(
CREATE TABLE plain(n INT, r REAL, t, b BLOB);
INSERT INTO plain VALUES(1, 1.5, 'it''s', x'00ff'), (NULL, -1e300, '', x''), (9223372036854775807, 2.0, 'two
lines', NULL), (-1, 0.1, 1, 2.5), (-129, 3, 'é😀', zeroblob(3)), (0, 1, 32768, -8388609), (5, 5, 140737488355328, 5);
INSERT INTO plain(rowid, n) VALUES(1000, 7);
INSERT INTO plain SELECT length(value), NULL, value, CAST(value AS BLOB) FROM (SELECT printf('%*s', a.n, 'x') AS value FROM
  (SELECT 900 AS n UNION SELECT 1100 UNION SELECT 5000 UNION SELECT 70000) a);
CREATE TABLE keyed(a TEXT, b INT, c, d TEXT DEFAULT 'none', PRIMARY KEY(b, a)) WITHOUT ROWID;
WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<300) INSERT INTO keyed(a, b, c) SELECT 'k' || i, -i, printf('%400d', i) FROM n;
CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, v);
INSERT INTO counted VALUES(41, 'a');
CREATE TABLE made(a, v AS (a + 1), s AS (a + 2) STORED, b);
INSERT INTO made(a, b) VALUES(1, 'x');
CREATE TABLE later(a);
INSERT INTO later VALUES(1);
ALTER TABLE later ADD COLUMN b DEFAULT 'added';
INSERT INTO later VALUES(2, 'given');
CREATE TABLE old(s TEXT CHECK (s IN ("new", 'old')) DEFAULT "new");
INSERT INTO old DEFAULT VALUES;
CREATE TABLE "odd ""name"(rowid, "select");
INSERT INTO "odd ""name" VALUES(1, 2);
CREATE VIRTUAL TABLE texts USING fts5(body);
INSERT INTO texts VALUES('hello world'), ('goodbye');
CREATE INDEX plain_t ON plain(t);
CREATE VIEW totals AS SELECT count(*) AS n FROM plain -- of all
;
CREATE TRIGGER watch AFTER INSERT ON keyed BEGIN UPDATE plain SET n = 0; END;
PRAGMA user_version=-7;
PRAGMA application_id=99;
ANALYZE;
)sql";
  for (const char* encoding : {"UTF-8", "UTF-16le", "UTF-16be"}) {
    std::filesystem::remove(file());
    ASSERT_EQ(make(std::string("PRAGMA encoding='") + encoding + "';\n" + script).err, "");
    const ProcessResult printed = recover();
    EXPECT_EQ(printed.err, "");
    EXPECT_EQ(run_shell({file("b.db"), ".sha3sum"}).out, run_shell({file(), ".sha3sum"}).out) << encoding;
    EXPECT_EQ(query("SELECT rowid FROM plain WHERE n = 7"), "1000\n");
    EXPECT_EQ(
        query(
            "SELECT rowid FROM texts WHERE texts MATCH 'hello'; SELECT seq FROM sqlite_sequence; PRAGMA user_version; "
            "PRAGMA application_id; SELECT n FROM totals; PRAGMA integrity_check"),
        "1\n41\n-7\n99\n12\nok\n");
    EXPECT_EQ(printed.out.find("lost_and_found"), std::string::npos);
  }
}

TEST_F(Recover, LosesNoMoreThanWhatADamagedPageHeld) {
  ASSERT_EQ(make(kRows).err, "");
  overwrite(page_of("name = 't' AND pagetype = 'leaf'"));
  const ProcessResult printed = recover();
  EXPECT_NE(printed.err.find("1 pages that belong to tables or indexes are lost"), std::string::npos) << printed.err;
  const int rows = std::stoi(query("SELECT count(*) FROM t"));
  EXPECT_GT(rows, 2900);
  EXPECT_LT(rows, 3000);
  EXPECT_EQ(query("SELECT v FROM t WHERE id = 3000; SELECT x FROM u; PRAGMA integrity_check"), "row 3000\nwhole\nok\n");
}

TEST_F(Recover, FindsTheRowsOfATableWhoseTopIsLost) {
  ASSERT_EQ(make(kRows).err, "");
  overwrite(page_of("name = 't' AND pagetype = 'internal' AND path = '/'"));
  recover({".recover"});
  EXPECT_EQ(query("SELECT count(*) FROM t"), "0\n");
  EXPECT_EQ(query("SELECT count(*), min(id), max(id) FROM lost_and_found WHERE id IS NOT NULL"), "3000|1|3000\n");
  // The key is NULL in the record: it is the rowid.
  EXPECT_EQ(query("SELECT nfield, c0, c1 FROM lost_and_found WHERE id = 1234"), "2||row 1234\n");
  EXPECT_EQ(query("SELECT x FROM u"), "whole\n");
  recover({".recover --lost-and-found \"found here\""});
  EXPECT_EQ(query("SELECT count(*) FROM \"found here\" WHERE id IS NOT NULL"), "3000\n");
}

TEST_F(Recover, ShowsWhatFreePagesHoldUnlessToldNotTo) {
  ASSERT_EQ(make(std::string(kRows) + "DROP TABLE t;\n").err, "");
  recover({".recover"});
  EXPECT_GT(std::stoi(query("SELECT count(*) FROM lost_and_found WHERE c1 LIKE 'row %'")), 2500);
  recover({".recover --ignore-freelist"});
  EXPECT_EQ(query("SELECT count(*) FROM sqlite_schema WHERE name = 'lost_and_found'"), "0\n");
  EXPECT_EQ(query("SELECT x FROM u"), "whole\n");
}

TEST_F(Recover, ReadsAFileThatTheEngineDoesNotTakeForADatabase) {
  ASSERT_EQ(make(kRows).err, "");
  overwrite(1, 0, 60);  // the header, not the schema behind it
  const ProcessResult refused = run_shell({file(), "SELECT 1"});
  EXPECT_EQ(refused.status, 1);
  recover({".recover"});
  EXPECT_EQ(query("SELECT count(*) FROM t; SELECT x FROM u; SELECT n FROM late"), "3000\nwhole\n3000\n");
  overwrite(1);  // and now that, too
  recover({".recover"});
  EXPECT_EQ(query("SELECT count(*) FROM lost_and_found WHERE c1 LIKE 'row %' AND id IS NOT NULL"), "3000\n");
}

TEST_F(Recover, EndsWhateverTheBytesAre) {
  ASSERT_EQ(make(kRows).err, "");
  std::string bytes;
  {
    std::ifstream in(file(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  std::uint32_t random = 7;
  for (int round = 0; round < 12; ++round) {
    std::string mutated = bytes;
    for (int i = 0; i < 400; ++i) {
      random = random * 1664525U + 1013904223U;
      mutated[100 + random % (mutated.size() - 100)] = static_cast<char>(random >> 24U);
    }
    std::ofstream(file("c.db"), std::ios::binary | std::ios::trunc) << mutated;
    const ProcessResult printed = run_shell({file("c.db"), ".recover"});
    EXPECT_LE(printed.status, 1) << printed.err;  // 1 if the schema is damaged, too
    EXPECT_TRUE(printed.out.ends_with("COMMIT;\n"));
  }
  std::ofstream(file("c.db"), std::ios::binary | std::ios::trunc) << std::string(100, '\xff');
  EXPECT_EQ(run_shell({file("c.db"), ".recover"}).status, 0);
  EXPECT_EQ(run_shell({file("absent/c.db"), ".recover"}).status, 1);
}

TEST_F(Recover, ReadsAnEncryptedFileWithItsKey) {
  std::ofstream(file("key")) << "secret\n";
  ASSERT_EQ(run_shell({file(), "--key-file", file("key")}, kRows).err, "");
  const ProcessResult printed = run_shell({file(), "--key-file", file("key"), ".recover"});
  EXPECT_NE(printed.out.find("(3000,'row 3000');"), std::string::npos) << printed.err;
}

TEST_F(Recover, AnEntryOfTheSchemaThatIsDamagedLeavesTheRestReadable) {
  ASSERT_EQ(make(kRows).err, "");
  ASSERT_EQ(make("PRAGMA writable_schema=ON;\nUPDATE sqlite_schema SET sql='CREATE TABLE u(x,' WHERE name='u';\n").err,
            "");
  const ProcessResult dump = run_shell({file(), ".dump"});
  EXPECT_EQ(dump.status, 1);
  EXPECT_NE(dump.err.find("malformed database schema (u)"), std::string::npos) << dump.err;
  EXPECT_NE(dump.out.find("INSERT INTO t VALUES(3000,'row 3000');"), std::string::npos);
  const ProcessResult write = run_shell({file(), "INSERT INTO t VALUES(9999, 'no')"});
  EXPECT_EQ(write.status, 1);
  EXPECT_NE(write.err.find("readonly"), std::string::npos) << write.err;
  const ProcessResult printed = run_shell({file(), ".recover"});
  EXPECT_NE(printed.out.find("'whole'"), std::string::npos) << "the rows of the damaged table are lost";
}

}  // namespace
}  // namespace libsql::test
