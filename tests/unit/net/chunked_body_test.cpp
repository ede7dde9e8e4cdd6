// The chunked coding, whole and in pieces.
#include <gtest/gtest.h>

#include "net/http_parser.hpp"

namespace {

using libsql::net::HttpParser;

struct Decoded {
  std::string body;
  std::string rest;
  HttpParser::State state;
};

// Gives `text` as a chunked body, `piece` bytes at a time. What the parser does not take waits for more.
Decoded decode(std::string_view text, std::size_t piece) {
  HttpParser parser;
  libsql::net::ResponseHead head;
  EXPECT_FALSE(parser.take_response_head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", head));
  Decoded result{{}, {}, HttpParser::State::More};
  std::size_t at = 0;
  while (at < text.size() && parser.state() == HttpParser::State::More) {
    result.rest += text.substr(at, piece);
    at += piece;
    while (parser.state() == HttpParser::State::More) {
      const HttpParser::Step step = parser.next(result.rest);
      result.body += step.data;
      result.rest.erase(0, step.consumed);
      if (step.consumed == 0) break;
    }
  }
  if (at < text.size()) result.rest += text.substr(at);
  result.state = parser.state();
  return result;
}

TEST(ChunkedBody, GivesTheSameForEveryWayToCutTheInput) {
  const std::string text = "5\r\nhello\r\n1;name=\"va;lue\"\r\n \r\n0006\r\nworld!\r\n0\r\nTrailer: x\r\n\r\nNEXT";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const Decoded decoded = decode(text, piece);
    EXPECT_EQ(decoded.state, HttpParser::State::Done) << piece;
    EXPECT_EQ(decoded.body, "hello world!") << piece;
    EXPECT_EQ(decoded.rest, "NEXT") << piece;
  }
}

TEST(ChunkedBody, WaitsForMoreWhereverTheInputEnds) {
  const std::string text = "3\r\nabc\r\n0\r\n\r\n";
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(decode(text.substr(0, length), 100).state, HttpParser::State::More) << length;
  }
}

TEST(ChunkedBody, AnEmptyOneMayDripAndBeAskedAboutAgain) {
  for (const std::string text : {"0\r\n\r\n", "00\r\n\r\n", "0;x\r\n\r\n"}) {
    HttpParser parser;
    libsql::net::ResponseHead head;
    ASSERT_FALSE(parser.take_response_head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", head));
    for (std::size_t length = 1; length < text.size(); ++length) {
      EXPECT_EQ(parser.next(text.substr(0, length)).consumed, 0u);
      EXPECT_EQ(parser.next(text.substr(0, length)).consumed, 0u) << "an event that brings no bytes";
      EXPECT_EQ(parser.state(), HttpParser::State::More);
    }
    EXPECT_EQ(parser.next(text).consumed, text.size());
    EXPECT_EQ(parser.state(), HttpParser::State::Done);
  }
}

TEST(ChunkedBody, RefusesWhatReadersUnderstandDifferently) {
  const std::pair<const char*, std::string> bad[] = {
      {"no size", "\r\nabc\r\n0\r\n\r\n"},
      {"a sign", "+3\r\nabc\r\n0\r\n\r\n"},
      {"a minus", "-1\r\n"},
      {"a prefix", "0x3\r\nabc\r\n0\r\n\r\n"},
      {"a blank before", " 3\r\nabc\r\n0\r\n\r\n"},
      {"a blank behind", "3 \r\nabc\r\n0\r\n\r\n"},
      {"not a hexadecimal digit", "g\r\n"},
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
    EXPECT_EQ(decode(text, 1000).state, HttpParser::State::Bad) << why;
    EXPECT_EQ(decode(text, 1).state, HttpParser::State::Bad) << why << ", byte by byte";
  }
}

TEST(ChunkedBody, LimitsExtensionsAndTrailers) {
  EXPECT_EQ(decode("3;" + std::string(100'000, 'x'), 1000).state, HttpParser::State::Bad);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "1;" + std::string(200, 'x') + "\r\na\r\n";
  EXPECT_EQ(decode(many, 1000).state, HttpParser::State::Bad);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 1000; ++i) trailers += "a: " + std::string(200, 'x') + "\r\n";
  EXPECT_EQ(decode(trailers, 1000).state, HttpParser::State::Bad);
}

}  // namespace
