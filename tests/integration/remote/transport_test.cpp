// The way between client and server: TLS that is trusted for the right reasons, and proxies.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>

#include <libsql/libsql.hpp>

#include "server/server.hpp"
#include "support/certificates.hpp"
#include "support/expect_error.hpp"
#include "support/forward_proxy.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {
namespace {

using namespace std::chrono_literals;

// The value of an environment variable for the time of a test.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* const old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    if (old_) {
      ::setenv(name_, old_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

// Two servers for one file each: one in the clear, one with a certificate that `authority` signed.
class RemoteTransport : public ::testing::Test {
 protected:
  RemoteTransport() : authority_({.common_name = "authority"}, nullptr), other_({.common_name = "other"}, nullptr) {
    certificate_.emplace(Certificate::Options{.subject_names = "DNS:localhost,IP:127.0.0.1"}, &authority_);
    certificate_->write(file("server"));
    authority_.write(file("authority"));
    other_.write(file("other"));
    plain_ = start("plain.db", std::nullopt);
    encrypted_ = start("encrypted.db", server::TlsFiles{file("server.pem"), file("server.key")});
  }
  ~RemoteTransport() override {
    plain_->stop(1s);
    encrypted_->stop(1s);
  }

  std::string file(const std::string& name) const { return (directory_.path() / name).string(); }
  std::unique_ptr<server::Server> start(const std::string& database, std::optional<server::TlsFiles> tls) {
    server::Options options;
    options.database = file(database);
    options.http.port = 0;
    options.http.tls = std::move(tls);
    auto server = std::make_unique<server::Server>(std::move(options));
    server->start();
    return server;
  }

  // "https" and the like, to the server that speaks it.
  RemoteBuilder builder(const std::string& scheme, const std::string& host = "127.0.0.1") const {
    const bool tls = scheme == "https" || scheme == "wss" || scheme == "libsql";
    const std::string url = scheme + "://" + host + ':' + std::to_string((tls ? encrypted_ : plain_)->port());
    return Builder::remote(url).proxy(std::nullopt).connect_timeout(60s).busy_timeout(20s);
  }
  RemoteBuilder trusting(const std::string& scheme, const std::string& host = "127.0.0.1") const {
    return builder(scheme, host).tls({.ca_file = file("authority.pem")});
  }
  // Everything that has a way of its own: a statement, rows, a transaction, a batch.
  static void expect_works(const RemoteBuilder& builder) {
    const Database db = builder.build();
    Connection conn = db.connect();
    conn.execute("CREATE TABLE IF NOT EXISTS t(a)");
    conn.execute("DELETE FROM t");
    Transaction tx = conn.transaction(TransactionBehavior::Immediate);
    tx->execute("INSERT INTO t VALUES (?)", std::string(100'000, 'x'));
    int rows = 0;
    for (auto [text] : tx->query<std::string>("SELECT a FROM t")) rows += text.size() == 100'000;
    EXPECT_EQ(rows, 1);
    tx.commit();
    conn.execute_batch("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)");
    rows = 0;
    for (Rows all = conn.query("SELECT a FROM t"); all.next();) ++rows;
    EXPECT_EQ(rows, 3);
    EXPECT_EQ(db.connect().query_value<int>("SELECT count(*) FROM t"), 3);
  }
  // The class, and that trying again would not help.
  static void expect_untrusted(const RemoteBuilder& builder, const std::string& why) {
    const Network error = error_of<Network>([&] { builder.build().connect().execute("CREATE TABLE u(a)"); });
    EXPECT_NE(error.message().find(why), std::string::npos) << error.message();
    EXPECT_TRUE(error.outcome_known());
    EXPECT_FALSE(error.retryable());
  }

  TemporaryDirectory directory_;
  Certificate authority_;
  Certificate other_;
  std::optional<Certificate> certificate_;
  std::unique_ptr<server::Server> plain_;
  std::unique_ptr<server::Server> encrypted_;
};

// -- TLS

TEST_F(RemoteTransport, AServerIsTrustedForItsAuthority) {
  for (const char* scheme : {"https", "wss", "libsql"}) {
    expect_works(trusting(scheme));
    expect_works(trusting(scheme, "localhost"));
    expect_works(builder(scheme).tls({.ca_pem = authority_.pem()}));
  }
}

TEST_F(RemoteTransport, AServerIsTrustedForItsPinnedKey) {
  for (const char* scheme : {"https", "wss"}) {
    expect_works(builder(scheme).tls({.pinned_public_keys = {certificate_->pin()}}));
    expect_untrusted(builder(scheme).tls({.pinned_public_keys = {other_.pin()}}), "not a pinned one");
  }
}

TEST_F(RemoteTransport, AServerIsNotTrustedWithoutAReason) {
  for (const char* scheme : {"https", "wss"}) {
    expect_untrusted(builder(scheme), "certificate");
    expect_untrusted(builder(scheme).tls({.ca_file = file("other.pem")}), "certificate");
    expect_untrusted(trusting(scheme).tls({.ca_file = file("authority.pem"), .server_name = "db.example.org"}),
                     "mismatch");
  }
}

TEST_F(RemoteTransport, AServerIsTrustedWithoutAReasonOnlyIfThatIsAskedFor) {
  for (const char* scheme : {"https", "wss"}) expect_works(builder(scheme).tls({.accept_any_certificate = true}));
}

TEST_F(RemoteTransport, SpeakingTlsToAServerWithoutItIsANetworkError) {
  const RawServer plain([](RawSocket& peer) {
    peer.read(5);
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  for (const char* scheme : {"https", "wss"}) {
    const std::string url = std::string(scheme) + "://127.0.0.1:" + std::to_string(plain.port());
    expect_untrusted(Builder::remote(url).proxy(std::nullopt).tls({.accept_any_certificate = true}), "encrypted");
  }
}

TEST_F(RemoteTransport, FilesThatAreNoCertificatesFailTheBuild) {
  EXPECT_THROW(builder("https").tls({.ca_file = file("missing.pem")}).build(), Configuration);
  EXPECT_THROW(builder("wss").tls({.ca_pem = "no certificate"}).build(), Configuration);
  EXPECT_THROW(builder("https").tls({.pinned_public_keys = {"short"}}).build(), Configuration);
}

// -- proxies

TEST_F(RemoteTransport, PlainRequestsGoThroughAProxyWithTheirWholeUrl) {
  ForwardProxy proxy;
  expect_works(builder("http").proxy(proxy.url()));
  ASSERT_FALSE(proxy.requests().empty());
  const std::string start = "POST http://127.0.0.1:" + std::to_string(plain_->port()) + "/v3";
  for (const std::string& request : proxy.requests()) {
    EXPECT_TRUE(request.starts_with(start) || request.starts_with("GET http://")) << request;
  }
}

TEST_F(RemoteTransport, EncryptedAndWebSocketConnectionsGoThroughATunnel) {
  for (const char* scheme : {"https", "wss", "ws"}) {
    ForwardProxy proxy;
    // The proxy finds the host; the client never asks for its address.
    const std::string host = std::string(scheme) == "ws" ? "db.invalid" : "localhost";
    expect_works(trusting(scheme, host).proxy(proxy.url()));
    ASSERT_FALSE(proxy.requests().empty()) << scheme;
    for (const std::string& request : proxy.requests()) {
      EXPECT_TRUE(request.starts_with("CONNECT " + host + ':')) << request;
    }
  }
}

TEST_F(RemoteTransport, AProxyThatDoesNotTrustTheServerForUsChangesNothing) {
  ForwardProxy proxy;
  expect_untrusted(builder("https").tls({.ca_file = file("other.pem")}).proxy(proxy.url()), "certificate");
}

TEST_F(RemoteTransport, AProxyMayWantCredentials) {
  for (const char* scheme : {"http", "https", "ws", "wss"}) {
    ForwardProxy proxy("dXNlcjpwYTpzcw==");  // user:pa:ss
    expect_works(trusting(scheme).proxy(proxy.url("user:pa%3Ass")));
    for (const std::string& wrong : {proxy.url(), proxy.url("user:wrong")}) {
      const std::size_t before = proxy.requests().size();
      const Auth error = error_of<Auth>([&] { trusting(scheme).proxy(wrong).build().connect().execute("SELECT 1"); });
      EXPECT_NE(error.message().find("407"), std::string::npos) << error.message();
      EXPECT_EQ(error.message().find("wrong"), std::string::npos);
      EXPECT_TRUE(error.outcome_known());
      EXPECT_EQ(proxy.requests().size(), before + 1) << "asking again does not help";
    }
  }
}

TEST_F(RemoteTransport, AProxyThatIsNotThereIsANetworkErrorAndNotGoneAround) {
  std::string gone;
  {
    const ForwardProxy proxy;
    gone = proxy.url();
  }
  for (const char* scheme : {"http", "wss"}) {
    const Network error = error_of<Network>(
        [&] { trusting(scheme).proxy(gone).retries(0).build().connect().execute("CREATE TABLE u(a)"); });
    EXPECT_TRUE(error.outcome_known());
  }
}

TEST_F(RemoteTransport, TheEnvironmentNamesAProxyAndWhatGoesAroundIt) {
  const auto from_environment = [&](const char* scheme) {
    const bool tls = std::string(scheme) == "https";
    const std::string url = std::string(scheme) + "://127.0.0.1:" + std::to_string((tls ? encrypted_ : plain_)->port());
    return Builder::remote(url).tls({.ca_file = file("authority.pem")}).connect_timeout(60s).busy_timeout(20s);
  };
  ForwardProxy http;
  ForwardProxy https;
  const Environment first("http_proxy", http.url());
  const Environment second("https_proxy", https.url());
  const Environment third("no_proxy", "");
  expect_works(from_environment("http"));
  EXPECT_FALSE(http.requests().empty());
  EXPECT_TRUE(https.requests().empty());
  expect_works(from_environment("https"));
  EXPECT_FALSE(https.requests().empty());
  const std::size_t before = http.requests().size() + https.requests().size();
  {
    const Environment around("no_proxy", "example.org, 127.0.0.0/8");
    expect_works(from_environment("http"));
    expect_works(from_environment("https"));
  }
  expect_works(from_environment("http").proxy(std::nullopt));
  EXPECT_EQ(http.requests().size() + https.requests().size(), before);
}

TEST_F(RemoteTransport, ProxiesOfOtherKindsAreRefusedByTheBuild) {
  for (const char* scheme : {"http", "https", "ws", "wss"}) {
    for (const char* proxy : {"https://127.0.0.1:3128", "socks5://127.0.0.1:1080"}) {
      const Unsupported error = error_of<Unsupported>([&] { trusting(scheme).proxy(proxy).build(); });
      EXPECT_EQ(error.mode(), "remote");
      EXPECT_NE(error.message().find("proxy"), std::string::npos);
    }
    EXPECT_THROW(trusting(scheme).proxy("127.0.0.1:3128").build(), Configuration);
  }
  const Environment everything("all_proxy", "https://user:secret@127.0.0.1:3128");
  const Environment first("http_proxy", "");
  const Environment second("https_proxy", "");
  const Environment third("no_proxy", "");
  const Unsupported error = error_of<Unsupported>([] { Builder::remote("https://db.example.org").build(); });
  EXPECT_EQ(error.message().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace libsql::test
