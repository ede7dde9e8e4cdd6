// Values as SQL text.
#pragma once

#include <string>

#include <libsql/value.hpp>

namespace libsql::sql {

/// Up to 15 significant digits and always a point or an exponent: how SQLite turns a number into text.
void append_real(std::string& out, double value);

/// As few digits as name exactly this number, always with a point or an exponent.
void append_exact_real(std::string& out, double value);

/// An SQL literal that gives exactly this value back.
void append_literal(std::string& out, ValueRef value);

/// As append_literal(), but on one line: line breaks become calls of replace() and char().
void append_literal_on_one_line(std::string& out, ValueRef value);

}  // namespace libsql::sql
