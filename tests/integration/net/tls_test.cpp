// Encryption: whom a client trusts, and the tunnel through a proxy.
#include "net/tls.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <thread>

#include "net/http_client.hpp"
#include "net/server.hpp"
#include "support/certificates.hpp"
#include "support/raw_socket.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace libsql::net;
using namespace std::chrono_literals;
using libsql::test::Certificate;
using libsql::test::RawServer;
using libsql::test::RawSocket;

// On a busy machine, in instrumented code, a handshake may take its time; none of these tests is about that.
Wait patient() { return Wait{Deadline::after(60s), nullptr}; }
ServerOptions patient_server() {
  ServerOptions options;
  options.head_timeout = 60s;
  return options;
}
ClientOptions patient_client() {
  ClientOptions options;
  options.proxy_from_environment = false;
  options.connect_timeout = 60s;
  return options;
}

class Hello final : public Handler {
 public:
  void on_request(Exchange& exchange) override {
    EXPECT_TRUE(exchange.request().tls);
    exchange.answer(200, {{"X-Peer", exchange.peer_certificate()}},
                    exchange.request().body.empty() ? "hello" : exchange.request().body);
  }
};

class Tls : public testing::Test {
 protected:
  Tls() : authority({.common_name = "authority"}, nullptr), other({.common_name = "other authority"}, nullptr) {
    authority.write(file("authority"));
    other.write(file("other"));
  }

  std::string file(const std::string& name) const { return (directory.path() / name).string(); }

  std::uint16_t serve(const Certificate& certificate, const std::string& clients = {}) {
    certificate.write(file("server"));
    Listener listener;
    listener.tls = TlsContext::server({file("server.pem"), file("server.key"), clients});
    return server.listen(listener, std::make_shared<Hello>());
  }
  Certificate leaf(Certificate::Options options = {}) const {
    if (options.subject_names.empty()) options.subject_names = "DNS:localhost,IP:127.0.0.1";
    return Certificate(options, &authority);
  }
  // The body of an answer, or why there is none.
  static std::string ask(std::uint16_t port, const TlsClientOptions& tls, const std::string& host = "127.0.0.1") {
    ClientOptions options = patient_client();
    try {
      options.tls = TlsContext::client(tls);
      HttpConnection connection(Origin{true, host, port}, options);
      return std::string(connection.request({}, patient()).body);
    } catch (const NetError& error) {
      EXPECT_FALSE(error.sent());
      return std::string(to_string(error.kind())) + ": " + error.what();
    }
  }
  static void expect_untrusted(const std::string& answer, const std::string& why) {
    EXPECT_EQ(answer.substr(0, 5), "Tls: ") << answer;
    EXPECT_NE(answer.find(why), std::string::npos) << answer;
  }

  libsql::test::TemporaryDirectory directory;
  Certificate authority;
  Certificate other;
  Server server{patient_server()};
};

TEST_F(Tls, ACertificateOfATrustedAuthorityIsAccepted) {
  const std::uint16_t port = serve(leaf());
  EXPECT_EQ(ask(port, {.ca_file = file("authority.pem")}), "hello");
  EXPECT_EQ(ask(port, {.ca_file = file("authority.pem")}, "localhost"), "hello");
  EXPECT_EQ(ask(port, {.ca_pem = authority.pem()}), "hello");
}

TEST_F(Tls, AnUnknownAuthorityIsNot) {
  const std::uint16_t port = serve(leaf());
  expect_untrusted(ask(port, {}), "certificate");
  expect_untrusted(ask(port, {.ca_file = file("other.pem")}), "certificate");
}

TEST_F(Tls, ACertificateForAnotherHostIsNot) {
  const std::uint16_t port = serve(leaf({.subject_names = "DNS:db.test"}));
  expect_untrusted(ask(port, {.ca_file = file("authority.pem")}, "localhost"), "ostname mismatch");
  expect_untrusted(ask(port, {.ca_file = file("authority.pem")}), "IP address mismatch");
  EXPECT_EQ(ask(port, {.ca_file = file("authority.pem"), .server_name = "db.test"}), "hello");
}

TEST_F(Tls, AnExpiredCertificateIsNot) {
  expect_untrusted(ask(serve(leaf({.valid_from = -7200, .valid_until = -3600})), {.ca_file = file("authority.pem")}),
                   "expired");
}

