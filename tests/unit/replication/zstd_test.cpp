// Compressed messages: what is compressed comes back however it is split, and nothing that is hostile goes on for long.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "core/decode_error.hpp"
#include "replication/zstd.hpp"
#include "unit/replication/support.hpp"

namespace libsql::replication {
namespace {

using core::DecodeError;
using Kind = DecodeError::Kind;

std::string compressed(std::string_view bytes) {
  std::string out;
  zstd::compress(bytes, out);
  return out;
}

std::string decompressed(zstd::Decompressor& decompressor, std::string_view bytes, std::size_t size) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    decompressor.feed(bytes.substr(at, size));
    for (std::string_view part = decompressor.next(); !part.empty(); part = decompressor.next()) out += part;
  }
  decompressor.finish();
  return out;
}

Kind zstd_fault(std::string_view bytes, std::size_t size, std::uint64_t max_bytes) {
  zstd::Decompressor decompressor(max_bytes);
  try {
    static_cast<void>(decompressed(decompressor, bytes, size));
  } catch (const DecodeError& error) {
    EXPECT_LE(error.offset(), bytes.size());
    return error.kind();
  }
  ADD_FAILURE() << "it was read";
  return Kind::UnknownType;
}

// Some of it repeats, some does not.
std::string sample(std::size_t size) {
  std::string text;
  std::uint32_t state = 1;
  while (text.size() < size) {
    state = state * 1664525 + 1013904223;
    text.append((state >> 24U) % 20, static_cast<char>('a' + (state >> 16U) % 26));
  }
  text.resize(size);
  return text;
}

TEST(ReplicationZstd, WhatWasCompressedComesBackHoweverItIsSplit) {
  zstd::Decompressor decompressor(1U << 22U);
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{700'000}}) {
    const std::string text = sample(length);
    const std::string small = compressed(text);
    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, small.size()}) {
      if (length > 100'000 && size == 1) continue;
      decompressor.restart();
      EXPECT_EQ(decompressed(decompressor, small, size), text) << length << " in pieces of " << size;
    }
  }
}

TEST(ReplicationZstd, PagesThatAreAlikeTakeLittleRoom) {
  EXPECT_LT(compressed(std::string(1U << 20U, 'x')).size(), 200U);
  std::string pages;
  for (int i = 0; i < 50; ++i) pages += sample(4096).replace(static_cast<std::size_t>(i) * 10, 4, "1234");
  EXPECT_LT(compressed(pages).size(), pages.size() / 20);
}

TEST(ReplicationZstd, AMessageThatHoldsMoreThanIsAllowedIsRefused) {
  const std::string bomb = compressed(std::string(1U << 24U, '\0'));
  ASSERT_LT(bomb.size(), 4096U);
  EXPECT_EQ(zstd_fault(bomb, bomb.size(), (1U << 24U) - 1), Kind::TooLarge);
  EXPECT_EQ(zstd_fault(bomb, 1, 1000), Kind::TooLarge);
  zstd::Decompressor enough(1U << 24U);
  EXPECT_EQ(decompressed(enough, bomb, bomb.size()).size(), 1U << 24U);
}

TEST(ReplicationZstd, WhatIsCutChangedOrContinuedIsRefused) {
  const std::string text = sample(5000);
  const std::string small = compressed(text);
  for (std::size_t length = 1; length < small.size(); ++length) {
    EXPECT_EQ(zstd_fault(std::string_view(small).substr(0, length), 64, 10'000), Kind::Malformed) << length;
  }
  EXPECT_EQ(zstd_fault(small + "x", 1U << 20U, 10'000), Kind::Malformed);
  EXPECT_EQ(zstd_fault(small + small, 1, 10'000), Kind::Malformed);
  std::string changed = small;
  changed.back() = static_cast<char>(changed.back() ^ 1);  // of the checksum
  EXPECT_EQ(zstd_fault(changed, changed.size(), 10'000), Kind::Malformed);
  EXPECT_EQ(zstd_fault("no zstd at all", 14, 10'000), Kind::Malformed);
}

TEST(ReplicationZstd, AFrameThatWantsAHugeWindowIsRefused) {
  // A window of 1 GiB, and nothing in it.
  EXPECT_EQ(zstd_fault(test::bytes("28b52ffd 00 a0 010000"), 64, 10'000), Kind::Malformed);
}

}  // namespace
}  // namespace libsql::replication
