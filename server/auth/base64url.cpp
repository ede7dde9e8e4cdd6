#include "server/auth/base64url.hpp"

#include <span>

#include "core/base64.hpp"

namespace libsql::server {

std::optional<std::string> decode_base64url(std::string_view text) {
  if (text.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
  std::string standard(text);
  for (char& character : standard) {
    if (character == '-') character = '+';
    if (character == '_') character = '/';
  }
  std::string bytes(core::base64_capacity(standard.size()), '\0');
  const auto size = core::decode_base64(standard, reinterpret_cast<std::byte*>(bytes.data()));
  if (!size) return std::nullopt;
  bytes.resize(*size);
  return bytes;
}

std::string encode_base64url(std::string_view bytes) {
  std::string text;
  core::append_base64(std::as_bytes(std::span(bytes)), text);
  for (char& character : text) {
    if (character == '+') character = '-';
    if (character == '/') character = '_';
  }
  return text;
}

}  // namespace libsql::server
