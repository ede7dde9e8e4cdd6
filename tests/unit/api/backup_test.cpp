// Online backup, serialize, deserialize and restore.
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <libsql/libsql.hpp>
#include <optional>
#include <string>
#include <thread>

#include "support/asleep.hpp"
#include "support/eventually.hpp"
#include "unit/api/file_fixture.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;

class BackupTest : public FileTest {
 protected:
  BackupTest() { fill(conn_); }
  static void fill(Connection& conn, int rows = 500) {
    conn.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, data BLOB)");
    conn.execute(
        "WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<?) INSERT INTO t SELECT i, randomblob(500) FROM n",
        rows);
  }
  // A fingerprint of the content.
  static std::string content(Connection& conn) {
    EXPECT_EQ(conn.query_value<std::string>("PRAGMA integrity_check"), "ok");
    return conn.query_value<std::string>("SELECT count(*) || ' ' || group_concat(hex(substr(data, 1, 3))) FROM t");
  }
  Connection open(const std::string& name) const { return Builder::local(file(name)).build().connect(); }

  Database db_ = Builder::local(file("source.db")).build();
  Connection conn_ = db_.connect();
};

TEST_F(BackupTest, CopiesIntoAFileWithProgress) {
  std::vector<BackupProgress> seen;
  BackupOptions options;
  options.pages_per_step = 10;
  options.progress = [&](const BackupProgress& progress) {
    seen.push_back(progress);
    return BackupNext::Continue;
  };
  EXPECT_EQ(backup(conn_, std::filesystem::path(file("copy.db")), options), BackupOutcome::Completed);
  ASSERT_GT(seen.size(), 5u);
  EXPECT_GT(seen.front().remaining, seen.back().remaining);
  EXPECT_EQ(seen.back().remaining, 0u);
  EXPECT_GT(seen.back().total, 50u);
  Connection copy = open("copy.db");
  EXPECT_EQ(content(copy), content(conn_));
}

TEST_F(BackupTest, ReplacesTheContentOfAnotherConnectionsDatabase) {
  Connection target = open("target.db");
  target.execute("CREATE TABLE old(a)");
  EXPECT_EQ(backup(conn_, target), BackupOutcome::Completed);
  EXPECT_EQ(content(target), content(conn_));
  EXPECT_EQ(target.query_value<int>("SELECT count(*) FROM sqlite_master WHERE name='old'"), 0);
  Connection memory = Builder::local(":memory:").build().connect();
  EXPECT_EQ(backup(conn_, memory), BackupOutcome::Completed);
  EXPECT_EQ(content(memory), content(conn_));
  Connection back = open("back.db");
  EXPECT_EQ(backup(memory, back), BackupOutcome::Completed);
  EXPECT_EQ(content(back), content(conn_));
}

TEST_F(BackupTest, CopiesAttachedSchemas) {
  conn_.execute("ATTACH ? AS extra", file("extra.db"));
  conn_.execute("CREATE TABLE extra.e AS SELECT 7 AS a");
  BackupOptions options;
  options.source_schema = "extra";
  EXPECT_EQ(backup(conn_, std::filesystem::path(file("copy.db")), options), BackupOutcome::Completed);
  EXPECT_EQ(open("copy.db").query_value<int>("SELECT a FROM e"), 7);
  options.source_schema = "nothing";
  EXPECT_THROW((void)backup(conn_, std::filesystem::path(file("other.db")), options), SqlError);
  EXPECT_FALSE(std::filesystem::exists(file("other.db")));
}

TEST_F(BackupTest, ACancelledBackupLeavesTheTargetAsItWas) {
  BackupOptions options;
  options.pages_per_step = 5;
  options.progress = [](const BackupProgress&) { return BackupNext::Cancel; };
  EXPECT_EQ(backup(conn_, std::filesystem::path(file("copy.db")), options), BackupOutcome::Cancelled);
  EXPECT_FALSE(std::filesystem::exists(file("copy.db")));
  Connection target = open("target.db");
  target.execute("CREATE TABLE old AS SELECT 1 AS a");
  EXPECT_EQ(backup(conn_, target, options), BackupOutcome::Cancelled);
  EXPECT_EQ(target.query_value<int>("SELECT a FROM old"), 1);
  EXPECT_TRUE(conn_.is_autocommit());
}

