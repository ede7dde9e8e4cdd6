// Opening: what the builder takes, what it refuses, and what every connection is set to.
#include <libsql/libsql.hpp>

#include "support/expect_error.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;
using test::error_of;

class BuilderTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name = "b.db") const { return dir_.file(name); }
  static std::string pragma(Connection& conn, const std::string& name) {
    return std::string(conn.query_row("PRAGMA " + name).value(0).type() == ValueType::Text
                           ? conn.query_row("PRAGMA " + name).get<std::string>(0)
                           : std::to_string(conn.query_row("PRAGMA " + name).get<std::int64_t>(0)));
  }
  test::TemporaryDirectory dir_;
};

TEST_F(BuilderTest, DefaultsAreThoseOfAProductionApp) {
  const Database db = Builder::local(file()).build();
  for (int i = 0; i < 2; ++i) {
    Connection conn = db.connect();
    EXPECT_EQ(pragma(conn, "journal_mode"), "wal");
    EXPECT_EQ(pragma(conn, "synchronous"), "1");
    EXPECT_EQ(pragma(conn, "foreign_keys"), "1");
    EXPECT_EQ(conn.busy_timeout(), 5s);
    EXPECT_EQ(conn.deadline(), std::nullopt);
    EXPECT_FALSE(conn.is_readonly());
    EXPECT_EQ(std::filesystem::path(conn.path()), std::filesystem::canonical(file()));
  }
  EXPECT_EQ(db.mode(), Mode::Local);
}

TEST_F(BuilderTest, ConnectOpensWhatTheBuilderWouldWithItsDefaults) {
  Connection conn = connect(file());
  EXPECT_EQ(pragma(conn, "journal_mode"), "wal");
  EXPECT_EQ(conn.busy_timeout(), 5s);
  conn.execute("CREATE TABLE t(a)");
  EXPECT_EQ(connect("file:" + file() + "?mode=ro").query_value<int>("SELECT count(*) FROM t"), 0);
  Connection memory = connect(":memory:");
  memory.execute("CREATE TABLE t(a)");
  EXPECT_THROW(connect(":memory:").execute("SELECT * FROM t"), SqlError) << "each is a database of its own";
  EXPECT_EQ(connect("libsql://db.example.org", "token").capabilities().mode, Mode::Remote) << "asked by the first call";
}

TEST_F(BuilderTest, ConnectRefusesWhatItCannotOpen) {
  EXPECT_THROW(connect(dir_.file("none/x.db")), CannotOpen);
  EXPECT_THROW(connect("postgres://localhost/x"), Misuse);
  EXPECT_THROW(connect(file(), "token"), Configuration);
  EXPECT_THROW(connect("http://127.0.0.1:1", "two\r\nlines"), Configuration);
  EXPECT_THROW(connect("ws://"), Configuration);
}

TEST_F(BuilderTest, PragmasAreSetOnEveryConnection) {
  const Database db = Builder::local(file())
                          .pragma("journal_mode", "delete")
                          .pragma("synchronous", "extra")
                          .pragma("foreign_keys", false)
                          .pragma("cache_size", -512)
                          .pragma("temp_store", "memory")
                          .pragma("recursive_triggers", 1)
                          .pragma("wal_autocheckpoint", 77)
                          .build();
  for (int i = 0; i < 2; ++i) {
    Connection conn = db.connect();
    EXPECT_EQ(pragma(conn, "journal_mode"), "delete");
    EXPECT_EQ(pragma(conn, "synchronous"), "3");
    EXPECT_EQ(pragma(conn, "foreign_keys"), "0");
    EXPECT_EQ(pragma(conn, "cache_size"), "-512");
    EXPECT_EQ(pragma(conn, "temp_store"), "2");
    EXPECT_EQ(pragma(conn, "recursive_triggers"), "1");
    EXPECT_EQ(pragma(conn, "wal_autocheckpoint"), "77");
  }
}

