// Registering a VFS from C++, its defaults, and what exceptions become.
#include <libsql/vfs.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <stdexcept>
#include <vector>

#include <libsql/memory_vfs.hpp>
#include <libsql/vfs_wrapper.hpp>

#include "core/errors.hpp"
#include "engine/vfs.hpp"
#include "support/temporary_directory.hpp"
#include "unit/engine/raw_sqlite.hpp"

namespace libsql {
namespace {

using test::Raw;

struct Bytes {
  std::vector<std::byte> data;
};

// The least a user has to write: five functions for a file and three for the file system.
class TinyFile : public VfsFile {
 public:
  explicit TinyFile(std::shared_ptr<Bytes> bytes) : bytes_(std::move(bytes)) {}
  std::size_t read(std::span<std::byte> out, std::uint64_t offset) override {
    if (offset >= bytes_->data.size()) return 0;
    const std::size_t count = std::min<std::size_t>(out.size(), bytes_->data.size() - offset);
    std::copy_n(bytes_->data.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
    return count;
  }
  void write(std::span<const std::byte> data, std::uint64_t offset) override {
    if (bytes_->data.size() < offset + data.size()) bytes_->data.resize(offset + data.size());
    std::copy(data.begin(), data.end(), bytes_->data.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  void truncate(std::uint64_t size) override { bytes_->data.resize(size); }
  void sync(VfsSync) override {}
  std::uint64_t size() override { return bytes_->data.size(); }

 private:
  std::shared_ptr<Bytes> bytes_;
};

class TinyVfs : public Vfs {
 public:
  std::unique_ptr<VfsFile> open(const VfsFileName& name, VfsOpen flags) override {
    if (name.empty()) return std::make_unique<TinyFile>(std::make_shared<Bytes>());
    last_uri_parameter = has(flags, VfsOpen::MainDb) ? std::string(name.uri_parameter("colour").value_or("")) : "";
    auto& file = files[std::string(name.view())];
    if (file == nullptr) {
      if (!has(flags, VfsOpen::Create)) throw VfsError(VfsFailure::CannotOpen, "no such file");
      file = std::make_shared<Bytes>();
    }
    return std::make_unique<TinyFile>(file);
  }
  void remove(std::string_view path, VfsSyncDirectory) override {
    if (files.erase(std::string(path)) == 0) throw VfsError(VfsFailure::DeleteMissing, "no such file");
  }
  bool exists(std::string_view path) override { return files.contains(std::string(path)); }

  std::map<std::string, std::shared_ptr<Bytes>> files;
  std::string last_uri_parameter;
};

TEST(Vfs, EightFunctionsAreEnoughForRollbackAndWalMode) {
  auto vfs = std::make_shared<TinyVfs>();
  const VfsRegistration registration = register_vfs("tiny", vfs);
  for (const char* mode : {"delete", "truncate", "persist", "wal"}) {
    const std::string path = std::string("db-") + mode;
    Raw one(path, "tiny");
    ASSERT_EQ(one.open_code, SQLITE_OK);
    EXPECT_EQ(one.text(std::string("PRAGMA journal_mode=") + mode), mode);
    ASSERT_SQL_OK(one,
                  "CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1),(2); COMMIT; BEGIN; DELETE FROM t; ROLLBACK");
    Raw two(path, "tiny");
    EXPECT_EQ(two.text("SELECT count(*) FROM t"), "2");
    EXPECT_EQ(two.text("PRAGMA integrity_check"), "ok");
  }
  EXPECT_TRUE(vfs->files.contains("db-wal"));
  EXPECT_FALSE(vfs->files.contains("db-wal-wal"));
}

TEST(Vfs, DefaultLocksKeepTwoConnectionsApart) {
  auto vfs = std::make_shared<TinyVfs>();
  const VfsRegistration registration = register_vfs("tiny", vfs);
  Raw one("db", "tiny");
  Raw two("db", "tiny");
  ASSERT_SQL_OK(one, "CREATE TABLE t(a); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
  EXPECT_EQ(two.exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  EXPECT_EQ(two.text("SELECT count(*) FROM t"), "0");
  ASSERT_SQL_OK(two, "BEGIN");
  EXPECT_EQ(two.text("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(one.exec("COMMIT"), SQLITE_BUSY) << "a reader is there";
  EXPECT_EQ(Raw("db", "tiny").text("SELECT 1 FROM t").substr(0, 7), "error 5") << "no new reader while one waits";
  ASSERT_SQL_OK(two, "COMMIT");
  ASSERT_SQL_OK(one, "COMMIT");
  EXPECT_EQ(two.text("SELECT count(*) FROM t"), "1");
}

// Throws what it is told to; fills nothing.
class DiceThatBreak : public TinyVfs {
 public:
  explicit DiceThatBreak(int code) : code_(code) {}
  void randomness(std::span<std::byte>) override {
    libsql::detail::ErrorData data;
    data.code = ErrorCode::Io;
    data.sqlite_code = code_;
    core::throw_error(std::move(data));
  }

 private:
  int code_;
};

TEST(Vfs, RandomBytesComeFromTheSystemWhereTheVfsThrows) {
  for (const int code : {SQLITE_IOERR, SQLITE_FULL, SQLITE_CORRUPT, 64, 256}) {
    const VfsRegistration registration = register_vfs("dice", std::make_shared<DiceThatBreak>(code));
    sqlite3_vfs* const vfs = sqlite3_vfs_find("dice");
    ASSERT_NE(vfs, nullptr);
    // An amount that is the very number of the error among them.
    for (const int amount : {code, 16, 64, 256}) {
      std::vector<char> one(static_cast<std::size_t>(amount)), two(one);
      EXPECT_EQ(vfs->xRandomness(vfs, amount, one.data()), amount);
      EXPECT_EQ(vfs->xRandomness(vfs, amount, two.data()), amount);
      EXPECT_NE(one, two) << code << ' ' << amount;
      EXPECT_NE(one, std::vector<char>(one.size())) << code << ' ' << amount;
    }
  }
}

TEST(Vfs, PassesUriParametersAndTheDatabaseOfAJournal) {
  auto vfs = std::make_shared<TinyVfs>();
  const VfsRegistration registration = register_vfs("tiny", vfs);
  Raw raw("file:db?vfs=tiny&colour=green");
  ASSERT_EQ(raw.open_code, SQLITE_OK);
  ASSERT_SQL_OK(raw, "SELECT 1");
  EXPECT_EQ(vfs->last_uri_parameter, "green");
}

TEST(VfsRegistration, RefusesATakenNameAnEmptyOneAndANullVfs) {
  EXPECT_THROW((void)register_vfs("unix", std::make_shared<TinyVfs>()), Misuse);
  EXPECT_THROW((void)register_vfs("", std::make_shared<TinyVfs>()), Misuse);
  EXPECT_THROW((void)register_vfs("x", nullptr), Misuse);
}

TEST(VfsRegistration, UnregisterIsRefusedWhileAFileIsOpen) {
  VfsRegistration registration = register_vfs("tiny", std::make_shared<TinyVfs>());
  {
    Raw raw("db", "tiny");
    ASSERT_SQL_OK(raw, "CREATE TABLE t(a)");
    EXPECT_GE(registration.open_files(), 1u);
    EXPECT_THROW(registration.unregister(), Misuse);
    EXPECT_EQ(registration.name(), "tiny");
    EXPECT_EQ(Raw("db", "tiny").open_code, SQLITE_OK);
  }
  EXPECT_EQ(registration.open_files(), 0u);
  registration.unregister();
  EXPECT_EQ(registration.name(), "");
  EXPECT_EQ(Raw("db", "tiny").open_code, SQLITE_ERROR);
  EXPECT_FALSE(engine::vfs_exists("multipleciphers-tiny"));
}

TEST(VfsRegistration, EndsSafelyUnderAnOpenConnection) {
  auto vfs = std::make_shared<TinyVfs>();
  const std::weak_ptr<Vfs> watch = vfs;
  Raw memory;
  {
    Raw raw;
    {
      const VfsRegistration registration = register_vfs("tiny", std::move(vfs));
      raw = Raw("db", "tiny");
      memory = Raw(":memory:", "tiny");
      ASSERT_SQL_OK(raw, "PRAGMA journal_mode=wal; CREATE TABLE t(a)");
    }
    EXPECT_EQ(Raw("db", "tiny").open_code, SQLITE_ERROR);
    ASSERT_SQL_OK(raw, "INSERT INTO t VALUES (1)");
    EXPECT_EQ(raw.text("SELECT a FROM t"), "1");
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(memory.text("SELECT datetime('now') > '2000' AND length(randomblob(3)) = 3"), "1");
  const VfsRegistration again = register_vfs("tiny", std::make_shared<TinyVfs>());
  EXPECT_EQ(Raw("db", "tiny").exec("CREATE TABLE t(a)"), SQLITE_OK);
}

TEST(VfsRegistration, DefaultServesUnnamedOpensAndGivesThePlaceBack) {
  const std::string before = sqlite3_vfs_find(nullptr)->zName;
  {
    const VfsRegistration registration = register_vfs("tiny", std::make_shared<TinyVfs>(), MakeDefault::Yes);
    const VfsRegistration later = register_vfs("later", std::make_shared<TinyVfs>());
    Raw raw("no such directory/db");
    EXPECT_SQL_OK(raw, "CREATE TABLE t(a)");
    EXPECT_EQ(engine::system_vfs()->zName, std::string("unix"));
  }
  EXPECT_EQ(sqlite3_vfs_find(nullptr)->zName, before);
}

TEST(VfsRegistration, GivesAnEncryptingTwin) {
  if (sqlite3_vfs_find("multipleciphers-unix") == nullptr) GTEST_SKIP() << "an engine without ciphers";
  auto vfs = std::make_shared<TinyVfs>();
  const VfsRegistration registration = register_vfs("tiny", vfs);
  EXPECT_EQ(engine::cipher_vfs_name("tiny"), "multipleciphers-tiny");
  EXPECT_EQ(engine::cipher_vfs_name("multipleciphers-tiny"), "multipleciphers-tiny");
  EXPECT_EQ(engine::cipher_vfs_name("no such"), "no such");
  for (const char* mode : {"delete", "wal"}) {
    const std::string path = std::string("secret-") + mode;
    {
      Raw raw(path, "multipleciphers-tiny");
      ASSERT_SQL_OK(raw, "PRAGMA cipher='aes256cbc'; PRAGMA key='k'");
      ASSERT_SQL_OK(raw, std::string("PRAGMA journal_mode=") + mode +
                             "; CREATE TABLE t(a); INSERT INTO t VALUES ('plainly visible text')");
      for (const auto& [name, file] : vfs->files) {
        const std::string all(reinterpret_cast<const char*>(file->data.data()), file->data.size());
        EXPECT_EQ(all.find("plainly visible"), std::string::npos) << name;
      }
    }
    EXPECT_EQ(Raw(path, "tiny").exec("SELECT * FROM t"), SQLITE_NOTADB);
    Raw again(path, "multipleciphers-tiny");
    ASSERT_SQL_OK(again, "PRAGMA cipher='aes256cbc'; PRAGMA key='k'");
    EXPECT_EQ(again.text("SELECT a FROM t"), "plainly visible text");
  }
}

// ---- exceptions

// Throws what it is told to from one operation.
class ThrowingVfs : public TinyVfs {
 public:
  std::function<void(std::string_view operation)> before = [](std::string_view) {};
  class File : public VfsFileWrapper {
   public:
    File(ThrowingVfs& owner, std::unique_ptr<VfsFile> file) : VfsFileWrapper(std::move(file)), owner_(owner) {}
    std::size_t read(std::span<std::byte> out, std::uint64_t offset) override {
      owner_.before("read");
      return VfsFileWrapper::read(out, offset);
    }
    void write(std::span<const std::byte> data, std::uint64_t offset) override {
      owner_.before("write");
      VfsFileWrapper::write(data, offset);
    }
    void sync(VfsSync how) override {
      owner_.before("sync");
      VfsFileWrapper::sync(how);
    }
    bool lock(VfsLock level) override {
      owner_.before("lock");
      return VfsFileWrapper::lock(level);
    }
    std::optional<std::string> pragma(std::string_view name, std::optional<std::string_view> value) override {
      if (name == "tiny_mood") return "mood " + std::string(value.value_or("unset"));
      if (name == "tiny_fail") throw std::runtime_error("the mood is bad");
      return std::nullopt;
    }

   private:
    ThrowingVfs& owner_;
  };
  std::unique_ptr<VfsFile> open(const VfsFileName& name, VfsOpen flags) override {
    before("open");
    return std::make_unique<File>(*this, TinyVfs::open(name, flags));
  }
};

class VfsExceptions : public testing::Test {
 protected:
  // The code with which `sql` fails when `operation` throws what `raise` throws.
  template <class Raise>
  int fail(std::string_view operation, Raise raise, const char* sql = "INSERT INTO t VALUES (1)") {
    Raw raw("db", "throwing");
    raw.exec("PRAGMA journal_mode=delete; CREATE TABLE IF NOT EXISTS t(a)");
    vfs_->before = [=](std::string_view what) {
      if (what == operation) raise();
    };
    raw.exec(sql);
    const int code = sqlite3_extended_errcode(raw.db);
    vfs_->before = [](std::string_view) {};
    EXPECT_EQ(raw.text("PRAGMA integrity_check"), "ok");
    return code;
  }
  std::shared_ptr<ThrowingVfs> vfs_ = std::make_shared<ThrowingVfs>();
  VfsRegistration registration_ = register_vfs("throwing", vfs_);
};

TEST_F(VfsExceptions, AVfsErrorChoosesTheCode) {
  EXPECT_EQ(fail("write", [] { throw VfsError(VfsFailure::Full, "no room"); }), SQLITE_FULL);
  EXPECT_EQ(vfs_last_error(), "no room");
  EXPECT_EQ(engine::take_vfs_error_text(SQLITE_FULL), "no room");
  EXPECT_EQ(engine::take_vfs_error_text(SQLITE_FULL), "") << "only once";
  EXPECT_EQ(engine::take_vfs_error_text(SQLITE_IOERR_READ), "");
  EXPECT_EQ(fail("write", [] { throw VfsError::with_code(SQLITE_IOERR_AUTH, "not yours"); }), SQLITE_IOERR_AUTH);
}

TEST_F(VfsExceptions, AnyOtherExceptionBecomesTheCodeOfTheOperation) {
  EXPECT_EQ(fail("write", [] { throw std::runtime_error("broken"); }), SQLITE_IOERR_WRITE);
  EXPECT_EQ(vfs_last_error(), "broken");
  EXPECT_EQ(fail("sync", [] { throw 42; }), SQLITE_IOERR_FSYNC);
  EXPECT_EQ(fail("open", [] { throw std::runtime_error("broken"); }), SQLITE_CANTOPEN);
  EXPECT_EQ(fail("lock", [] { throw std::runtime_error("broken"); }), SQLITE_IOERR_LOCK);
  EXPECT_EQ(fail("read", [] { throw std::runtime_error("broken"); }), SQLITE_IOERR_READ);
}

TEST_F(VfsExceptions, BadAllocIsOutOfMemory) {
  EXPECT_EQ(fail("write", [] { throw std::bad_alloc(); }), SQLITE_NOMEM);
}

TEST_F(VfsExceptions, ALibraryErrorKeepsItsMeaning) {
  EXPECT_EQ(fail("lock", [] { throw VfsError(VfsFailure::Busy, "wait"); }), SQLITE_BUSY);
  EXPECT_EQ(fail("write", [] { throw VfsError(VfsFailure::ReadOnly, "no"); }) & 0xff, SQLITE_READONLY);
}

TEST_F(VfsExceptions, TheTextIsWhatTheEngineIsTold) {
  fail("write", [] { throw std::runtime_error("a text of its own"); });
  char text[8];
  sqlite3_vfs* const vfs = sqlite3_vfs_find("throwing");
  EXPECT_EQ(vfs->xGetLastError(vfs, sizeof text, text), SQLITE_IOERR_WRITE);
  EXPECT_STREQ(text, "a text ");
  sqlite3_vfs* const twin = sqlite3_vfs_find("multipleciphers-throwing");
  ASSERT_NE(twin, nullptr);
  EXPECT_EQ(twin->xGetLastError(twin, 0, nullptr), SQLITE_IOERR_WRITE);
}

TEST_F(VfsExceptions, PragmasOfAFileAnswerAndFail) {
  Raw raw("db", "throwing");
  EXPECT_EQ(raw.text("PRAGMA tiny_mood"), "mood unset");
  EXPECT_EQ(raw.text("PRAGMA tiny_mood=good"), "mood good");
  EXPECT_EQ(raw.text("PRAGMA tiny_fail"), "error 1: the mood is bad");
}

TEST(VfsError, IsALibraryErrorOfTheRightCode) {
  const VfsError error(VfsFailure::Full, "no room");
  EXPECT_EQ(error.code(), ErrorCode::Full);
  EXPECT_EQ(error.sqlite_code(), SQLITE_FULL);
  EXPECT_STREQ(error.what(), "no room");
}

// ---- wrapping

class CountingVfs : public VfsWrapper {
 public:
  using VfsWrapper::VfsWrapper;
  class File : public VfsFileWrapper {
   public:
    File(CountingVfs& owner, std::unique_ptr<VfsFile> file) : VfsFileWrapper(std::move(file)), owner_(owner) {}
    void write(std::span<const std::byte> data, std::uint64_t offset) override {
      ++owner_.writes;
      VfsFileWrapper::write(data, offset);
    }
    const std::byte* fetch(std::uint64_t offset, std::size_t size) override {
      const std::byte* address = VfsFileWrapper::fetch(offset, size);
      if (address != nullptr) ++owner_.fetched;
      return address;
    }

   private:
    CountingVfs& owner_;
  };
  std::unique_ptr<VfsFile> open(const VfsFileName& name, VfsOpen flags) override {
    return std::make_unique<File>(*this, VfsWrapper::open(name, flags));
  }
  int writes = 0;
  int fetched = 0;
};

class VfsWrapperTest : public testing::Test {
 protected:
  std::string path(const char* name) const { return directory_.file(name); }
  test::TemporaryDirectory directory_;
};

TEST_F(VfsWrapperTest, PassesWalSharedMemoryMappingAndControlsThrough) {
  auto vfs = std::make_shared<CountingVfs>();
  const VfsRegistration registration = register_vfs("counting", vfs);
  {
    Raw one(path("db"), "counting");
    ASSERT_SQL_OK(one,
                  "PRAGMA journal_mode=wal; CREATE TABLE t(a); CREATE TABLE filler(a); "
                  "INSERT INTO filler VALUES (randomblob(9000)); INSERT INTO t VALUES (1)");
    EXPECT_TRUE(std::filesystem::exists(path("db-shm")));
    Raw plain(path("db"), "unix");
    EXPECT_EQ(plain.text("SELECT a FROM t"), "1");
    ASSERT_SQL_OK(plain, "BEGIN IMMEDIATE");
    EXPECT_EQ(one.exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
    ASSERT_SQL_OK(plain, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    char* name = nullptr;
    EXPECT_EQ(sqlite3_file_control(one.db, "main", SQLITE_FCNTL_VFSNAME, &name), SQLITE_OK);
    EXPECT_STREQ(name, "counting/unix");
    sqlite3_free(name);
    EXPECT_GT(vfs->writes, 0);
    EXPECT_EQ(one.text("PRAGMA mmap_size=1000000"), "1000000");
    EXPECT_EQ(one.text("SELECT sum(a) FROM t"), "1");
  }
  Raw mapped(path("db"), "counting");
  ASSERT_SQL_OK(mapped, "PRAGMA mmap_size=1000000");
  EXPECT_EQ(mapped.text("SELECT a FROM t"), "1");
  EXPECT_GT(vfs->fetched, 0);
}

TEST_F(VfsWrapperTest, KeepsTheErrorsOfTheVfsBelow) {
  const VfsRegistration registration = register_vfs("counting", std::make_shared<CountingVfs>());
  Raw raw(path("no such directory/db"), "counting");
  EXPECT_EQ(raw.open_code & 0xff, SQLITE_CANTOPEN);
  Raw readonly(path("missing"), "counting", SQLITE_OPEN_READONLY);
  EXPECT_EQ(readonly.open_code & 0xff, SQLITE_CANTOPEN);
  { EXPECT_SQL_OK(Raw(path("db")), "CREATE TABLE t(a)"); }
  std::filesystem::create_symlink(path("db"), path("link"));
  EXPECT_EQ(Raw(path("link"), "counting").open_code, SQLITE_OK);
  EXPECT_EQ(Raw(path("link"), "counting", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW).open_code,
            Raw(path("link"), "unix", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW).open_code);
}

TEST_F(VfsWrapperTest, ADirectoryWithoutWritePermissionOpensReadOnly) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  { EXPECT_SQL_OK(Raw(path("db")), "CREATE TABLE t(a)"); }
  std::filesystem::permissions(path("db"), std::filesystem::perms::owner_read);
  const VfsRegistration registration = register_vfs("counting", std::make_shared<CountingVfs>());
  Raw raw(path("db"), "counting");
  EXPECT_EQ(sqlite3_db_readonly(raw.db, "main"), 1);
}

TEST(VfsWrapperBase, MustExist) { EXPECT_THROW(CountingVfs("no such vfs"), Configuration); }

TEST(VfsWrapperBase, MayBeWrittenInCppToo) {
  const VfsRegistration below = register_vfs("tiny", std::make_shared<TinyVfs>());
  const VfsRegistration above = register_vfs("counting", std::make_shared<CountingVfs>("tiny"));
  Raw one("db", "counting");
  ASSERT_SQL_OK(one, "PRAGMA journal_mode=wal; CREATE TABLE t(a)");
  Raw two("db", "tiny");
  ASSERT_SQL_OK(two, "BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
  EXPECT_EQ(one.exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  ASSERT_SQL_OK(two, "COMMIT");
  EXPECT_EQ(one.text("SELECT count(*) FROM t"), "1");
}

}  // namespace
}  // namespace libsql