TEST_F(BackupTest, AnExceptionInTheCallbackComesOut) {
  BackupOptions options;
  options.pages_per_step = 5;
  options.progress = [](const BackupProgress&) -> BackupNext { throw std::runtime_error("enough"); };
  EXPECT_THROW((void)backup(conn_, std::filesystem::path(file("copy.db")), options), std::runtime_error);
  EXPECT_FALSE(std::filesystem::exists(file("copy.db")));
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(conn_.execute("DELETE FROM t WHERE id=1"), 1u);
}

TEST_F(BackupTest, IsTheStateAtItsBeginningWhileOthersWrite) {
  const std::string before = content(conn_);
  Connection writer = db_.connect();
  BackupOptions options;
  options.pages_per_step = 10;
  int steps = 0;
  options.progress = [&](const BackupProgress&) {
    writer.execute("INSERT INTO t(data) VALUES (randomblob(500))");
    ++steps;
    return BackupNext::Continue;
  };
  EXPECT_EQ(backup(conn_, std::filesystem::path(file("copy.db")), options), BackupOutcome::Completed);
  EXPECT_LT(steps, 30) << "it began again";
  Connection copy = open("copy.db");
  EXPECT_EQ(content(copy), before);
  EXPECT_NE(content(conn_), before);
}

TEST_F(BackupTest, InterruptAndDeadlineEndIt) {
  const InterruptHandle handle = conn_.interrupt_handle();
  BackupOptions options;
  options.pages_per_step = 5;
  options.progress = [&](const BackupProgress&) {
    handle.interrupt();
    return BackupNext::Continue;
  };
  EXPECT_THROW((void)backup(conn_, std::filesystem::path(file("copy.db")), options), Interrupted);
  EXPECT_FALSE(std::filesystem::exists(file("copy.db")));
  // The interrupt was for that one.
  options.progress = nullptr;
  handle.interrupt();
  EXPECT_EQ(backup(conn_, std::filesystem::path(file("copy.db")), options), BackupOutcome::Completed);
  options.pause = 10ms;
  conn_.deadline(20ms);
  EXPECT_THROW((void)backup(conn_, std::filesystem::path(file("late.db")), options), Timeout);
  EXPECT_FALSE(std::filesystem::exists(file("late.db")));
}

TEST_F(BackupTest, ALockedTargetIsWaitedForAndThenBusy) {
  const Database target_db = Builder::local(file("target.db")).busy_timeout(0ms).build();
  Connection target = target_db.connect();
  target.execute("CREATE TABLE old(a)");
  Connection holder = target_db.connect();
  std::optional<Transaction> tx(holder.transaction(TransactionBehavior::Immediate));
  BackupOptions options;
  options.busy_timeout = 30ms;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW((void)backup(conn_, target, options), Busy);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 30ms);
  options.busy_timeout = 20s;
  test::Sleeper copier;
  copier.begin();
  std::thread releaser([&] {
    EXPECT_TRUE(test::eventually([&] { return copier.is_asleep(); }));
    tx.reset();
  });
  EXPECT_EQ(backup(conn_, target, options), BackupOutcome::Completed);
  releaser.join();
  EXPECT_EQ(content(target), content(conn_));
}

TEST_F(BackupTest, WhatCannotBeDoneThrows) {
  EXPECT_THROW((void)backup(conn_, conn_), Misuse);
  EXPECT_THROW((void)backup(conn_, std::filesystem::path(file("no such directory/x.db"))), CannotOpen);
  Connection target = open("target.db");
  target.execute("CREATE TABLE old(a)");
  {
    const Transaction tx = target.transaction();
    EXPECT_THROW((void)backup(conn_, target), Misuse);
  }
  {
    const Transaction tx = conn_.transaction(TransactionBehavior::Immediate);
    EXPECT_THROW((void)backup(conn_, target), Misuse);
  }
  Connection reader = Builder::local(file("target.db")).read_only().build().connect();
  EXPECT_THROW((void)backup(conn_, reader), ReadOnly);
  std::ofstream(file("text.db")) << "this is no database, but a text of more than a hundred bytes, "
                                    "long enough to be taken for one by a careless look at its size.";
  EXPECT_THROW((void)backup(conn_, std::filesystem::path(file("text.db"))), NotADatabase);
  EXPECT_TRUE(std::filesystem::exists(file("text.db"))) << "it was there before";
}