TEST_F(BuilderTest, PragmasThatShapeANewFileTakeEffect) {
  const Database db = Builder::local(file())
                          .pragma("page_size", 8192)
                          .pragma("auto_vacuum", "incremental")
                          .pragma("encoding", "UTF-16le")
                          .build();
  Connection conn = db.connect();
  EXPECT_EQ(pragma(conn, "page_size"), "8192");
  EXPECT_EQ(pragma(conn, "auto_vacuum"), "2");
  EXPECT_EQ(pragma(conn, "encoding"), "UTF-16le");
  EXPECT_EQ(conn.query_value<std::string>("SELECT ?", "gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

TEST_F(BuilderTest, BadPragmaFailsTheBuild) {
  EXPECT_THROW(Builder::local(file()).pragma("no_such_pragma", 1).build(), Configuration);
  EXPECT_THROW(Builder::local(file()).pragma("foreign_keys = 1; DROP TABLE t; --", 1).build(), Configuration);
  EXPECT_THROW(Builder::local(file()).pragma("", 1).build(), Configuration);
  EXPECT_THROW(Builder::local(file()).pragma("cache_size", null).build(), Configuration);
  EXPECT_THROW(Builder::local(file()).pragma("cache_size", Blob{}).build(), Configuration);
  EXPECT_THROW(Builder::local(file()).pragma("key", "secret").build(), Configuration);
}

TEST_F(BuilderTest, PragmaValueOfTheWrongKindFailsTheBuild) {
  EXPECT_THROW(Builder::local(file()).pragma("foreign_keys", "banana").build(), Configuration);
  EXPECT_THROW(Builder::local(file()).pragma("synchronous", "often").build(), Configuration);
  EXPECT_THROW(Builder::local(file()).pragma("cache_size", "many").build(), Configuration);
  EXPECT_THROW(Builder::local(file()).pragma("temp_store", "cloud").build(), Configuration);
  EXPECT_THROW(Builder::local(file()).pragma("journal_mode", "sometimes").build(), Configuration);
}

TEST_F(BuilderTest, PragmaThatTheFileCannotHonourFailsTheBuild) {
  Builder::local(file()).pragma("page_size", 4096).build();
  EXPECT_THROW(Builder::local(file()).pragma("page_size", 8192).build(), Configuration);
  EXPECT_NO_THROW(Builder::local(file()).pragma("page_size", 4096).build());
}

TEST_F(BuilderTest, PragmaValueIsNeverSql) {
  const Database db = Builder::local(file()).build();
  db.connect().execute("CREATE TABLE t(a)");
  EXPECT_THROW(Builder::local(file()).pragma("journal_mode", "wal; DROP TABLE t").build(), Configuration);
  EXPECT_EQ(db.connect().query_value<int>("SELECT count(*) FROM t"), 0);
}

TEST_F(BuilderTest, BusyTimeoutAndDeadlineReachTheConnections) {
  const Database db = Builder::local(file()).busy_timeout(123ms).default_deadline(9s).build();
  Connection conn = db.connect();
  EXPECT_EQ(conn.busy_timeout(), 123ms);
  EXPECT_EQ(conn.deadline(), 9s);
  EXPECT_THROW(Builder::local(file()).busy_timeout(-1ms).build(), Configuration);
  EXPECT_THROW(Builder::local(file()).default_deadline(0ms).build(), Configuration);
}

TEST_F(BuilderTest, ReadOnlyRefusesWritesAndMissingFiles) {
  EXPECT_THROW(Builder::local(file()).read_only().build(), CannotOpen);
  Builder::local(file()).build().connect().execute("CREATE TABLE t(a)");
  Connection conn = Builder::local(file()).read_only().build().connect();
  EXPECT_TRUE(conn.is_readonly());
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), ReadOnly);
  EXPECT_EQ(conn.query_value<int>("SELECT count(*) FROM t"), 0);
}

TEST_F(BuilderTest, ReadWriteMakesNoFile) {
  EXPECT_THROW(Builder::local(file()).open_mode(OpenMode::ReadWrite).build(), CannotOpen);
  EXPECT_FALSE(std::filesystem::exists(file()));
  Builder::local(file()).build();
  EXPECT_NO_THROW(Builder::local(file()).open_mode(OpenMode::ReadWrite).build());
}

TEST_F(BuilderTest, ExclusiveMakesTheFileOrFails) {
  const Database db = Builder::local(file()).exclusive().build();
  EXPECT_NO_THROW(db.connect());
  EXPECT_THROW(Builder::local(file()).exclusive().build(), CannotOpen);
  EXPECT_THROW(Builder::local(file()).exclusive().read_only().build(), Configuration);
  EXPECT_THROW(Builder::local("file:" + file("uri.db")).exclusive().build(), Configuration);
}

TEST_F(BuilderTest, NoFollowRefusesSymbolicLinks) {
  Builder::local(file()).build();
  std::filesystem::create_symlink(file(), file("link.db"));
  EXPECT_NO_THROW(Builder::local(file("link.db")).build());
  EXPECT_THROW(Builder::local(file("link.db")).no_follow().build(), CannotOpen);
  EXPECT_NO_THROW(Builder::local(std::filesystem::canonical(file()).string()).no_follow().build());
}

TEST_F(BuilderTest, PathThatCannotBeOpenedThrowsCannotOpen) {
  const CannotOpen error = error_of<CannotOpen>([&] { Builder::local(file("no/such/dir/x.db")).build(); });
  EXPECT_THAT(error.message(), ::testing::HasSubstr("no/such/dir/x.db"));
  EXPECT_THROW(Builder::local(dir_.path().string()).build(), CannotOpen);
  EXPECT_THROW(Builder::local(std::string("a\0b", 3)).build(), CannotOpen);
}

TEST_F(BuilderTest, FileThatIsNoDatabaseThrowsNotADatabase) {
  std::ofstream(file()) << std::string(5000, 'x');
  EXPECT_THROW(Builder::local(file()).build(), NotADatabase);
}

TEST_F(BuilderTest, UnknownVfsThrowsConfiguration) {
  EXPECT_THROW(Builder::local(file()).vfs("no-such-vfs").build(), Configuration);
  EXPECT_THROW(Builder::local("file:" + file() + "?vfs=no-such-vfs").build(), Configuration);
}

TEST_F(BuilderTest, FullMutexIsUnsupported) {
  const Unsupported error = error_of<Unsupported>([&] { Builder::local(file()).mutex_mode(MutexMode::Full).build(); });
  EXPECT_EQ(error.mode(), "engine");
}

TEST_F(BuilderTest, UriParametersCount) {
  Builder::local("file:" + file()).build().connect().execute("CREATE TABLE t(a)");
  Connection conn = Builder::local("file:" + file() + "?mode=ro").build().connect();
  EXPECT_TRUE(conn.is_readonly());
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), ReadOnly);
  EXPECT_THROW(Builder::local("file:" + file("new.db") + "?mode=rw").build(), CannotOpen);
  EXPECT_THROW(Builder::local("file:" + file() + "?mode=sideways").build(), Configuration);
}

