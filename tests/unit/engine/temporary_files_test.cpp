// Temporary files: their bound, and that nobody reads in them what a key is to hide.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstring>
#include <libsql/libsql.hpp>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "engine/connection.hpp"
#include "engine/temporary_files.hpp"
#include "engine/vfs.hpp"
#include "local/store.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {
namespace {

using engine::TemporaryFiles;
using engine::TemporarySpace;

TEST(TemporarySpace, IsTakenFromTheWholeToo) {
  const auto whole = std::make_shared<TemporarySpace>(100, "all");
  TemporarySpace first(80, "first", whole);
  TemporarySpace second(80, "second", whole);
  EXPECT_EQ(first.take(80), nullptr);
  EXPECT_EQ(first.take(1), &first);
  EXPECT_EQ(second.take(21), whole.get());
  EXPECT_EQ(second.used(), 0u);
  EXPECT_EQ(second.take(20), nullptr);
  first.give_back(80);
  EXPECT_EQ(whole->used(), 20u);
  EXPECT_EQ(first.take(~std::uint64_t{0}), &first);
}

// One temporary file, opened as the engine does.
class OpenFile {
 public:
  explicit OpenFile(const TemporaryFiles& files) : vfs_(sqlite3_vfs_find(files.vfs().c_str())) {
    memory_.resize(static_cast<std::size_t>(vfs_->szOsFile) / sizeof(std::max_align_t) + 1);
    constexpr int kFlags = SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                           SQLITE_OPEN_EXCLUSIVE | SQLITE_OPEN_DELETEONCLOSE;
    EXPECT_EQ(vfs_->xOpen(vfs_, nullptr, file(), kFlags, nullptr), SQLITE_OK);
  }
  ~OpenFile() { file()->pMethods->xClose(file()); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(memory_.data()); }
  int write(const std::string& bytes, sqlite3_int64 at) {
    return file()->pMethods->xWrite(file(), bytes.data(), static_cast<int>(bytes.size()), at);
  }
  int truncate(sqlite3_int64 size) { return file()->pMethods->xTruncate(file(), size); }
  std::string read(int count, sqlite3_int64 at) {
    std::string bytes(static_cast<std::size_t>(count), '?');
    const int rc = file()->pMethods->xRead(file(), bytes.data(), count, at);
    EXPECT_TRUE(rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ) << rc;
    return bytes;
  }

 private:
  sqlite3_vfs* vfs_;
  std::vector<std::max_align_t> memory_;
};

// All that is written to files, by kind.
class Recorder final : public VfsWrapper {
 public:
  using VfsWrapper::VfsWrapper;
  std::unique_ptr<VfsFile> open(const VfsFileName& name, VfsOpen flags) override {
    return std::make_unique<File>(VfsWrapper::open(name, flags), *this, name.empty());
  }
  bool temporary_holds(const std::string& text) {
    const std::lock_guard guard(mutex_);
    return temporary_.find(text) != std::string::npos;
  }
  std::size_t temporary_size() {
    const std::lock_guard guard(mutex_);
    return temporary_.size();
  }

 private:
  class File final : public VfsFileWrapper {
   public:
    File(std::unique_ptr<VfsFile> file, Recorder& recorder, bool temporary)
        : VfsFileWrapper(std::move(file)), recorder_(recorder), temporary_(temporary) {}
    void write(std::span<const std::byte> data, std::uint64_t offset) override {
      if (temporary_) {
        const std::lock_guard guard(recorder_.mutex_);
        recorder_.temporary_.append(reinterpret_cast<const char*>(data.data()), data.size());
      }
      VfsFileWrapper::write(data, offset);
    }

   private:
    Recorder& recorder_;
    bool temporary_;
  };
  std::mutex mutex_;
  std::string temporary_;
};

class EncryptedTemporaryFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!engine::vfs_exists("multipleciphers-unix")) GTEST_SKIP() << "an engine without ciphers";
  }
  std::shared_ptr<Recorder> recorder_ = std::make_shared<Recorder>();
  VfsRegistration registration_ = register_vfs("recorder", recorder_);
  TemporaryDirectory directory_;
};

