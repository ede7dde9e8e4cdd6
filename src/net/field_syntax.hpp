// What the names and values of header fields may be made of (RFC 9110 5.5 and 5.6.2).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace libsql::net {
namespace detail {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  return table;
}
inline constexpr std::array<bool, 256> kToken = make_token_table();

constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

}  // namespace detail

/// Whether `text` may be the name of a header, or a method: one token.
constexpr bool is_token(std::string_view text) noexcept {
  for (const char c : text) {
    if (!detail::kToken[static_cast<unsigned char>(c)]) return false;
  }
  return !text.empty();
}

/// Whether `text` may be the value of a header: no character that would end it.
constexpr bool is_field_value(std::string_view text) noexcept {
  for (const char c : text) {
    if (detail::is_control(c) && c != '\t') return false;
  }
  return true;
}

}  // namespace libsql::net
