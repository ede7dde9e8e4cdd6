// Writing names and values into SQL text so that they cannot be anything else.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace libsql::sql {

/// `name` in double quotes. Throws Misuse if it holds a NUL byte, which no name can.
std::string quote_identifier(std::string_view name);

/// `name` as it is if it needs no quotes, else quoted: for SQL that people read.
std::string quote_identifier_if_needed(std::string_view name);

/// `text` as a string literal. Throws Misuse if it holds a NUL byte: the engine would end the SQL text there.
std::string quote_literal(std::string_view text);

/// A quoted identifier or a string literal without its quotes; any other text as it is.
std::string unquote(std::string_view token);

/// Whether `word` is a keyword of the engine's grammar, in any case.
bool is_reserved_word(std::string_view word) noexcept;

/// The keywords, in upper case and sorted.
std::span<const std::string_view> reserved_words() noexcept;

/// Whether `name` can be used in `PRAGMA name`: letters, digits and underscores, not beginning with a digit.
bool is_pragma_name(std::string_view name) noexcept;

/// Whether `value` can stand bare in `PRAGMA name = value`: one word of letters, digits and underscores, or a number
/// with an optional sign. Any other value must be quoted with quote_literal().
bool is_bare_pragma_value(std::string_view value) noexcept;

}  // namespace libsql::sql
