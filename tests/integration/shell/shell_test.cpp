// The program libsql as scripts use it.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <libsql/libsql.hpp>
#include <string>
#include <vector>

#include "integration/shell/process.hpp"
#include "support/temporary_directory.hpp"

namespace {

using libsql::test::ProcessResult;
using libsql::test::run_process;
using libsql::test::run_shell;
using libsql::test::TemporaryDirectory;

void write_file(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

#define EXPECT_CONTAINS(text, part) EXPECT_TRUE(contains(text, part)) << "no \"" << (part) << "\" in: " << (text)

TEST(Shell, RunsStatementsOfTheCommandLineOneAfterTheOther) {
  const ProcessResult result =
      run_shell({":memory:", "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)", "SELECT sum(a) FROM t", ".tables"});
  EXPECT_EQ(result.out, "3\nt\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.status, 0);
}

TEST(Shell, RunsAScriptWithTriggersAndCommentsFromStandardInput) {
  const ProcessResult result = run_shell({}, R"(
-- a comment; with a semicolon
CREATE TABLE t(a); CREATE TABLE log(what);
CREATE TRIGGER r AFTER INSERT ON t
BEGIN
  INSERT INTO log VALUES(CASE WHEN new.a > 1 THEN 'big' ELSE 'small' END);
  INSERT INTO log VALUES('again;');
END;
# passed over
INSERT INTO t VALUES(1), (2) /* ; */ ;
SELECT what
  FROM log;
SELECT 'no semicolon at the end')");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out, "small\nagain;\nbig\nagain;\nno semicolon at the end\n");
  EXPECT_EQ(result.status, 0);
}

TEST(Shell, ExitsWith1AfterAnErrorButRunsTheRestOfAScript) {
  const ProcessResult result = run_shell({}, "SELECT 1;\nSELECT nosuch;\nSELECT 2;\n");
  EXPECT_EQ(result.out, "1\n2\n");
  EXPECT_CONTAINS(result.err,
                  "Parse error near line 2: no such column: nosuch\n  SELECT nosuch;\n         ^--- error here");
  EXPECT_EQ(result.status, 1);
}

TEST(Shell, StopsAtTheFirstErrorWhenToldTo) {
  for (const ProcessResult& result : {run_shell({"--bail"}, "SELECT 1;\nSELECT nosuch;\nSELECT 2;\n"),
                                      run_shell({}, ".bail on\nSELECT 1;\n.nosuch\nSELECT 2;\n"),
                                      run_shell({":memory:", "SELECT 1; SELECT nosuch; SELECT 2", "SELECT 3"})}) {
    EXPECT_EQ(result.out, "1\n");
    EXPECT_EQ(result.status, 1);
  }
}

TEST(Shell, NamesTheLineAndTheConstraintOfARuntimeError) {
  const ProcessResult result =
      run_shell({}, "CREATE TABLE t(a UNIQUE);\nINSERT INTO t\nVALUES(1);\n\nINSERT INTO t VALUES(1);\n");
  EXPECT_EQ(result.err, "Runtime error near line 5: UNIQUE constraint failed: t.a (19)\n");
  EXPECT_EQ(result.status, 1);
}

TEST(Shell, ExitsWith2IfTheCommandLineIsWrong) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--nosuch"}, {"--mode", "nosuch"}, {"--timeout", "x"}, {"--pragma", "x"}}) {
    const ProcessResult result = run_shell(arguments, "SELECT 1;");
    EXPECT_EQ(result.status, 2) << arguments[0];
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(result.err.starts_with("libsql: ")) << result.err;
  }
}

TEST(Shell, ExitsAsExitSays) {
  EXPECT_EQ(run_shell({}, ".exit 7\nSELECT 1;").status, 7);
  EXPECT_EQ(run_shell({}, ".exit 7\nSELECT 1;").out, "");
  EXPECT_EQ(run_shell({}, "SELECT nosuch;\n.quit\nSELECT 1;").status, 1);
  EXPECT_EQ(run_shell({}, "SELECT nosuch;\n.exit\nSELECT 1;").status, 0);
  EXPECT_EQ(run_shell({}, ".exit many\n").status, 1);
}

TEST(Shell, PrintsHelpAndVersions) {
  for (const char* option : {"--help", "-help", "-h"}) {
    const ProcessResult help = run_shell({option});
    EXPECT_EQ(help.status, 0);
    for (const char* part : {"USAGE", "--key-file", "EXIT STATUS", "LIBSQL_ENCRYPTION_KEY"})
      EXPECT_CONTAINS(help.out, part);
  }
  const ProcessResult version = run_shell({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_CONTAINS(version.out, "libsql-cpp ");
  EXPECT_CONTAINS(version.out, "SQLite 3.");
}

TEST(Shell, ReportsFilesThatCannotBeOpened) {
  const TemporaryDirectory directory;
  write_file(directory.file("text.db"), std::string(5000, 'x'));
  EXPECT_EQ(run_shell({"/nonexistent/a.db", "SELECT 1"}).status, 1);
  const ProcessResult text = run_shell({directory.file("text.db"), "SELECT 1"});
  EXPECT_EQ(text.status, 1);
  EXPECT_CONTAINS(text.err, "not a database");
  EXPECT_CONTAINS(run_shell({"--vfs", "nosuch", directory.file("a.db"), "SELECT 1"}).err, "nosuch");
  EXPECT_CONTAINS(run_shell({"--pragma", "nosuch=1", directory.file("a.db"), "SELECT 1"}).err, "nosuch");
  EXPECT_EQ(run_shell({"--readonly", directory.file("missing.db"), "SELECT 1"}).status, 1);
  EXPECT_FALSE(std::filesystem::exists(directory.file("missing.db")));
}

TEST(Shell, OpensForReadingOnly) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("a.db");
  ASSERT_EQ(run_shell({file, "CREATE TABLE t(a); INSERT INTO t VALUES(1)"}).status, 0);
  const ProcessResult result = run_shell({"-readonly", file, "SELECT a FROM t", "INSERT INTO t VALUES(2)"});
  EXPECT_EQ(result.out, "1\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_CONTAINS(result.err, "readonly");
  EXPECT_CONTAINS(run_shell({"--readonly", file, ".databases"}).out, "r/o");
}

TEST(Shell, KeepsTheJournalModeOfADatabaseThatExists) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("a.db");
  EXPECT_EQ(run_shell({file, "CREATE TABLE t(a)", "PRAGMA journal_mode"}).out, "wal\n");
  EXPECT_EQ(run_shell({file, "PRAGMA journal_mode=delete"}).out, "delete\n");
  EXPECT_EQ(run_shell({file, "INSERT INTO t VALUES(1)", "PRAGMA journal_mode"}).out, "delete\n");
  EXPECT_EQ(run_shell({"--pragma", "journal_mode=wal", file, "PRAGMA journal_mode"}).out, "wal\n");
}

TEST(Shell, SetsPragmasAndSettingsFromOptions) {
  const ProcessResult result = run_shell({"--pragma", "cache_size=-4000", "--pragma", "foreign_keys=off",
                                          ":memory:", "PRAGMA cache_size", "PRAGMA foreign_keys"});
  EXPECT_EQ(result.out, "-4000\n0\n") << result.err;
  EXPECT_EQ(run_shell({"-header", "-separator", ";", "-nullvalue", "-", ":memory:", "SELECT 1 AS a, NULL AS b"}).out,
            "a;b\n1;-\n");
  EXPECT_EQ(run_shell({"-cmd", ".headers on", "-cmd", "CREATE TABLE t(a)", ":memory:", "SELECT 1 AS a"}).out, "a\n1\n");
}

TEST(Shell, WaitsForALockAsLongAsItIsTold) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("a.db");
  libsql::Connection holder = libsql::Builder::local(file).build().connect();
  holder.execute("CREATE TABLE t(a)");
  const libsql::Transaction lock = holder.transaction(libsql::TransactionBehavior::Immediate);
  // The default of five seconds would end these a good deal later.
  const auto start = std::chrono::steady_clock::now();
  for (const ProcessResult& result : {run_shell({"--timeout", "20", file, "INSERT INTO t VALUES(1)"}),
                                      run_shell({file, ".timeout 20", "INSERT INTO t VALUES(1)"})}) {
    EXPECT_EQ(result.status, 1);
    EXPECT_CONTAINS(result.err, "database is locked");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Shell, RunsAnInitFileFirst) {
  const TemporaryDirectory directory;
  write_file(directory.file("init.sql"), ".headers on\nCREATE TABLE t(a);\nINSERT INTO t VALUES(5);\n");
  EXPECT_EQ(run_shell({"-init", directory.file("init.sql"), ":memory:", "SELECT a FROM t"}).out, "a\n5\n");
  EXPECT_EQ(run_shell({"-init", directory.file("nosuch.sql"), ":memory:", "SELECT 1"}).status, 1);
}

TEST(Encryption, TakesTheKeyFromAFileOrTheEnvironment) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("secret.db");
  const std::string key = directory.file("key");
  write_file(key, "correct horse\n");
  ASSERT_EQ(
      run_shell({"--cipher", "aes256cbc", "--key-file", key, file, "CREATE TABLE t(a); INSERT INTO t VALUES('secret')"})
          .status,
      0);
  EXPECT_FALSE(contains(read_file(file), "SQLite format 3"));
  EXPECT_EQ(run_shell({"--key-file", key, file, "SELECT a FROM t"}).out, "secret\n");
  EXPECT_EQ(
      run_shell({"--cipher", "aes256cbc", file, "SELECT a FROM t"}, "", {{"LIBSQL_ENCRYPTION_KEY", "correct horse"}})
          .out,
      "secret\n");
  EXPECT_EQ(run_shell({":memory:", ".open --key-file " + key + " " + file, "SELECT a FROM t"}).out, "secret\n");

  write_file(directory.file("wrong"), "wrong");
  for (const ProcessResult& result :
       {run_shell({file, "SELECT a FROM t"}),
        run_shell({"--key-file", directory.file("wrong"), file, "SELECT a FROM t"}),
        run_shell({"--cipher", "chacha20", "--key-file", key, file, "SELECT a FROM t"})}) {
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(result.out, "");
    EXPECT_CONTAINS(result.err, "file is not a database; if it is encrypted, check --key-file and --cipher");
  }
  const ProcessResult opened = run_shell({":memory:", ".open " + file});
  EXPECT_CONTAINS(opened.err, "file is not a database; if it is encrypted, check --key-file and --cipher");
  const ProcessResult no_key = run_shell({"--cipher", "aes256cbc", file, "SELECT 1"});
  EXPECT_CONTAINS(no_key.err, "LIBSQL_ENCRYPTION_KEY");
  write_file(directory.file("empty"), "\n");
  EXPECT_CONTAINS(run_shell({"--key-file", directory.file("empty"), file, "SELECT 1"}).err, "empty");
  EXPECT_EQ(run_shell({"--key-file", directory.file("nosuch"), file, "SELECT 1"}).status, 1);
  EXPECT_EQ(run_shell({"--cipher", "nosuch", "--key-file", key, directory.file("b.db"), "SELECT 1"}).status, 1);
}

TEST(Encryption, RekeyChangesAndRemovesTheKey) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("a.db");
  write_file(directory.file("one"), "one");
  write_file(directory.file("two"), "two");
  ASSERT_EQ(
      run_shell({"--key-file", directory.file("one"), file, "CREATE TABLE t(a)", ".rekey " + directory.file("two")})
          .status,
      0);
  EXPECT_EQ(run_shell({"--key-file", directory.file("one"), file, ".tables"}).status, 1);
  EXPECT_EQ(run_shell({"--key-file", directory.file("two"), file, ".tables", ".rekey --decrypt"}).out, "t\n");
  EXPECT_EQ(run_shell({file, ".tables"}).out, "t\n");
}

