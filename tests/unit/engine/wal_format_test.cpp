#include "engine/wal_format.hpp"

#include <array>
#include <cstring>
#include <vector>

#include "unit/engine/wal_support.hpp"

namespace libsql::engine::wal {
namespace {

using waltest::Db;
using waltest::TemporaryDirectory;

// A log with one page size of 512 and the given frames, {page, commit size}; page k is filled with byte k.
std::vector<std::byte> make_log(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& frames, bool big_endian) {
  Header header;
  header.page_size = 512;
  header.checkpoint_sequence = 7;
  header.salt1 = 0x01020304;
  header.salt2 = 0xa1a2a3a4;
  header.big_endian = big_endian;
  std::vector<std::byte> file(kHeaderSize);
  write_header(header, std::span<std::byte, kHeaderSize>(file.data(), kHeaderSize));
  Checksum running = header.checksum;
  for (const auto& [page, commit] : frames) {
    const std::vector<std::byte> body(512, static_cast<std::byte>(page));
    std::array<std::byte, kFrameHeaderSize> start{};
    write_frame_header(header, page, commit, body, running, start);
    file.insert(file.end(), start.begin(), start.end());
    file.insert(file.end(), body.begin(), body.end());
  }
  return file;
}

TEST(WalFormat, HeaderBytesAreThoseOfTheFileFormat) {
  // Bytes written out: magic 377f0682, version 3007000, page size 4096, sequence 0, salts, checksum of little-endian
  // words.
  const std::array<std::uint8_t, 24> first24 = {0x37, 0x7f, 0x06, 0x82, 0x00, 0x2d, 0xe2, 0x18, 0x00, 0x00, 0x10, 0x00,
                                                0x00, 0x00, 0x00, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
  std::uint32_t s1 = 0;
  std::uint32_t s2 = 0;
  for (std::size_t i = 0; i < 24; i += 8) {
    const auto little = [&](std::size_t at) {
      return static_cast<std::uint32_t>(first24[at]) | (static_cast<std::uint32_t>(first24[at + 1]) << 8) |
             (static_cast<std::uint32_t>(first24[at + 2]) << 16) | (static_cast<std::uint32_t>(first24[at + 3]) << 24);
    };
    s1 += little(i) + s2;
    s2 += little(i + 4) + s1;
  }
  std::array<std::byte, kHeaderSize> bytes{};
  std::memcpy(bytes.data(), first24.data(), first24.size());
  store_be32(&bytes[24], s1);
  store_be32(&bytes[28], s2);
  const auto header = parse_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->page_size, 4096u);
  EXPECT_EQ(header->salt1, 0x11223344u);
  EXPECT_EQ(header->salt2, 0x55667788u);
  EXPECT_FALSE(header->big_endian);

  Header again = *header;
  std::array<std::byte, kHeaderSize> written{};
  write_header(again, written);
  EXPECT_EQ(written, bytes);
}

TEST(WalFormat, HeaderIsRefusedForEachFieldThatIsWrong) {
  const auto good = make_log({}, false);
  ASSERT_TRUE(parse_header(good));
  EXPECT_FALSE(parse_header(std::span(good).first(31)));
  EXPECT_FALSE(parse_header({}));
  const auto with = [&](std::size_t at, std::uint32_t value) {
    auto bytes = good;
    store_be32(&bytes[at], value);
    // The checksum is made good again, so that the field itself is what is refused.
    Checksum sum;
    sum.add(std::span(bytes).first(24), false);
    store_be32(&bytes[24], sum.first);
    store_be32(&bytes[28], sum.second);
    return bytes;
  };
  EXPECT_TRUE(parse_header(with(12, 8)));
  EXPECT_FALSE(parse_header(with(0, 0x377f0684)));
  EXPECT_FALSE(parse_header(with(4, 3007001)));
  for (const std::uint32_t size : {0u, 1u, 256u, 511u, 513u, 4097u, 131072u, 0x80000000u}) {
    EXPECT_FALSE(parse_header(with(8, size))) << size;
  }
  for (const std::uint32_t size : {512u, 65536u}) EXPECT_TRUE(parse_header(with(8, size))) << size;
  for (std::size_t at = 12; at < 32; ++at) {
    auto bytes = good;
    bytes[at] ^= std::byte{1};
    EXPECT_FALSE(parse_header(bytes)) << "byte " << at;
  }
}

TEST(WalFormat, ScanEndsAtTheLastCommitInBothByteOrders) {
  for (const bool big_endian : {false, true}) {
    const auto file = make_log({{1, 0}, {2, 2}, {3, 3}, {4, 0}}, big_endian);
    EXPECT_EQ(file[3], big_endian ? std::byte{0x83} : std::byte{0x82});
    const auto extent = scan(file);
    ASSERT_TRUE(extent);
    EXPECT_EQ(extent->valid_frames, 4u);
    EXPECT_EQ(extent->committed_frames, 3u);
    EXPECT_EQ(extent->database_pages, 3u);
  }
}

TEST(WalFormat, ScanStopsAtTheFirstFrameThatIsDamaged) {
  const auto good = make_log({{1, 1}, {2, 2}, {3, 3}}, false);
  const std::size_t size = kFrameHeaderSize + 512;
  const auto committed = [](const std::vector<std::byte>& file) { return scan(file)->committed_frames; };
  ASSERT_EQ(committed(good), 3u);
  for (const std::size_t at : {0, 3, 4, 7, 8, 12, 16, 20, 24, 300, 535}) {  // every field of frame 2, and its page
    auto bytes = good;
    bytes[kHeaderSize + size + at] ^= std::byte{0x10};
    EXPECT_EQ(committed(bytes), 1u) << "byte " << at;
  }
  for (std::size_t cut = 1; cut <= size; cut += 67) {  // torn at the end
    EXPECT_EQ(committed({good.begin(), good.end() - static_cast<std::ptrdiff_t>(cut)}), 2u);
  }
  EXPECT_EQ(committed({good.begin(), good.begin() + kHeaderSize}), 0u);
}

TEST(WalFormat, ScanRefusesAFrameOfPageZeroThoughItsChecksumIsRight) {
  EXPECT_EQ(scan(make_log({{1, 1}, {0, 2}}, false))->valid_frames, 1u);
}

TEST(WalFormat, ScanAgreesWithTheEngineAboutItsOwnFile) {
  for (const int page_size : {512, 4096, 65536}) {
    const TemporaryDirectory dir;
    Db db(dir.file("a.db"));
    waltest::set_wal(db, page_size);
    db.run("CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(100000)); INSERT INTO t VALUES(1)");
    const auto extent = scan(waltest::read_file(dir.file("a.db-wal")));
    ASSERT_TRUE(extent);
    EXPECT_EQ(extent->header.page_size, static_cast<std::uint32_t>(page_size));
    EXPECT_EQ(extent->committed_frames, extent->valid_frames);
    EXPECT_EQ(extent->database_pages, db.number("PRAGMA page_count"));
    EXPECT_EQ(db.text("PRAGMA wal_checkpoint"),
              "0|" + std::to_string(extent->committed_frames) + "|" + std::to_string(extent->committed_frames));
  }
}

}  // namespace
}  // namespace libsql::engine::wal
