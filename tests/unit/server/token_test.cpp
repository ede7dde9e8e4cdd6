#include "server/auth/token.hpp"

#include <gtest/gtest.h>

#include "server/auth/token_cache.hpp"
#include "unit/server/tokens.hpp"

namespace libsql::server {
namespace {

using test::public_keys;

TokenTime at(std::int64_t seconds) { return TokenTime(std::chrono::seconds(seconds)); }

// What a token with these claims lets its bearer do in "shop", as letters; "-" if it is no token.
std::string rights(std::string_view claims, std::string_view group = {}) {
  const auto read = read_claims(claims);
  if (!read) return "-";
  const TokenRights rights = read->rights("shop", group);
  return std::string(rights.read ? "r" : "") + (rights.write ? "w" : "") + (rights.attach ? "a" : "") +
         (rights.ddl ? "d" : "");
}

TEST(Base64Url, ReadsTheExamplesOfTheRfcWithoutTheirPadding) {
  for (const auto& [text, bytes] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"", ""}, {"Zg", "f"}, {"Zm8", "fo"}, {"Zm9v", "foo"}, {"Zm9vYg", "foob"}, {"-_8", "\xfb\xff"}}) {
    EXPECT_EQ(decode_base64url(text), bytes) << text;
    EXPECT_EQ(encode_base64url(bytes), text);
  }
}

TEST(Base64Url, RefusesPaddingOtherAlphabetsOddLengthsAndStrayBits) {
  for (const std::string_view text : {"Zg==", "+/8", "Z", "Zm9vZ", "Zh", "Zm9", "Z g", "Zg\n"}) {
    EXPECT_EQ(decode_base64url(text), std::nullopt) << text;
  }
}

TEST(PublicKeys, ReadsSeveralBlocksAndTriesEachOfThem) {
  const SigningKey first = SigningKey::generate();
  const SigningKey second = SigningKey::generate();
  const PublicKeys keys = PublicKeys::parse("first key\n" + first.public_pem() + "\n# second\n" + second.public_pem());
  EXPECT_EQ(keys.size(), 2u);
  EXPECT_TRUE(read_token(first.sign_token("{}"), keys));
  EXPECT_TRUE(read_token(second.sign_token("{}"), keys));
  EXPECT_FALSE(read_token(SigningKey::generate().sign_token("{}"), keys));
}

TEST(PublicKeys, ReadsOneRawKey) {
  const SigningKey key = SigningKey::generate();
  const PublicKeys keys = PublicKeys::parse("  " + test::raw_public_key(key) + "\n");
  EXPECT_TRUE(read_token(key.sign_token("{}"), keys));
}

TEST(PublicKeys, RefusesAPrivateKeyAlsoBesidePublicOnes) {
  const SigningKey key = SigningKey::generate();
  EXPECT_THROW(PublicKeys::parse(key.private_pem()), KeyError);
  EXPECT_THROW(PublicKeys::parse(key.public_pem() + key.private_pem()), KeyError);
}

TEST(PublicKeys, RefusesWhatHoldsNoKeyOfItsKind) {
  const std::string good = SigningKey::generate().public_pem();
  const std::string rsa_free = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  std::string damaged = good;
  damaged.replace(damaged.find('\n') + 3, 1, "*");
  // An X25519 key, which is for key agreement (RFC 8410, section 4).
  const std::string other =
      "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
      "-----END PUBLIC KEY-----\n";
  for (const std::string& text : {std::string(), std::string("AAAA"), rsa_free, damaged, other, good + damaged}) {
    EXPECT_THROW(PublicKeys::parse(text), KeyError) << text;
  }
}

TEST(Token, IsReadIfSignedWithTheKeyAndNotIfAByteDiffers) {
  const SigningKey key = SigningKey::generate();
  const PublicKeys keys = public_keys(key);
  const std::string token = key.sign_token(R"({"exp":5})");
  const auto claims = read_token(token, keys);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->expires, 5);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string forged = token;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    if (forged == token) continue;
    EXPECT_FALSE(read_token(forged, keys)) << i;
  }
}

TEST(Token, IsRefusedIfItNamesAnotherAlgorithmOrDemandsExtensions) {
  const SigningKey key = SigningKey::generate();
  const PublicKeys keys = public_keys(key);
  const std::string good = key.sign_token("{}");
  const std::string body = good.substr(good.find('.'), good.rfind('.') - good.find('.'));
  EXPECT_FALSE(read_token(encode_base64url(R"({"alg":"none"})") + body + ".", keys));
  for (const std::string_view header : {R"({"alg":"HS256"})", R"({"typ":"JWT"})", R"({"alg":null})", "[]", "nonsense",
                                        R"({"alg":"EdDSA","crit":["x"]})"}) {
    EXPECT_FALSE(read_token(encode_base64url(header) + good.substr(good.find('.')), keys)) << header;
  }
}

