#include "sql/classify.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::sql {
namespace {

// Behind a name: whether `[(columns)] AS [[NOT] MATERIALIZED] (` follows.
bool is_definition(Tokenizer tokens) noexcept {
  Token token = tokens.next_significant();
  if (token.kind == TokenKind::LeftParen) {
    do {
      token = tokens.next_significant();
      // A list of names; anything else would be looked through once for each name before it.
      const bool listed = token.kind == TokenKind::Word || token.kind == TokenKind::QuotedIdentifier ||
                          token.kind == TokenKind::String || token.kind == TokenKind::Comma;
      if (!listed && token.kind != TokenKind::RightParen) return false;
    } while (token.kind != TokenKind::RightParen);
    token = tokens.next_significant();
  }
  if (!is_keyword(token, "AS")) return false;
  token = tokens.next_significant();
  if (is_keyword(token, "NOT")) token = tokens.next_significant();
  if (is_keyword(token, "MATERIALIZED")) token = tokens.next_significant();
  return token.kind == TokenKind::LeftParen;
}

}  // namespace

bool joins_by_name(std::string_view text) noexcept {
  Tokenizer tokens(text);
  for (Token token = tokens.next_significant(); token.kind != TokenKind::End; token = tokens.next_significant()) {
    if (is_keyword(token, "NATURAL") || is_keyword(token, "USING")) return true;
  }
  return false;
}

bool defines_common_table(std::string_view text, std::string_view name) {
  Tokenizer tokens(text);
  for (Token token = tokens.next_significant(); token.kind != TokenKind::End; token = tokens.next_significant()) {
    const bool is_name = token.kind == TokenKind::Word
                             ? equals_ignoring_case(token.text, name)
                             : (token.kind == TokenKind::QuotedIdentifier || token.kind == TokenKind::String) &&
                                   equals_ignoring_case(unquote(token.text), name);
    if (is_name && is_definition(tokens)) return true;
  }
  return false;
}

}  // namespace libsql::sql