TEST(Import, LoadsCsvWithQuotesAndLineBreaksAndGivesItBack) {
  const TemporaryDirectory directory;
  const std::string csv =
      "id,\"the name\",note\r\n1,\"O\"\"Brien\",\"two\r\nlines\"\r\n2,\"a,b\",\"\"\r\n3,\"\xC3\xA9\",\" x \"\r\n";
  write_file(directory.file("in.csv"), csv);
  const ProcessResult result =
      run_shell({":memory:", ".import --csv " + directory.file("in.csv") + " people", ".mode csv", ".headers on",
                 ".once " + directory.file("out.csv"), "SELECT * FROM people", "SELECT count(*) AS n FROM people"});
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out, "n\r\n3\r\n");
  EXPECT_EQ(read_file(directory.file("out.csv")), csv);
}

TEST(Import, LoadsIntoATableThatExistsWithItsTypes) {
  const TemporaryDirectory directory;
  write_file(directory.file("in.txt"), "id|v\n1|2.5\n2|x\n");
  const ProcessResult result =
      run_shell({":memory:", "CREATE TABLE t(id INTEGER PRIMARY KEY, v REAL)",
                 ".import --skip 1 -v " + directory.file("in.txt") + " t", "SELECT id, typeof(v), v FROM t"});
  EXPECT_EQ(result.out, "Added 2 rows with 0 errors\n1|real|2.5\n2|text|x\n") << result.err;
  write_file(directory.file("in.tsv"), "3\t\"quoted\"\n");
  EXPECT_EQ(run_shell({":memory:", "CREATE TABLE t(id, v)", ".import --tabs " + directory.file("in.tsv") + " t",
                       "SELECT * FROM t"})
                .out,
            "3|\"quoted\"\n");
}

