// Values as text: for people, for CSV and JSON readers, for SQL.
#pragma once

#include <string>
#include <string_view>

#include <libsql/value.hpp>

namespace libsql::cli {

/// Up to 15 significant digits and always a point or an exponent: how SQLite turns a number into text.
void append_real(std::string& out, double value);

/// As few digits as name exactly this number, always with a point or an exponent.
void append_exact_real(std::string& out, double value);

/// What people want to see: text and blobs as they are, numbers in decimal, `null_text` for NULL.
void append_plain(std::string& out, ValueRef value, std::string_view null_text);

/// As append_plain(), but a blob that is no text is shown as x'...'.
void append_readable(std::string& out, ValueRef value, std::string_view null_text);

/// An SQL literal that gives exactly this value back.
void append_sql_literal(std::string& out, ValueRef value);

/// As append_sql_literal(), but on one line: line breaks become calls of replace() and char().
void append_sql_literal_on_one_line(std::string& out, ValueRef value);

/// JSON: text as a string, a blob as a string too, with \u00XX for bytes that are no UTF-8.
void append_json(std::string& out, ValueRef value);
void append_json_string(std::string& out, std::string_view text);

}  // namespace libsql::cli
