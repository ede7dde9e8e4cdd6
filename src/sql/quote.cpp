#include "sql/quote.hpp"

#include <algorithm>
#include <array>

#include "core/errors.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::sql {
namespace {

// https://www.sqlite.org/lang_keywords.html, in order; a test compares it with sqlite3_keyword_name().
constexpr std::array<std::string_view, 147> kReservedWords = {
    "ABORT",
    "ACTION",
    "ADD",
    "AFTER",
    "ALL",
    "ALTER",
    "ALWAYS",
    "ANALYZE",
    "AND",
    "AS",
    "ASC",
    "ATTACH",
    "AUTOINCREMENT",
    "BEFORE",
    "BEGIN",
    "BETWEEN",
    "BY",
    "CASCADE",
    "CASE",
    "CAST",
    "CHECK",
    "COLLATE",
    "COLUMN",
    "COMMIT",
    "CONFLICT",
    "CONSTRAINT",
    "CREATE",
    "CROSS",
    "CURRENT",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "DATABASE",
    "DEFAULT",
    "DEFERRABLE",
    "DEFERRED",
    "DELETE",
    "DESC",
    "DETACH",
    "DISTINCT",
    "DO",
    "DROP",
    "EACH",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXCLUDE",
    "EXCLUSIVE",
    "EXISTS",
    "EXPLAIN",
    "FAIL",
    "FILTER",
    "FIRST",
    "FOLLOWING",
    "FOR",
    "FOREIGN",
    "FROM",
    "FULL",
    "GENERATED",
    "GLOB",
    "GROUP",
    "GROUPS",
    "HAVING",
    "IF",
    "IGNORE",
    "IMMEDIATE",
    "IN",
    "INDEX",
    "INDEXED",
    "INITIALLY",
    "INNER",
    "INSERT",
    "INSTEAD",
    "INTERSECT",
    "INTO",
    "IS",
    "ISNULL",
    "JOIN",
    "KEY",
    "LAST",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MATCH",
    "MATERIALIZED",
    "NATURAL",
    "NO",
    "NOT",
    "NOTHING",
    "NOTNULL",
    "NULL",
    "NULLS",
    "OF",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OTHERS",
    "OUTER",
    "OVER",
    "PARTITION",
    "PLAN",
    "PRAGMA",
    "PRECEDING",
    "PRIMARY",
    "QUERY",
    "RAISE",
    "RANGE",
    "RECURSIVE",
    "REFERENCES",
    "REGEXP",
    "REINDEX",
    "RELEASE",
    "RENAME",
    "REPLACE",
    "RESTRICT",
    "RETURNING",
    "RIGHT",
    "ROLLBACK",
    "ROW",
    "ROWS",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "TABLE",
    "TEMP",
    "TEMPORARY",
    "THEN",
    "TIES",
    "TO",
    "TRANSACTION",
    "TRIGGER",
    "UNBOUNDED",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "USING",
    "VACUUM",
    "VALUES",
    "VIEW",
    "VIRTUAL",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "WITHOUT",
};

constexpr std::size_t kLongestReservedWord = 17;

std::string quoted(std::string_view text, char quote, const char* what) {
  if (text.find('\0') != std::string_view::npos) {
    core::throw_error(ErrorCode::Misuse, std::string(what) + " holds a NUL byte");
  }
  std::string out;
  out.reserve(text.size() + 2);
  out += quote;
  for (const char byte : text) {
    out += byte;
    if (byte == quote) out += quote;
  }
  out += quote;
  return out;
}

// Locale-free, unlike those of <cctype>.
bool is_digit(char byte) noexcept { return byte >= '0' && byte <= '9'; }
bool is_letter(char byte) noexcept { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }

bool is_word(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

}  // namespace

std::string quote_identifier(std::string_view name) { return quoted(name, '"', "a name"); }

std::string quote_identifier_if_needed(std::string_view name) {
  if (is_pragma_name(name) && !is_reserved_word(name)) return std::string(name);
  return quote_identifier(name);
}

std::string quote_literal(std::string_view text) { return quoted(text, '\'', "a text literal"); }

std::string unquote(std::string_view token) {
  if (token.size() < 2) return std::string(token);
  const char first = token.front();
  const char close = first == '[' ? ']' : first;
  if ((first != '"' && first != '`' && first != '\'' && first != '[') || token.back() != close)
    return std::string(token);
  const std::string_view inner = token.substr(1, token.size() - 2);
  if (first == '[') return std::string(inner);
  std::string out;
  out.reserve(inner.size());
  for (std::size_t i = 0; i < inner.size(); ++i) {
    out += inner[i];
    if (inner[i] == first && i + 1 < inner.size() && inner[i + 1] == first) ++i;
  }
  return out;
}

bool is_reserved_word(std::string_view word) noexcept {
  if (word.size() > kLongestReservedWord) return false;
  std::array<char, kLongestReservedWord> upper{};
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char byte = word[i];
    upper[i] = byte >= 'a' && byte <= 'z' ? static_cast<char>(byte - 0x20) : byte;
  }
  return std::binary_search(kReservedWords.begin(), kReservedWords.end(), std::string_view(upper.data(), word.size()));
}

std::span<const std::string_view> reserved_words() noexcept { return kReservedWords; }

bool is_pragma_name(std::string_view name) noexcept {
  return !name.empty() && !is_digit(name.front()) && is_word(name);
}

bool is_bare_pragma_value(std::string_view value) noexcept {
  if (is_pragma_name(value)) {
    // The grammar takes these keywords as values, and no other that cannot also be a name.
    return !is_reserved_word(value) || equals_ignoring_case(value, "ON") || equals_ignoring_case(value, "DELETE") ||
           equals_ignoring_case(value, "DEFAULT") || equals_ignoring_case(value, "FULL") ||
           equals_ignoring_case(value, "EXCLUSIVE") || equals_ignoring_case(value, "NO");
  }
  if (!value.empty() && (value.front() == '+' || value.front() == '-')) value.remove_prefix(1);
  Tokenizer tokenizer(value);
  const Token token = tokenizer.next();
  return (token.kind == TokenKind::Integer || token.kind == TokenKind::Float) && token.text.size() == value.size();
}

}  // namespace libsql::sql