TEST(Import, ReportsWhatIsWrongByLineAndKeepsTheRest) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("bad.csv");
  write_file(file, "1,a,b\n2\n3,a,b,c,d\n1,again,x\n4,\"open");
  const ProcessResult result =
      run_shell({":memory:", "CREATE TABLE t(id PRIMARY KEY, x, y)", ".import --csv " + file + " t"});
  EXPECT_EQ(result.status, 1);
  EXPECT_CONTAINS(result.err, file + ":2: expected 3 columns but found 1");
  EXPECT_CONTAINS(result.err, file + ":3: expected 3 columns but found 5");
  EXPECT_CONTAINS(result.err, file + ":4: not inserted: UNIQUE constraint failed: t.id");
  EXPECT_CONTAINS(result.err, file + ":5: a quoted field is not closed");
  EXPECT_CONTAINS(result.err, "1 records");
  const ProcessResult rows = run_shell(
      {}, "CREATE TABLE t(id PRIMARY KEY, x, y);\n.import --csv " + file + " t\nSELECT id, quote(x) FROM t;\n");
  EXPECT_EQ(rows.out, "1|'a'\n2|NULL\n3|'a'\n4|'open'\n");
}

TEST(Import, RefusesWhatIsMissing) {
  const TemporaryDirectory directory;
  write_file(directory.file("empty.csv"), "");
  for (const std::string& command :
       {std::string(".import"), std::string(".import a.csv"), ".import --csv " + directory.file("nosuch.csv") + " t",
        ".import --csv " + directory.file("empty.csv") + " t", ".import --csv " + directory.path().string() + " t",
        std::string(".import --nosuch a b"), std::string(".import --skip x a b")}) {
    const ProcessResult result = run_shell({":memory:", command});
    EXPECT_EQ(result.status, 1) << command;
    EXPECT_TRUE(result.err.starts_with("Error: ")) << result.err;
  }
}

TEST(Import, ReadsTheOutputOfACommand) {
  EXPECT_EQ(run_shell({":memory:", ".import --csv \"|printf 'a,b\\n1,2\\n'\" t", "SELECT a + b FROM t"}).out, "3\n");
  EXPECT_EQ(run_shell({":memory:", ".import --csv \"|printf 'a\\n1\\n'; exit 3\" t"}).status, 1);
}

