// Tokens, passwords and certificates of the process `libsql serve`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "integration/server/certificate.hpp"
#include "integration/server/server_process.hpp"
#include "server/auth/signing_key.hpp"
#include "support/temporary_directory.hpp"

namespace libsql_test {
namespace {

using libsql::server::SigningKey;
using ::testing::HasSubstr;

using Headers = std::vector<std::pair<std::string, std::string>>;

Headers bearer(const std::string& token) { return {{"authorization", "Bearer " + token}}; }

class ServerSecurity : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return directory_.file(name); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name + ".new")) << text;
    std::filesystem::rename(file(name + ".new"), file(name));
    return file(name);
  }
  libsql::test::TemporaryDirectory directory_;
};

TEST_F(ServerSecurity, AsksForATokenAndRefusesForgedExpiredAndForeignOnes) {
  const SigningKey key = SigningKey::generate();
  ServerProcess server({"--db", file("a.db"), "--auth-jwt-key-file", write("key", key.public_pem())});
  ASSERT_TRUE(server.is_ready()) << server.errors();
  const std::string good = key.sign_token("{}");
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", bearer(good)), "1");
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", {{"x-authorization", "Bearer " + good}}), "1");
  EXPECT_EQ(run_sql(server.port(), "SELECT 1"), "401");
  std::string forged = good;
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", bearer(forged)), "401");
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", bearer(SigningKey::generate().sign_token("{}"))), "401");
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", bearer(key.sign_token(R"({"exp":1000})"))), "401");
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", bearer(key.sign_token(R"({"id":"other"})"))), "404");
  EXPECT_EQ(run_sql(server.port(), "CREATE TABLE t(a)", bearer(key.sign_token(R"({"a":"ro"})"))), "403");
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", bearer(key.sign_token(R"({"a":"ro"})"))), "1");

  const Reply reply = request(server.port(), "POST", "/v2/pipeline", "{}");
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_THAT(reply.body, HasSubstr("Unauthorized: `Expected authorization header but none given`"));
  EXPECT_EQ(request(server.port(), "GET", "/dump").status, 401);
  EXPECT_EQ(request(server.port(), "GET", "/health").status, 200);
  EXPECT_EQ(request(server.port(), "GET", "/v2").status, 200);
}

TEST_F(ServerSecurity, TakesOverKeysThatChangeWithoutARestart) {
  const SigningKey old_key = SigningKey::generate();
  const SigningKey new_key = SigningKey::generate();
  ServerProcess server({"--db", file("a.db"), "--auth-jwt-key-file", write("key", old_key.public_pem())});
  ASSERT_TRUE(server.is_ready());
  const Headers with_old = bearer(old_key.sign_token("{}"));
  const Headers with_new = bearer(new_key.sign_token("{}"));
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", with_old), "1");
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", with_new), "401");
  write("key", new_key.public_pem());
  EXPECT_TRUE(eventually([&] { return run_sql(server.port(), "SELECT 1", with_new) == "1"; }));
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", with_old), "401");
  write("key", "this is no key");
  EXPECT_TRUE(
      eventually([&] { return server.errors().find("keeping the previous credentials") != std::string::npos; }));
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", with_new), "1");
  EXPECT_EQ(run_sql(server.port(), "SELECT 1"), "401");
}

TEST_F(ServerSecurity, RefusesToStartWithAPrivateKey) {
  ServerProcess server(
      {"--db", file("a.db"), "--auth-jwt-key-file", write("key", SigningKey::generate().private_pem())});
  EXPECT_FALSE(server.is_ready());
  EXPECT_EQ(server.wait(), 1);
  EXPECT_THAT(server.errors(), HasSubstr("private key"));
}

TEST_F(ServerSecurity, AsksForThePassword) {
  ServerProcess server({"--db", file("a.db"), "--http-auth-file", write("password", "basic:dXNlcjpwYXNz\n")});
  ASSERT_TRUE(server.is_ready()) << server.errors();
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", {{"authorization", "Basic dXNlcjpwYXNz"}}), "1");
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", {{"authorization", "Basic dXNlcjpwYXNzIQ"}}), "401");
  EXPECT_EQ(run_sql(server.port(), "SELECT 1"), "401");
}

TEST_F(ServerSecurity, AsksOnlyTokensOfTheNamespacesOwnKeyIfItHasOne) {
  const SigningKey servers = SigningKey::generate();
  const SigningKey own = SigningKey::generate();
  ServerProcess server({"--data", file("data"), "--enable-namespaces", "--admin-listen", "0", "--auth-jwt-key-file",
                        write("key", servers.public_pem())});
  ASSERT_TRUE(server.is_ready()) << server.errors();
  std::string pem = own.public_pem();
  for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos; at += 2) pem.replace(at, 1, "\\n");
  ASSERT_EQ(request(server.admin_port(), "POST", "/v1/namespaces/shop/create", R"({"jwt_key":")" + pem + "\"}").status,
            200);
  const auto in = [&](const char* name_space, const SigningKey& key) {
    Headers headers = bearer(key.sign_token("{}"));
    headers.emplace_back("x-namespace", name_space);
    return run_sql(server.port(), "SELECT 1", headers);
  };
  EXPECT_EQ(in("shop", own), "1");
  EXPECT_EQ(in("shop", servers), "401");
  EXPECT_EQ(in("default", servers), "1");
  EXPECT_EQ(in("default", own), "401");
}

