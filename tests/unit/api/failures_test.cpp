// What an error says of files and names, and what is refused before anything is opened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <libsql/libsql.hpp>
#include <libsql/testing/fault_vfs.hpp>
#include <memory>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "support/expect_error.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class FailuresTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name = "f.db") const { return directory_.file(name); }

  test::TemporaryDirectory directory_;
};

// -- constraints

struct Names {
  std::string table;
  std::vector<std::string> columns;
  bool operator==(const Names&) const = default;
};

Names names_of(Connection& conn, const std::string& sql) {
  const Constraint error = error_of<Constraint>([&] { conn.execute(sql); });
  return {error.table(), error.columns()};
}

TEST_F(FailuresTest, ConstraintNamesAreThoseOfTheSchema) {
  Connection conn = Builder::local(":memory:").build().connect();
  conn.execute_batch(
      "CREATE TABLE a(\"b.c\" UNIQUE, \"d\" NOT NULL DEFAULT 0); CREATE TABLE \"a.b\"(c UNIQUE);"
      "CREATE TABLE t(x, y, \"x, t.y\" UNIQUE); CREATE TABLE pk(\"i.d\" INTEGER PRIMARY KEY, v);"
      "CREATE TABLE w(\"k, 1\", \"k.2\", PRIMARY KEY (\"k, 1\", \"k.2\")) WITHOUT ROWID; CREATE TABLE plain(v);"
      "CREATE TABLE \"index 'q\"(\"c'\" UNIQUE);"
      "CREATE TABLE log(\"m.n\" NOT NULL); CREATE TRIGGER tr AFTER INSERT ON plain BEGIN INSERT INTO log VALUES "
      "(NULL); END;"
      "INSERT INTO a VALUES (1, 1); INSERT INTO \"a.b\" VALUES (1); INSERT INTO t VALUES (1, 1, 1);"
      "INSERT INTO pk VALUES (1, 1); INSERT INTO w VALUES (1, 1); INSERT INTO \"index 'q\" VALUES (1)");
  EXPECT_EQ(names_of(conn, "INSERT INTO t VALUES (2, 2, 1)"), (Names{"t", {"x, t.y"}}));
  EXPECT_EQ(names_of(conn, "INSERT INTO pk VALUES (1, 1)"), (Names{"pk", {"i.d"}}));
  EXPECT_EQ(names_of(conn, "INSERT INTO w VALUES (1, 1)"), (Names{"w", {"k, 1", "k.2"}}));
  EXPECT_EQ(names_of(conn, "INSERT INTO \"index 'q\" VALUES (1)"), (Names{"index 'q", {"c'"}}));
  EXPECT_EQ(names_of(conn, "INSERT INTO plain VALUES (1)"), (Names{"log", {"m.n"}})) << "of the trigger";
  EXPECT_EQ(names_of(conn, "UPDATE a SET d = NULL"), (Names{"a", {"d"}}));
  conn.execute("INSERT INTO pk(rowid, v) VALUES (5, 1)");
  EXPECT_EQ(names_of(conn, "UPDATE pk SET \"i.d\" = 1 WHERE \"i.d\" = 5"), (Names{"pk", {"i.d"}}));
  // "a.b.c" is said of either; of both tables, one that has it is named.
  const Names either = names_of(conn, "INSERT INTO \"a.b\" VALUES (1)");
  EXPECT_TRUE(either == (Names{"a.b", {"c"}}) || either == (Names{"a", {"b.c"}}));
}

TEST(ConstraintNames, AreSplitByTheTableOfTheStatement) {
  const auto split = [](ConstraintKind kind, std::string message, std::string_view table) {
    detail::ErrorData data;
    data.constraint_kind = kind;
    data.message = std::move(message);
    core::name_constraint_columns(data, table);
    return Names{data.constraint_table, data.constraint_columns};
  };
  using enum ConstraintKind;
  EXPECT_EQ(split(Unique, "UNIQUE constraint failed: t.a, t.b", ""), (Names{"t", {"a", "b"}}));
  EXPECT_EQ(split(Unique, "UNIQUE constraint failed: t.a, b, t.c.d", "T"), (Names{"t", {"a, b", "c.d"}}));
  EXPECT_EQ(split(Unique, "UNIQUE constraint failed: a.b.c, a.b.d", "A.B"), (Names{"a.b", {"c", "d"}}));
  EXPECT_EQ(split(NotNull, "NOT NULL constraint failed: t.a, t.b", "t"), (Names{"t", {"a, t.b"}}));
  EXPECT_EQ(split(Unique, "UNIQUE constraint failed: t.a", "other"), (Names{"t", {"a"}}));
  EXPECT_EQ(split(Unique, "UNIQUE constraint failed: index '", ""), (Names{}));
  EXPECT_EQ(split(Unique, "UNIQUE constraint failed: ", "t"), (Names{}));
}