TEST_F(BackupTest, SourceAndTargetAreNotOneFile) {
  std::filesystem::create_symlink("source.db", file("link.db"));
  Connection again = open("source.db");
  Connection linked = open("link.db");
  EXPECT_THROW((void)backup(conn_, again), Misuse);
  EXPECT_THROW((void)backup(conn_, linked), Misuse);
  EXPECT_THROW((void)backup(conn_, std::filesystem::path(file("source.db"))), Misuse);
  EXPECT_THROW((void)backup(conn_, std::filesystem::path(file("link.db"))), Misuse);
  conn_.execute("ATTACH ? AS other", file("source.db"));
  BackupOptions options;
  options.target_schema = "other";
  EXPECT_THROW((void)backup(again, conn_, options), Misuse);
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t"), 500);
}

TEST_F(BackupTest, WritesToNothingButFiles) {
  ASSERT_EQ(::mkfifo(file("pipe").c_str(), 0600), 0);
  for (const std::string& target : {file("pipe"), std::string("/dev/full"), file(".")}) {
    EXPECT_THROW((void)backup(conn_, std::filesystem::path(target)), CannotOpen) << target;
  }
  EXPECT_TRUE(std::filesystem::is_fifo(file("pipe")));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  std::filesystem::create_symlink("behind.db", file("link.db"));
  EXPECT_EQ(backup(conn_, std::filesystem::path(file("link.db"))), BackupOutcome::Completed);
  EXPECT_TRUE(std::filesystem::is_symlink(file("link.db")));
  Connection behind = open("behind.db");
  EXPECT_EQ(content(behind), content(conn_));
}

TEST_F(BackupTest, TheTargetMayHaveAnotherPageSize) {
  for (const int size : {512, 1024, 65536}) {
    const std::string name = "pages-" + std::to_string(size);
    Connection source = Builder::local(file(name)).pragma("page_size", size).build().connect();
    fill(source, 40);
    source.execute_batch("CREATE INDEX i ON t(data); CREATE VIEW v AS SELECT 1; PRAGMA user_version=7");
    const std::string wanted = content(source);
    Database target = Builder::local(file("target-" + std::to_string(size))).build();
    Connection conn = target.connect();
    Connection reader = target.connect();
    conn.execute("CREATE TABLE old(a)");
    EXPECT_EQ(reader.query_value<int>("SELECT count(*) FROM old"), 0);
    EXPECT_EQ(backup(source, conn), BackupOutcome::Completed) << size;
    EXPECT_EQ(content(reader), wanted);
    EXPECT_EQ(reader.query_value<int>("PRAGMA user_version"), 7);
    EXPECT_EQ(reader.query_value<std::string>("PRAGMA journal_mode"), "wal");
    Connection memory = Builder::local(":memory:").build().connect();
    const SerializedDatabase bytes = serialize(source);
    restore(memory, bytes.bytes());
    EXPECT_EQ(content(memory), wanted);
    restore(conn, bytes.bytes());
    EXPECT_EQ(content(reader), wanted);
  }
}

TEST_F(BackupTest, OfAnotherPageSizeCanBeCancelledAndInterrupted) {
  Connection source = Builder::local(file("small")).pragma("page_size", 1024).build().connect();
  fill(source);
  Connection target = open("target.db");
  target.execute("CREATE TABLE old(a)");
  BackupOptions options;
  options.pages_per_step = 8;
  options.progress = [](const BackupProgress&) { return BackupNext::Cancel; };
  EXPECT_EQ(backup(source, target, options), BackupOutcome::Cancelled);
  options.progress = [handle = source.interrupt_handle()](const BackupProgress&) mutable {
    handle.interrupt();
    return BackupNext::Continue;
  };
  EXPECT_THROW((void)backup(source, target, options), Interrupted);
  EXPECT_EQ(target.query_value<int>("SELECT count(*) FROM old"), 0);
}

