#include "hrana/proto_writer.hpp"

#include <cstring>

namespace libsql::hrana::proto {

namespace {

using core::proto::append_tag;
using core::proto::put_varint;
using core::proto::Wire;
using enum core::proto::Wire;

// The bytes of a Value, without tag and length.
std::size_t value_size(ValueRef value) noexcept {
  switch (value.type()) {
    case ValueType::Null:
      return 2;
    case ValueType::Integer:
      return 1 + varint_size(core::proto::zigzag(value.integer()));
    case ValueType::Real:
      return 9;
    case ValueType::Text:
    case ValueType::Blob:
      return 1 + varint_size(value.size()) + value.size();
  }
  return 0;
}

// Puts a Value without tag and length, up to where the bytes of a text or blob follow.
char* put_value_start(ValueRef value, char* to) noexcept {
  const auto put_tag = [&](std::uint32_t field, Wire wire) { *to++ = static_cast<char>(field << 3U | wire); };
  switch (value.type()) {
    case ValueType::Null:
      put_tag(1, kBytes);
      *to++ = 0;
      return to;
    case ValueType::Integer:
      put_tag(2, kVarint);
      return put_varint(core::proto::zigzag(value.integer()), to);
    case ValueType::Real: {
      put_tag(3, kFixed64);
      const double real = value.real();
      std::memcpy(to, &real, sizeof real);
      return to + sizeof real;
    }
    case ValueType::Text:
      put_tag(4, kBytes);
      return put_varint(value.size(), to);
    case ValueType::Blob:
      put_tag(5, kBytes);
      return put_varint(value.size(), to);
  }
  return to;
}

// A field with a Value but the bytes of a text or blob.
char* put_value_head(std::uint32_t field, ValueRef value, char* to) noexcept {
  to = put_varint(field << 3U | kBytes, to);
  to = put_varint(value_size(value), to);
  return put_value_start(value, to);
}

char* put_value(std::uint32_t field, ValueRef value, char* to) noexcept {
  to = put_value_head(field, value, to);
  if ((value.type() != ValueType::Text && value.type() != ValueType::Blob) || value.size() == 0) return to;
  if (value.is_zero_blob()) {
    std::memset(to, 0, value.size());
  } else {
    const void* bytes = value.type() == ValueType::Text ? static_cast<const void*>(value.text().data())
                                                        : static_cast<const void*>(value.blob().data());
    std::memcpy(to, bytes, value.size());
  }
  return to + value.size();
}

}  // namespace

void append_value(std::uint32_t field, ValueRef value, std::string& out) {
  char start[40];  // two tags, two lengths, a number
  out.append(start, put_value_head(field, value, start));
  if (value.type() == ValueType::Text) {
    out.append(value.text());
  } else if (value.type() == ValueType::Blob) {
    if (value.is_zero_blob()) {
      out.append(value.size(), '\0');
    } else {
      out.append(reinterpret_cast<const char*>(value.blob().data()), value.size());
    }
  }
}

std::size_t row_size(std::span<const ValueRef> cells) noexcept {
  std::size_t size = 0;
  for (const ValueRef& cell : cells) {
    const std::size_t value = value_size(cell);
    size += 1 + varint_size(value) + value;
  }
  return size;
}

void append_row(std::uint32_t field, std::span<const ValueRef> cells, std::string& out) {
  const std::size_t size = row_size(cells);
  append_tag(field, kBytes, out);
  append_varint(size, out);
  constexpr std::size_t kSmall = 512;  // A row of this size is put together on the stack and appended in one go.
  if (size > kSmall) {
    for (const ValueRef& cell : cells) append_value(1, cell, out);
    return;
  }
  char row[kSmall];
  char* end = row;
  for (const ValueRef& cell : cells) end = put_value(1, cell, end);
  out.append(row, end);
}

void append_error_fields(const WireError& error, std::string& out) {
  append_text(1, error.message, out);
  if (error.code) append_text(2, *error.code, out);
}

void append_error(std::uint32_t field, const WireError& error, std::string& out) {
  const Gap gap = open(field, out, error.message.size());
  append_error_fields(error, out);
  close(gap, out);
}

void append_cols(std::uint32_t field, std::span<const Col> cols, std::string& out) {
  for (const Col& col : cols) {
    const Gap gap = open(field, out);
    if (col.name) append_text(1, *col.name, out);
    if (col.decltype_name) append_text(2, *col.decltype_name, out);
    close(gap, out);
  }
}

void append_totals(const StmtTotals& totals, std::string& out) {
  if (totals.affected_row_count != 0) append_uint(3, totals.affected_row_count, out);
  if (totals.last_insert_rowid) append_sint(4, *totals.last_insert_rowid, out);
  if (totals.replication_index) append_uint(5, *totals.replication_index, out);
  if (totals.rows_read != 0) append_uint(6, totals.rows_read, out);
  if (totals.rows_written != 0) append_uint(7, totals.rows_written, out);
  if (totals.query_duration_ms != 0) append_real(8, totals.query_duration_ms, out);
}

}  // namespace libsql::hrana::proto