TEST_F(Tls, ACertificateOfTheFutureIsNot) {
  expect_untrusted(ask(serve(leaf({.valid_from = 3600, .valid_until = 7200})), {.ca_file = file("authority.pem")}),
                   "not yet valid");
}

TEST_F(Tls, APinnedKeyReplacesTheChain) {
  const Certificate self_signed({.subject_names = "DNS:whatever"}, nullptr);
  const std::uint16_t port = serve(self_signed);
  EXPECT_EQ(ask(port, {.pinned_public_keys = {self_signed.pin()}}), "hello");
  EXPECT_EQ(ask(port, {.pinned_public_keys = {other.pin(), "sha256//" + self_signed.pin_base64()}}), "hello");
  EXPECT_EQ(ask(port, {.pinned_public_keys = {"sha256/" + self_signed.pin_base64().substr(0, 43)}}), "hello");
  expect_untrusted(ask(port, {.pinned_public_keys = {other.pin()}}), "not a pinned one");
}

TEST_F(Tls, APinnedKeyIsAlsoAskedOfATrustedCertificate) {
  const std::uint16_t port = serve(leaf());
  expect_untrusted(ask(port, {.ca_file = file("authority.pem"), .pinned_public_keys = {authority.pin()}}),
                   "not a pinned one");
}

TEST_F(Tls, APinThatIsNoHashIsAnError) {
  for (const char* pin : {"", "abc", "sha256//", "zz", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=AA",
                          "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"}) {
    EXPECT_THROW(TlsContext::client({.pinned_public_keys = {pin}}), NetError) << pin;
  }
  EXPECT_THROW(TlsContext::client({.pinned_public_keys = {other.pin()}, .accept_any_certificate = true}), NetError);
}

TEST_F(Tls, APinMayBeginWithASlash) {
  // A certificate whose hash begins so in base64; one in 64 does.
  std::optional<Certificate> certificate;
  do {
    certificate.emplace(Certificate::Options{.subject_names = "DNS:whatever"}, nullptr);
  } while (certificate->pin_base64().front() != '/');
  const std::string pin = certificate->pin_base64();
  const std::uint16_t port = serve(*certificate);
  for (const std::string& written : {pin, pin.substr(0, 43), "sha256/" + pin, "sha256//" + pin,
                                     "sha256/" + pin.substr(0, 43), "sha256//" + certificate->pin()}) {
    EXPECT_EQ(ask(port, {.pinned_public_keys = {written}}), "hello") << written;
  }
  EXPECT_THROW(TlsContext::client({.pinned_public_keys = {"sha256///" + pin}}), NetError);
}

TEST_F(Tls, EverythingIsAcceptedOnlyIfAskedFor) {
  const std::uint16_t port = serve(Certificate({.subject_names = "DNS:whatever"}, nullptr));
  EXPECT_EQ(ask(port, {.accept_any_certificate = true}), "hello");
  expect_untrusted(ask(port, {}), "self");
}

TEST_F(Tls, FilesThatAreNoneAreErrors) {
  EXPECT_THROW(TlsContext::client({.ca_file = file("missing.pem")}), NetError);
  EXPECT_THROW(TlsContext::client({.ca_pem = "no certificate"}), NetError);
  EXPECT_THROW(TlsContext::server({file("missing.pem"), file("missing.key"), {}}), NetError);
  EXPECT_THROW(TlsContext::server({file("authority.pem"), file("other.key"), {}}), NetError) << "a foreign key";
}

TEST_F(Tls, AServerMayAskForTheClientsCertificate) {
  const std::uint16_t port = serve(leaf(), file("other.pem"));
  Certificate({.common_name = "alice", .subject_names = "DNS:alice"}, &other).write(file("alice"));
  Certificate({.common_name = "mallory", .subject_names = "DNS:mallory"}, &authority).write(file("mallory"));
  ClientOptions options = patient_client();
  options.tls = TlsContext::client(
      {.ca_file = file("authority.pem"), .certificate_file = file("alice.pem"), .key_file = file("alice.key")});
  HttpConnection alice(Origin{true, "127.0.0.1", port}, options);
  EXPECT_EQ(alice.request({}, patient()).header("X-Peer"), "CN=alice");
  for (const TlsClientOptions& refused :
       {TlsClientOptions{.ca_file = file("authority.pem")}, TlsClientOptions{.ca_file = file("authority.pem"),
                                                            .certificate_file = file("mallory.pem"),
                                                            .key_file = file("mallory.key")}}) {
    options.tls = TlsContext::client(refused);
    HttpConnection connection(Origin{true, "127.0.0.1", port}, options);
    EXPECT_THROW(connection.request({}, patient()), NetError);
  }
}

