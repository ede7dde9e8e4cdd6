// URLs in their parts, and what is refused.
#include "net/url.hpp"

#include <gtest/gtest.h>

namespace {

using namespace libsql::net;

TEST(Url, IsTakenApartIntoItsParts) {
  const Url url = parse_url("libsql://user:pa%20ss@DB.Example.org:8080/a/b?tls=0&authToken=x%3Dy#frag");
  EXPECT_EQ(url.scheme, "libsql");
  EXPECT_EQ(url.user_info, "user:pa%20ss");
  EXPECT_EQ(url.host, "db.example.org");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.path, "/a/b");
  EXPECT_EQ(url.query, "tls=0&authToken=x%3Dy");
  EXPECT_EQ(url.fragment, "frag");
}

TEST(Url, LeavesOutWhatIsNotWritten) {
  const Url url = parse_url("https://h");
  EXPECT_FALSE(url.user_info);
  EXPECT_FALSE(url.port);
  EXPECT_FALSE(url.query);
  EXPECT_FALSE(url.fragment);
  EXPECT_EQ(url.path, "");
}

TEST(Url, TakesAddressesInBrackets) {
  const Url url = parse_url("ws://[2001:DB8::1]:81/x");
  EXPECT_EQ(url.host, "2001:db8::1");
  EXPECT_EQ(url.port, 81);
  EXPECT_EQ(to_string(url), "ws://[2001:db8::1]:81/x");
}

TEST(Url, AllowsAColonWithoutAPort) { EXPECT_FALSE(parse_url("http://h:/x").port); }

TEST(Url, IsPutTogetherAsItWas) {
  for (const char* text : {"http://h/", "http://u@h:1/p?q#f", "libsql://h?tls=1", "wss://[::1]/", "http://h/a?b?c"}) {
    EXPECT_EQ(to_string(parse_url(text)), text);
  }
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "h",
                           "h:80",
                           "//h",
                           "http:",
                           "http:/h",
                           "http:h",
                           "http://",
                           "http:///p",
                           "http://:80/",
                           "1http://h",
                           "ht tp://h",
                           "http://h h/",
                           "http://h\n/",
                           "http://h:0/",
                           "http://h:65536/",
                           "http://h:8x/",
                           "http://h:-1/",
                           "http://[::1/",
                           "http://[abc]/",
                           "http://[::g]/",
                           "http://a%2/",
                           "http://a%zz/",
                           "http://a%2fb/",
                           "http://a<b/",
                           "http://a%00b/"}) {
    EXPECT_THROW(parse_url(text), UrlError) << text;
  }
}

TEST(Url, ItsErrorsDoNotRepeatSecrets) {
  try {
    parse_url("http://user:secret@h:x/?authToken=secret");
    FAIL() << "it was accepted";
  } catch (const UrlError& error) {
    EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
  }
}

TEST(Url, QueryParametersAreDecoded) {
  const auto parameters = query_parameters("a=1&b=x%20y+z&&c&d=%C3%A9=&a=2");
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"a", "1"}, {"b", "x y z"}, {"c", ""}, {"d", "\xc3\xa9="}, {"a", "2"}};
  EXPECT_EQ(parameters, expected);
  EXPECT_THROW(query_parameters("a=%"), UrlError);
  EXPECT_THROW(query_parameters("a=%4"), UrlError);
  EXPECT_THROW(query_parameters("%x1=2"), UrlError);
}

TEST(Url, PercentEncodingComesBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_encode("a-._~Z9 /+"), "a-._~Z9%20%2F%2B");
}

TEST(Origin, AuthorityHasAPortOnlyIfItIsNotTheUsualOne) {
  EXPECT_EQ((Origin{false, "h", 80}).authority(), "h");
  EXPECT_EQ((Origin{true, "h", 443}).authority(), "h");
  EXPECT_EQ((Origin{true, "h", 80}).authority(), "h:80");
  EXPECT_EQ((Origin{false, "::1", 8080}).authority(), "[::1]:8080");
}

}  // namespace
