// Header fields that are the same in many answers, put together and checked by the compiler.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "net/field_syntax.hpp"
#include "net/http.hpp"

namespace libsql::net {

/// Some header fields as they go out. Only of() makes any, so they need no look when an answer takes them.
class FieldLines {
 public:
  constexpr FieldLines() noexcept = default;

  /// Those fields, which are constants of a namespace: `FieldLines::of<kJsonType, kAnyOrigin>()`.
  template <const Header&... kFields>
  static constexpr FieldLines of() noexcept {
    static_assert(((is_token(kFields.name) && is_field_value(kFields.value)) && ...), "a header field is malformed");
    return FieldLines({kText<kFields...>.data(), kText<kFields...>.size()});
  }

  constexpr std::string_view text() const noexcept { return text_; }

 private:
  explicit constexpr FieldLines(std::string_view text) noexcept : text_(text) {}

  template <const Header&... kFields>
  static constexpr auto write() noexcept {
    constexpr std::size_t kAround = 4;  // a colon, a blank and the end of the line
    std::array<char, (std::size_t{0} + ... + (kFields.name.size() + kFields.value.size() + kAround))> text{};
    std::size_t at = 0;
    for (const Header& field : {kFields...}) {
      for (const std::string_view part : {field.name, std::string_view(": "), field.value, std::string_view("\r\n")}) {
        for (const char c : part) text[at++] = c;
      }
    }
    return text;
  }
  template <const Header&... kFields>
  static constexpr auto kText = write<kFields...>();

  std::string_view text_;
};

}  // namespace libsql::net
