#include "core/base64.hpp"

#include <gtest/gtest.h>

#include <span>

namespace libsql::core {
namespace {

std::string encoded(std::string_view text) {
  std::string out;
  append_base64(std::as_bytes(std::span(text)), out);
  return out;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out(base64_capacity(text.size()), '\0');
  const auto size = decode_base64(text, reinterpret_cast<std::byte*>(out.data()));
  if (!size) return std::nullopt;
  EXPECT_LE(*size, out.size());
  out.resize(*size);
  return out;
}

TEST(Base64, TheVectorsOfTheRfcHoldWithoutPadding) {
  // RFC 4648, section 10.
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(encoded(plain), text);
    EXPECT_EQ(base64_length(plain.size()), text.size());
    EXPECT_EQ(decoded(text), plain);
  }
}

TEST(Base64, PaddingMayBeThere) {
  for (const std::string_view text : {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="}) {
    EXPECT_EQ(padded_base64(decoded(text).value_or("none")), text);
  }
  EXPECT_EQ(decoded("Zg=="), "f");
  EXPECT_EQ(decoded("Zm8="), "fo");
  EXPECT_EQ(decoded("="), "");
}

TEST(Base64, EveryByteAndEveryLengthComesBack) {
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(decoded(encoded(text)), text) << i;
    text += static_cast<char>(i * 7 + i / 256);
  }
}

TEST(Base64, OtherCharactersAreRefused) {
  for (const std::string_view text :
       {"Zm9-", "Zm9_", "Zm 9", "Zm9v\n", " Zm9v", "Zm9v!", "Z=g=", "Zg==Zg==", "Zm9v\xC3\xA4", "Zm9\x80"}) {
    EXPECT_EQ(decoded(text), std::nullopt) << text;
  }
  EXPECT_EQ(decoded(std::string_view("Zm9\0", 4)), std::nullopt);
}

TEST(Base64, ALengthThatCannotBeIsRefused) {
  for (const std::string_view text : {"Z", "Zm9vY", "Z==="}) EXPECT_EQ(decoded(text), std::nullopt) << text;
}

TEST(Base64, BitsLeftOverHaveToBeZero) {
  for (const std::string_view text : {"Zh", "Zn==", "Zm9", "Zm+="}) EXPECT_EQ(decoded(text), std::nullopt) << text;
}

}  // namespace
}  // namespace libsql::core