// Everything that a dump has to get right.
const char* const kRichDatabase = R"sql(
CREATE TABLE plain(id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT DEFAULT 'it''s', r REAL, b BLOB, n);
INSERT INTO plain(t, r, b, n) VALUES ('two
lines', 0.1, x'00ff', NULL), ('\n and ' || char(10) || char(13), 1e300, x'', -9223372036854775807);
CREATE TABLE "odd ""name"("select" TEXT, y AS (length("select")) STORED, "a b");
INSERT INTO "odd ""name"("select", "a b") VALUES ('q', 1.0 / 3);
CREATE TABLE keyed(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO keyed VALUES ('b', 2), ('a', 1);
CREATE VIRTUAL TABLE texts USING fts5(body);
INSERT INTO texts VALUES ('hello world'), ('goodbye');
CREATE INDEX plain_t ON plain(t COLLATE NOCASE);
CREATE VIEW totals AS SELECT count(*) AS n FROM plain;
CREATE TRIGGER watch AFTER INSERT ON keyed BEGIN UPDATE plain SET n = CASE WHEN n THEN 1 ELSE 2 END; END;
)sql";

TEST(Dump, MakesTheSameDatabaseAgain) {
  const TemporaryDirectory directory;
  ASSERT_EQ(run_shell({directory.file("a.db")}, kRichDatabase).status, 0);
  const ProcessResult dump = run_shell({directory.file("a.db"), ".dump"});
  ASSERT_EQ(dump.status, 0) << dump.err;
  const ProcessResult load = run_shell({directory.file("b.db")}, dump.out);
  EXPECT_EQ(load.err, "");
  EXPECT_EQ(run_shell({directory.file("b.db"), ".dump"}).out, dump.out);
  EXPECT_EQ(run_shell({directory.file("b.db"), "SELECT rowid FROM texts WHERE texts MATCH 'hello'",
                       "SELECT n FROM totals", "PRAGMA integrity_check"})
                .out,
            "1\n2\nok\n");
}

TEST(Dump, KeepsThatATableHasRandomRowids) {
  if (libsql::cipher_version().empty()) GTEST_SKIP() << "the system's SQLite has no RANDOM ROWID";
  const TemporaryDirectory directory;
  ASSERT_EQ(
      run_shell({directory.file("a.db"), "CREATE TABLE t(a) RANDOM ROWID", "INSERT INTO t VALUES (1), (2)"}).status, 0);
  const ProcessResult dump = run_shell({directory.file("a.db"), ".dump"});
  EXPECT_NE(dump.out.find("CREATE TABLE t(a) RANDOM ROWID;"), std::string::npos) << dump.out;
  const ProcessResult load =
      run_shell({directory.file("b.db")}, dump.out + "SELECT count(*), min(rowid) > 2 FROM t;\n.schema\n");
  EXPECT_EQ(load.err, "");
  EXPECT_EQ(load.out, "2|1\nCREATE TABLE t(a) RANDOM ROWID;\n");
}

TEST(Dump, IsReadByTheSqlite3ProgramAndReadsItsDumps) {
  const std::string sqlite3 = SQLITE3_PROGRAM;
  if (sqlite3.empty()) GTEST_SKIP() << "there is no sqlite3 program";
  const TemporaryDirectory directory;
  ASSERT_EQ(run_shell({directory.file("a.db")}, kRichDatabase).status, 0);
  const std::string ours = run_shell({directory.file("a.db"), ".dump"}).out;
  const ProcessResult loaded = run_process(sqlite3, {directory.file("b.db")}, ours);
  EXPECT_EQ(loaded.err, "");
  EXPECT_EQ(run_shell({directory.file("b.db"), ".dump"}).out, ours);
  const std::string theirs = run_process(sqlite3, {directory.file("a.db"), ".dump"}).out;
  EXPECT_EQ(run_shell({directory.file("c.db")}, theirs).err, "");
  EXPECT_EQ(run_shell({directory.file("c.db"), ".dump"}).out, ours);
}

TEST(Dump, OfASchemaWithCommentsAndStatisticsLoadsEverywhere) {
  const TemporaryDirectory directory;
  ASSERT_EQ(
      run_shell({directory.file("a.db")},
                "CREATE TABLE t(a);\nCREATE INDEX i ON t(a) -- on a\n;\nINSERT INTO t VALUES(1),(2);\n"
                "CREATE VIEW v AS SELECT a FROM t -- the last word\n;\nCREATE VIEW w AS SELECT 2 AS two;\nANALYZE;\n")
          .status,
      0);
  const std::string dump = run_shell({directory.file("a.db"), ".dump"}).out;
  const ProcessResult loaded = run_shell({"--bail", directory.file("b.db")}, dump);
  EXPECT_EQ(loaded.err, "");
  EXPECT_EQ(run_shell({directory.file("b.db"), "SELECT * FROM v", "SELECT * FROM w"}).out, "1\n2\n2\n");
  // What is shown of the schema can be run, too.
  const std::string schema = run_shell({directory.file("a.db"), ".schema --nosys"}).out;
  EXPECT_EQ(run_shell({"--bail", ":memory:"}, schema).err, "") << schema;
  const std::string sqlite3 = SQLITE3_PROGRAM;
  if (sqlite3.empty()) return;
  EXPECT_EQ(run_process(sqlite3, {"-bail", directory.file("c.db")}, dump).err, "");
}

// Writes over one page of the table (not its root).
void damage(const std::string& path, const std::string& table, int offset) {
  const std::string page = run_shell({path, "SELECT pageno FROM dbstat WHERE name = '" + table +
                                                "' AND pagetype = 'leaf' LIMIT 1 OFFSET " + std::to_string(offset)})
                               .out;
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp((std::stol(page) - 1) * 1024);
  file << std::string(1024, 'x');
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

const char* const kLargeTables =
    "CREATE TABLE a(id INTEGER PRIMARY KEY, v TEXT);\n"
    "WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<2000) INSERT INTO a SELECT i, printf('row %d of a', "
    "i) FROM n;\n"
    "CREATE TABLE b(x, y);\nINSERT INTO b SELECT id, v FROM a WHERE id <= 500;\nCREATE INDEX bx ON b(x);\n"
    "CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;\nINSERT INTO w SELECT 'k' || id, id FROM a WHERE id <= 500;\n"
    "CREATE VIEW late AS SELECT count(*) AS n FROM b;\n";

TEST(Dump, OfADamagedFileHoldsAllThatCanBeRead) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("a.db");
  ASSERT_EQ(run_shell({"--pragma", "journal_mode=DELETE", "--pragma", "page_size=1024", path}, kLargeTables).err, "");
  damage(path, "a", 20);
  damage(path, "w", 3);
  const ProcessResult dump = run_shell({path, ".dump"});
  EXPECT_EQ(dump.status, 1);
  EXPECT_CONTAINS(dump.err, "Error: the table a after ");
  EXPECT_CONTAINS(dump.err, "Error: the table w after ");
  const std::size_t rows = count(dump.out, "INSERT INTO a VALUES(");
  EXPECT_GT(rows, 1900U);
  EXPECT_LT(rows, 2000U);
  EXPECT_CONTAINS(dump.out, "INSERT INTO a VALUES(2000,'row 2000 of a');");
  EXPECT_EQ(count(dump.out, "INSERT INTO b VALUES("), 500U);
  EXPECT_CONTAINS(dump.out, "CREATE INDEX bx ON b(x);\nCREATE VIEW late");
  EXPECT_TRUE(dump.out.ends_with("ROLLBACK; -- due to errors\n"));
  // Nobody gets half a database by accident.
  EXPECT_EQ(run_shell({":memory:"}, dump.out + ".tables\n").out, "");
}

TEST(Dump, TakesTablesAndOptions) {
  const std::string setup =
      "CREATE TABLE a(x);INSERT INTO a(rowid, x) VALUES(7, 1);CREATE TABLE b(y);CREATE INDEX bi ON b(y);\n";
  EXPECT_EQ(run_shell({}, setup + ".dump b").out,
            "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE b(y);\nCREATE INDEX bi ON b(y);\nCOMMIT;\n");
  EXPECT_EQ(run_shell({}, setup + ".dump --data-only").out, "INSERT INTO a VALUES(1);\n");
  EXPECT_EQ(run_shell({}, setup + "ANALYZE;\n.dump sqlite\\_%").out.find("stat4"), std::string::npos);
  EXPECT_CONTAINS(run_shell({}, setup + ".dump --preserve-rowids a").out, "INSERT INTO a(rowid,x) VALUES(7,1);\n");
  EXPECT_EQ(run_shell({}, setup + ".dump --nosuch").status, 1);
}

TEST(Backup, IsACopyOfTheDatabase) {
  const TemporaryDirectory directory;
  const std::string copy = directory.file("copy.db");
  EXPECT_EQ(run_shell({copy, "CREATE TABLE something_old(a)"}).status, 0);
  const ProcessResult result = run_shell({":memory:", "CREATE TABLE t(a); INSERT INTO t VALUES(1)", ".backup " + copy,
                                          "INSERT INTO t VALUES(2)", ".save " + directory.file("later.db")});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(run_shell({copy, "SELECT a FROM t", "PRAGMA integrity_check"}).out, "1\nok\n");
  EXPECT_EQ(run_shell({directory.file("later.db"), "SELECT sum(a) FROM t"}).out, "3\n");
  EXPECT_EQ(
      run_shell({":memory:", "ATTACH '" + copy + "' AS other", ".backup other " + directory.file("third.db")}).status,
      0);
  EXPECT_EQ(run_shell({directory.file("third.db"), "SELECT a FROM t"}).out, "1\n");
}

TEST(Backup, IsEncryptedAsTheDatabaseIs) {
  const TemporaryDirectory directory;
  write_file(directory.file("key"), "key");
  const std::vector<std::string> with_key = {"--key-file", directory.file("key")};
  EXPECT_EQ(run_shell({with_key[0], with_key[1], directory.file("a.db"), "CREATE TABLE t(a)",
                       ".backup " + directory.file("b.db")})
                .status,
            0);
  EXPECT_FALSE(contains(read_file(directory.file("b.db")), "CREATE TABLE"));
  EXPECT_EQ(run_shell({directory.file("b.db"), ".tables"}).status, 1);
  EXPECT_EQ(run_shell({with_key[0], with_key[1], directory.file("b.db"), ".tables"}).out, "t\n");
}

TEST(Restore, ReplacesTheDatabaseAndNothingWhenItFails) {
  const TemporaryDirectory directory;
  const std::string saved = directory.file("saved.db");
  const std::string file = directory.file("now.db");
  EXPECT_EQ(run_shell({saved, "CREATE TABLE old(a); INSERT INTO old VALUES(1), (2)"}).status, 0);
  EXPECT_EQ(run_shell({file, "CREATE TABLE t(a)", ".restore " + saved, ".tables"}).out, "old\n");
  EXPECT_EQ(run_shell({file, "SELECT count(*) FROM old", "PRAGMA integrity_check"}).out, "2\nok\n");
  EXPECT_EQ(
      run_shell({":memory:", "ATTACH ':memory:' AS other", ".restore other " + saved, "SELECT sum(a) FROM other.old"})
          .out,
      "3\n");
  write_file(directory.file("no.db"), "this is not a database, however long one looks at it");
  EXPECT_EQ(run_shell({file, ".restore " + directory.file("no.db")}).status, 1);
  EXPECT_EQ(run_shell({file, ".restore " + directory.file("missing.db")}).status, 1);
  EXPECT_FALSE(std::filesystem::exists(directory.file("missing.db")));
  EXPECT_EQ(run_shell({file, ".restore nosuch " + saved}).status, 1);
  EXPECT_EQ(run_shell({file, ".restore " + file}).status, 1);
  EXPECT_EQ(run_shell({file, ".restore"}).status, 1);
  EXPECT_EQ(run_shell({file, "SELECT count(*) FROM old"}).out, "2\n");
}

TEST(Restore, TakesDatabasesOfAnyPageSize) {
  const TemporaryDirectory directory;
  for (const char* size : {"512", "1024", "16384"}) {
    const std::string saved = directory.file(std::string("saved") + size);
    EXPECT_EQ(run_shell({"--pragma", std::string("page_size=") + size, saved,
                         "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(5, zeroblob(3000)); CREATE "
                         "INDEX i ON t(b)"})
                  .status,
              0);
    for (const char* target : {"new", "used"}) {
      const std::string file = directory.file(target + std::string(size));
      if (target == std::string("used")) {
        EXPECT_EQ(run_shell({file, "CREATE TABLE old(a)"}).status, 0);
      }
      EXPECT_EQ(run_shell({file, ".restore " + saved, "SELECT a, length(b) FROM t"}).out, "5|3000\n") << size;
      EXPECT_EQ(run_shell({file, ".tables", "PRAGMA integrity_check", "PRAGMA journal_mode"}).out, "t\nok\nwal\n");
    }
    EXPECT_EQ(run_shell({":memory:", ".restore " + saved, "SELECT a FROM t"}).out, "5\n") << size;
    const std::string copy = directory.file("copy.db");
    EXPECT_EQ(run_shell({saved, ".backup " + copy}).status, 0) << size;  // over that of another page size
    EXPECT_EQ(run_shell({copy, "SELECT a FROM t", "PRAGMA integrity_check"}).out, "5\nok\n");
  }
}

TEST(Backup, WaitsForTheLocksOfThoseWhoUseItsTarget) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("used.db");
  for (const char* mode : {"DELETE", "WAL"}) {
    libsql::Connection other = libsql::Builder::local(file).pragma("journal_mode", mode).build().connect();
    other.execute_batch("DROP TABLE IF EXISTS t; CREATE TABLE used(a)");
    other.execute("BEGIN IMMEDIATE");
    other.execute("INSERT INTO used VALUES (1)");
    const ProcessResult locked = run_shell({"--timeout", "100", ":memory:", "CREATE TABLE t(a)", ".backup " + file});
    EXPECT_EQ(locked.status, 1) << mode;
    EXPECT_CONTAINS(locked.err, "locked");
    other.execute("COMMIT");
    EXPECT_EQ(other.query_value<int>("SELECT count(*) FROM used"), 1);
    EXPECT_EQ(run_shell({":memory:", "CREATE TABLE t(a); INSERT INTO t VALUES(7)", ".backup " + file}).err, "") << mode;
    EXPECT_EQ(other.query_value<int>("SELECT a FROM t"), 7) << "who had it open sees the new content";
    other.execute("INSERT INTO t VALUES (8)");
    EXPECT_EQ(run_shell({file, "SELECT sum(a) FROM t", "PRAGMA integrity_check"}).out, "15\nok\n") << mode;
  }
}