class EncryptedBackupTest : public BackupTest {
 protected:
  Connection open_with(const std::string& name, const std::string& key, const std::string& cipher = "aes256cbc") const {
    return Builder::local(file(name)).encryption(Encryption(std::string_view(key), cipher)).build().connect();
  }
  void SetUp() override {
    if (!conn_.capabilities().encryption) GTEST_SKIP() << "an engine without ciphers";
  }
};

TEST_F(EncryptedBackupTest, AFileGetsTheKeyOfItsSource) {
  for (const char* cipher : {"aes256cbc", "chacha20", "aegis"}) {
    Connection secret = open_with(std::string("secret-") + cipher, "one", cipher);
    fill(secret);
    const std::string copy = std::string("copy-") + cipher;
    EXPECT_EQ(backup(secret, std::filesystem::path(file(copy))), BackupOutcome::Completed) << cipher;
    EXPECT_THROW(open(copy), NotADatabase);
    Connection again = open_with(copy, "one", cipher);
    EXPECT_EQ(content(again), content(secret));
  }
}

TEST_F(EncryptedBackupTest, ARekeyedSourceGivesItsNewKey) {
  Connection secret = open_with("secret.db", "one");
  fill(secret);
  secret.rekey("two");
  EXPECT_EQ(backup(secret, std::filesystem::path(file("copy.db"))), BackupOutcome::Completed);
  Connection again = open_with("copy.db", "two");
  EXPECT_EQ(content(again), content(secret));
}

TEST_F(EncryptedBackupTest, TheCopyMayHaveAKeyOfItsOwn) {
  Connection secret = open_with("secret.db", "one");
  fill(secret);
  BackupOptions options;
  options.encryption = Encryption(std::string_view("two"));
  EXPECT_EQ(backup(secret, std::filesystem::path(file("copy.db")), options), BackupOutcome::Completed);
  EXPECT_THROW(open_with("copy.db", "one"), NotADatabase);
  Connection again = open_with("copy.db", "two");
  EXPECT_EQ(content(again), content(secret));
  Connection target = open_with("target.db", "three");
  EXPECT_EQ(backup(secret, target), BackupOutcome::Completed);
  EXPECT_EQ(content(target), content(secret));
}

TEST_F(EncryptedBackupTest, EncryptedAndPlainDoNotMix) {
  Connection secret = open_with("secret.db", "one");
  fill(secret);
  Connection plain = open("plain.db");
  EXPECT_THROW((void)backup(secret, plain), Unsupported);
  EXPECT_THROW((void)backup(conn_, secret), Unsupported);
  BackupOptions options;
  options.encryption = Encryption(std::string_view("two"));
  EXPECT_THROW((void)backup(conn_, std::filesystem::path(file("copy.db")), options), Unsupported);
  EXPECT_FALSE(std::filesystem::exists(file("copy.db")));
}

TEST_F(EncryptedBackupTest, SerializeDecryptsOnlyWhenAsked) {
  Connection secret = open_with("secret.db", "one");
  fill(secret);
  EXPECT_THROW(serialize(secret), Unsupported);
  const SerializedDatabase bytes = serialize(secret, "main", SerializeEncrypted::Decrypt);
  Connection plain = open("plain.db");
  deserialize(plain, bytes.bytes());
  EXPECT_EQ(content(plain), content(secret));
}

// ---- bytes

TEST_F(BackupTest, SerializedBytesAreTheFile) {
  conn_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  const SerializedDatabase bytes = serialize(conn_);
  std::ifstream in(file("source.db"), std::ios::binary);
  const std::string stored((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.bytes().data()), bytes.size()), stored);
  EXPECT_EQ(bytes.to_blob().size(), stored.size());
  EXPECT_THROW(serialize(conn_, "nothing"), SqlError);
}