TEST_F(BuilderTest, MemoryIsSharedByTheConnectionsOfOneDatabase) {
  const Database db = Builder::local(":memory:").build();
  Connection a = db.connect();
  Connection b = db.connect();
  a.execute("CREATE TABLE t(a)");
  a.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(b.query_value<int>("SELECT a FROM t"), 1);
  EXPECT_EQ(a.path(), "");
  const Database other = Builder::local(":memory:").build();
  EXPECT_THROW(other.connect().query_value<int>("SELECT a FROM t"), SqlError);
}

TEST_F(BuilderTest, MemoryLivesAsLongAsItsDatabase) {
  const Database db = Builder::local(":memory:").build();
  db.connect().execute("CREATE TABLE t(a)");
  EXPECT_EQ(db.connect().query_value<int>("SELECT count(*) FROM t"), 0);
}

TEST_F(BuilderTest, MemoryLivesAsLongAsItsConnections) {
  std::optional<Database> db(Builder::local(":memory:").build());
  Connection a = db->connect();
  db.reset();
  a.execute("CREATE TABLE t(a)");
  EXPECT_EQ(a.query_value<int>("SELECT count(*) FROM t"), 0);
}

TEST_F(BuilderTest, EmptyPathIsATemporaryFilePerConnection) {
  const Database db = Builder::local("").build();
  Connection a = db.connect();
  Connection b = db.connect();
  a.execute("CREATE TABLE t(a)");
  EXPECT_THROW(b.query_value<int>("SELECT count(*) FROM t"), SqlError);
}

TEST_F(BuilderTest, CopiesAreIndependentAndReusable) {
  LocalBuilder base = Builder::local(file()).busy_timeout(1ms);
  LocalBuilder copy = base;
  copy.busy_timeout(2ms);
  EXPECT_EQ(base.build().connect().busy_timeout(), 1ms);
  EXPECT_EQ(copy.build().connect().busy_timeout(), 2ms);
  LocalBuilder moved = std::move(base);
  base = copy;  // a moved-from builder takes a new value
  EXPECT_EQ(base.build().connect().busy_timeout(), 2ms);
}

