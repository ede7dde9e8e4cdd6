#include "server/auth/authenticator.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "server/log/log.hpp"
#include "support/temporary_directory.hpp"
#include "unit/server/tokens.hpp"

namespace libsql::server {
namespace {

class AuthenticatorTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    // As a careful operator does: the new file takes the old one's place at once.
    std::ofstream(directory_.file(name + ".new")) << text;
    std::filesystem::rename(directory_.file(name + ".new"), directory_.file(name));
  }

  // "ok", or the code of the refusal.
  static std::string outcome(Authenticator& authenticator, const Credentials& credentials,
                             std::string_view namespace_key = {}) {
    try {
      last_ = authenticator.authenticate(credentials, "shop", namespace_key);
      return last_ == nullptr ? "nobody" : "ok";
    } catch (const AuthError& error) {
      text_ = error.what();
      return error.code();
    }
  }
  static std::string header(Authenticator& authenticator, std::optional<std::string_view> value,
                            std::string_view namespace_key = {}) {
    return outcome(authenticator, {Credentials::Source::HttpHeader, value}, namespace_key);
  }
  static std::string hello(Authenticator& authenticator, std::optional<std::string_view> value) {
    return outcome(authenticator, {Credentials::Source::Hello, value});
  }

  libsql::test::TemporaryDirectory directory_;
  Log log_{"-", LogFormat::Text, LogFilter::parse("off")};
  static inline std::shared_ptr<const Identity> last_;
  static inline std::string text_;
};

TEST_F(AuthenticatorTest, WithoutAnythingSetAsksNobody) {
  StandardAuthenticator authenticator({}, log_);
  EXPECT_EQ(authenticator.scheme(), AuthScheme::None);
  EXPECT_EQ(header(authenticator, std::nullopt), "ok");
  EXPECT_EQ(header(authenticator, "nonsense"), "ok");
  EXPECT_TRUE(last_->permissions("shop").ddl);
  EXPECT_EQ(hello(authenticator, std::nullopt), "ok");
}

TEST_F(AuthenticatorTest, RefusesTokensWithTheCodesThatClientsKnow) {
  const SigningKey key = SigningKey::generate();
  AuthSettings settings;
  settings.jwt_key = key.public_pem();
  StandardAuthenticator authenticator(settings, log_);
  EXPECT_EQ(authenticator.scheme(), AuthScheme::Token);
  const std::string token = key.sign_token("{}");

  EXPECT_EQ(header(authenticator, "Bearer " + token), "ok");
  EXPECT_EQ(header(authenticator, "bEaReR   " + token), "ok");
  EXPECT_EQ(hello(authenticator, token), "ok");

  EXPECT_EQ(header(authenticator, std::nullopt), "AUTH_HEADER_NOT_FOUND");
  EXPECT_EQ(text_, "Expected authorization header but none given");
  EXPECT_EQ(hello(authenticator, std::nullopt), "AUTH_HEADER_NOT_FOUND");
  EXPECT_EQ(header(authenticator, "Bearer"), "AUTH_HEADER_MALFORMED");
  EXPECT_EQ(text_, "Auth string does not conform to '<scheme> <token>' form");
  EXPECT_EQ(header(authenticator, "Bearer "), "AUTH_HEADER_MALFORMED");
  EXPECT_EQ(header(authenticator, token), "AUTH_HEADER_MALFORMED");
  EXPECT_EQ(header(authenticator, "Basic " + token), "AUTH_HTTP_HEADER_UNSUPPORTED_SCHEME");
  EXPECT_EQ(text_, "The authentication scheme in the `Authorization` HTTP header is not supported");
  EXPECT_EQ(header(authenticator, "Bearer x" + token), "AUTH_JWT_INVALID");
  EXPECT_EQ(text_, "The JWT is invalid");
  EXPECT_EQ(hello(authenticator, ""), "AUTH_JWT_INVALID");
  EXPECT_EQ(header(authenticator, "Bearer " + SigningKey::generate().sign_token("{}")), "AUTH_JWT_INVALID");
  EXPECT_EQ(header(authenticator, "Bearer " + key.sign_token(R"({"exp":1000})")), "AUTH_JWT_EXPIRED");
  EXPECT_EQ(text_, "The JWT has expired");
  EXPECT_EQ(header(authenticator, "Bearer " + key.sign_token(R"({"nbf":99999999999})")), "AUTH_JWT_IMMATURE");
  EXPECT_EQ(text_, "The JWT is not valid yet");
  EXPECT_EQ(header(authenticator, "Bearer " + key.sign_token(R"({"aud":"x"})")), "AUTH_FAILED");
  EXPECT_EQ(text_, "Authentication failed");
}

