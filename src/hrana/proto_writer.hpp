// Pieces of the messages in Protobuf, appended to a string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <libsql/value.hpp>

#include "core/protobuf_writer.hpp"
#include "hrana/responses.hpp"

namespace libsql::hrana::proto {

using core::proto::append_bool;
using core::proto::append_bytes;
using core::proto::append_real;
using core::proto::append_sint;
using core::proto::append_text;
using core::proto::append_uint;
using core::proto::append_varint;
using core::proto::close;
using core::proto::Gap;
using core::proto::open;
using core::proto::varint_size;

/// An int32: a negative one takes ten bytes.
inline void append_int32(std::uint32_t field, std::int32_t value, std::string& out) {
  core::proto::append_int(field, value, out);
}

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