// -- the operating system

TEST_F(FailuresTest, AFileThatCannotBeOpenedIsNamedWithTheReason) {
  const CannotOpen error = error_of<CannotOpen>([&] { Builder::local(file("none/f.db")).build(); });
  EXPECT_THAT(error.message(), AllOf(HasSubstr(file("none/f.db")), HasSubstr("No such file or directory (errno 2)")));
  EXPECT_THAT(core::message_for_peers(error), Not(HasSubstr(directory_.path().string())))
      << "what a server says of it to strangers";
}

TEST_F(FailuresTest, AFailureOfAnotherFileSystemNamesTheFileToo) {
  const auto disk = std::make_shared<libsql::testing::FaultVfs>("");
  const VfsRegistration registration = register_vfs("failing_disk", disk);
  Connection conn = Builder::local(file()).vfs("failing_disk").pragma("synchronous", "FULL").build().connect();
  conn.execute("CREATE TABLE t(a)");
  disk->inject({.on = libsql::testing::FaultOn::Sync, .files = VfsOpen::Wal});
  const ResourceError error = error_of<ResourceError>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_THAT(error.message(), HasSubstr("'" + file() + "'"));
  EXPECT_EQ(core::message_for_peers(error).find(file()), std::string::npos);
}

TEST_F(FailuresTest, AFailedWriteNamesTheFileAndWhatTheSystemSaid) {
  Connection conn = Builder::local(file()).build().connect();
  conn.execute("CREATE TABLE t(a)");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{200'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    conn.execute("INSERT INTO t VALUES (randomblob(1000000))");
  } catch (const ResourceError& error) {
    message = error.message();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(message, AllOf(HasSubstr("'" + file() + "'"), HasSubstr("File too large (errno 27)")));
  conn.execute("INSERT INTO t VALUES (1)");
}

// Runs as a user to whom the rights of files mean something, even if the tests run as root.
void as_nobody(const std::function<void()>& body) {
  const uid_t before = ::geteuid();
  ASSERT_EQ(::seteuid(before == 0 ? 65534 : before), 0);
  try {
    body();
  } catch (...) {
    EXPECT_EQ(::seteuid(before), 0);
    throw;
  }
  EXPECT_EQ(::seteuid(before), 0);
}

TEST_F(FailuresTest, ADatabaseInWalModeInAnUnwritableDirectoryTellsWhatItNeeds) {
  namespace fs = std::filesystem;
  {
    Connection conn = Builder::local(file()).build().connect();
    conn.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (7)");
    Builder::local(file("plain.db")).pragma("journal_mode", "delete").build().connect().execute("CREATE TABLE t(a)");
  }
  for (const char* name : {"f.db", "plain.db"}) fs::permissions(file(name), fs::perms::all);
  fs::permissions(directory_.path(), static_cast<fs::perms>(0555));
  as_nobody([&] {
    if (::eaccess(file().c_str(), R_OK) != 0) {
      GTEST_SKIP() << "the folder of temporary files is closed to others";
    }
    for (const bool read_only : {true, false}) {
      LocalBuilder builder = Builder::local(file());
      if (read_only) builder.read_only();
      try {
        builder.build();
        ADD_FAILURE() << "opened";
      } catch (const Error& error) {
        EXPECT_THAT(error.message(), AllOf(HasSubstr("'" + file() + "'"), HasSubstr("WAL mode"),
                                           HasSubstr("make its directory writable"), HasSubstr("?immutable=1'")));
        EXPECT_THAT(core::message_for_peers(error), Not(HasSubstr(file())));
      }
    }
    Connection conn = Builder::local("file:" + file() + "?immutable=1").read_only().build().connect();
    EXPECT_EQ(conn.query_value<int>("SELECT a FROM t"), 7);
    Connection plain = Builder::local(file("plain.db")).pragma("journal_mode", "delete").build().connect();
    try {
      plain.execute("INSERT INTO t VALUES (1)");
      ADD_FAILURE() << "written";
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), AllOf(HasSubstr(file("plain.db")), Not(HasSubstr("WAL"))));
    }
  });
  fs::permissions(directory_.path(), fs::perms::owner_all);
}