TEST_F(AuthenticatorTest, HeedsTheEndOfATokenByTheClock) {
  const SigningKey key = SigningKey::generate();
  AuthSettings settings;
  settings.jwt_key = key.public_pem();
  StandardAuthenticator authenticator(settings, log_);
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto ending = [&](int seconds) {
    return "Bearer " + key.sign_token("{\"exp\":" + std::to_string(now.count() + seconds) + "}");
  };
  EXPECT_EQ(header(authenticator, ending(100)), "ok");
  EXPECT_EQ(header(authenticator, ending(-30)), "ok");
  EXPECT_EQ(header(authenticator, ending(-120)), "AUTH_JWT_EXPIRED");
}

TEST_F(AuthenticatorTest, GivesTheRightsOfTheToken) {
  const SigningKey key = SigningKey::generate();
  AuthSettings settings;
  settings.jwt_key = key.public_pem();
  settings.group = "blue";
  StandardAuthenticator authenticator(settings, log_);
  const std::string token = key.sign_token(R"({"p":{"ro":{"ns":["shop"]},"rw":{"tags":["blue"],"ns":["x"]}}})");
  ASSERT_EQ(header(authenticator, "Bearer " + token), "ok");
  EXPECT_TRUE(last_->permissions("anything").write) << "by the tag";
  const std::string narrow = key.sign_token(R"({"p":{"ro":{"ns":["shop"]}}})");
  ASSERT_EQ(header(authenticator, "Bearer " + narrow), "ok");
  EXPECT_TRUE(last_->permissions("shop").read);
  EXPECT_FALSE(last_->permissions("shop").write);
  EXPECT_TRUE(last_->permissions("other").none());
}

TEST_F(AuthenticatorTest, TakesThePasswordExactlyButForItsPadding) {
  AuthSettings settings;
  settings.http_auth = "basic:dXNlcjpwYXNz";
  settings.jwt_key = SigningKey::generate().public_pem();  // the password takes precedence
  StandardAuthenticator authenticator(settings, log_);
  EXPECT_EQ(authenticator.scheme(), AuthScheme::Basic);
  EXPECT_EQ(header(authenticator, "Basic dXNlcjpwYXNz"), "ok");
  EXPECT_EQ(header(authenticator, "Basic dXNlcjpwYXNz=="), "ok");
  EXPECT_EQ(header(authenticator, "Bearer dXNlcjpwYXNz"), "ok");
  EXPECT_EQ(hello(authenticator, "dXNlcjpwYXNz"), "ok");
  for (const std::string_view wrong :
       {"Basic dXNlcjpwYXN", "Basic dXNlcjpwYXNzz", "Basic xdXNlcjpwYXNz", "Basic DXNLCJPWYXNZ", "Basic ="}) {
    EXPECT_EQ(header(authenticator, wrong), "AUTH_BASIC_REJECTED") << wrong;
  }
  EXPECT_EQ(text_, "The `Basic` HTTP authentication credentials were rejected");
  EXPECT_EQ(header(authenticator, std::nullopt), "AUTH_HEADER_NOT_FOUND");
  EXPECT_EQ(header(authenticator, "dXNlcjpwYXNz"), "AUTH_HEADER_MALFORMED");
}

TEST_F(AuthenticatorTest, PutsTheKeyOfANamespaceInThePlaceOfAllElse) {
  const SigningKey own = SigningKey::generate();
  const SigningKey servers = SigningKey::generate();
  AuthSettings settings;
  settings.jwt_key = servers.public_pem();
  for (const AuthSettings& each : {settings, AuthSettings{}}) {
    StandardAuthenticator authenticator(each, log_);
    EXPECT_EQ(header(authenticator, "Bearer " + own.sign_token("{}"), own.public_pem()), "ok");
    EXPECT_EQ(header(authenticator, "Bearer " + servers.sign_token("{}"), own.public_pem()), "AUTH_JWT_INVALID");
    EXPECT_EQ(header(authenticator, std::nullopt, own.public_pem()), "AUTH_HEADER_NOT_FOUND");
    EXPECT_EQ(header(authenticator, "Bearer " + own.sign_token("{}"), "damaged"), "AUTH_FAILED");
  }
}

