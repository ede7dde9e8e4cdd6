// Frames of a replication log and of SQLite's own.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <libsql/error.hpp>

#include "replication/crc64.hpp"
#include "replication/faults.hpp"
#include "replication/frame.hpp"
#include "support/expect_error.hpp"
#include "unit/replication/support.hpp"

namespace libsql::replication {
namespace {

using test::as_bytes;
using Page = std::array<std::byte, kPageSize>;

Page page_of(int byte) {
  Page page;
  page.fill(static_cast<std::byte>(byte));
  return page;
}

// The frames of a recorded log, whose header has 64 bytes.
std::vector<std::string> recorded_frames() {
  const std::string file = test::file_of("wallog.txt");
  std::vector<std::string> frames;
  for (std::size_t at = 64; at < file.size(); at += kFrameSize) frames.push_back(file.substr(at, kFrameSize));
  return frames;
}

TEST(ReplicationFrame, ChecksumsAreChainedAsThoseOfThePrimariesAreThatAreInUse) {
  const std::uint64_t first = chain_checksum(0, page_of(0));
  EXPECT_EQ(first, 0xffffffffffffffffU);
  EXPECT_EQ(chain_checksum(first, page_of(1)), 0x22aa363c642a0a64U);
}

TEST(ReplicationFrame, AChecksumIsTheSameBitByBitByTablesAndByMultiplication) {
  std::string text;
  for (std::uint32_t i = 0, state = 1; i < 5000; ++i) {
    state = state * 1664525U + 1013904223U;
    text += static_cast<char>(state >> 24U);
  }
  const std::uint64_t start = 0x0123456789abcdef;
  std::uint64_t by_bit = start;
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto part = as_bytes(text).first(length);
    if (length < 300 || length % 97 == 0 || length == kPageSize) {
      ASSERT_EQ(crc64_by_tables(start, part), by_bit) << length;
      ASSERT_EQ(crc64(start, part), by_bit) << length;
      ASSERT_EQ(crc64(by_bit, as_bytes(text).subspan(length)), crc64(start, as_bytes(text))) << "in two parts";
    }
    by_bit ^= static_cast<unsigned char>(text[length]);
    for (int bit = 0; bit < 8; ++bit) by_bit = (by_bit >> 1U) ^ ((by_bit & 1U) != 0 ? 0xd800000000000000U : 0U);
  }
}

TEST(ReplicationFrame, ARecordedLogIsAChain) {
  FrameChain chain(0, 0);
  for (const std::string& frame : recorded_frames()) {
    const auto error = chain.add(as_bytes(frame));
    ASSERT_FALSE(error) << to_string(*error);
  }
  EXPECT_EQ(chain.next_frame_no(), 5U);
  EXPECT_TRUE(chain.is_at_commit());
}

TEST(ReplicationFrame, WhatIsDecodedIsEncodedToTheSameBytes) {
  for (const std::string& bytes : recorded_frames()) {
    const auto frame = decode_frame(as_bytes(bytes));
    ASSERT_TRUE(frame);
    std::array<std::byte, kFrameHeaderSize> header{};
    encode_frame_header(frame->header, header);
    EXPECT_EQ(test::hex(test::as_text(header)), test::hex(bytes.substr(0, kFrameHeaderSize)));
    EXPECT_EQ(frame->page.data(), as_bytes(bytes).data() + kFrameHeaderSize) << "the page is a view";
  }
}

TEST(ReplicationFrame, AppendingTheRecordedPagesMakesTheRecordedHeaders) {
  FrameChain chain(0, 0);
  for (const std::string& bytes : recorded_frames()) {
    const auto frame = decode_frame(as_bytes(bytes));
    ASSERT_TRUE(frame);
    EXPECT_EQ(chain.append(frame->header.page_no, frame->header.size_after, frame->page), frame->header);
  }
}

TEST(ReplicationFrame, TheFirstFrameGoesOnFromTheChecksumInTheHeaderOfTheLog) {
  FrameChain writer(6, 0x94fed7e4eceb5b24);
  const Page page = page_of(7);
  const FrameHeader header = writer.append(3, 3, page);
  EXPECT_EQ(header.frame_no, 6U);
  EXPECT_FALSE(FrameChain(6, 0x94fed7e4eceb5b24).add({header, page}));
  EXPECT_EQ(FrameChain(6, 0).add({header, page}), (FrameError{FrameFault::Checksum, 6}));
}

TEST(ReplicationFrame, AnyFlippedBitOfAPageIsFound) {
  const auto frames = recorded_frames();
  for (std::size_t bit = 0; bit < kPageSize * 8; bit += 61) {
    std::string bytes = frames.front();
    bytes[kFrameHeaderSize + bit / 8] = static_cast<char>(bytes[kFrameHeaderSize + bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(FrameChain(0, 0).add(as_bytes(bytes)), (FrameError{FrameFault::Checksum, 0}));
  }
}

TEST(ReplicationFrame, AFaultNamesTheFrameAndLeavesTheChainWhereItWas) {
  const auto frames = recorded_frames();
  FrameChain chain(0, 0);
  ASSERT_FALSE(chain.add(as_bytes(frames[0])));
  const std::uint64_t checksum = chain.checksum();

  EXPECT_EQ(chain.add(as_bytes(frames[2])), (FrameError{FrameFault::FrameNumber, 1})) << "one is missing";
  EXPECT_EQ(chain.add(as_bytes(frames[0])), (FrameError{FrameFault::FrameNumber, 1})) << "it comes twice";
  EXPECT_EQ(chain.add(as_bytes(frames[1].substr(1))), (FrameError{FrameFault::Size, 1}));
  EXPECT_EQ(chain.add(as_bytes(frames[1] + "x")), (FrameError{FrameFault::Size, 1}));
  EXPECT_EQ(chain.add(std::span<const std::byte>()), (FrameError{FrameFault::Size, 1}));
  std::string page_0 = frames[1];
  std::fill_n(page_0.begin() + 16, 4, '\0');
  EXPECT_EQ(chain.add(as_bytes(page_0)), (FrameError{FrameFault::PageNumber, 1}));

  EXPECT_EQ(chain.next_frame_no(), 1U);
  EXPECT_EQ(chain.checksum(), checksum);
  EXPECT_FALSE(chain.add(as_bytes(frames[1])));
}

TEST(ReplicationFrame, ChecksumsOfAPeerMayBeLeftOutOfTheCheck) {
  const Page page = page_of(1);
  FrameChain chain(4, 0, FrameChain::Checksums::Ignore);
  EXPECT_FALSE(chain.add({{4, 0, 1, 0}, page}));
  EXPECT_FALSE(chain.is_at_commit());
  EXPECT_FALSE(chain.add({{5, 0, 1, 1}, page}));
  EXPECT_TRUE(chain.is_at_commit());
  EXPECT_EQ(chain.add({{7, 0, 1, 1}, page}), (FrameError{FrameFault::FrameNumber, 6})) << "the order is checked still";
}

TEST(ReplicationFrame, AFaultIsAProtocolErrorOfAPeerAndCorruptionOfAFile) {
  const FrameError error{FrameFault::Checksum, 12};
  EXPECT_EQ(to_string(error), "frame 12: the checksum does not match");
  const auto peer =
      libsql::test::error_of<Protocol>([&] { throw_fault(BytesFrom::Peer, "the primary's log", to_string(error)); });
  EXPECT_EQ(peer.message(), "the primary's log: frame 12: the checksum does not match");
  EXPECT_EQ(peer.origin(), ErrorOrigin::Server);
  const auto file = libsql::test::error_of<Corrupt>([&] { throw_fault(BytesFrom::File, "the log", to_string(error)); });
  EXPECT_EQ(file.origin(), ErrorOrigin::Api);
}

TEST(ReplicationWalFrame, TheHeaderIsThatOfSqlitesLog) {
  // The first frame of a push of npm libsql 0.5.29.
  const std::string bytes = test::bytes("00000002 00000002 354c1878 6c2f9544 e64f9831 3908a4eb");
  const auto header = decode_wal_frame_header(as_bytes(bytes).first<kFrameHeaderSize>());
  EXPECT_EQ(header, (WalFrameHeader{2, 2, 0x354c1878, 0x6c2f9544, 0xe64f9831, 0x3908a4eb}));
  EXPECT_TRUE(header.is_commit());
  std::array<std::byte, kFrameHeaderSize> again{};
  encode_wal_frame_header(header, again);
  EXPECT_EQ(test::hex(test::as_text(again)), test::hex(bytes));
}

TEST(ReplicationWalFrame, ABodyHasOneOrMoreWholeFrames) {
  std::string body;
  for (const char number : {'\1', '\2', '\3'}) {
    body += std::string(3, '\0') + number + std::string(20, '\0') + std::string(kPageSize, number);
  }
  const auto frames = WalFrames::of(as_bytes(body));
  ASSERT_TRUE(frames);
  ASSERT_EQ(frames->size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*frames)[i].header.page_no, i + 1);
    EXPECT_EQ((*frames)[i].page[kPageSize - 1], static_cast<std::byte>(i + 1));
  }
  EXPECT_EQ(frames->first_without_page(), std::nullopt);
  EXPECT_FALSE(WalFrames::of({}));
  EXPECT_FALSE(WalFrames::of(as_bytes(body).first(body.size() - 1)));
  EXPECT_FALSE(WalFrames::of(as_bytes(body).first(1)));
  body[kFrameSize + 3] = '\0';
  EXPECT_EQ(WalFrames::of(as_bytes(body))->first_without_page(), 1U);
}

}  // namespace
}  // namespace libsql::replication
