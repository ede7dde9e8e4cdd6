// The structures that requests and responses share, read from Protobuf. Each function reads one message.
#pragma once

#include <optional>
#include <string_view>

#include <libsql/value.hpp>

#include "core/arena.hpp"
#include "hrana/proto_reader.hpp"
#include "hrana/responses.hpp"

namespace libsql::hrana::proto {

ValueRef read_value(Context& context, std::string_view message);
/// Reads a Row and adds its values to `to`. Returns how many they are.
std::size_t read_row(Context& context, std::string_view message, core::ArrayBuilder<ValueRef>& to);
WireError read_error(Context& context, std::string_view message);
Col read_col(Context& context, std::string_view message);

/// An entry of a cursor; nothing if it is of an unknown kind.
std::optional<CursorEntry> read_cursor_entry(Context& context, std::string_view message);
CursorHead read_cursor_head(Context& context, std::string_view message);

}  // namespace libsql::hrana::proto
