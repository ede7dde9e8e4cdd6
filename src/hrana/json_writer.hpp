// Pieces of JSON, appended to a string.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <libsql/value.hpp>

#include "hrana/responses.hpp"

namespace libsql::hrana::json {

/// Appends a string with its quotes. False if it is not UTF-8; what was appended by then has to be taken back.
[[nodiscard]] bool append_string(std::string_view text, std::string& out);
/// The same for text that is not the user's data: what is not UTF-8 becomes U+FFFD.
void append_text(std::string_view text, std::string& out);
void append_text_or_null(std::optional<std::string_view> text, std::string& out);

void append_number(std::int64_t value, std::string& out);
void append_number(std::uint64_t value, std::string& out);
/// The shortest text that reads back as the same number; a whole number keeps a point (1.0), and what is not finite is
/// null.
void append_number(double value, std::string& out);
inline void append_number(std::int32_t value, std::string& out) { append_number(std::int64_t{value}, out); }
inline void append_number(std::uint32_t value, std::string& out) { append_number(std::uint64_t{value}, out); }
void append_bool(bool value, std::string& out);

/// A value with its type. False as append_string().
[[nodiscard]] bool append_value(ValueRef value, std::string& out);
/// An array of values. False as append_string().
[[nodiscard]] bool append_values(std::span<const ValueRef> values, std::string& out);

void append_error(const WireError& error, std::string& out);
void append_cols(std::span<const Col> cols, std::string& out);
/// The members of a StmtResult behind its rows, each with a comma before it.
void append_totals(const StmtTotals& totals, std::string& out);

}  // namespace libsql::hrana::json