TEST_F(EncryptedTemporaryFiles, HoldWhatWasWrittenWhateverTheOrder) {
  std::mt19937 random(7);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  for (int round = 0; round < 40; ++round) {
    TemporaryFiles files("recorder", std::make_shared<TemporarySpace>(TemporarySpace::kUnlimited, "this"));
    const bool late = round % 4 == 3;  // it begins as a plain one
    if (!late) files.encrypt();
    OpenFile file(files);
    std::string model;
    for (int step = 0; step < 60; ++step) {
      if (late && step == 20) files.encrypt();
      const unsigned what = below(10);
      if (what == 0 && !model.empty()) {
        const unsigned size = below(static_cast<unsigned>(model.size()) + 1);
        ASSERT_EQ(file.truncate(size), SQLITE_OK);
        model.resize(size);
      } else {
        // Anywhere in it, at its end, or behind it; some of whole pages.
        const unsigned at = what < 4   ? static_cast<unsigned>(model.size())
                            : what < 6 ? below(6) * 1024 * (1 + below(6))
                                       : below(static_cast<unsigned>(model.size()) + 5000);
        std::string bytes(what < 3 ? 4 : 1 + below(6000), '\0');
        for (char& byte : bytes) byte = static_cast<char>('a' + below(26));
        ASSERT_EQ(file.write(bytes, at), SQLITE_OK);
        if (model.size() < at + bytes.size()) model.resize(at + bytes.size());
        model.replace(at, bytes.size(), bytes);
      }
      const unsigned at = below(static_cast<unsigned>(model.size()) + 1);
      const unsigned count = 1 + below(9000);
      std::string wanted = model.substr(at, count);
      wanted.resize(count);
      ASSERT_EQ(file.read(static_cast<int>(count), at), wanted) << "round " << round << ", step " << step;
    }
  }
}

TEST_F(EncryptedTemporaryFiles, WriteTheSameTextNeverTwiceAlike) {
  TemporaryFiles files("recorder", std::make_shared<TemporarySpace>(TemporarySpace::kUnlimited, "this"));
  files.encrypt();
  OpenFile file(files);
  const std::string text(4096, 'x');
  for (int i = 0; i < 20; ++i) ASSERT_EQ(file.write(text, 0), SQLITE_OK);
  EXPECT_EQ(recorder_->temporary_size(), 20 * text.size());
  EXPECT_FALSE(recorder_->temporary_holds("xxxx"));
}

TEST_F(EncryptedTemporaryFiles, OfAnEncryptedDatabaseTellNothing) {
  const auto make = [&](const char* name) {
    return Builder::local(directory_.file(name)).vfs("recorder").encryption({"key", "chacha20"}).build().connect();
  };
  Connection conn = make("secret.db");
  conn.execute_batch(
      "PRAGMA cache_size=5; CREATE TABLE t(a);"
      "INSERT INTO t SELECT 'SWORDFISH' || hex(randomblob(300)) FROM (WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
      "FROM c "
      "LIMIT 4000) SELECT x FROM c)");
  for (const char* store : {"DEFAULT", "FILE"}) {
    conn.execute_batch(std::string("PRAGMA temp_store=") + store);
    for (const char* sql :
         {"SELECT count(*) FROM (SELECT a FROM t ORDER BY a || 'x' LIMIT 3999)", "CREATE INDEX i ON t(a)",
          "CREATE TEMP TABLE copy AS SELECT * FROM t", "UPDATE temp.copy SET a = a || 'y'",
          "SELECT count(*) FROM (SELECT a || 'z' AS b FROM t GROUP BY b)", "DROP TABLE temp.copy", "DROP INDEX i",
          "VACUUM"}) {
      conn.execute_batch(sql);
    }
    conn.execute_batch("BEGIN; SAVEPOINT s; UPDATE t SET a = a || 'q'; ROLLBACK TO s; COMMIT");
  }
  EXPECT_GT(recorder_->temporary_size(), std::size_t{1} << 20) << "nothing was spilt, so this told nothing";
  EXPECT_FALSE(recorder_->temporary_holds("SWORDFISH"));
}