TEST_F(BuilderTest, MovedFromDatabaseThrowsMisuse) {
  Database db = Builder::local(":memory:").build();
  const Database other = std::move(db);
  EXPECT_THROW(db.connect(), Misuse);  // NOLINT(bugprone-use-after-move)
  EXPECT_NO_THROW(other.connect());
}

TEST_F(BuilderTest, EngineIsCompiledAsTheArchitectureSays) {
  Connection conn = Builder::local(":memory:").build().connect();
  std::vector<std::string> have;
  for (auto [option] : conn.query<std::string>("PRAGMA compile_options")) have.push_back(option);
  for (const char* option :
       {"THREADSAFE=2", "DEFAULT_MEMSTATUS=0", "DQS=0", "ENABLE_COLUMN_METADATA", "ENABLE_SESSION",
        "ENABLE_PREUPDATE_HOOK", "ENABLE_DBPAGE_VTAB", "ENABLE_DBSTAT_VTAB", "ENABLE_STMTVTAB", "ENABLE_SNAPSHOT",
        "ENABLE_FTS5", "ENABLE_RTREE", "ENABLE_GEOPOLY", "ENABLE_MATH_FUNCTIONS", "ENABLE_STAT4",
        "ENABLE_UPDATE_DELETE_LIMIT", "ENABLE_NORMALIZE", "SOUNDEX", "USE_URI"}) {
    EXPECT_TRUE(std::any_of(have.begin(), have.end(), [&](const std::string& text) {
      return text == option || text == std::string(option) + "=1";
    })) << option;
  }
}

// -- extensions

class ExtensionTest : public BuilderTest {
 protected:
  const std::filesystem::path extension_ = LIBSQL_TEST_EXTENSION;
};

TEST_F(ExtensionTest, BuilderLoadsItOnEveryConnection) {
  const Database db = Builder::local(":memory:").extension(extension_).build();
  EXPECT_EQ(db.connect().query_value<int>("SELECT length(uuid4())"), 36);
  EXPECT_EQ(db.connect().query_value<int>("SELECT length(uuid4())"), 36);
}

TEST_F(ExtensionTest, BuilderFailsOnOneThatCannotBeLoaded) {
  EXPECT_THROW(Builder::local(":memory:").extension("/no/such/extension").build(), Configuration);
  EXPECT_THROW(Builder::local(":memory:").extension(extension_, "no_such_entry_point").build(), Configuration);
}

TEST_F(ExtensionTest, LoadingIsOffWithoutAGuard) {
  Connection conn = Builder::local(":memory:").build().connect();
  EXPECT_THROW(conn.load_extension(extension_), Auth);
  {
    const ExtensionGuard guard = conn.enable_load_extension();
    EXPECT_NO_THROW(conn.load_extension(extension_));
    EXPECT_THROW(conn.query_value<Value>("SELECT load_extension(?)", extension_.string()), Error)
        << "the SQL function stays off";
  }
  EXPECT_THROW(conn.load_extension(extension_), Auth);
}

TEST_F(ExtensionTest, GuardsCountAndMove) {
  Connection conn = Builder::local(":memory:").build().connect();
  std::optional<ExtensionGuard> a(conn.enable_load_extension());
  std::optional<ExtensionGuard> b(conn.enable_load_extension());
  const ExtensionGuard c = std::move(*a);
  a.reset();
  b.reset();
  EXPECT_NO_THROW(conn.load_extension(extension_));
}

TEST_F(ExtensionTest, GuardOutlivesItsConnection) {
  std::optional<Connection> conn(Builder::local(":memory:").build().connect());
  const ExtensionGuard guard = conn->enable_load_extension();
  conn->close();
  conn.reset();
}

