#include "sql/row_count.hpp"

#include <charconv>
#include <system_error>

#include "sql/tokenizer.hpp"

namespace libsql::sql {
namespace {

// A number as it is usually written; anything else may be larger than it looks.
bool is_at_most(const Token& token, std::int64_t most) noexcept {
  if (token.kind != TokenKind::Integer) return false;
  std::int64_t value = 0;
  const char* const end = token.text.data() + token.text.size();
  const auto parsed = std::from_chars(token.text.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end && value <= most;
}

bool is_end(const Token& token) noexcept { return token.kind == TokenKind::End || token.kind == TokenKind::Semicolon; }

// What follows LIMIT: `count`, `count OFFSET skipped` or `skipped, count`.
bool is_small_limit(Tokenizer& tokenizer, std::int64_t most) noexcept {
  const Token first = tokenizer.next_significant();
  const Token after = tokenizer.next_significant();
  if (is_end(after) || is_keyword(after, "OFFSET")) return is_at_most(first, most);
  if (first.kind != TokenKind::Integer || after.kind != TokenKind::Comma) return false;
  const Token count = tokenizer.next_significant();
  return is_at_most(count, most) && is_end(tokenizer.next_significant());
}

}  // namespace

bool has_few_rows(std::string_view query, std::int64_t most) noexcept {
  Tokenizer tokenizer(query);
  bool reads_tables = false;
  int depth = 0;
  for (Token token = tokenizer.next_significant(); !is_end(token); token = tokenizer.next_significant()) {
    if (token.kind == TokenKind::LeftParen) ++depth;
    if (token.kind == TokenKind::RightParen) --depth;
    if (depth == 0 && is_keyword(token, "LIMIT")) return is_small_limit(tokenizer, most);
    reads_tables = reads_tables || is_keyword(token, "FROM");
  }
  return !reads_tables;
}

}  // namespace libsql::sql
