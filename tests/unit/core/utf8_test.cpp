#include "core/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace libsql::core {
namespace {

TEST(Utf8, EveryCodePointIsAccepted) {
  for (std::uint32_t code = 0; code <= 0x10ffff; ++code) {
    if (code >= 0xd800 && code < 0xe000) continue;
    std::string text;
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else if (code < 0x800) {
      text += static_cast<char>(0xc0U | code >> 6U);
      text += static_cast<char>(0x80U | (code & 0x3fU));
    } else if (code < 0x10000) {
      text += static_cast<char>(0xe0U | code >> 12U);
      text += static_cast<char>(0x80U | (code >> 6U & 0x3fU));
      text += static_cast<char>(0x80U | (code & 0x3fU));
    } else {
      text += static_cast<char>(0xf0U | code >> 18U);
      text += static_cast<char>(0x80U | (code >> 12U & 0x3fU));
      text += static_cast<char>(0x80U | (code >> 6U & 0x3fU));
      text += static_cast<char>(0x80U | (code & 0x3fU));
    }
    ASSERT_TRUE(is_utf8(text)) << code;
    if (text.size() > 1) {
      ASSERT_FALSE(is_utf8(text.substr(0, text.size() - 1))) << code;
    }
  }
}

TEST(Utf8, WhatIsNoneIsFoundAtItsPlace) {
  const std::string before(40, 'a');
  for (const std::string_view bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2\x28\xa1"}) {
    for (std::size_t prefix = 0; prefix <= before.size(); ++prefix) {
      EXPECT_EQ(utf8_prefix(before.substr(0, prefix) + std::string(bad) + "tail of some length"), prefix);
    }
  }
}

}  // namespace
}  // namespace libsql::core