TEST(Token, IsRefusedIfItHasNotThreeParts) {
  const SigningKey key = SigningKey::generate();
  const PublicKeys keys = public_keys(key);
  const std::string good = key.sign_token("{}");
  for (const std::string& text : {std::string(), std::string("."), std::string(".."), good + ".", good + ".x",
                                  good.substr(0, good.rfind('.')), "x" + good, good + "="}) {
    EXPECT_FALSE(read_token(text, keys)) << text;
  }
}

TEST(Claims, GiveRightsByScopesOfNamespacesAndTags) {
  EXPECT_EQ(rights(R"({"p":{"ro":{"ns":["shop"]}}})"), "r");
  EXPECT_EQ(rights(R"({"p":{"rw":{"ns":["x","shop"]}}})"), "rw");
  EXPECT_EQ(rights(R"({"p":{"roa":{"ns":["shop"]}}})"), "ra");
  EXPECT_EQ(rights(R"({"p":{"rwa":{"ns":["shop"]}}})"), "rwa");
  EXPECT_EQ(rights(R"({"p":{"ddl":{"ns":["shop"]}}})"), "rwd");
  EXPECT_EQ(rights(R"({"p":{"ro":{"ns":["shop"]},"roa":{"ns":["ref"]}}})"), "r");
  EXPECT_EQ(rights(R"({"p":{"rw":{"tags":["blue"]}}})", "blue"), "rw");
  EXPECT_EQ(rights(R"({"p":{"rw":{"tags":["blue"]}}})", "green"), "");
  EXPECT_EQ(rights(R"({"p":{"rw":{"tags":[""]}}})", ""), "");
  EXPECT_EQ(rights(R"({"p":{}})"), "");
}

TEST(Claims, OfTheOlderFormAreHeededOnlyWithoutPermissions) {
  EXPECT_EQ(rights("{}"), "rw");
  EXPECT_EQ(rights(R"({"id":"shop"})"), "rw");
  EXPECT_EQ(rights(R"({"id":"other"})"), "");
  EXPECT_EQ(rights(R"({"a":"ro"})"), "r");
  EXPECT_EQ(rights(R"({"a":"roa"})"), "ra");
  EXPECT_EQ(rights(R"({"a":"rw"})"), "rw");
  EXPECT_EQ(rights(R"({"id":"other","a":"ro","p":{"rw":{"ns":["shop"]}}})"), "rw");
  EXPECT_EQ(rights(R"({"id":"shop","a":"rw","p":{}})"), "");
}

TEST(Claims, OfTheWrongTypeMakeTheTokenInvalid) {
  for (const std::string_view claims :
       {"[]", "1", "", "{", R"({"exp":"5"})", R"({"exp":1.5})", R"({"exp":-1})", R"({"nbf":"whenever"})",
        R"({"nbf":[5]})", R"({"id":5})", R"({"a":"x"})", R"({"a":1})", R"({"p":[]})", R"({"p":{"ro":[]}})",
        R"({"p":{"ro":{"ns":"shop"}}})", R"({"p":{"ro":{"ns":[1]}}})", R"({"p":{"rw":{"tags":{}}}})"}) {
    EXPECT_FALSE(read_claims(claims)) << claims;
  }
}

TEST(Claims, ThatAreNullCountAsAbsentAndUnknownOnesAreIgnored) {
  EXPECT_EQ(rights(R"({"exp":null,"id":null,"a":null,"p":null,"aud":null,"nbf":null,"x":[{}]})"), "rw");
}

TEST(TokenVerifier, AcceptsATokenUpToAMinuteAfterItsEnd) {
  const SigningKey key = SigningKey::generate();
  TokenVerifier verifier(public_keys(key), "");
  const std::string token = key.sign_token(R"({"exp":1000})");
  EXPECT_NE(verifier.verify(token, at(1000)).identity, nullptr);
  EXPECT_NE(verifier.verify(token, at(1060)).identity, nullptr);
  EXPECT_EQ(verifier.verify(token, at(1061)).identity, nullptr);
  EXPECT_EQ(verifier.verify(token, at(1061)).problem, TokenProblem::Expired);
}