TEST(Backup, ReplacesNothingThatIsNoDatabase) {
  const TemporaryDirectory directory;
  const std::string pipe = directory.file("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& target :
       {pipe, std::string("/dev/full"), std::string("/dev/null"), directory.path().string()}) {
    const ProcessResult refused = run_shell({":memory:", "CREATE TABLE t(a)", ".backup " + target});
    EXPECT_EQ(refused.status, 1) << target;
    EXPECT_CONTAINS(refused.err, "not a regular file");
  }
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  const std::string real = directory.file("real.db");
  const std::string link = directory.file("link.db");
  std::filesystem::create_symlink("real.db", link);
  for (const char* value : {"1", "2"}) {  // first the file is not there yet
    EXPECT_EQ(run_shell({":memory:", std::string("CREATE TABLE t AS SELECT ") + value + " AS a", ".save " + link}).err,
              "");
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(run_shell({real, "SELECT a FROM t"}).out, std::string(value) + "\n");
  }
  EXPECT_CONTAINS(run_shell({real, ".backup " + link}).err, "one database");
  EXPECT_CONTAINS(run_shell({real, ".backup " + real}).err, "one database");
  EXPECT_EQ(run_shell({real, "SELECT a FROM t"}).out, "2\n");
}

TEST(Encryption, AKeyInTheEnvironmentEncryptsOrIsRefused) {
  const TemporaryDirectory directory;
  const std::map<std::string, std::string> key = {{"LIBSQL_ENCRYPTION_KEY", "correct horse"}};
  const std::string file = directory.file("new.db");
  EXPECT_EQ(
      run_shell({file, "CREATE TABLE t(a); INSERT INTO t VALUES('swordfish')", ".backup " + directory.file("copy.db")},
                "", key)
          .err,
      "");
  for (const std::string& each : {file, directory.file("copy.db")}) {
    EXPECT_FALSE(contains(read_file(each), "SQLite format 3"));
    EXPECT_FALSE(contains(read_file(each), "swordfish"));
    EXPECT_EQ(run_shell({each, "SELECT a FROM t"}, "", key).out, "swordfish\n");
    EXPECT_EQ(run_shell({each, "SELECT a FROM t"}).status, 1);
  }
  EXPECT_EQ(run_shell({":memory:", ".open " + directory.file("opened.db"), "CREATE TABLE t(a)"}, "", key).err, "");
  EXPECT_FALSE(contains(read_file(directory.file("opened.db")), "SQLite format 3"));

  const std::string plain = directory.file("plain.db");
  EXPECT_EQ(run_shell({plain, "CREATE TABLE t(a)"}).status, 0);
  const ProcessResult refused = run_shell({plain, ".tables"}, "", key);
  EXPECT_EQ(refused.status, 1);
  EXPECT_CONTAINS(refused.err, "LIBSQL_ENCRYPTION_KEY is set");
  const ProcessResult memory = run_shell({":memory:", "SELECT 1", ".save " + directory.file("saved.db")}, "", key);
  EXPECT_EQ(memory.out, "1\n");
  EXPECT_CONTAINS(memory.err, "would not be encrypted");
  EXPECT_FALSE(std::filesystem::exists(directory.file("saved.db")));
}

