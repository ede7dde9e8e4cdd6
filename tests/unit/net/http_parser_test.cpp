// The heads of requests and answers: what is understood, and the list of what smuggles requests, written out in bytes.
#include "net/http_parser.hpp"

#include <gtest/gtest.h>

namespace {

using namespace libsql::net;
using namespace std::string_literals;

int status_of(const std::string& text) {
  RequestHead head;
  std::size_t from = 0;
  const std::size_t length = find_head_end(text, from);
  if (length == 0) return -1;
  const auto error = HttpParser().take_request_head(std::string_view(text).substr(0, length), head);
  return error ? error->status : 0;
}

RequestHead parsed(const std::string& text) {
  RequestHead head;
  const auto error = HttpParser().take_request_head(text, head);
  EXPECT_FALSE(error) << (error ? error->reason : "") << "\n" << text;
  return head;
}

TEST(RequestHead, IsTakenApart) {
  static const std::string text =
      "POST /v2/pipeline?a=b HTTP/1.1\r\nHost: h:8080\r\nContent-Length: 12\r\nX-Empty:\r\nX-Padded: \t a b \t\r\n\r\n";
  const RequestHead head = parsed(text);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/v2/pipeline?a=b");
  EXPECT_EQ(head.host, "h:8080");
  EXPECT_EQ(head.framing, Framing::Length);
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_TRUE(head.keep_alive);
  ASSERT_EQ(head.headers.size(), 4u);
  EXPECT_EQ(find_header(head.headers, "x-empty"), "");
  EXPECT_EQ(find_header(head.headers, "X-PADDED"), "a b");
}

TEST(RequestHead, KeepAliveFollowsVersionAndConnection) {
  EXPECT_TRUE(parsed("GET / HTTP/1.1\r\nHost: h\r\n\r\n").keep_alive);
  EXPECT_FALSE(parsed("GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n").keep_alive);
  EXPECT_FALSE(parsed("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(parsed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(parsed("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n").keep_alive);
}

TEST(RequestHead, AnAbsoluteTargetCountsMoreThanHost) {
  static const std::string text = "GET http://other:81/x?y HTTP/1.1\r\nHost: h\r\n\r\n";
  const RequestHead head = parsed(text);
  EXPECT_EQ(head.host, "other:81");
  EXPECT_EQ(head.target, "/x?y");
  EXPECT_EQ(parsed("GET https://other HTTP/1.1\r\nHost: h\r\n\r\n").target, "/");
}

TEST(RequestHead, ChunkedBodiesAndExpectationsAreSeen) {
  const RequestHead head =
      parsed("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(head.framing, Framing::Chunked);
  EXPECT_TRUE(head.expects_continue);
}

TEST(RequestHead, WhatSmugglesRequestsIsRefused) {
  const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  const struct {
    const char* why;
    std::string text;
    int status;
  } list[] = {
      {"both kinds of length", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"both kinds, the other way round", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
      {"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      {"two equal lengths", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
      {"a list of lengths", post + "Content-Length: 5, 5\r\n\r\n", 400},
      {"a negative length", post + "Content-Length: -1\r\n\r\n", 400},
      {"a length with a sign", post + "Content-Length: +5\r\n\r\n", 400},
      {"a hexadecimal length", post + "Content-Length: 0x5\r\n\r\n", 400},
      {"a length with a blank", post + "Content-Length: 1 2\r\n\r\n", 400},
      {"an empty length", post + "Content-Length:\r\n\r\n", 400},
      {"a length beyond 64 bits", post + "Content-Length: 18446744073709551621\r\n\r\n", 400},
      {"a length with a trailing letter", post + "Content-Length: 5a\r\n\r\n", 400},
      {"two codings", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400},
      {"a list of codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"chunked that is not the last", post + "Transfer-Encoding: chunked, identity\r\n\r\n", 501},
      {"a misspelt coding", post + "Transfer-Encoding: xchunked\r\n\r\n", 501},
      {"a coding with a vertical tab",
       post + "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n",
       400},
      {"a coding in quotes", post + "Transfer-Encoding: \"chunked\"\r\n\r\n", 501},
      {"a coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"a blank before the colon", post + "Content-Length : 5\r\n\r\n", 400},
      {"a tab before the colon", post + "Transfer-Encoding\t: chunked\r\n\r\n", 400},
      {"a continued line", post + "X: a\r\n b\r\n\r\n", 400},
      {"a continued line with a tab", post + "Transfer-Encoding:\r\n\tchunked\r\n\r\n", 400},
      {"a blank before the first name", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
      {"a field without a colon", get + "Foo\r\n\r\n", 400},
      {"a field without a name", get + ": x\r\n\r\n", 400},
      {"a bare line feed between fields", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
      {"bare line feeds throughout", "GET / HTTP/1.1\nHost: h\n\n", 400},
      {"a bare line feed at the end", get + "\n", 400},
      {"a bare carriage return in a value", get + "X: a\rb\r\n\r\n", 400},
      {"a NUL in a value", get + "X: a\0b\r\n\r\n"s, 400},
      {"a NUL in a name", get + "X\0: a\r\n\r\n"s, 400},
      {"a letter that no name has", get + "X(y): a\r\n\r\n", 400},
      {"a name beyond ASCII", get + "X\xc3\xa9: a\r\n\r\n", 400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", get + "Host: other\r\n\r\n", 400},
      {"a Host with a path", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", 400},
      {"a Host with user information", "GET / HTTP/1.1\r\nHost: a@h\r\n\r\n", 400},
      {"a Host with a blank", "GET / HTTP/1.1\r\nHost: a h\r\n\r\n", 400},
      {"a list of Hosts", "GET / HTTP/1.1\r\nHost: a,h\r\n\r\n", 400},
      {"a method that is no token", "GE(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"no method", " / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"two blanks", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a tab for a blank", "GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a blank behind the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
      {"a blank in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a control character in the target", "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a target that is no path", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a star for another method", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a foreign scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"an absolute target without a host", "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"an absolute target with user information", "GET http://a@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"no version", "GET /\r\nHost: h\r\n\r\n", 400},
      {"a version in lower case", "GET / http/1.1\r\nHost: h\r\n\r\n", 400},
      {"a version with more digits", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", 400},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 505},
      {"HTTP/0.9", "GET / HTTP/0.9\r\n\r\n", 505},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
      {"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 501},
      {"an unknown expectation", get + "Expect: wonders\r\n\r\n", 417},
  };
  for (const auto& entry : list) EXPECT_EQ(status_of(entry.text), entry.status) << entry.why;
}

TEST(RequestHead, MoreFieldsThanAnyHonestPeerSendsAreRefused) {
  std::string text = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 127; ++i) text += "X: y\r\n";
  EXPECT_EQ(status_of(text + "\r\n"), 0);
  EXPECT_EQ(status_of(text + "X: y\r\n\r\n"), 431);
}

TEST(RequestHead, ItsEndIsFoundHoweverItArrives) {
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string all = text + "BODY\r\n\r\n";
  std::size_t from = 0;
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(find_head_end(all.substr(0, length), from), 0u) << length;
  }
  EXPECT_EQ(find_head_end(all, from), text.size());
  std::size_t start = 0;
  EXPECT_EQ(find_head_end(all, start), text.size());
}

ResponseHead answer(const std::string& text, std::string_view method = "GET") {
  ResponseHead head;
  static HttpParser parser;
  const auto error = parser.take_response_head(text, method, head);
  EXPECT_FALSE(error) << text;
  return head;
}

TEST(ResponseHead, FramingFollowsStatusMethodAndFields) {
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n").framing, Framing::Length);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").framing, Framing::None);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD").framing, Framing::None);
  EXPECT_EQ(answer("HTTP/1.1 204 No Content\r\n\r\n").framing, Framing::None);
  EXPECT_EQ(answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n").framing, Framing::None);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").framing, Framing::Chunked);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\n\r\n").framing, Framing::UntilClose);
  EXPECT_FALSE(answer("HTTP/1.1 200 OK\r\n\r\n").keep_alive);
  EXPECT_FALSE(answer("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n").keep_alive);
}

TEST(ResponseHead, AReasonMayBeMissing) {
  EXPECT_EQ(answer("HTTP/1.1 200 \r\n\r\n").status, 200);
  EXPECT_EQ(answer("HTTP/1.1 200\r\n\r\n").status, 200);
}

TEST(ResponseHead, WhatIsMalformedIsRefused) {
  for (const std::string& text :
       {"HTTP/2 200 OK\r\n\r\n"s, "HTTP/1.1 20 OK\r\n\r\n"s, "HTTP/1.1 2000 OK\r\n\r\n"s, "HTTP/1.1 099 X\r\n\r\n"s,
        "HTTP/1.1  200 OK\r\n\r\n"s, "200 OK\r\n\r\n"s, "\r\n\r\n"s, "HTTP/1.1 200 OK\nX: y\n\n"s,
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"s, "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"s,
        "HTTP/1.1 200 O\0K\r\n\r\n"s}) {
    ResponseHead head;
    EXPECT_TRUE(HttpParser().take_response_head(text, "GET", head)) << text;
  }
}

TEST(Headers, TokensAreFoundInLists) {
  const Header headers[] = {{"Connection", "keep-alive ,\tUpgrade"}, {"connection", "x"}};
  EXPECT_TRUE(has_token(headers, "Connection", "upgrade"));
  EXPECT_TRUE(has_token(headers, "Connection", "X"));
  EXPECT_FALSE(has_token(headers, "Connection", "up"));
  EXPECT_FALSE(has_token(headers, "Upgrade", "x"));
}

}  // namespace