TEST_F(ExtensionTest, AllowedDirectoriesBindTheCaller) {
  const auto own = extension_.parent_path();
  {
    Connection conn = Builder::local(":memory:").extension_directory(own.string() + "/").build().connect();
    const ExtensionGuard guard = conn.enable_load_extension();
    EXPECT_NO_THROW(conn.load_extension(extension_));
    EXPECT_NO_THROW(conn.load_extension(own / "." / extension_.filename()));
  }
  Connection conn = Builder::local(":memory:").extension_directory(dir_.path()).build().connect();
  const ExtensionGuard guard = conn.enable_load_extension();
  EXPECT_THROW(conn.load_extension(extension_), Auth);
  EXPECT_THROW(conn.load_extension(dir_.path() / ".." / extension_), Auth);
  std::filesystem::create_symlink(extension_, dir_.path() / "link.so");
  EXPECT_THROW(conn.load_extension(dir_.path() / "link.so"), Auth) << "what counts is where the file lies";
  EXPECT_THROW(conn.load_extension(dir_.path() / "link"), Auth) << "the engine would add the suffix";
}

TEST_F(ExtensionTest, DirectoryThatCannotBeResolvedAllowsNothing) {
  const std::filesystem::path too_long(std::string(5000, 'x'));
  Connection conn = Builder::local(":memory:").extension_directory(too_long).build().connect();
  const ExtensionGuard guard = conn.enable_load_extension();
  EXPECT_THROW(conn.load_extension(extension_), Auth);
}

TEST_F(ExtensionTest, OneThatCannotBeLoadedThrowsSqlError) {
  Connection conn = Builder::local(":memory:").build().connect();
  const ExtensionGuard guard = conn.enable_load_extension();
  const SqlError error = error_of<SqlError>([&] { conn.load_extension(dir_.path() / "absent"); });
  EXPECT_THAT(error.message(), ::testing::HasSubstr("absent"));
  EXPECT_THROW(conn.load_extension(extension_, "no_such_entry_point"), SqlError);
}

// -- encryption

