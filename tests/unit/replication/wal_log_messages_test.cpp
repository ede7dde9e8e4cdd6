// The messages about a log, and batches of frames of any size.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "replication/frame.hpp"
#include "replication/wal_log_messages.hpp"
#include "unit/replication/support.hpp"

namespace libsql::replication {
namespace {

using core::DecodeError;
using core::Source;
using Kind = DecodeError::Kind;

template <class Message>
std::string encoded(const Message& message) {
  std::string out;
  encode(message, out);
  return out;
}

template <class Run>
Kind fault_of(Run&& run) {
  try {
    run();
  } catch (const DecodeError& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no DecodeError was thrown";
  return Kind::UnknownType;
}

TEST(ReplicationHello, AnAnswerTellsWhatIsThereFromWhatIsZero) {
  // As a namespace with the default configuration answers: shared_schema and durability_mode are there, and 0.
  const std::string bytes = test::field(1, "gen") + test::field(3, "log") + test::field(4, "token") +
                            test::bytes("28 00") +
                            test::field(6, test::bytes("20 80c0ece9d9b6c137 40 05 50 c096b102 58 00 68 00"));
  const auto hello = decode_hello_response(Source::borrowed(bytes));
  EXPECT_EQ(hello->current_replication_index, 0U) << "the log has one frame";
  ASSERT_TRUE(hello->config);
  EXPECT_EQ(hello->config->txn_timeout_s, 5U);
  EXPECT_EQ(hello->config->max_row_size, 5000000U);
  EXPECT_EQ(hello->config->shared_schema, false);
  EXPECT_EQ(hello->config->durability_mode, DurabilityMode::Relaxed);
  EXPECT_EQ(hello->config->block_reason, std::nullopt);
  EXPECT_EQ(test::hex(encoded(*hello)), test::hex(bytes));

  const auto empty = decode_hello_response(Source::borrowed({}));
  EXPECT_EQ(empty->current_replication_index, std::nullopt) << "the log is empty";
  EXPECT_EQ(empty->config, std::nullopt);
}

TEST(ReplicationHello, AllOfAConfigurationComesBack) {
  const DatabaseConfig config{true, true, "why", 7,    "http://beat", "bottomless",       "key",
                              9,    true, 10,    true, "schema",      DurabilityMode::Off};
  const HelloResponse hello{"gen", 1, "log", std::string_view("\xff\0", 2), 12, config};
  EXPECT_EQ(*decode_hello_response(encoded(hello)), hello);
  HelloResponse from_newer;
  from_newer.config.emplace().durability_mode = static_cast<DurabilityMode>(-3);
  EXPECT_EQ(*decode_hello_response(encoded(from_newer)), from_newer) << "a mode of later is kept";
}

TEST(ReplicationHello, AConfigurationInTwoPartsIsOne) {
  const std::string bytes = test::field(6, test::bytes("08 01 40 05")) + test::field(6, test::bytes("10 01 40 07"));
  const auto hello = decode_hello_response(Source::borrowed(bytes));
  ASSERT_TRUE(hello->config);
  EXPECT_TRUE(hello->config->block_reads);
  EXPECT_TRUE(hello->config->block_writes);
  EXPECT_EQ(hello->config->txn_timeout_s, 7U);
}

TEST(ReplicationHello, ARequestIsWhatPublishedClientsSend) {
  EXPECT_EQ(test::hex(encoded(HelloRequest{1})), "0801");
  EXPECT_EQ(encoded(HelloRequest{}), "");
  EXPECT_EQ(encoded(LogOffset{}), "");
  EXPECT_EQ(test::hex(encoded(LogOffset{300, WalFlavor::Sqlite})), "08ac021000");
}

TEST(ReplicationHello, WhatIsNoMessageIsRefused) {
  for (const std::string& bytes :
       {test::bytes("08"), test::bytes("ffff"), test::bytes("0a 01 31"), test::bytes("00 00"),
        test::bytes("08 ffffffffffffffffffff01"), test::bytes("0b"), test::bytes("0f")}) {
    EXPECT_EQ(fault_of([&] { decode_hello_request(Source::borrowed(bytes)); }), Kind::Malformed) << test::hex(bytes);
  }
  const std::string not_utf8 = test::field(3, "\xff");
  EXPECT_EQ(fault_of([&] { decode_hello_response(Source::borrowed(not_utf8)); }), Kind::Malformed);
}

// ---- Frames

std::string page_frame(int number) {
  std::string frame(kFrameSize, static_cast<char>('a' + number % 26));
  return frame.replace(0, 8, std::string(1, static_cast<char>(number)) + std::string(7, '\0'));
}

std::string batch_of(int count) {
  std::string batch;
  for (int i = 0; i < count; ++i) {
    const std::string data = page_frame(i);
    const FrameMessage frame{data, i % 3 == 2 ? std::optional<std::int64_t>(1700000000000 + i) : std::nullopt, {}};
    const std::size_t before = batch.size();
    append_to_frames(frame, batch);
    EXPECT_EQ(batch.size() - before, size_in_frames(frame));
  }
  return batch;
}

// The frames that a reader gives if it is fed in pieces of that size.
std::vector<std::string> frames_in_pieces(std::string_view batch, std::size_t size) {
  std::vector<std::string> frames;
  FramesReader reader;
  for (std::size_t at = 0; at < batch.size(); at += size) {
    reader.feed(batch.substr(at, size));
    while (const auto frame = reader.next()) {
      frames.push_back(std::string(frame->data).append("@").append(std::to_string(frame->timestamp.value_or(0))));
    }
  }
  reader.finish();
  EXPECT_EQ(reader.position(), batch.size());
  return frames;
}

TEST(ReplicationFrames, ABatchIsReadTheSameHoweverItIsSplit) {
  const std::string batch = batch_of(7);
  const auto whole = frames_in_pieces(batch, batch.size());
  ASSERT_EQ(whole.size(), 7U);
  EXPECT_EQ(whole[5], page_frame(5) + "@1700000000005");
  for (const std::size_t size : {1, 2, 3, 7, 4119, 4120, 4124, 4130, 8192, 10000}) {
    EXPECT_EQ(frames_in_pieces(batch, size), whole) << size;
  }
}

TEST(ReplicationFrames, AFrameThatComesInOnePieceIsNotCopied) {
  const std::string batch = batch_of(3);
  FramesReader reader;
  reader.feed(batch);
  int count = 0;
  while (const auto frame = reader.next()) {
    EXPECT_GE(frame->data.data(), batch.data());
    EXPECT_LE(frame->data.data() + frame->data.size(), batch.data() + batch.size());
    ++count;
  }
  EXPECT_EQ(count, 3);
}

TEST(ReplicationFrames, AFrameAfterOneInPiecesIsItsOwn) {
  const std::string batch = batch_of(3);
  FramesReader reader;
  reader.feed(std::string_view(batch).substr(0, 100));
  EXPECT_FALSE(reader.next());
  reader.feed(std::string_view(batch).substr(100));
  EXPECT_EQ(reader.next()->data, page_frame(0));
  EXPECT_EQ(reader.next()->data, page_frame(1));
  EXPECT_EQ(reader.next()->data, page_frame(2));
  EXPECT_FALSE(reader.next());
}

TEST(ReplicationFrames, NoFramesAreAnEmptyMessage) { EXPECT_TRUE(frames_in_pieces({}, 1).empty()); }

TEST(ReplicationFrames, AFrameWithoutDataIsOneStill) {
  EXPECT_EQ(frames_in_pieces(test::bytes("0a 00 0a 00"), 1), (std::vector<std::string>{"@0", "@0"}));
}

TEST(ReplicationFrames, OtherFieldsArePassedOverAlsoInPieces) {
  const std::string others = test::bytes("10 ffffffffffffffffff01") + test::bytes("19 0102030405060708") +
                             test::bytes("25 01020304") + test::field(6, std::string(20000, 'x'));
  const std::string batch = others + batch_of(1) + others;
  for (const std::size_t size : {std::size_t{1}, std::size_t{5000}, batch.size()}) {
    EXPECT_EQ(frames_in_pieces(batch, size).size(), 1U);
  }
}

TEST(ReplicationFrames, ABatchThatEndsWithinAFrameIsRefused) {
  const std::string batch = batch_of(2);
  for (std::size_t length = 1; length < batch.size(); length += length < 10 ? 1 : 500) {
    FramesReader reader;
    reader.feed(std::string_view(batch).substr(0, length));
    std::size_t frames = 0;
    while (reader.next()) ++frames;
    if (length == batch.size() / 2) continue;
    EXPECT_EQ(fault_of([&] { reader.finish(); }), Kind::Malformed) << length;
    EXPECT_LT(frames, 2U);
  }
}

TEST(ReplicationFrames, AFrameMayNotBeLongerThanFramesAre) {
  const auto fault = [](const std::string& head) {
    return fault_of([&] {
      FramesReader reader;
      reader.feed(head);
      reader.next();
    });
  };
  EXPECT_EQ(fault(test::bytes("0a 8140")), Kind::TooLarge) << "8193 bytes, before any of them came";
  EXPECT_EQ(fault(test::bytes("0a ffffffffffffffffff01")), Kind::TooLarge);
  EXPECT_EQ(fault(test::bytes("08 01")), Kind::Malformed) << "a number in the frames' place";
  EXPECT_EQ(fault(test::bytes("0b")), Kind::Malformed);
  EXPECT_EQ(fault(test::bytes("13")), Kind::Malformed);
  EXPECT_EQ(fault(test::bytes("02 00")), Kind::Malformed) << "field 0";
  EXPECT_EQ(fault(test::bytes("10 ffffffffffffffffffff")), Kind::Malformed);
  EXPECT_EQ(fault(test::bytes("0a 02 0a 05")), Kind::Malformed) << "the message in the field is cut off";
}

TEST(ReplicationFrames, ABatchOfTwelveMegabytesNeedsNoMemoryOfThatSize) {
  const std::string one = batch_of(1);
  FramesReader reader;
  std::size_t count = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string_view piece = one;
    const std::size_t middle = static_cast<std::size_t>(i) % one.size();
    for (const std::string_view half : {piece.substr(0, middle), piece.substr(middle)}) {
      reader.feed(half);
      while (const auto frame = reader.next()) count += frame->data.size() == kFrameSize ? 1 : 0;
    }
  }
  reader.finish();
  EXPECT_EQ(count, 3000U);
  EXPECT_EQ(reader.position(), 3000 * one.size());
}

}  // namespace
}  // namespace libsql::replication