TEST_F(EncryptedTemporaryFiles, OfOneConnectionTellNothingEither) {
  local::Options options;
  options.path = directory_.file("secret.db");
  options.vfs = "recorder";
  options.encryption = Encryption{"key", "chacha20"};
  options.max_connection_temporary_bytes = 64 << 20;
  const auto store = std::make_shared<local::Store>(std::move(options));
  const auto conn = store->open_connection();
  conn->execute_script(
      "PRAGMA cache_size=5; CREATE TABLE t(a); INSERT INTO t SELECT 'SWORDFISH' || hex(randomblob(300)) FROM (WITH "
      "c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 4000) SELECT x FROM c); PRAGMA temp_store=FILE");
  EXPECT_EQ(conn->query_integer("SELECT count(*) FROM (SELECT a FROM t ORDER BY a || 'x' LIMIT 3999)"), 3999);
  conn->execute_script("CREATE INDEX i ON t(a); VACUUM");
  EXPECT_GT(recorder_->temporary_size(), std::size_t{1} << 20) << "nothing was spilt, so this told nothing";
  EXPECT_FALSE(recorder_->temporary_holds("SWORDFISH"));
}

TEST_F(EncryptedTemporaryFiles, OfAPlainDatabaseTellNothingOnceAnEncryptedOneIsAttached) {
  {
    Connection secret = Builder::local(directory_.file("secret.db")).encryption({"key", "chacha20"}).build().connect();
    secret.execute_batch(
        "CREATE TABLE t(a); INSERT INTO t SELECT 'SWORDFISH' || hex(randomblob(300)) FROM (WITH c(x) AS (SELECT 1 "
        "UNION "
        "ALL SELECT x + 1 FROM c LIMIT 3000) SELECT x FROM c)");
  }
  Connection conn = Builder::local(directory_.file("plain.db")).vfs("recorder").build().connect();
  conn.execute_batch(
      "PRAGMA temp_store=FILE; PRAGMA cache_size=5; CREATE TEMP TABLE kept(a); PRAGMA temp.cache_size=5");
  conn.execute_batch(
      "INSERT INTO kept SELECT 'MINNOW' || hex(randomblob(300)) FROM (WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
      "FROM c "
      "LIMIT 300) SELECT x FROM c)");
  EXPECT_TRUE(recorder_->temporary_holds("MINNOW")) << "plain files are as they were";
  conn.execute("ATTACH ? AS secret KEY 'key'", directory_.file("secret.db"));
  conn.execute("INSERT INTO kept SELECT a FROM secret.t");
  EXPECT_EQ(conn.query_value<int>("SELECT count(*) FROM (SELECT a FROM secret.t ORDER BY a || 'x' LIMIT 2999)"), 2999);
  EXPECT_EQ(conn.query_value<int>("SELECT count(*) FROM kept WHERE a LIKE 'MINNOW%'"), 300);
  EXPECT_EQ(conn.query_value<int>("SELECT count(*) FROM kept WHERE a LIKE 'SWORDFISH%'"), 3000);
  EXPECT_FALSE(recorder_->temporary_holds("SWORDFISH"));
}

class BoundedTemporaryFiles : public ::testing::Test {
 protected:
  static constexpr const char* kSort =
      "SELECT count(*) FROM (WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ?) SELECT randomblob(1000) AS "
      "b FROM "
      "c ORDER BY b LIMIT 1000000)";
  Database open(const std::string& path) const {
    return Builder::local(path).pragma("cache_size", 10).max_temporary_bytes(12 << 20).build();
  }
  TemporaryDirectory directory_;
};

