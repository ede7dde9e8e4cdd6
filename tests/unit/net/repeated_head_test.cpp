// What a client sends again and again is parsed once, and nothing else is taken for it.
#include "net/repeated_head.hpp"

#include <gtest/gtest.h>

#include <string>

#include "net/field_lines.hpp"

namespace {

using namespace libsql::net;

std::string request(const std::string& value, const std::string& more = "Content-Length: 2\r\n") {
  return "POST /v2/pipeline HTTP/1.1\r\nHost: h\r\nX-Value: " + value + "\r\n" + more + "\r\n";
}

// As a connection does it with a head that it had to parse.
void note(RepeatedHead& repeated, const std::string& text) {
  HttpParser parser;
  RequestHead head;
  ASSERT_FALSE(parser.take_request_head(text, head));
  repeated.note(text, head, parser);
}

TEST(RepeatedHead, IsWhatTheParserMadeOfTheSameBytes) {
  RepeatedHead repeated;
  const std::string text = request("a");
  EXPECT_EQ(repeated.match(text), nullptr);
  note(repeated, text);
  EXPECT_EQ(repeated.match(text), nullptr) << "one alone is no repetition";
  note(repeated, text);
  const RequestHead* const head = repeated.match(text + "{}and the next request");
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(repeated.size(), text.size());
  EXPECT_EQ(head->method, "POST");
  EXPECT_EQ(head->target, "/v2/pipeline");
  EXPECT_EQ(head->host, "h");
  EXPECT_EQ(head->framing, Framing::Length);
  EXPECT_EQ(head->content_length, 2U);
  EXPECT_EQ(find_header(head->headers, "x-value"), "a");
}

TEST(RepeatedHead, IsNotTakenForAnother) {
  RepeatedHead repeated;
  const std::string text = request("secret");
  note(repeated, text);
  note(repeated, text);
  ASSERT_NE(repeated.match(text), nullptr);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] ^= 1;
    EXPECT_EQ(repeated.match(other), nullptr) << i;
    EXPECT_EQ(repeated.match(text.substr(0, i)), nullptr) << i;
  }
  repeated.forget();
  EXPECT_EQ(repeated.match(text), nullptr);
}

TEST(RepeatedHead, LooksAfterItsTextItself) {
  RepeatedHead repeated;
  {
    const std::string gone = request("of a buffer that is used again");
    note(repeated, gone);
    note(repeated, gone);
  }
  const RequestHead* const head = repeated.match(request("of a buffer that is used again"));
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(find_header(head->headers, "x-value"), "of a buffer that is used again");
}

TEST(RepeatedHead, FollowsAClientThatChangesItsHead) {
  RepeatedHead repeated;
  for (const std::string& text : {request("one"), request("another")}) {
    note(repeated, text);
    note(repeated, text);
    ASSERT_NE(repeated.match(text), nullptr) << text;
  }
  EXPECT_EQ(repeated.match(request("one")), nullptr);
}

TEST(RepeatedHead, StaysWhenAnotherOneComesBetween) {
  RepeatedHead repeated;
  const std::string usual = request("usual");
  note(repeated, usual);
  note(repeated, usual);
  for (char c = 'a'; c <= 'z'; ++c) {
    note(repeated, request(std::string(1, c)));
    ASSERT_NE(repeated.match(usual), nullptr) << c;
  }
  repeated.forget();
  note(repeated, usual);
  EXPECT_EQ(repeated.match(usual), nullptr) << "the next connection begins anew";
}

TEST(RepeatedHead, IsSmall) {
  std::string many;
  for (int i = 0; i < 30; ++i) many.append("a: b\r\n");
  for (const std::string& text : {request(std::string(2000, 'x')), request("v", many + "Content-Length: 2\r\n")}) {
    RepeatedHead repeated;
    note(repeated, text);
    note(repeated, text);
    EXPECT_EQ(repeated.match(text), nullptr);
  }
}

TEST(RepeatedHead, LeavesAChunkedBodyToItsParser) {
  RepeatedHead repeated;
  const std::string text = request("v", "Transfer-Encoding: chunked\r\n");
  note(repeated, text);
  HttpParser parser;
  RequestHead head;
  ASSERT_FALSE(parser.take_request_head(text, head));
  repeated.note(text, head, parser);
  EXPECT_EQ(repeated.match(text), nullptr);
  const std::string_view body = "2\r\nhi\r\n0\r\n\r\n";
  std::string read;
  for (std::size_t at = 0; parser.state() == HttpParser::State::More;) {
    const HttpParser::Step step = parser.next(body.substr(at));
    ASSERT_NE(step.consumed, 0U);
    read.append(step.data);
    at += step.consumed;
  }
  EXPECT_EQ(read, "hi");
}

constexpr Header kPlain{"content-type", "text/plain"};
constexpr Header kAny{"access-control-allow-origin", "*"};

TEST(FieldLines, AreTheFieldsAsTheyGoOut) {
  EXPECT_EQ((FieldLines::of<kPlain>().text()), "content-type: text/plain\r\n");
  EXPECT_EQ((FieldLines::of<kPlain, kAny>().text()), "content-type: text/plain\r\naccess-control-allow-origin: *\r\n");
  EXPECT_EQ(FieldLines().text(), "");
}

}  // namespace