TEST_F(ServerSecurity, ServesOverTlsAndTakesOverCertificatesThatChange) {
  const Certificate first = make_certificate("127.0.0.1");
  const Certificate second = make_certificate("127.0.0.1");
  write("key.pem", first.key_pem);
  write("cert.pem", first.certificate_pem);
  ServerProcess server({"--db", file("a.db"), "--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"),
                        "--admin-listen", "0", "--admin-tls-cert", file("cert.pem"), "--admin-tls-key",
                        file("key.pem")});
  ASSERT_TRUE(server.is_ready()) << server.errors();
  EXPECT_THAT(server.ready_line(), HasSubstr("http=https://"));
  const auto trusting = [](const Certificate& certificate) {
    libsql::net::TlsClientOptions options;
    options.ca_pem = certificate.certificate_pem;
    return libsql::net::TlsContext::client(options);
  };
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", {}, trusting(first)), "1");
  EXPECT_EQ(request(server.admin_port(), "GET", "/", {}, {}, trusting(first)).status, 200);
  EXPECT_THROW(run_sql(server.port(), "SELECT 1", {}, trusting(second)), libsql::net::NetError);
  EXPECT_ANY_THROW(run_sql(server.port(), "SELECT 1")) << "without TLS";

  write("key.pem", second.key_pem);
  write("cert.pem", second.certificate_pem);
  EXPECT_TRUE(eventually([&] {
    try {
      return run_sql(server.port(), "SELECT 1", {}, trusting(second)) == "1";
    } catch (const libsql::net::NetError&) {
      return false;
    }
  }));
  write("cert.pem", "damaged");
  EXPECT_TRUE(
      eventually([&] { return server.errors().find("keeping the previous certificates") != std::string::npos; }));
  EXPECT_EQ(run_sql(server.port(), "SELECT 1", {}, trusting(second)), "1");
}

TEST_F(ServerSecurity, IsUsedWithKeysAndTokensThatTheProgramMade) {
  const auto libsql = [&](const std::string& arguments, const std::string& output) {
    return WEXITSTATUS(std::system((std::string("cd ") + directory_.path().string() + " && " LIBSQL_PROGRAM " token " +
                                    arguments + " > " + output + " 2>&1")
                                       .c_str()));
  };
  const auto token = [&](const std::string& arguments) {
    EXPECT_EQ(libsql("create --key server.pem " + arguments, "token"), 0);
    std::string text;
    std::getline(std::ifstream(file("token")) >> std::ws, text);
    return text;
  };
  ASSERT_EQ(libsql("keygen server", "keygen"), 0);
  struct stat status {};
  ASSERT_EQ(stat(file("server.pem").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(libsql("keygen server", "keygen"), 1) << "existing files stay";

  ServerProcess server({"--data", file("data"), "--enable-namespaces", "--admin-listen", "0", "--auth-jwt-key-file",
                        file("server.pub.pem")});
  ASSERT_TRUE(server.is_ready()) << server.errors();
  ASSERT_EQ(request(server.admin_port(), "POST", "/v1/namespaces/shop/create", "{}").status, 200);
  const auto in_shop = [&](const std::string& text, std::string_view sql) {
    Headers headers = bearer(text);
    headers.emplace_back("x-namespace", "shop");
    return run_sql(server.port(), sql, headers);
  };
  EXPECT_EQ(in_shop(token(""), "CREATE TABLE t(a)"), "ok");
  EXPECT_EQ(in_shop(token("--access ro"), "CREATE TABLE u(a)"), "403");
  EXPECT_EQ(in_shop(token("--namespace shop --namespace other --expires 1h"), "CREATE TABLE u(a)"), "ok");
  EXPECT_EQ(in_shop(token("--namespace other"), "SELECT 1"), "404");
  EXPECT_EQ(in_shop(token("--namespace shop --access ro --expires never"), "SELECT 1"), "1");
  for (const char* const wrong : {"create", "create --key missing.pem", "create --key server.pem --access all",
                                  "create --key server.pem --expires soon", "create --key server.pem --access rwa",
                                  "create --key server.pub.pem", "keygen", "nonsense", ""}) {
    EXPECT_NE(libsql(wrong, "out"), 0) << wrong;
  }
}

}  // namespace
}  // namespace libsql_test
