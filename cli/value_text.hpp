// Values as text: for people, for CSV and JSON readers.
#pragma once

#include <string>
#include <string_view>

#include <libsql/value.hpp>

#include "sql/literal.hpp"

namespace libsql::cli {

using sql::append_exact_real;
using sql::append_real;

/// What people want to see: text and blobs as they are, numbers in decimal, `null_text` for NULL.
void append_plain(std::string& out, ValueRef value, std::string_view null_text);

/// As append_plain(), but a blob that is not text is shown as x'...'.
void append_readable(std::string& out, ValueRef value, std::string_view null_text);

/// JSON: text as a string, a blob as a string too, with \u00XX for bytes that are not UTF-8.
void append_json(std::string& out, ValueRef value);
void append_json_string(std::string& out, std::string_view text);

/// A string literal of C: everything but printable ASCII is escaped.
void append_c_string(std::string& out, std::string_view text);

}  // namespace libsql::cli