TEST_F(BackupTest, DeserializeReplacesTheDatabaseOfOneConnection) {
  const SerializedDatabase bytes = serialize(conn_);
  const Database db = Builder::local(file("target.db")).build();
  Connection target = db.connect();
  target.execute("CREATE TABLE old AS SELECT 1 AS a");
  deserialize(target, bytes.bytes());
  EXPECT_EQ(content(target), content(conn_));
  target.execute("INSERT INTO t(data) VALUES (zeroblob(3000000))");
  EXPECT_EQ(target.query_value<int>("SELECT count(*) FROM t"), 501);
  EXPECT_EQ(db.connect().query_value<int>("SELECT a FROM old"), 1) << "the file is as it was";
  EXPECT_THROW(target.reset(), Misuse) << "its next user must not get this";
}

TEST_F(BackupTest, DeserializeMayBeReadOnlyOrBounded) {
  const SerializedDatabase bytes = serialize(conn_);
  Connection target = open("target.db");
  deserialize(target, bytes.bytes(), {.mode = DeserializeMode::ReadOnly});
  EXPECT_EQ(target.query_value<int>("SELECT count(*) FROM t"), 500);
  EXPECT_THROW(target.execute("DELETE FROM t"), ReadOnly);
  Connection bounded = open("bounded.db");
  deserialize(bounded, bytes.bytes(), {.max_bytes = bytes.size() + 100'000});
  EXPECT_THROW(bounded.execute("INSERT INTO t(data) VALUES (zeroblob(3000000))"), ResourceError);
  EXPECT_THROW(deserialize(bounded, bytes.bytes(), {.max_bytes = 1000}), ResourceError);
}

TEST_F(BackupTest, DeserializeIntoAnAttachedSchema) {
  const SerializedDatabase bytes = serialize(conn_);
  Connection target = open("target.db");
  target.execute("ATTACH ':memory:' AS extra");
  deserialize(target, bytes.bytes(), {.schema = "extra"});
  EXPECT_EQ(target.query_value<int>("SELECT count(*) FROM extra.t"), 500);
  EXPECT_NO_THROW(target.reset());
  EXPECT_THROW(deserialize(target, bytes.bytes(), {.schema = "nothing"}), SqlError);
}

TEST_F(BackupTest, BytesThatAreNoDatabaseChangeNothing) {
  const SerializedDatabase bytes = serialize(conn_);
  Blob garbage(4096, std::byte{7});
  EXPECT_THROW(deserialize(conn_, garbage), NotADatabase);
  EXPECT_THROW(deserialize(conn_, {}), NotADatabase);
  EXPECT_THROW(deserialize(conn_, bytes.bytes().first(bytes.size() - 10)), Corrupt);
  Blob damaged = bytes.to_blob();
  std::fill(damaged.begin() + 100, damaged.begin() + 4096, std::byte{0xff});
  EXPECT_THROW(deserialize(conn_, damaged), Corrupt);
  EXPECT_THROW(restore(conn_, damaged), Corrupt);
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t"), 500);
  auto rows = conn_.query("SELECT * FROM t");
  ASSERT_TRUE(rows.next());
  EXPECT_THROW(deserialize(conn_, bytes.bytes()), Busy);
}

TEST_F(BackupTest, RestoreReplacesTheDatabaseForAll) {
  const SerializedDatabase bytes = serialize(conn_);
  const std::string before = content(conn_);
  Connection other = db_.connect();
  conn_.execute("DELETE FROM t");
  EXPECT_EQ(other.query_value<int>("SELECT count(*) FROM t"), 0);
  restore(conn_, bytes.bytes());
  EXPECT_EQ(content(conn_), before);
  EXPECT_EQ(content(other), before);
  Connection memory = Builder::local(":memory:").build().connect();
  restore(memory, bytes.bytes());
  EXPECT_EQ(content(memory), before);
}

}  // namespace
}  // namespace libsql
