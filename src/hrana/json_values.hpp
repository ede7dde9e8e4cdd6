// The structures that requests and responses share, read from JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <libsql/value.hpp>

#include "core/arena.hpp"
#include "hrana/json_reader.hpp"
#include "hrana/responses.hpp"

namespace libsql::hrana::json {

/// Who reads: a server refuses a number that is null, which a client takes for NaN.
enum class Side : std::uint8_t { Server, Client };

ValueRef read_value(JsonReader& reader, Side side);
/// Reads an array of values and adds them to `to`. Returns how many they are.
std::size_t read_values(JsonReader& reader, Side side, core::ArrayBuilder<ValueRef>& to);

/// A string; nothing if it is null.
std::optional<std::string_view> read_optional_string(JsonReader& reader);
/// A number as a JSON number or in a string; nothing if it is null.
std::optional<std::uint64_t> read_optional_uint64(JsonReader& reader);
std::optional<std::int64_t> read_optional_int64(JsonReader& reader);

WireError read_error(JsonReader& reader);
std::span<const Col> read_cols(JsonReader& reader);

/// An entry of a cursor; nothing if it is of an unknown type.
std::optional<CursorEntry> read_cursor_entry(JsonReader& reader);
CursorHead read_cursor_head(JsonReader& reader);

}  // namespace libsql::hrana::json
