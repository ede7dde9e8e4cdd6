// Values of the proxy's messages in bincode: a kind of four bytes, then a number of eight bytes or a length of eight
// bytes and that many bytes; all in little-endian order.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/utf8.hpp"
#include "replication/bytes.hpp"
#include "replication/proxy_messages.hpp"

namespace libsql::replication::proxy {

namespace {

constexpr std::size_t kKindSize = 4;
constexpr std::size_t kNumberSize = 8;

template <std::unsigned_integral T>
void append_le(T value, std::string& out) {
  std::array<std::byte, sizeof value> bytes{};
  store_le(bytes.data(), value);
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// What is not UTF-8 becomes U+FFFD: the reader refuses anything else.
void append_text(std::string_view text, std::string& out) {
  const std::size_t start = out.size();
  append_le(std::uint64_t{text.size()}, out);
  if (core::is_utf8(text)) {
    out.append(text);
    return;
  }
  while (true) {
    const std::size_t valid = core::utf8_prefix(text);
    out.append(text.substr(0, valid));
    if (valid == text.size()) break;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(valid + 1);
  }
  store_le(reinterpret_cast<std::byte*>(out.data() + start), std::uint64_t{out.size() - start - kNumberSize});
}

}  // namespace

void append_bincode(ValueRef value, std::string& out) {
  append_le(static_cast<std::uint32_t>(value.type()), out);
  switch (value.type()) {
    case ValueType::Null:
      return;
    case ValueType::Integer:
      append_le(static_cast<std::uint64_t>(value.integer()), out);
      return;
    case ValueType::Real:
      append_le(std::bit_cast<std::uint64_t>(value.real()), out);
      return;
    case ValueType::Text:
      append_text(value.text(), out);
      return;
    case ValueType::Blob:
      append_le(std::uint64_t{value.size()}, out);
      if (value.is_zero_blob()) {
        out.append(value.size(), '\0');
      } else if (value.size() != 0) {
        out.append(reinterpret_cast<const char*>(value.blob().data()), value.size());
      }
  }
}

std::optional<ValueRef> decode_bincode(std::string_view bytes) noexcept {
  if (bytes.size() < kKindSize) return std::nullopt;
  const auto* at = reinterpret_cast<const std::byte*>(bytes.data());
  const auto kind = load_le<std::uint32_t>(at);
  if (kind > static_cast<std::uint32_t>(ValueType::Blob)) return std::nullopt;
  const auto type = static_cast<ValueType>(kind);
  if (type == ValueType::Null) return ValueRef();
  if (bytes.size() < kKindSize + kNumberSize) return std::nullopt;
  const auto number = load_le<std::uint64_t>(at + kKindSize);
  if (type == ValueType::Integer) return ValueRef(static_cast<std::int64_t>(number));
  if (type == ValueType::Real) return ValueRef(std::bit_cast<double>(number));
  bytes.remove_prefix(kKindSize + kNumberSize);
  if (number > bytes.size()) return std::nullopt;
  const std::string_view content = bytes.substr(0, static_cast<std::size_t>(number));
  if (type == ValueType::Blob) return ValueRef(std::as_bytes(std::span(content)));
  if (!core::is_utf8(content)) return std::nullopt;
  return ValueRef(content);
}

}  // namespace libsql::replication::proxy