TEST(Encryption, HoldsForEveryFileThatIsMadeFromADatabase) {
  const TemporaryDirectory directory;
  const std::map<std::string, std::string> key = {{"LIBSQL_ENCRYPTION_KEY", "correct horse"}};
  write_file(directory.file("key"), "correct horse\n");
  const std::string make = "CREATE TABLE t AS SELECT 'swordfish' AS a";
  const auto is_encrypted = [&](const std::string& path) {
    const std::string bytes = read_file(path);
    return !bytes.empty() && !contains(bytes, "SQLite format 3") && !contains(bytes, "swordfish") &&
           run_shell({path, "SELECT a FROM t"}, "", key).out == "swordfish\n";
  };
  const std::vector<std::string> makers = {".clone FILE", ".backup FILE", ".save FILE", "VACUUM INTO 'FILE'",
                                           "ATTACH 'FILE' AS other; CREATE TABLE other.t AS SELECT * FROM t"};
  int number = 0;
  for (const std::string& maker : makers) {
    for (const bool from_file : {false, true}) {
      const std::string file = directory.file(std::string("copy").append(std::to_string(++number)));
      std::string command = maker;
      command.replace(command.find("FILE"), 4, file);
      std::vector<std::string> arguments = {directory.file(std::string("a").append(std::to_string(number))), make,
                                            command};
      if (from_file) arguments.insert(arguments.begin(), {"--key-file", directory.file("key")});
      EXPECT_EQ(run_shell(arguments, "", from_file ? std::map<std::string, std::string>() : key).err, "") << command;
      EXPECT_TRUE(is_encrypted(file)) << command << from_file;

      // A database without a file has no key that the copy could have, unless it is given.
      for (const char* const nameless : {":memory:", "", "file::memory:"}) {
        std::filesystem::remove(file);
        const ProcessResult refused = run_shell({nameless, make, command}, "", key);
        EXPECT_EQ(refused.status, 1) << command;
        EXPECT_CONTAINS(refused.err, "LIBSQL_ENCRYPTION_KEY is set");
        EXPECT_FALSE(std::filesystem::exists(file)) << command << nameless;
      }
    }
  }
  const std::string file = directory.file("given");
  EXPECT_EQ(run_shell({":memory:", make, "ATTACH DATABASE '" + file + "' AS x KEY 'correct horse'; DETACH x; VACUUM"},
                      "", key)
                .err,
            "");
  EXPECT_EQ(run_shell({":memory:", "ATTACH ':memory:' AS x; ATTACH '' AS y; EXPLAIN VACUUM; SELECT 1"}, "", key).err,
            "");
  for (const std::string& hidden : {"ATTACH '" + file + "2' || '' AS x", "/* */ attach database \"" + file + "2\" AS x",
                                    "VACUUM main INTO '" + file + "2'"}) {
    EXPECT_EQ(run_shell({":memory:", make, hidden}, "", key).status, 1) << hidden;
    EXPECT_FALSE(std::filesystem::exists(file + "2")) << hidden;
  }
  // The key that counts is the one that the database has now.
  write_file(directory.file("other key"), "battery staple\n");
  EXPECT_EQ(run_shell({directory.file("a1"), ".rekey '" + directory.file("other key") + "'", ".cd /",
                       ".clone " + directory.file("rekeyed")},
                      "", key)
                .err,
            "");
  EXPECT_EQ(
      run_shell({directory.file("rekeyed"), "SELECT a FROM t"}, "", {{"LIBSQL_ENCRYPTION_KEY", "battery staple"}}).out,
      "swordfish\n");
  EXPECT_EQ(run_shell({directory.file("a2"), ".rekey --decrypt", ".clone " + directory.file("plain")}, "", key).err,
            "");
  EXPECT_EQ(run_shell({directory.file("plain"), "SELECT a FROM t"}).out, "swordfish\n");
}