class CipherTest : public BuilderTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(CipherTest, FileIsReadableWithItsKeyOnly) {
  const std::string cipher = GetParam();
  {
    Connection conn = Builder::local(file()).encryption({"secret", cipher}).build().connect();
    conn.execute("CREATE TABLE t(a)");
    conn.execute("INSERT INTO t VALUES ('plain words')");
  }
  std::ifstream in(file(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(bytes.find("plain words"), std::string::npos);
  EXPECT_NE(bytes.substr(0, 15), "SQLite format 3");
  EXPECT_EQ(Builder::local(file())
                .encryption({"secret", cipher})
                .build()
                .connect()
                .query_value<std::string>("SELECT a FROM t"),
            "plain words");
  EXPECT_THROW(Builder::local(file()).encryption({"wrong", cipher}).build(), NotADatabase);
  EXPECT_THROW(Builder::local(file()).build(), NotADatabase);
}

INSTANTIATE_TEST_SUITE_P(All, CipherTest,
                         ::testing::Values("aes128cbc", "aes256cbc", "chacha20", "sqlcipher", "rc4", "ascon128",
                                           "aegis"));

TEST_F(BuilderTest, WrongEncryptionOptionsThrowConfiguration) {
  EXPECT_THROW(Builder::local(file()).encryption({"secret", "rot13"}).build(), Configuration);
  EXPECT_THROW(Builder::local(file()).encryption({"", "aes256cbc"}).build(), Configuration);
  Encryption strange("secret", "chacha20");
  strange.parameters = {{"no_such_parameter", 1}};
  EXPECT_THROW(Builder::local(file()).encryption(strange).build(), Configuration);
}

TEST_F(BuilderTest, CipherParametersAreKept) {
  Encryption encryption("secret", "chacha20");
  encryption.parameters = {{"kdf_iter", 4001}};
  Builder::local(file()).encryption(encryption).build().connect().execute("CREATE TABLE t(a)");
  EXPECT_NO_THROW(Builder::local(file()).encryption(encryption).build());
  EXPECT_THROW(Builder::local(file()).encryption({"secret", "chacha20"}).build(), NotADatabase);
}

// As a crash leaves it: the file, and a log beside it that nobody has copied into it yet.
TEST_F(BuilderTest, AWrongKeyLeavesTheFileAndTheLogOfACrashAsTheyAre) {
  for (const char* cipher : {"aes256cbc", "aes128cbc", "chacha20", "sqlcipher", "rc4", "ascon128", "aegis"}) {
    const std::string left = file(std::string(cipher) + "-left");
    {
      Connection conn = Builder::local(file(cipher)).encryption({"secret", cipher}).build().connect();
      conn.execute("CREATE TABLE t AS SELECT 42 AS a");
      std::filesystem::copy_file(file(cipher), left);
      std::filesystem::copy_file(file(cipher) + "-wal", left + "-wal");
    }
    EXPECT_THROW(Builder::local(left).encryption({"wrong", cipher}).build(), NotADatabase) << cipher;
    EXPECT_THROW(Builder::local(left).build(), NotADatabase) << cipher;
    {
      Connection other = Builder::local(file("other")).encryption({"secret", cipher}).build().connect();
      EXPECT_THROW(other.execute("ATTACH ? AS l KEY 'wrong'", left), Error) << cipher;
    }
    std::filesystem::remove(file("other"));
    Connection conn = Builder::local(left).encryption({"secret", cipher}).build().connect();
    EXPECT_EQ(conn.query_value<std::int64_t>("SELECT a FROM t"), 42) << cipher;
  }
}

TEST_F(BuilderTest, KeyOfAPlainFileThrowsNotADatabase) {
  Builder::local(file()).build().connect().execute("CREATE TABLE t(a)");
  EXPECT_THROW(Builder::local(file()).encryption({"secret"}).build(), NotADatabase);
}

TEST_F(BuilderTest, MemoryCanBeEncryptedToo) {
  const Database db = Builder::local(":memory:").encryption({"secret"}).build();
  db.connect().execute("CREATE TABLE t AS SELECT 7 AS a");
  EXPECT_EQ(db.connect().query_value<int>("SELECT a FROM t"), 7);
}

TEST_F(BuilderTest, RekeyChangesTheKeyForEveryLaterConnection) {
  const Database db = Builder::local(file()).encryption({"one", "aegis"}).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t AS SELECT 7 AS a");
  conn.rekey("two");
  EXPECT_EQ(conn.query_value<int>("SELECT a FROM t"), 7);
  EXPECT_EQ(pragma(conn, "journal_mode"), "wal");
  EXPECT_EQ(db.connect().query_value<int>("SELECT a FROM t"), 7);
  conn.close();
  EXPECT_THROW(Builder::local(file()).encryption({"one", "aegis"}).build(), NotADatabase);
  EXPECT_EQ(Builder::local(file()).encryption({"two", "aegis"}).build().connect().query_value<int>("SELECT a FROM t"),
            7);
}

TEST_F(BuilderTest, RekeyEncryptsAndDecrypts) {
  {
    const Database db = Builder::local(file()).build();
    Connection conn = db.connect();
    conn.execute("CREATE TABLE t AS SELECT 7 AS a");
    conn.rekey("secret");
    EXPECT_EQ(db.connect().query_value<int>("SELECT a FROM t"), 7);
  }
  EXPECT_THROW(Builder::local(file()).build(), NotADatabase);
  {
    const Database db = Builder::local(file()).encryption({"secret"}).build();
    Connection conn = db.connect();
    conn.rekey("");
    EXPECT_EQ(db.connect().query_value<int>("SELECT a FROM t"), 7);
  }
  EXPECT_EQ(Builder::local(file()).build().connect().query_value<int>("SELECT a FROM t"), 7);
}

TEST_F(BuilderTest, RekeyIsNotHeldUpByConnectionsThatNobodyUses) {
  const Database db = Builder::local(file()).busy_timeout(0ms).encryption({"one"}).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t AS SELECT 7 AS a");
  static_cast<void>(conn.snapshot());  // the connection that held it waits for the next
  conn.rekey("two");
  EXPECT_EQ(db.connect().query_value<int>("SELECT a FROM t"), 7);
  const Snapshot after = conn.snapshot();
  EXPECT_EQ(db.connect().transaction_at(after)->query_value<int>("SELECT a FROM t"), 7);
}

TEST_F(BuilderTest, RekeyOfADatabaseInMemoryIsUnsupported) {
  Connection conn = Builder::local(":memory:").encryption({"one"}).build().connect();
  EXPECT_THROW(conn.rekey("two"), Unsupported);
  EXPECT_NO_THROW(conn.execute("CREATE TABLE t (a)"));
}

TEST_F(BuilderTest, RekeyInATransactionThrowsMisuse) {
  Connection conn = Builder::local(file()).build().connect();
  const Transaction tx = conn.transaction();
  EXPECT_THROW(conn.rekey("secret"), Misuse);
}

TEST_F(BuilderTest, RekeyWhileOthersUseTheFileThrowsBusyAndChangesNothing) {
  const Database db = Builder::local(file()).busy_timeout(0ms).encryption({"one"}).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t AS SELECT 7 AS a");
  Connection other = db.connect();
  EXPECT_EQ(other.query_value<int>("SELECT a FROM t"), 7);
  EXPECT_THROW(conn.rekey("two"), Busy);
  EXPECT_EQ(other.query_value<int>("SELECT a FROM t"), 7);
  EXPECT_EQ(db.connect().query_value<int>("SELECT a FROM t"), 7);
}

// -- the working directory --------------------------------------------------------------------------------------------

class WorkingDirectory : public BuilderTest {
 protected:
  WorkingDirectory() : before_(std::filesystem::current_path()) {
    std::filesystem::create_directories(file("elsewhere/sub"));
    std::filesystem::create_directories(file("sub"));
    std::filesystem::current_path(std::filesystem::path(file("x")).parent_path());
  }
  ~WorkingDirectory() override { std::filesystem::current_path(before_); }
  void leave() { std::filesystem::current_path(file("elsewhere")); }
  std::filesystem::path before_;
};

TEST_F(WorkingDirectory, ADatabaseStaysWithItsFileWhenItChanges) {
  for (const char* name : {"a.db", "sub/b.db", "./sub/../c.db", "file:d.db", "file:sub/e%20%23.db?cache=private",
                           "file:f.db?mode=rwc#x"}) {
    SCOPED_TRACE(name);
    std::filesystem::current_path(file("."));
    const Database db = Builder::local(name).build();
    Connection conn = db.connect();
    conn.execute("CREATE TABLE t AS SELECT 7 AS a");
    leave();
    Connection later = db.connect();
    EXPECT_EQ(later.path(), conn.path());
    EXPECT_EQ(later.query_value<int>("SELECT a FROM t"), 7);
    EXPECT_EQ(Pool(db).with_read([](Connection& c) { return c.query_value<int>("SELECT a FROM t"); }), 7);
    const Snapshot snapshot = conn.snapshot();
    conn.execute("UPDATE t SET a = 8");
    Transaction tx = later.transaction_at(snapshot);
    EXPECT_EQ(later.query_value<int>("SELECT a FROM t"), 7);
  }
  EXPECT_TRUE(std::filesystem::is_empty(file("elsewhere/sub")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(file("elsewhere")), {}), 1);
}

TEST_F(WorkingDirectory, NamesThatMeanNoFileStayAsTheyAre) {
  for (const char* name : {":memory:", "", "file::memory:", "file:named?mode=memory&cache=shared"}) {
    SCOPED_TRACE(name);
    const Database db = Builder::local(name).build();
    Connection conn = db.connect();
    conn.execute("CREATE TABLE t(a)");
    leave();
    EXPECT_EQ(db.connect().query_value<int>("SELECT 1"), 1);
    std::filesystem::current_path(file("."));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(file(".")), {}), 2) << "elsewhere and sub";
}

TEST_F(WorkingDirectory, ALinkIsFollowedOnceAndNoFollowStillRefusesIt) {
  Builder::local("real.db").build().connect().execute("CREATE TABLE t AS SELECT 7 AS a");
  std::filesystem::create_symlink("real.db", "link.db");
  EXPECT_THROW(Builder::local("link.db").no_follow().build(), CannotOpen);
  EXPECT_EQ(Builder::local("real.db").no_follow().build().connect().query_value<int>("SELECT a FROM t"), 7);
  const Database db = Builder::local("link.db").build();
  std::filesystem::remove("link.db");
  leave();
  EXPECT_EQ(db.connect().query_value<int>("SELECT a FROM t"), 7);
}

TEST_F(WorkingDirectory, ASnapshotOfAFileThatWasReplacedThrows) {
  const Database db = Builder::local("a.db").busy_timeout(0ms).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a)");
  Connection holder = db.connect();  // keeps the old file's log
  for (const char* end : {"", "-wal", "-shm"}) {
    std::filesystem::rename(std::string("a.db") + end, std::string("old.db") + end);
  }
  EXPECT_THROW(static_cast<void>(conn.snapshot()), Error);
}

}  // namespace
}  // namespace libsql
