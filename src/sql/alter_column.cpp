#include "sql/alter_column.hpp"

#include "core/errors.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::sql {
namespace {

constexpr char kSeparator = '\x01';

bool is_name(const Token& token) noexcept {
  return token.kind == TokenKind::Word || token.kind == TokenKind::QuotedIdentifier || token.kind == TokenKind::String;
}

[[noreturn]] void refuse(std::string message, std::string_view sql, std::size_t offset) {
  detail::ErrorData data;
  data.code = ErrorCode::SqlError;
  data.origin = ErrorOrigin::Engine;
  data.sqlite_code = 1;  // SQLITE_ERROR
  data.message = std::move(message);
  data.sql = sql;
  data.offset = offset;
  core::throw_error(std::move(data));
}

// From the column's name to the end of the statement, without comments and blanks behind it.
std::string_view definition_of(std::string_view sql, const Token& name, std::size_t& end) {
  Tokenizer tokenizer(sql, name.end());
  std::size_t last = name.end();
  int depth = 0;
  for (;;) {
    const Token token = tokenizer.next_significant();
    if (token.kind == TokenKind::End || token.kind == TokenKind::Semicolon) {
      end = token.end();
      break;
    }
    if (token.kind == TokenKind::LeftParen) ++depth;
    if (token.kind == TokenKind::RightParen) --depth;
    if (depth < 0 || (depth == 0 && token.kind == TokenKind::Comma) || token.kind == TokenKind::Illegal) {
      refuse("near \"" + std::string(token.text) + "\": syntax error", sql, token.offset);
    }
    last = token.end();
  }
  if (depth != 0) refuse("incomplete input", sql, last);
  return sql.substr(name.offset, last - name.offset);
}

}  // namespace

std::optional<AlterColumn> alter_column(std::string_view sql) {
  Tokenizer tokenizer(sql);
  Token token = tokenizer.next_significant();
  while (token.kind == TokenKind::Semicolon) token = tokenizer.next_significant();
  if (token.kind != TokenKind::Word || ((token.text[0] | 0x20) != 'a' && (token.text[0] | 0x20) != 'e'))
    return std::nullopt;
  const std::size_t begin = token.offset;
  if (is_keyword(token, "EXPLAIN")) {
    token = tokenizer.next_significant();
    if (is_keyword(token, "QUERY")) {
      tokenizer.next_significant();  // PLAN
      token = tokenizer.next_significant();
    }
  }
  if (!is_keyword(token, "ALTER") || !is_keyword(tokenizer.next_significant(), "TABLE")) return std::nullopt;
  Token schema;
  Token table = tokenizer.next_significant();
  token = tokenizer.next_significant();
  if (token.kind == TokenKind::Dot) {
    schema = table;
    table = tokenizer.next_significant();
    token = tokenizer.next_significant();
  }
  const std::size_t prefix = table.end();
  if (!is_name(table) || !is_keyword(token, "ALTER")) return std::nullopt;
  token = tokenizer.next_significant();
  Token before = token;
  token = tokenizer.next_significant();
  if (is_keyword(before, "COLUMN") && !is_keyword(token, "TO")) {
    before = token;
    token = tokenizer.next_significant();
  }
  if (!is_name(before) || !is_keyword(token, "TO")) return std::nullopt;
  const Token after = tokenizer.next_significant();
  if (!is_name(after)) return std::nullopt;  // the engine's error is as good as ours

  AlterColumn result;
  const std::string_view definition = definition_of(sql, after, result.end);
  if (!equals_ignoring_case(unquote(before.text), unquote(after.text))) {
    refuse("UPDATE cannot also rename column: \"" + unquote(before.text) + "\" to \"" + unquote(after.text) +
               "\". Use ALTER TABLE RENAME instead",
           sql, after.offset);
  }
  std::string packed = "libsql alter column";
  for (const std::string_view name : {schema.text, table.text, before.text}) {
    const std::string plain = unquote(name);
    if (plain.find(kSeparator) != std::string::npos || plain.find('\0') != std::string::npos) return std::nullopt;
    packed += kSeparator + plain;
  }
  if (definition.find('\0') != std::string_view::npos) return std::nullopt;
  packed += kSeparator;
  packed += definition;
  result.text.append(sql.substr(begin, prefix - begin)).append(" DROP CONSTRAINT ").append(quote_identifier(packed));
  return result;
}

}  // namespace libsql::sql