TEST(Backup, LeavesNothingBehindWhenItFails) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("used.db");
  write_file(file, "kept");
  write_file(file + "-wal", "in use");
  EXPECT_EQ(run_shell({":memory:", ".backup " + file}).status, 1);
  EXPECT_EQ(read_file(file), "kept");
  write_file(directory.file("new.db-wal"), "of a database that has gone");
  const ProcessResult used = run_shell({":memory:", ".backup " + directory.file("new.db")});
  EXPECT_EQ(used.status, 1);
  EXPECT_CONTAINS(used.err, "may be in use");
  std::filesystem::remove(directory.file("new.db-wal"));
  EXPECT_EQ(read_file(file + "-wal"), "in use");
  std::filesystem::remove(file + "-wal");
  std::filesystem::remove(file + "-shm");  // belongs to the log
  EXPECT_EQ(run_shell({":memory:", "BEGIN", ".backup " + file}).status, 1);
  EXPECT_EQ(run_shell({":memory:", ".backup /nonexistent/a.db"}).status, 1);
  EXPECT_EQ(run_shell({":memory:", ".backup nosuch " + file}).status, 1);
  EXPECT_EQ(run_shell({":memory:", ".backup"}).status, 1);
  EXPECT_EQ(read_file(file), "kept");
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    EXPECT_EQ(entry.path().filename(), "used.db");
  }
}

TEST(Schema, IsShown) {
  const std::string setup =
      "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT CHECK(b IN ('x','y')));\nCREATE INDEX i ON t(b);\n"
      "CREATE VIEW v AS SELECT a FROM t;\nATTACH ':memory:' AS other;\nCREATE TABLE other.z(q);\n";
  EXPECT_EQ(run_shell({}, setup + ".schema").out,
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT CHECK(b IN ('x','y')));\nCREATE INDEX i ON t(b);\n"
            "CREATE VIEW v AS SELECT a FROM t\n/* v(a) */;\nCREATE TABLE other.z(q);\n");
  EXPECT_EQ(run_shell({}, setup + ".schema --indent t").out,
            "CREATE TABLE t(\n  a INTEGER PRIMARY KEY,\n  b TEXT CHECK(b IN ('x','y'))\n);\nCREATE INDEX i ON t(b);\n");
  EXPECT_EQ(run_shell({}, setup + ".tables").out, "other.z  t        v      \n");
  EXPECT_EQ(run_shell({}, setup + ".tables v%").out, "v\n");
  EXPECT_EQ(run_shell({}, setup + ".indexes").out, "i\n");
  EXPECT_EQ(run_shell({}, setup + ".databases").out, "main: \"\" r/w\nother: \"\"\n");
  EXPECT_CONTAINS(run_shell({}, setup + ".dbinfo").out, "page size:");
}

TEST(Output, GoesToFilesAndPrograms) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("out");
  const ProcessResult result =
      run_shell({}, ".output " + file + "\nSELECT 1;\nSELECT 2;\n.output\nSELECT 3;\n.once " + file +
                        "2\nSELECT 4;\nSELECT 5;\n" + ".once |sed s/6/six/\nSELECT 6;\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out, "3\n5\nsix\n");
  EXPECT_EQ(read_file(file), "1\n2\n");
  EXPECT_EQ(read_file(file + "2"), "4\n");
  EXPECT_EQ(run_shell({}, ".output /nonexistent/x\n").status, 1);
}

