// WebSocket frames: what goes out, and what is made of what comes in.
#include "net/websocket_frame.hpp"

#include <gtest/gtest.h>

#include "net/websocket_handshake.hpp"

namespace {

using namespace libsql::net;
using namespace std::string_literals;
using Kind = MessageReader::Kind;

// A frame as a client sends it, with the mask "abcd".
std::string frame(int first, std::string payload, bool masked = true) {
  const char mask[4] = {'a', 'b', 'c', 'd'};
  std::string text(1, static_cast<char>(first));
  const int bit = masked ? 0x80 : 0;
  if (payload.size() < 126) {
    text += static_cast<char>(bit | static_cast<int>(payload.size()));
  } else {
    text += static_cast<char>(bit | 126);
    text += static_cast<char>(payload.size() >> 8);
    text += static_cast<char>(payload.size() & 0xff);
  }
  if (masked) {
    text.append(mask, 4);
    apply_mask(payload.data(), payload.size(), mask);
  }
  return text + payload;
}

struct Got {
  Kind kind;
  std::string data;
  int code;
  bool operator==(const Got&) const = default;
};

std::vector<Got> read(const std::string& bytes, std::size_t piece, std::uint64_t limit = 1000) {
  MessageReader reader(limit);
  ByteBuffer in;
  std::vector<Got> result;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    in.append(std::string_view(bytes).substr(at, piece));
    for (;;) {
      const MessageReader::Event event = reader.next(in);
      if (event.kind == Kind::NeedMore) break;
      result.push_back({event.kind, std::string(event.data), event.code});
      if (event.kind == Kind::Error || event.kind == Kind::Close) return result;
    }
  }
  return result;
}

int error_of(const std::string& bytes) {
  const auto all = read(bytes, bytes.size());
  const auto slow = read(bytes, 1);
  EXPECT_EQ(all.empty() ? 0 : all.back().code, slow.empty() ? 0 : slow.back().code);
  return all.empty() || all.back().kind != Kind::Error ? 0 : all.back().code;
}

TEST(MessageReader, PutsFragmentsTogetherWithControlFramesInBetween) {
  const std::string bytes = frame(0x01, "Hel") + frame(0x89, "ping") + frame(0x00, "lo ") + frame(0x80, "there") +
                            frame(0x82, "\x01\x02") + frame(0x8a, "") + frame(0x81, std::string(300, 'x'));
  const std::vector<Got> expected = {{Kind::Ping, "ping", 0},
                                     {Kind::Message, "Hello there", 0},
                                     {Kind::Message, "\x01\x02", 0},
                                     {Kind::Pong, "", 0},
                                     {Kind::Message, std::string(300, 'x'), 0}};
  for (std::size_t piece = 1; piece < bytes.size(); ++piece) EXPECT_EQ(read(bytes, piece), expected) << piece;
}

TEST(MessageReader, TakesEmptyMessagesAndFragments) {
  EXPECT_EQ(read(frame(0x81, "") + frame(0x01, "") + frame(0x80, ""), 3),
            (std::vector<Got>{{Kind::Message, "", 0}, {Kind::Message, "", 0}}));
}

TEST(MessageReader, ACharacterMayBeCutByAFragment) {
  EXPECT_EQ(read(frame(0x01, "\xe2\x82") + frame(0x80, "\xac"), 5),
            (std::vector<Got>{{Kind::Message, "\xe2\x82\xac", 0}}));
}

TEST(MessageReader, RefusesWhatBreaksTheProtocol) {
  EXPECT_EQ(error_of(frame(0x81, "x", false)), 1002) << "a client's frame without a mask";
  EXPECT_EQ(error_of(frame(0xc1, "x")), 1002) << "a reserved bit";
  EXPECT_EQ(error_of(frame(0x83, "x")), 1002) << "a reserved kind";
  EXPECT_EQ(error_of(frame(0x8b, "x")), 1002) << "a reserved kind of control frame";
  EXPECT_EQ(error_of(frame(0x80, "x")), 1002) << "a continuation of nothing";
  EXPECT_EQ(error_of(frame(0x01, "x") + frame(0x81, "y")), 1002) << "a message within a message";
  EXPECT_EQ(error_of(frame(0x09, "x")), 1002) << "a fragmented ping";
  EXPECT_EQ(error_of(frame(0x89, std::string(126, 'x'))), 1002) << "a long ping";
  EXPECT_EQ(error_of("\x81\xfe\x00\x05"s), 0) << "not all of the header yet";
  EXPECT_EQ(error_of("\x81\xfe\x00\x05"s
                     "abcd"),
            1002)
      << "a length in more bytes than needed";
  EXPECT_EQ(error_of("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff"s
                     "abcd"),
            1002)
      << "the same with 64 bits";
  EXPECT_EQ(error_of("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00"s
                     "abcd"),
            1002)
      << "a length with the highest bit";
}

