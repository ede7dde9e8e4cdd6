// Which proxy the environment names for an origin.
#include <gtest/gtest.h>

#include <map>

#include "net/url.hpp"

namespace {

using namespace libsql::net;

std::map<std::string, std::string> environment;

std::string lookup(const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

std::string proxy_of(bool tls, const std::string& host, std::uint16_t port = 0) {
  const auto proxy =
      proxy_for(Origin{tls, host, port != 0 ? port : static_cast<std::uint16_t>(tls ? 443 : 80)}, lookup);
  return proxy ? to_string(*proxy) : "none";
}

class Proxy : public testing::Test {
 protected:
  void SetUp() override { environment.clear(); }
};

TEST_F(Proxy, IsNoneWithoutVariables) { EXPECT_EQ(proxy_of(true, "h"), "none"); }

TEST_F(Proxy, IsChosenByWhetherTheConnectionIsEncrypted) {
  environment = {{"http_proxy", "http://plain:1"}, {"https_proxy", "http://secure:2"}};
  EXPECT_EQ(proxy_of(false, "h"), "http://plain:1");
  EXPECT_EQ(proxy_of(true, "h"), "http://secure:2");
}

TEST_F(Proxy, LowerCaseComesBeforeUpperCase) {
  environment = {{"HTTPS_PROXY", "http://upper"}};
  EXPECT_EQ(proxy_of(true, "h"), "http://upper");
  environment["https_proxy"] = "http://lower";
  EXPECT_EQ(proxy_of(true, "h"), "http://lower");
}

TEST_F(Proxy, HttpProxyInUpperCaseIsNotTakenWithinCgi) {
  environment = {{"HTTP_PROXY", "http://upper"}};
  EXPECT_EQ(proxy_of(false, "h"), "http://upper");
  environment["REQUEST_METHOD"] = "GET";
  EXPECT_EQ(proxy_of(false, "h"), "none");
}

TEST_F(Proxy, AllProxyStandsInForBoth) {
  environment = {{"all_proxy", "http://all:3"}};
  EXPECT_EQ(proxy_of(false, "h"), "http://all:3");
  EXPECT_EQ(proxy_of(true, "h"), "http://all:3");
}

TEST_F(Proxy, MayBeWrittenWithoutScheme) {
  environment = {{"http_proxy", "proxy:3128"}};
  EXPECT_EQ(proxy_of(false, "h"), "http://proxy:3128");
}

TEST_F(Proxy, ATextThatIsNoUrlIsAnError) {
  environment = {{"http_proxy", "http://"}};
  EXPECT_THROW(proxy_of(false, "h"), UrlError);
}

TEST_F(Proxy, NoProxyListsNamesWithTheirSubdomains) {
  environment = {{"https_proxy", "http://p"}, {"no_proxy", "example.org, .internal,*.corp"}};
  EXPECT_EQ(proxy_of(true, "example.org"), "none");
  EXPECT_EQ(proxy_of(true, "db.example.org"), "none");
  EXPECT_EQ(proxy_of(true, "notexample.org"), "http://p");
  EXPECT_EQ(proxy_of(true, "example.org.evil"), "http://p");
  EXPECT_EQ(proxy_of(true, "a.internal"), "none");
  EXPECT_EQ(proxy_of(true, "a.corp"), "none");
}

TEST_F(Proxy, NoProxyListsAddressesRangesAndPorts) {
  environment = {{"http_proxy", "http://p"}, {"NO_PROXY", "127.0.0.1,10.0.0.0/8,fd00::/8,[::1]:8080,::2,h:81"}};
  EXPECT_EQ(proxy_of(false, "127.0.0.1"), "none");
  EXPECT_EQ(proxy_of(false, "127.0.0.2"), "http://p");
  EXPECT_EQ(proxy_of(false, "10.20.30.40"), "none");
  EXPECT_EQ(proxy_of(false, "11.0.0.1"), "http://p");
  EXPECT_EQ(proxy_of(false, "fd12::1"), "none");
  EXPECT_EQ(proxy_of(false, "fe00::1"), "http://p");
  EXPECT_EQ(proxy_of(false, "::1", 8080), "none");
  EXPECT_EQ(proxy_of(false, "::1", 8081), "http://p");
  EXPECT_EQ(proxy_of(false, "::2"), "none");
  EXPECT_EQ(proxy_of(false, "h", 81), "none");
  EXPECT_EQ(proxy_of(false, "h", 82), "http://p");
}

TEST_F(Proxy, AStarInNoProxyMeansEveryHost) {
  environment = {{"http_proxy", "http://p"}, {"no_proxy", "*"}};
  EXPECT_EQ(proxy_of(false, "h"), "none");
}

TEST_F(Proxy, StrangeEntriesInNoProxyDoNoHarm) {
  environment = {{"http_proxy", "http://p"},
                 {"no_proxy", ",, /,:,:80,[,[],[]:1,.,..,*.,1.2.3.4/,1.2.3.4/99,1.2.3.4/x,a/8"}};
  EXPECT_EQ(proxy_of(false, "h"), "http://p");
  EXPECT_EQ(proxy_of(false, "1.2.3.4"), "http://p");
}

}  // namespace
