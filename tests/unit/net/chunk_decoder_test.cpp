// The chunked coding, whole and in pieces.
#include <gtest/gtest.h>

#include "net/http_parser.hpp"

namespace {

using libsql::net::ChunkDecoder;

struct Decoded {
  std::string body;
  std::string rest;
  ChunkDecoder::State state;
};

Decoded decode(std::string_view text, std::size_t piece) {
  ChunkDecoder decoder;
  Decoded result{{}, {}, ChunkDecoder::State::More};
  std::size_t at = 0;
  while (at < text.size() && decoder.state() == ChunkDecoder::State::More) {
    std::string_view part = text.substr(at, piece);
    at += part.size();
    while (!part.empty() && decoder.state() == ChunkDecoder::State::More) {
      const ChunkDecoder::Step step = decoder.next(part);
      result.body += step.data;
      part.remove_prefix(step.consumed);
    }
    result.rest = part;
  }
  result.rest += text.substr(at);
  result.state = decoder.state();
  return result;
}

TEST(ChunkDecoder, GivesTheSameForEveryWayToCutTheInput) {
  const std::string text = "5\r\nhello\r\n1;name=\"va;lue\"\r\n \r\n0006\r\nworld!\r\n0\r\nTrailer: x\r\n\r\nNEXT";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const Decoded decoded = decode(text, piece);
    EXPECT_EQ(decoded.state, ChunkDecoder::State::Done) << piece;
    EXPECT_EQ(decoded.body, "hello world!") << piece;
    EXPECT_EQ(decoded.rest, "NEXT") << piece;
  }
}

TEST(ChunkDecoder, WaitsForMoreWhereverTheInputEnds) {
  const std::string text = "3\r\nabc\r\n0\r\n\r\n";
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(decode(text.substr(0, length), 100).state, ChunkDecoder::State::More) << length;
  }
}

TEST(ChunkDecoder, RefusesWhatReadersUnderstandDifferently) {
  const std::pair<const char*, std::string> bad[] = {
      {"no size", "\r\nabc\r\n0\r\n\r\n"},
      {"a sign", "+3\r\nabc\r\n0\r\n\r\n"},
      {"a minus", "-1\r\n"},
      {"a prefix", "0x3\r\nabc\r\n0\r\n\r\n"},
      {"a blank before", " 3\r\nabc\r\n0\r\n\r\n"},
      {"a blank behind", "3 \r\nabc\r\n0\r\n\r\n"},
      {"no hexadecimal digit", "g\r\n"},
      {"a size beyond 64 bits", "fffffffffffffffff\r\n"},
      {"a size that wraps around", "10000000000000003\r\nabc\r\n0\r\n\r\n"},
      {"a bare line feed behind the size", "3\nabc\r\n0\r\n\r\n"},
      {"a bare line feed behind the data", "3\r\nabc\n0\r\n\r\n"},
      {"data that is longer than its size", "3\r\nabcd\r\n0\r\n\r\n"},
      {"a bare carriage return in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n"},
      {"a NUL in an extension", std::string("3;a\0b\r\nabc\r\n0\r\n\r\n", 18)},
      {"a trailer without a colon", "0\r\nno colon\r\n\r\n"},
      {"a trailer with a blank name", "0\r\n a: b\r\n\r\n"},
      {"a trailer with a bare line feed", "0\r\na: b\n\r\n"},
  };
  for (const auto& [why, text] : bad) {
    EXPECT_EQ(decode(text, 1000).state, ChunkDecoder::State::Bad) << why;
    EXPECT_EQ(decode(text, 1).state, ChunkDecoder::State::Bad) << why << ", byte by byte";
  }
}

TEST(ChunkDecoder, LimitsExtensionsAndTrailers) {
  EXPECT_EQ(decode("3;" + std::string(100'000, 'x'), 1000).state, ChunkDecoder::State::Bad);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "1;" + std::string(200, 'x') + "\r\na\r\n";
  EXPECT_EQ(decode(many, 1000).state, ChunkDecoder::State::Bad);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 1000; ++i) trailers += "a: " + std::string(200, 'x') + "\r\n";
  EXPECT_EQ(decode(trailers, 1000).state, ChunkDecoder::State::Bad);
}

}  // namespace