TEST(MessageReader, RefusesTextsThatAreNotUtf8) {
  EXPECT_EQ(error_of(frame(0x81, "\xff")), 1007);
  EXPECT_EQ(error_of(frame(0x01, "ok \xe2\x82") + frame(0x80, "x")), 1007);
  EXPECT_EQ(error_of(frame(0x82, "\xff")), 0) << "bytes may be anything";
}

TEST(MessageReader, RefusesLongMessagesBeforeTheyHaveArrived) {
  EXPECT_EQ(error_of("\x82\xfe\x03\xe9"s
                     "abcd"),
            1009)
      << "1001 bytes, announced";
  EXPECT_EQ(error_of("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"s
                     "abcd"),
            1009)
      << "an absurd length";
  EXPECT_EQ(error_of(frame(0x02, std::string(600, 'x')) + frame(0x00, std::string(401, 'x'))), 1009);
  EXPECT_EQ(error_of(frame(0x02, std::string(600, 'x')) + frame(0x80, std::string(400, 'x'))), 0);
}

TEST(MessageReader, CloseFramesHaveACodeAndAReasonOrNone) {
  EXPECT_EQ(read(frame(0x88, ""), 10), (std::vector<Got>{{Kind::Close, "", 1005}}));
  EXPECT_EQ(read(frame(0x88, "\x03\xe8 bye"), 10), (std::vector<Got>{{Kind::Close, " bye", 1000}}));
  EXPECT_EQ(read(frame(0x88, "\x0b\xbb"), 10), (std::vector<Got>{{Kind::Close, "", 3003}}));
  EXPECT_EQ(error_of(frame(0x88, "\x03")), 1002) << "half a code";
  EXPECT_EQ(error_of(frame(0x88, "\x03\xe8\xff")), 1007) << "a reason that is not UTF-8";
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535}) {
    const std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    EXPECT_EQ(error_of(frame(0x88, payload)), 1002) << code;
  }
}

TEST(FrameHeader, WritesTheShortestLength) {
  EXPECT_EQ(make_frame_header(Opcode::Text, 5, nullptr).view(), "\x81\x05"s);
  EXPECT_EQ(make_frame_header(Opcode::Binary, 126, nullptr).view(), "\x82\x7e\x00\x7e"s);
  EXPECT_EQ(make_frame_header(Opcode::Binary, 65536, nullptr).view(), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
  EXPECT_EQ(make_frame_header(Opcode::Ping, 0, "abcd").view(),
            "\x89\x80"s
            "abcd");
}

TEST(ClosePayload, CutsTheReasonBetweenCharacters) {
  EXPECT_EQ(close_payload(0, "x"), "");
  EXPECT_EQ(close_payload(1000, "x"), "\x03\xe8x");
  std::string reason(122, 'x');
  reason += "\xe2\x82\xac";
  EXPECT_EQ(close_payload(1000, reason).size(), 124u);
  EXPECT_EQ(close_payload(1000, std::string(200, 'y')).size(), 125u);
}

TEST(Mask, IsTheSameForEveryAlignment) {
  const char mask[4] = {1, 2, 3, 4};
  for (std::size_t size = 0; size < 40; ++size) {
    std::string text(size, 'x');
    apply_mask(text.data(), size, mask);
    for (std::size_t i = 0; i < size; ++i) EXPECT_EQ(text[i], 'x' ^ mask[i % 4]);
    std::string parts(size, 'x');
    apply_mask(parts.data(), size / 3, mask);
    apply_mask(parts.data() + size / 3, size - size / 3, mask, size / 3);
    EXPECT_EQ(parts, text);
  }
}

TEST(Handshake, AcceptIsThatOfTheStandard) {
  // The example of RFC 6455 1.3.
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace
