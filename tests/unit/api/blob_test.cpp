// Incremental blob I/O: offsets, streams, and what can be wrong.
#include <array>
#include <libsql/libsql.hpp>
#include <optional>
#include <random>
#include <string>

#include "unit/api/file_fixture.hpp"

namespace libsql {
namespace {

Blob blob_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return Blob(bytes.begin(), bytes.end());
}
std::string text_of(BlobView blob) { return std::string(reinterpret_cast<const char*>(blob.data()), blob.size()); }

class BlobTest : public FileTest {
 protected:
  BlobTest() {
    conn_.execute_batch(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, data, n INT, indexed BLOB); CREATE INDEX i ON t(indexed);"
        "INSERT INTO t VALUES (1, CAST('0123456789' AS BLOB), 5, x'00'), (2, 'text', NULL, x'00'), (3, NULL, 1, x'00');"
        "CREATE VIEW v AS SELECT * FROM t; CREATE TABLE w(k PRIMARY KEY, data BLOB) WITHOUT ROWID");
  }
  static constexpr BlobLocation at(std::int64_t rowid, std::string_view column = "data") {
    return {"t", column, rowid};
  }
  Database db_ = Builder::local(file()).busy_timeout(std::chrono::milliseconds(0)).build();
  Connection conn_ = db_.connect();
};

TEST_F(BlobTest, ReadsAndWritesAtOffsets) {
  BlobHandle blob(conn_, at(1), BlobMode::ReadWrite);
  EXPECT_EQ(blob.size(), 10u);
  EXPECT_EQ(blob.rowid(), 1);
  EXPECT_EQ(text_of(blob.read_at(3, 4)), "3456");
  blob.write_at(3, blob_of("abc"));
  EXPECT_EQ(text_of(blob.read_all()), "012abc6789");
  EXPECT_EQ(blob.read_at(10, 0), Blob());
  blob.close();
  EXPECT_EQ(conn_.query_value<std::string>("SELECT CAST(data AS TEXT) FROM t WHERE id=1"), "012abc6789");
}

TEST_F(BlobTest, FillsAZeroBlob) {
  conn_.execute("INSERT INTO t(id, data) VALUES (10, ?)", ZeroBlob{1'000'000});
  BlobHandle blob(conn_, at(10), BlobMode::ReadWrite);
  EXPECT_EQ(blob.size(), 1'000'000u);
  EXPECT_EQ(blob.read_at(999'999, 1), Blob(1));
  blob.write_at(500'000, blob_of("middle"));
  EXPECT_EQ(text_of(blob.read_at(499'999, 8)), std::string("\0middle\0", 8));
}

TEST_F(BlobTest, OpensTextAndAttachedDatabases) {
  EXPECT_EQ(text_of(BlobHandle(conn_, at(2)).read_all()), "text");
  conn_.execute("ATTACH ':memory:' AS other");
  conn_.execute("CREATE TABLE other.t(data); ");
  conn_.execute("INSERT INTO other.t VALUES (x'0102')");
  EXPECT_EQ(BlobHandle(conn_, {"t", "data", 1, "other"}).size(), 2u);
}

TEST_F(BlobTest, RangesThatDoNotLieWithinThrowOutOfRange) {
  BlobHandle blob(conn_, at(1), BlobMode::ReadWrite);
  std::array<std::byte, 4> buffer{};
  EXPECT_THROW(blob.read_at(7, buffer), OutOfRange);
  EXPECT_THROW(blob.read_at(11, std::span(buffer).first(0)), OutOfRange);
  EXPECT_THROW(blob.read_at(~std::uint64_t{0}, buffer), OutOfRange);
  EXPECT_THROW(blob.read_at(0, ~std::size_t{0}), OutOfRange);
  EXPECT_THROW(blob.write_at(8, buffer), OutOfRange);
  EXPECT_EQ(text_of(blob.read_all()), "0123456789");
}

TEST_F(BlobTest, WrongPlacesThrowWhatIsWrong) {
  EXPECT_THROW(BlobHandle(conn_, at(99)), OutOfRange);
  EXPECT_THROW(BlobHandle(conn_, at(3)), TypeMismatch);
  EXPECT_THROW(BlobHandle(conn_, at(1, "n")), TypeMismatch);
  EXPECT_THROW(BlobHandle(conn_, at(1, "nothing")), SqlError);
  EXPECT_THROW(BlobHandle(conn_, {"nothing", "data", 1}), SqlError);
  EXPECT_THROW(BlobHandle(conn_, {"t", "data", 1, "nothing"}), SqlError);
  EXPECT_THROW(BlobHandle(conn_, {"v", "data", 1}), SqlError);
  EXPECT_THROW(BlobHandle(conn_, {"w", "data", 1}), SqlError);
  EXPECT_THROW(BlobHandle(conn_, at(1, "indexed"), BlobMode::ReadWrite), SqlError);
  EXPECT_NO_THROW(BlobHandle(conn_, at(1, "indexed")));
}

TEST_F(BlobTest, ReadOnlyHandlesAndDatabasesRefuseWrites) {
  BlobHandle blob(conn_, at(1));
  EXPECT_THROW(blob.write_at(0, blob_of("x")), ReadOnly);
  Connection reader = Builder::local(file()).read_only().build().connect();
  EXPECT_THROW(BlobHandle(reader, at(1), BlobMode::ReadWrite), ReadOnly);
  const Transaction tx = conn_.transaction(TransactionBehavior::ReadOnly);
  EXPECT_THROW(BlobHandle(conn_, at(1), BlobMode::ReadWrite), ReadOnly);
}

TEST_F(BlobTest, AChangedOrDeletedRowExpiresTheHandleUntilItIsReopened) {
  BlobHandle blob(conn_, at(1), BlobMode::ReadWrite);
  conn_.execute("UPDATE t SET data = x'aabb' WHERE id = 1");
  EXPECT_THROW(blob.read_at(0, 1), Expired);
  EXPECT_THROW(blob.write_at(0, blob_of("x")), Expired);
  EXPECT_EQ(blob.size(), 0u);
  blob.reopen(1);
  EXPECT_EQ(blob.size(), 2u);
  conn_.execute("DELETE FROM t WHERE id = 1");
  EXPECT_THROW(blob.read_at(0, 1), Expired);
  EXPECT_THROW(blob.reopen(1), OutOfRange);
  EXPECT_THROW(blob.read_at(0, 1), Misuse);
  blob.reopen(2);
  EXPECT_EQ(text_of(blob.read_all()), "text");
}

TEST_F(BlobTest, ReopenGoesFromRowToRow) {
  conn_.execute("INSERT INTO t(id, data) VALUES (4, x'010203')");
  BlobHandle blob(conn_, at(1));
  blob.reopen(4);
  EXPECT_EQ(blob.rowid(), 4);
  EXPECT_EQ(blob.read_all(), (Blob{std::byte{1}, std::byte{2}, std::byte{3}}));
  EXPECT_THROW(blob.reopen(3), TypeMismatch);
  blob.reopen(1);
  EXPECT_EQ(blob.size(), 10u);
}

TEST_F(BlobTest, OutsideATransactionAnOpenWriterIsOneAndItsEndCommits) {
  Connection other = db_.connect();
  {
    BlobHandle blob(conn_, at(1), BlobMode::ReadWrite);
    blob.write_at(0, blob_of("new"));
    EXPECT_EQ(other.query_value<std::string>("SELECT CAST(data AS TEXT) FROM t WHERE id=1"), "0123456789");
    EXPECT_THROW(other.execute("UPDATE t SET n = 1"), Busy);
  }
  EXPECT_EQ(other.query_value<std::string>("SELECT CAST(data AS TEXT) FROM t WHERE id=1"), "new3456789");
  EXPECT_EQ(other.execute("UPDATE t SET n = 1"), 3u);
}

TEST_F(BlobTest, InsideATransactionItIsPartOfIt) {
  {
    const Transaction tx = conn_.transaction();
    BlobHandle blob(conn_, at(1), BlobMode::ReadWrite);
    blob.write_at(0, blob_of("gone"));
    blob.close();
  }
  EXPECT_EQ(text_of(BlobHandle(conn_, at(1)).read_all()), "0123456789");
}

TEST_F(BlobTest, WritersStandInLine) {
  const Database db = Builder::local(file()).writers_in_line().busy_timeout(std::chrono::milliseconds(50)).build();
  Connection one = db.connect();
  Connection two = db.connect();
  std::optional<BlobHandle> blob(std::in_place, one, at(1), BlobMode::ReadWrite);
  EXPECT_THROW(two.execute("UPDATE t SET n = 1"), Busy);
  blob.reset();
  EXPECT_EQ(two.execute("UPDATE t SET n = 1"), 3u);
}

TEST_F(BlobTest, CloseOfTheConnectionNamesItAndResetEndsIt) {
  BlobHandle blob(conn_, at(1));
  try {
    conn_.close();
    ADD_FAILURE() << "closed under an open blob";
  } catch (const Misuse& error) {
    EXPECT_NE(error.message().find("the blob t.data"), std::string::npos) << error.message();
  }
  conn_.reset();
  EXPECT_THROW(blob.read_all(), Misuse);
  conn_.close();
}

TEST_F(BlobTest, OutlivesItsConnectionHandle) {
  std::optional<Connection> conn(db_.connect());
  const BlobHandle blob(*conn, at(1));
  conn.reset();
  EXPECT_EQ(text_of(blob.read_at(0, 3)), "012");
}

// ---- streams

TEST_F(BlobTest, StreamReadsLinesAndNumbers) {
  conn_.execute("INSERT INTO t(id, data) VALUES (5, ?)", blob_of("first line\n42 43\nlast"));
  BlobStream stream(conn_, at(5));
  std::string line;
  std::getline(stream, line);
  EXPECT_EQ(line, "first line");
  int a = 0;
  int b = 0;
  stream >> a >> b;
  EXPECT_EQ(a + b, 85);
  stream >> line;
  EXPECT_EQ(line, "last");
  EXPECT_TRUE(stream.eof());
  stream.clear();
  stream.seekg(-4, std::ios::end);
  EXPECT_EQ(stream.tellg(), 17);
  stream >> line;
  EXPECT_EQ(line, "last");
}

TEST_F(BlobTest, StreamWritesWhatItReadsBack) {
  constexpr std::size_t kSize = 100'000;
  conn_.execute("INSERT INTO t(id, data) VALUES (6, ?)", ZeroBlob{kSize});
  std::string expected(kSize, '\0');
  {
    BlobStream stream(conn_, at(6), BlobMode::ReadWrite);
    std::mt19937 random(7);
    for (int i = 0; i < 2000; ++i) {
      const std::size_t where = random() % kSize;
      const std::size_t count =
          std::min<std::size_t>(random() % 5 == 0 ? random() % 40'000 : random() % 100, kSize - where);
      stream.seekg(static_cast<std::streamoff>(where));
      if (random() % 2 == 0) {
        const std::string piece(count, static_cast<char>('a' + i % 26));
        stream << piece;
        expected.replace(where, count, piece);
      } else {
        std::string piece(count, '?');
        stream.read(piece.data(), static_cast<std::streamsize>(count));
        ASSERT_EQ(piece, expected.substr(where, count)) << i;
      }
      ASSERT_TRUE(stream.good()) << i;
      ASSERT_EQ(stream.tellp(), static_cast<std::streamoff>(where + count));
    }
    stream.close();
  }
  EXPECT_EQ(text_of(BlobHandle(conn_, at(6)).read_all()), expected);
}

TEST_F(BlobTest, StreamSwitchesBetweenReadingAndWritingAtOnePosition) {
  BlobStream stream(conn_, at(1), BlobMode::ReadWrite);
  char two[2];
  stream.read(two, 2);
  stream << "ab";
  stream.read(two, 2);
  EXPECT_EQ(std::string(two, 2), "45");
  stream.flush();
  EXPECT_EQ(text_of(stream.handle().read_all()), "01ab456789");
}

TEST_F(BlobTest, StreamFailsAtTheEndAndOnErrors) {
  BlobStream stream(conn_, at(1), BlobMode::ReadWrite);
  stream.seekp(8);
  stream << "abc";
  stream.flush();
  EXPECT_TRUE(stream.bad() || stream.fail());
  stream.clear();
  stream.seekg(11);
  EXPECT_TRUE(stream.fail());
  stream.clear();
  stream.seekg(0);

  conn_.execute("UPDATE t SET data = x'01' WHERE id = 1");
  EXPECT_EQ(stream.get(), std::char_traits<char>::eof());

  BlobStream throwing(conn_, at(1));
  throwing.exceptions(std::ios::badbit);
  conn_.execute("UPDATE t SET data = x'0102' WHERE id = 1");
  std::string all;
  EXPECT_THROW(throwing.handle().read_all(), Expired);
  BlobStream readonly(conn_, at(1));
  readonly.exceptions(std::ios::badbit);
  EXPECT_THROW((readonly << 'x').flush(), ReadOnly);
}

TEST_F(BlobTest, StreamCloseReportsWhatTheDestructorCannot) {
  BlobStream stream(conn_, at(1), BlobMode::ReadWrite);
  stream << "abc";
  conn_.execute("DELETE FROM t WHERE id = 1");
  EXPECT_THROW(stream.close(), Expired);
}

}  // namespace
}  // namespace libsql
