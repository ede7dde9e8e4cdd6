#include "core/plain_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace libsql::core {
namespace {

TEST(PlainText, IsWhatAJsonStringHoldsAsItIs) {
  for (int c = 0; c < 256; ++c) {
    const bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
    for (std::size_t at = 0; at < 40; ++at) {
      std::string text(40, 'a');
      text[at] = static_cast<char>(c);
      const char* const found = skip_plain(text.data(), text.data() + text.size());
      ASSERT_EQ(static_cast<std::size_t>(found - text.data()), plain ? text.size() : at) << c;
    }
  }
}

}  // namespace
}  // namespace libsql::core
