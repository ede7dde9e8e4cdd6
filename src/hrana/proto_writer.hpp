// Pieces of Protobuf, appended to a string.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <libsql/value.hpp>

#include "hrana/responses.hpp"

namespace libsql::hrana::proto {

/// The bytes that a varint takes.
constexpr std::size_t varint_size(std::uint64_t value) noexcept {
  return (static_cast<std::size_t>(std::bit_width(value | 1U)) + 6) / 7;
}

// Fields with their tags. They are written also if the value is 0 or empty: whether a field without presence is left
// out then is for the caller to say.

void append_varint(std::uint64_t value, std::string& out);
void append_uint(std::uint32_t field, std::uint64_t value, std::string& out);
void append_sint(std::uint32_t field, std::int64_t value, std::string& out);
void append_real(std::uint32_t field, double value, std::string& out);
/// What is not UTF-8 becomes U+FFFD.
void append_text(std::uint32_t field, std::string_view text, std::string& out);
void append_bytes(std::uint32_t field, std::string_view bytes, std::string& out);
/// An int32: a negative one takes ten bytes.
inline void append_int32(std::uint32_t field, std::int32_t value, std::string& out) {
  append_uint(field, static_cast<std::uint64_t>(std::int64_t{value}), out);
}
inline void append_bool(std::uint32_t field, bool value, std::string& out) { append_uint(field, value ? 1 : 0, out); }

/// A message whose length is not known yet: where the room for the length is, and how much of it.
struct Gap {
  std::size_t at = 0;
  std::size_t size = 0;
};

/// Begins a message. `expected` is a guess at its length: if the length takes as many bytes, nothing has to be moved.
Gap open(std::uint32_t field, std::string& out, std::size_t expected = 0);
/// The same without a tag, for a stream of messages.
Gap open(std::string& out, std::size_t expected = 0);
void close(Gap gap, std::string& out);

/// A field with a Value. The text in it has to be UTF-8.
void append_value(std::uint32_t field, ValueRef value, std::string& out);
/// A field with a Row of values. The texts in it have to be UTF-8.
void append_row(std::uint32_t field, std::span<const ValueRef> cells, std::string& out);
/// The bytes of a Row, without tag and length.
std::size_t row_size(std::span<const ValueRef> cells) noexcept;

void append_error(std::uint32_t field, const WireError& error, std::string& out);
/// The fields of an Error, without tag and length.
void append_error_fields(const WireError& error, std::string& out);
void append_cols(std::uint32_t field, std::span<const Col> cols, std::string& out);
/// The fields of a StmtResult other than columns and rows.
void append_totals(const StmtTotals& totals, std::string& out);

}  // namespace libsql::hrana::proto