TEST(TokenVerifier, AcceptsATokenFromAMinuteBeforeItsStart) {
  const SigningKey key = SigningKey::generate();
  TokenVerifier verifier(public_keys(key), "");
  for (const std::string_view claims : {R"({"nbf":1000})", R"({"nbf":999.5})", R"({"nbf":1e3,"exp":5000})"}) {
    const std::string token = key.sign_token(claims);
    EXPECT_EQ(verifier.verify(token, at(939)).problem, TokenProblem::Immature) << claims;
    EXPECT_EQ(verifier.verify(token, at(939)).identity, nullptr) << claims;
    EXPECT_NE(verifier.verify(token, at(940)).identity, nullptr) << claims;
    EXPECT_EQ(verifier.verify(token, at(939)).problem, TokenProblem::Immature) << "it is remembered, but judged anew";
  }
  for (const std::string_view never : {R"({"nbf":9e18})", R"({"nbf":1e300})", R"({"nbf":18446744073709551615})"}) {
    EXPECT_EQ(verifier.verify(key.sign_token(never), at(4'000'000'000)).problem, TokenProblem::Immature) << never;
  }
  EXPECT_NE(verifier.verify(key.sign_token(R"({"nbf":-1e300})"), at(0)).identity, nullptr);
}

TEST(TokenIdentity, SaysWhenItsTokenEnds) {
  const SigningKey key = SigningKey::generate();
  TokenVerifier verifier(public_keys(key), "");
  const auto end = [&](std::string_view claims) {
    return verifier.verify(key.sign_token(claims), at(0)).identity->good_until();
  };
  EXPECT_EQ(end(R"({"exp":1000})"), std::chrono::system_clock::time_point(std::chrono::seconds(1060)));
  EXPECT_EQ(end("{}"), std::nullopt);
  EXPECT_EQ(end(R"({"exp":18446744073709551615})"), std::nullopt);
}

TEST(TokenVerifier, RejectsATokenForAnAudience) {
  const SigningKey key = SigningKey::generate();
  TokenVerifier verifier(public_keys(key), "");
  for (const std::string_view claims : {R"({"aud":"x"})", R"({"aud":["x","y"]})"}) {
    EXPECT_EQ(verifier.verify(key.sign_token(claims), at(0)).problem, TokenProblem::Rejected) << claims;
  }
  EXPECT_NE(verifier.verify(key.sign_token(R"({"aud":[]})"), at(0)).identity, nullptr);
}

TEST(TokenVerifier, ChecksASignatureOnceAndItsEndEveryTime) {
  const SigningKey key = SigningKey::generate();
  TokenVerifier verifier(public_keys(key), "");
  const std::string token = key.sign_token(R"({"exp":1000})");
  for (int i = 0; i < 10; ++i) EXPECT_NE(verifier.verify(token, at(900)).identity, nullptr);
  EXPECT_EQ(verifier.signatures_checked(), 1u);
  EXPECT_EQ(verifier.verify(token, at(2000)).problem, TokenProblem::Expired);
  EXPECT_EQ(verifier.signatures_checked(), 1u);
}

TEST(TokenVerifier, RemembersNoTokenThatFailed) {
  const SigningKey key = SigningKey::generate();
  TokenVerifier verifier(public_keys(key), "");
  const std::string token = SigningKey::generate().sign_token("{}");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(verifier.verify(token, at(0)).problem, TokenProblem::Invalid);
  EXPECT_EQ(verifier.signatures_checked(), 3u);
}

TEST(TokenVerifier, KeepsWhatIsInUseAndForgetsTheRest) {
  const SigningKey key = SigningKey::generate();
  TokenVerifier verifier(public_keys(key), "");
  const std::string first = key.sign_token(R"({"sub":"first"})");
  ASSERT_NE(verifier.verify(first, at(0)).identity, nullptr);
  for (std::size_t i = 0; i < TokenVerifier::kCapacity; ++i) {
    verifier.verify(key.sign_token(R"({"sub":")" + std::to_string(i) + "\"}"), at(0));
    if (i < TokenVerifier::kCapacity / 2) verifier.verify(first, at(0));
  }
  const std::uint64_t checked = verifier.signatures_checked();
  verifier.verify(key.sign_token(R"({"sub":"0"})"), at(0));
  EXPECT_EQ(verifier.signatures_checked(), checked + 1) << "an old one had to go";
}

TEST(TokenIdentity, HasTheSameBindingForAFresherTokenOfTheSameBearer) {
  const SigningKey key = SigningKey::generate();
  TokenVerifier verifier(public_keys(key), "");
  const auto binding = [&](std::string_view claims) {
    return std::string(verifier.verify(key.sign_token(claims), at(0)).identity->binding());
  };
  const std::string first = binding(R"({"exp":100,"sub":"a","id":"shop"})");
  EXPECT_EQ(first, binding(R"({"id":"shop","sub":"a","exp":200})"));
  EXPECT_NE(first, binding(R"({"exp":100,"sub":"b","id":"shop"})"));
  EXPECT_NE(first, binding(R"({"exp":100,"sub":"a","id":"shop","a":"ro"})"));
}

TEST(SigningKey, IsReadFromWhatItWrote) {
  const SigningKey key = SigningKey::generate();
  EXPECT_EQ(SigningKey::parse(key.private_pem()).public_pem(), key.public_pem());
  EXPECT_THROW(SigningKey::parse(key.public_pem()), KeyError);
  EXPECT_THROW(SigningKey::parse("nothing"), KeyError);
}

}  // namespace
}  // namespace libsql::server