TEST_F(FailuresTest, AFileThatCannotBeAttachedIsNotTakenForTheMainOne) {
  Connection conn = Builder::local(file()).build().connect();  // in WAL mode
  for (const std::string& sql :
       {"ATTACH '" + file("none/x.db") + "' AS x", "VACUUM INTO '" + file("none/x.db") + "'"}) {
    EXPECT_THAT(error_of<CannotOpen>([&] { conn.execute(sql); }).message(),
                AllOf(HasSubstr(file("none/x.db")), Not(HasSubstr("f.db")), Not(HasSubstr("WAL"))))
        << sql;
  }
}

TEST_F(FailuresTest, APipeIsNoDatabase) {
  ASSERT_EQ(::mkfifo(file("pipe").c_str(), 0600), 0);
  for (const std::string& path : {file("pipe"), "file:" + file("pipe")}) {
    EXPECT_THAT(error_of<CannotOpen>([&] { Builder::local(path).build(); }).message(), HasSubstr("it is a pipe"));
    EXPECT_THROW(Builder::local(path).read_only().build(), CannotOpen);
  }
  Connection conn = Builder::local(file()).build().connect();
  EXPECT_THROW(conn.execute("ATTACH '" + file("pipe") + "' AS x"), CannotOpen);
}

// -- what is no path

TEST_F(FailuresTest, UrlsAreNoPathsAndUnknownSchemesAreMisuse) {
  std::filesystem::current_path(directory_.path());
  for (const char* url : {"libsql://db.example.org", "https://db.example.org/x", "ws://localhost:1", "LibSQL://x"}) {
    EXPECT_THAT(error_of<Misuse>([&] { Builder::local(url).build(); }).message(), HasSubstr("Builder::remote()"))
        << url;
  }
  for (const char* url : {"postgres://localhost/x", "sqlite:///tmp/x.db", "libsqll://x", "h2+x://y"}) {
    EXPECT_THAT(error_of<Misuse>([&] { Builder::from_url(url); }).message(), HasSubstr("the scheme '")) << url;
    EXPECT_THROW(Builder::local(url).build(), Misuse) << url;
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path())) << "nothing is made in their name";
  Builder::local("file://" + file("uri.db")).build().connect().execute("CREATE TABLE t(a)");
  EXPECT_TRUE(std::filesystem::exists(file("uri.db")));
  Builder::from_url("odd:name.db").connect().execute("CREATE TABLE t(a)");
  EXPECT_TRUE(std::filesystem::exists(file("odd:name.db"))) << "one colon makes no URL";
}

TEST_F(FailuresTest, UrisOfMemoryAreSharedByTheConnectionsOfADatabase) {
  std::filesystem::current_path(directory_.path());
  for (const char* name : {":memory:", "file::memory:", "file:%3Amemory%3a", "file:anything?mode=memory",
                           "file::memory:?cache=private", "file:/a/b?mode=memory&cache=private#end"}) {
    const Database db = Builder::local(name).build();
    Connection one = db.connect();
    one.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    Connection two = db.connect();
    EXPECT_EQ(two.query_value<int>("SELECT a FROM t"), 1) << name;
    EXPECT_EQ(two.path(), "") << name;
    EXPECT_THROW(Builder::local(name).build().connect().execute("SELECT a FROM t"), SqlError) << name << " is another";
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

// -- literals

TEST(Literals, OfTextWithNulGiveTheSameTextBack) {
  using namespace std::string_literals;
  for (const char* encoding : {"UTF-8", "UTF-16le", "UTF-16be"}) {
    Connection conn = Builder::local(":memory:").pragma("encoding", encoding).build().connect();
    for (const std::string& text : {"\0"s, "a\0b"s, "\0\0'"s, "it's \\0 and \\0(1) \0\0 \\\0\\"s,
                                    std::string(5000, '\0'), "gr\xC3\xBC\xC3\x9F \0e"s, "plain"s, ""s}) {
      const std::string literal = to_sql_literal(Value(text).ref());
      EXPECT_EQ(literal.find('\0'), std::string::npos);
      EXPECT_EQ(conn.query_value<std::string>("SELECT " + literal), text) << literal.substr(0, 80);
      EXPECT_EQ(conn.query_value<std::string>("SELECT typeof(" + literal + ")"), "text");
    }
  }
}

}  // namespace
}  // namespace libsql