TEST(Output, ThatCannotBeWrittenIsAnError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP();
  const ProcessResult result = run_shell({}, ".output /dev/full\nSELECT 1;\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_CONTAINS(result.err, "/dev/full");
}

TEST(Read, RunsScriptsWithTheirOwnLines) {
  const TemporaryDirectory directory;
  write_file(directory.file("script.sql"), "SELECT 'in';\nSELECT nosuch;\n");
  const ProcessResult result =
      run_shell({}, "SELECT 'before';\n\n.read " + directory.file("script.sql") + "\nSELECT bad;\n");
  EXPECT_EQ(result.out, "before\nin\n");
  EXPECT_CONTAINS(result.err, "near line 2 of " + directory.file("script.sql") + ": no such column: nosuch");
  EXPECT_CONTAINS(result.err, "near line 4: no such column: bad");
  EXPECT_EQ(run_shell({}, ".read |echo 'SELECT 5;'\n").out, "5\n");
  EXPECT_EQ(run_shell({}, ".read /nonexistent\n").status, 1);
  write_file(directory.file("loop.sql"), ".read " + directory.file("loop.sql") + "\n");
  EXPECT_CONTAINS(run_shell({}, ".read " + directory.file("loop.sql") + "\n").err, "too deeply");
}

TEST(Read, ErrorsNameFileAndLineHoweverTheScriptIsRun) {
  const TemporaryDirectory directory;
  const std::string inner = directory.file("inner.sql");
  const std::string outer = directory.file("outer.sql");
  write_file(inner,
             "SELECT 1;\n\nSELEC 2;\n.nosuch\nCREATE TABLE t(a UNIQUE);\nINSERT INTO t VALUES(1),\n(1);\nSELECT :p;\n");
  write_file(outer, "\n.read " + inner + "\nSELEC 3;\n");
  const std::vector<std::string> of_inner = {
      "Parse error near line 3 of " + inner + ": near \"SELEC\"", "Error: line 4 of " + inner + ": unknown command",
      "Runtime error near line 6 of " + inner + ": UNIQUE", "Error near line 8 of " + inner + ": the parameter :p"};
  for (const ProcessResult& result : {run_shell({":memory:", ".read " + outer}), run_shell({}, ".read " + outer + "\n"),
                                      run_shell({"--init", outer, ":memory:", "SELECT 1"}),
                                      run_shell({"--cmd", ".read " + outer, ":memory:", ".tables"}),
                                      run_shell({"--interactive"}, ".read " + outer + "\n")}) {
    for (const std::string& part : of_inner) EXPECT_CONTAINS(result.err, part);
    EXPECT_CONTAINS(result.err, "Parse error near line 3 of " + outer + ": near \"SELEC\"");
  }
  EXPECT_CONTAINS(run_shell({":memory:", ".read |echo nonsense\\;"}).err, "near line 1 of |echo");
}

TEST(Shell, TakesGoAndSlashForTheEndOfAStatement) {
  EXPECT_EQ(run_shell({}, "SELECT 1\ngo\nSELECT 2\n / \nSELECT 3;\nGO\n/\nSELECT 8\n/\n2\n\t/\n").out, "1\n2\n3\n8\n");
  // Not inside a string, a trigger's body or a comment.
  EXPECT_EQ(run_shell({}, "SELECT 'a\ngo\n' /*\n/\n*/\n/\n").out, "a\ngo\n\n");
  EXPECT_EQ(run_shell({}, "CREATE TABLE t(a);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1;\ngo\nEND;\n").status,
            1);
}

TEST(Parameters, AreBoundByName) {
  const ProcessResult result =
      run_shell({},
                ".parameter set :a 2+3\n.parameter set @b 'some text'\n.parameter set ?3 \"x'00'\"\n.parameter list\n"
                "SELECT :a, @b, typeof(?3);\n.parameter unset :a\nSELECT :a;\n.parameter clear\n.parameter list\n");
  EXPECT_EQ(result.out, ":a  5\n?3  X'00'\n@b  'some text'\n5|some text|blob\n");
  EXPECT_CONTAINS(result.err, ":a");
  EXPECT_EQ(result.status, 1);
  for (const char* wrong : {".parameter set a 1", ".parameter set ? 1", ".parameter", ".parameter unset :x"}) {
    EXPECT_EQ(run_shell({}, std::string(wrong) + "\n").status, 1) << wrong;
  }
}

TEST(Explain, IsLaidOut) {
  EXPECT_EQ(
      run_shell(
          {},
          "CREATE TABLE t(a); CREATE TABLE u(b);\nEXPLAIN QUERY PLAN SELECT * FROM t WHERE a IN (SELECT b FROM u);\n")
          .out,
      "QUERY PLAN\n|--SCAN t\n`--LIST SUBQUERY 1\n   |--SCAN u\n   `--CREATE BLOOM FILTER\n");
  EXPECT_EQ(run_shell({}, "CREATE TABLE t(a);\n.eqp on\nSELECT * FROM t;\n").out, "QUERY PLAN\n`--SCAN t\n");
  EXPECT_TRUE(run_shell({}, "EXPLAIN SELECT 1;\n").out.starts_with("addr  opcode "));
  EXPECT_FALSE(run_shell({}, ".explain off\nEXPLAIN SELECT 1;\n").out.starts_with("addr"));
}

TEST(Settings, TakeEffectAndAreShown) {
  EXPECT_EQ(run_shell({}, ".changes on\nCREATE TABLE t(a); INSERT INTO t VALUES(1),(2);\n").out,
            "changes: 0   total_changes: 0\nchanges: 2   total_changes: 2\n");
  EXPECT_CONTAINS(run_shell({}, ".timer on\nSELECT 1;\n").out, "Run Time: real ");
  EXPECT_CONTAINS(run_shell({}, ".stats on\nSELECT 1;\n").out, "Virtual machine steps:");
  EXPECT_EQ(run_shell({"--echo"}, "SELECT 1;\n.print x\n").out, "SELECT 1;\n1\n.print x\nx\n");
  const std::string shown = run_shell({}, ".mode csv\n.nullvalue \"-\\t\"\n.width 1 2\n.show\n").out;
  for (const char* part :
       {"mode: csv\n", "nullvalue: \"-\\t\"\n", "rowseparator: \"\\r\\n\"\n", "width: 1 2", "filename: :memory:"}) {
    EXPECT_CONTAINS(shown, part);
  }
  EXPECT_EQ(run_shell({}, ".limit column 10\n").out, "              column 10\n");
  EXPECT_CONTAINS(run_shell({}, ".help mode\n").out, "--wrap N");
  EXPECT_CONTAINS(run_shell({}, ".help\n").out, ".import FILE TABLE");
}

TEST(Commands, ThatAreWrongAreErrorsWithTheirLine) {
  for (const char* command :
       {".nosuch", ".", ".mode nosuch", ".headers", ".headers maybe", ".e", ".width x", ".limit nosuch",
        ".load /nonexistent.so", ".open /nonexistent/a.db", ".cd /nonexistent", ".shell exit 3", ".separator",
        ".timeout soon", ".mode box --nosuch", ".rekey /nonexistent"}) {
    const ProcessResult result = run_shell({}, std::string("\n") + command + "\n.print after\n");
    EXPECT_EQ(result.status, 1) << command;
    EXPECT_TRUE(result.err.starts_with("Error: line 2: ")) << command << ": " << result.err;
    EXPECT_EQ(result.out, "after\n") << command;
  }
}

TEST(Commands, OpenKeepsTheDatabaseIfTheOtherCannotBeOpened) {
  EXPECT_EQ(run_shell({}, "CREATE TABLE t(a);\n.open /nonexistent/a.db\n.tables\n").out, "t\n");
}

TEST(Shell, ReadsLongInputInOneGo) {
  std::string script = "CREATE TABLE t(a);\nBEGIN;\n";
  for (int i = 0; i < 20000; ++i) script += "INSERT INTO t VALUES('row " + std::to_string(i) + ";');\n";
  script += "COMMIT;\nSELECT count(*), max(length(a)) FROM t;\n";
  EXPECT_EQ(run_shell({}, script).out, "20000|10\n");
  // One statement, every line of which could end it, and a string and a comment of that kind.
  script = "CREATE TABLE t(a);\nINSERT INTO t VALUES('";
  for (int i = 0; i < 50000; ++i) script += "<p>it''s; line " + std::to_string(i) + ";</p>\n";
  script += "')";
  for (int i = 0; i < 50000; ++i) script += ",\n('row; " + std::to_string(i) + "')";
  script += "\n/*\n";
  for (int i = 0; i < 50000; ++i) script += "no; end\n";
  EXPECT_EQ(run_shell({}, script + "*/;\nSELECT count(*) FROM t;\n").out, "50001\n");
  const std::string long_text(3000000, 'x');
  EXPECT_EQ(run_shell({}, "SELECT length('" + long_text + "');\n").out, "3000000\n");
}

}  // namespace