TEST_F(Tls, NewCertificatesServeNewConnections) {
  const std::uint16_t port = serve(leaf());
  const TlsClientOptions trusting_other{.ca_file = file("other.pem")};
  expect_untrusted(ask(port, trusting_other), "certificate");
  Certificate({.subject_names = "IP:127.0.0.1"}, &other).write(file("renewed"));
  server.set_tls(port, TlsContext::server({file("renewed.pem"), file("renewed.key"), {}}));
  EXPECT_EQ(ask(port, trusting_other), "hello");
}

TEST_F(Tls, LargeBodiesAndManyRequestsPassEncrypted) {
  const std::uint16_t port = serve(leaf());
  ClientOptions options = patient_client();
  options.tls = TlsContext::client({.ca_file = file("authority.pem")});
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      HttpConnection connection(Origin{true, "127.0.0.1", port}, options);
      for (int i = 0; i < 20; ++i) {
        const std::string body(static_cast<std::size_t>(1 + i * 40'000), static_cast<char>('a' + t));
        if (connection.request({"POST", "/", {}, body}, patient()).body == body) ++right;
      }
      if (connection.statistics().connects == 1) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 4 * 21);
}

// -- sessions: the second connection to a server needs no certificates and one round trip less

// Connects once and asks for something; how many of the connections so far took up an earlier session.
std::uint64_t resumptions(const ClientOptions& options, std::uint16_t port, const std::string& host = "127.0.0.1") {
  HttpConnection connection(Origin{true, host, port}, options);
  EXPECT_EQ(connection.request({}, patient()).body, "hello");
  return connection.statistics().resumptions;
}

TEST_F(Tls, TheNextConnectionToAServerResumesItsSession) {
  const std::uint16_t port = serve(leaf());
  const std::uint16_t other_port = serve(leaf());
  ClientOptions options = patient_client();
  options.tls = TlsContext::client({.ca_file = file("authority.pem")});
  EXPECT_EQ(resumptions(options, port), 0u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(resumptions(options, port), 1u);
  EXPECT_EQ(resumptions(options, port, "localhost"), 0u) << "another name is another server";
  EXPECT_EQ(resumptions(options, other_port), 0u) << "another port too";
  ClientOptions other_rules = options;
  other_rules.tls = TlsContext::client({.accept_any_certificate = true});
  EXPECT_EQ(resumptions(other_rules, port), 0u) << "what was accepted by other rules does not count";
  other_rules.tls = TlsContext::client({.ca_file = file("authority.pem")});
  EXPECT_EQ(resumptions(other_rules, port), 0u);
  EXPECT_EQ(resumptions(other_rules, port), 1u);
}

TEST_F(Tls, AServerWithNewCertificatesForgetsSessions) {
  const std::uint16_t port = serve(leaf());
  ClientOptions options = patient_client();
  options.tls = TlsContext::client({.ca_file = file("authority.pem")});
  EXPECT_EQ(resumptions(options, port), 0u);
  Certificate({.subject_names = "IP:127.0.0.1"}, &other).write(file("renewed"));
  server.set_tls(port, TlsContext::server({file("renewed.pem"), file("renewed.key"), {}}));
  HttpConnection connection(Origin{true, "127.0.0.1", port}, options);
  EXPECT_THROW(connection.request({}, patient()), NetError) << "the new certificate is looked at";
}

TEST_F(Tls, SessionsWithClientCertificatesAreResumedAndStillTellWhoItIs) {
  const std::uint16_t port = serve(leaf(), file("other.pem"));
  Certificate({.common_name = "alice", .subject_names = "DNS:alice"}, &other).write(file("alice"));
  ClientOptions options = patient_client();
  options.tls = TlsContext::client(
      {.ca_file = file("authority.pem"), .certificate_file = file("alice.pem"), .key_file = file("alice.key")});
  for (std::uint64_t i = 0; i < 3; ++i) {
    HttpConnection alice(Origin{true, "127.0.0.1", port}, options);
    EXPECT_EQ(alice.request({}, patient()).header("X-Peer"), "CN=alice");
    EXPECT_EQ(alice.statistics().resumptions, i == 0 ? 0u : 1u);
  }
}

TEST_F(Tls, ManyThreadsShareSessions) {
  const std::uint16_t port = serve(leaf());
  ClientOptions options = patient_client();
  options.tls = TlsContext::client({.ca_file = file("authority.pem")});
  EXPECT_EQ(resumptions(options, port), 0u);
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> resumed = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) resumed += resumptions(options, port);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(resumed, 0u);
}

TEST_F(Tls, APlainPeerIsATlsError) {
  RawServer plain([](RawSocket& peer) {
    peer.read(5);
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const std::string answer = ask(plain.port(), {.accept_any_certificate = true});
  EXPECT_EQ(answer.substr(0, 5), "Tls: ") << answer;
}

TEST_F(Tls, APeerThatIsSilentInTheHandshakeIsATimeout) {
  RawServer silent([](RawSocket& peer) { peer.read_all(); });
  ClientOptions options;
  options.proxy_from_environment = false;
  options.connect_timeout = 50ms;
  HttpConnection connection(Origin{true, "127.0.0.1", silent.port()}, options);
  try {
    connection.request({}, patient());
    FAIL() << "there was an answer";
  } catch (const NetError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Timeout);
    EXPECT_FALSE(error.sent());
  }
}

TEST_F(Tls, AServerCutsPeersThatAreSilentInTheHandshake) {
  ServerOptions options;
  options.head_timeout = 50ms;
  Server impatient(options);
  leaf().write(file("server"));
  Listener listener;
  listener.tls = TlsContext::server({file("server.pem"), file("server.key"), {}});
  RawSocket peer = RawSocket::connect(impatient.listen(listener, std::make_shared<Hello>()));
  EXPECT_EQ(peer.read_all(), "");
  RawSocket garbage = RawSocket::connect(impatient.listen(listener, std::make_shared<Hello>()));
  garbage.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(garbage.read_all().find("HTTP"), std::string::npos);
}

// A proxy that only knows CONNECT: passes bytes both ways until one side ends.
void tunnel(RawSocket& client, std::string& request) {
  request = client.read_until("\r\n\r\n");
  const std::size_t colon = request.find(':');
  RawSocket target = RawSocket::connect(static_cast<std::uint16_t>(std::stoi(request.substr(colon + 1))));
  client.send("HTTP/1.1 200 Connection established\r\n\r\n");
  pollfd both[2] = {{client.descriptor(), POLLIN, 0}, {target.descriptor(), POLLIN, 0}};
  char bytes[4096];
  while (::poll(both, 2, 10'000) > 0) {
    for (int i = 0; i < 2; ++i) {
      if (both[i].revents == 0) continue;
      const ssize_t got = ::recv(both[i].fd, bytes, sizeof bytes, 0);
      if (got <= 0) return;
      (i == 0 ? target : client).send({bytes, static_cast<std::size_t>(got)});
    }
  }
}

TEST_F(Tls, AProxyIsAskedForATunnelThatItCannotLookInto) {
  const std::uint16_t port = serve(leaf());
  std::string request;
  RawServer proxy([&](RawSocket& client) { tunnel(client, request); });
  {
    ClientOptions options = patient_client();
    options.proxy = parse_url("http://user:secret@127.0.0.1:" + std::to_string(proxy.port()));
    options.tls = TlsContext::client({.ca_file = file("authority.pem")});
    HttpConnection connection(Origin{true, "localhost", port}, options);
    EXPECT_EQ(connection.request({}, patient()).body, "hello");
    EXPECT_EQ(connection.request({}, patient()).body, "hello");
  }
  const std::string authority_text = "localhost:" + std::to_string(port);
  EXPECT_EQ(request, "CONNECT " + authority_text + " HTTP/1.1\r\nHost: " + authority_text +
                         "\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n");
}

TEST_F(Tls, AProxyThatRefusesIsAConnectError) {
  RawServer proxy([](RawSocket& client) {
    client.read_until("\r\n\r\n");
    client.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  });
  ClientOptions options;
  options.proxy = parse_url("http://127.0.0.1:" + std::to_string(proxy.port()));
  HttpConnection connection(Origin{true, "localhost", 1}, options);
  try {
    connection.request({}, patient());
    FAIL() << "there was an answer";
  } catch (const NetError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Connect);
    EXPECT_NE(std::string(error.what()).find("407"), std::string::npos);
  }
}

}  // namespace