TEST_F(BoundedTemporaryFiles, EndTheStatementThatNeedsMore) {
  for (const std::string& path : {directory_.file("a.db"), std::string(":memory:"), std::string()}) {
    const Database db = open(path);
    Connection conn = db.connect();
    for (int i = 0; i < 3; ++i) {
      try {
        conn.query_value<int>(kSort, 8000);
        ADD_FAILURE() << "no bound for '" << path << "'";
      } catch (const ResourceError& error) {
        EXPECT_EQ(error.code(), ErrorCode::Full);
        EXPECT_NE(
            std::string(error.what()).find("temporary files of this database have reached their limit of 12582912"),
            std::string::npos)
            << error.what();
      }
      // The space is given back, and the connection goes on.
      EXPECT_EQ(conn.query_value<int>(kSort, 2000), 2000) << path;
    }
    EXPECT_THROW(conn.execute("CREATE TEMP TABLE big AS SELECT randomblob(30000000)"), ResourceError);
    conn.execute("CREATE TABLE t AS SELECT 1 AS a");
    EXPECT_EQ(conn.query_value<int>("SELECT a FROM t"), 1);
  }
}

TEST_F(BoundedTemporaryFiles, CountThoseOfAllConnections) {
  const Database db = open(directory_.file("a.db"));
  Connection first = db.connect();
  Connection second = db.connect();
  first.execute_batch("PRAGMA temp.cache_size=2; CREATE TEMP TABLE big AS SELECT randomblob(8000000) AS b");
  EXPECT_THROW(second.query_value<int>(kSort, 2000), ResourceError);
  first.close();
  EXPECT_EQ(second.query_value<int>(kSort, 2000), 2000);
}

TEST_F(BoundedTemporaryFiles, OfOneConnectionLeaveRoomToTheOthers) {
  const auto sort = [](engine::Connection& conn, int rows) {
    return conn.query_integer("SELECT count(*) FROM (WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT " +
                              std::to_string(rows) + ") SELECT randomblob(1000) AS b FROM c ORDER BY b LIMIT 1000000)");
  };
  for (const std::string& path : {directory_.file("a.db"), std::string(":memory:")}) {
    local::Options options;
    options.path = path;
    options.pragmas = {{"cache_size", Value(10)}};
    options.max_connection_temporary_bytes = 6 << 20;
    options.max_temporary_bytes = 13 << 20;
    const auto store = std::make_shared<local::Store>(std::move(options));
    const auto first = store->open_connection();
    const auto second = store->open_connection();
    first->execute_script("PRAGMA temp.cache_size=2; CREATE TEMP TABLE big AS SELECT randomblob(3000000) AS b");
    try {
      sort(*first, 3000);
      ADD_FAILURE() << "no bound";
    } catch (const ResourceError& error) {
      EXPECT_EQ(error.code(), ErrorCode::Full);
      EXPECT_NE(std::string(error.what()).find("temporary files of one connection have reached their limit of 6291456"),
                std::string::npos)
          << error.what();
    }
    EXPECT_EQ(sort(*second, 1000), 1000);
    // All of them are still those of one database.
    std::vector<std::unique_ptr<engine::Connection>> more;
    for (int i = 0; i < 3; ++i) {
      more.push_back(store->open_connection());
      more.back()->execute_script("PRAGMA temp.cache_size=2; CREATE TEMP TABLE big AS SELECT randomblob(2900000) AS b");
    }
    try {
      sort(*second, 1000);
      ADD_FAILURE() << "no bound of the database";
    } catch (const ResourceError& error) {
      EXPECT_NE(std::string(error.what()).find("of this database have"), std::string::npos) << error.what();
    }
    more.clear();
    EXPECT_EQ(sort(*second, 1000), 1000);
  }
}

TEST_F(BoundedTemporaryFiles, OfConnectionsThatComeAndGoLeaveNothingBehind) {
  local::Options options;
  options.path = directory_.file("a.db");
  options.pragmas = {{"cache_size", Value(10)}};
  options.max_connection_temporary_bytes = 4 << 20;
  const auto store = std::make_shared<local::Store>(std::move(options));
  for (int i = 0; i < 20; ++i) {
    const auto one = store->open_connection();
    const auto other = store->open_connection();
    one->execute_script("PRAGMA temp.cache_size=2; CREATE TEMP TABLE big AS SELECT randomblob(3000000) AS b");
    other->execute_script("PRAGMA temp.cache_size=2; CREATE TEMP TABLE big AS SELECT randomblob(3000000) AS b");
  }
}

}  // namespace
}  // namespace libsql::test