TEST_F(AuthenticatorTest, RefusesKeysAndPasswordsThatCannotBeUsed) {
  const auto make = [&](AuthSettings settings) { StandardAuthenticator authenticator(std::move(settings), log_); };
  AuthSettings settings;
  settings.jwt_key = SigningKey::generate().private_pem();
  EXPECT_THROW(make(settings), KeyError);
  for (const char* const wrong : {"dXNlcjpwYXNz", "basic:", "basic:user:pass", "basic: dXNlcg"}) {
    AuthSettings basic;
    basic.http_auth = wrong;
    EXPECT_THROW(make(basic), KeyError) << wrong;
  }
  AuthSettings missing;
  missing.jwt_key_file = directory_.file("missing");
  EXPECT_THROW(make(missing), std::system_error);
}

TEST_F(AuthenticatorTest, TakesOverAKeyFileThatChangedAndForgetsWhatTheOldKeySigned) {
  const SigningKey old_key = SigningKey::generate();
  const SigningKey new_key = SigningKey::generate();
  write("keys.pem", old_key.public_pem());
  AuthSettings settings;
  settings.jwt_key_file = directory_.file("keys.pem");
  StandardAuthenticator authenticator(settings, log_);
  const std::string old_token = "Bearer " + old_key.sign_token("{}");
  const std::string new_token = "Bearer " + new_key.sign_token("{}");
  EXPECT_EQ(header(authenticator, old_token), "ok");
  EXPECT_EQ(header(authenticator, new_token), "AUTH_JWT_INVALID");

  write("keys.pem", old_key.public_pem() + new_key.public_pem());
  authenticator.reload_changed();
  EXPECT_EQ(header(authenticator, old_token), "ok");
  EXPECT_EQ(header(authenticator, new_token), "ok");

  write("keys.pem", new_key.public_pem());
  authenticator.reload_changed();
  EXPECT_EQ(header(authenticator, old_token), "AUTH_JWT_INVALID");
  EXPECT_EQ(header(authenticator, new_token), "ok");
}

TEST_F(AuthenticatorTest, KeepsTheOldKeysIfTheNewFileIsNoGood) {
  const SigningKey key = SigningKey::generate();
  write("keys.pem", key.public_pem());
  AuthSettings settings;
  settings.jwt_key_file = directory_.file("keys.pem");
  StandardAuthenticator authenticator(settings, log_);
  for (const std::string& text : {std::string("half a key"), key.private_pem(), std::string()}) {
    write("keys.pem", text);
    authenticator.reload_changed();
    EXPECT_EQ(header(authenticator, "Bearer " + key.sign_token("{}")), "ok");
    EXPECT_EQ(header(authenticator, std::nullopt), "AUTH_HEADER_NOT_FOUND");
  }
  std::filesystem::remove(directory_.file("keys.pem"));
  authenticator.reload_changed();
  EXPECT_EQ(header(authenticator, std::nullopt), "AUTH_HEADER_NOT_FOUND");
}

TEST_F(AuthenticatorTest, ServesManyThreadsWhileKeysChange) {
  const SigningKey key = SigningKey::generate();
  const SigningKey other = SigningKey::generate();
  write("keys.pem", key.public_pem());
  AuthSettings settings;
  settings.jwt_key_file = directory_.file("keys.pem");
  StandardAuthenticator authenticator(settings, log_);
  const std::string token = "Bearer " + key.sign_token("{}");
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 200; ++j) {
        try {
          authenticator.authenticate({Credentials::Source::HttpHeader, token}, "shop",
                                     j % 2 == 0 ? std::string_view{} : std::string_view(settings.jwt_key));
        } catch (const AuthError&) {
          ++refused;
        }
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    write("keys.pem", i % 2 == 0 ? key.public_pem() + other.public_pem() : key.public_pem());
    authenticator.reload_changed();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 0);
}

TEST(SecretText, EqualsOnlyItself) {
  const Secret secret("abc");
  EXPECT_TRUE(secret.equals("abc"));
  for (const std::string_view wrong : {"", "ab", "abcd", "abd", "ABC"}) EXPECT_FALSE(secret.equals(wrong)) << wrong;
  EXPECT_FALSE(Secret().equals(""));
  EXPECT_FALSE(Secret().is_set());
}

}  // namespace
}  // namespace libsql::server
