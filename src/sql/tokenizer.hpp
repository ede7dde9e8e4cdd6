// The one tokenizer of the project: SQL text in SQLite's dialect to tokens, without allocating.
// Everything that must understand SQL without running it (splitting, classifying, parameter names, the shell's
// prompt) stands on it, so that no two places disagree about where a string or a comment ends.
// Facts: https://www.sqlite.org/lang.html and the behaviour of the engine, which the tests compare with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace libsql::sql {

enum class TokenKind : std::uint8_t {
  End,               // no more text; the token is empty
  Space,             // white space, or a byte order mark
  Comment,           // `-- ...` or `/* ... */`
  Word,              // a keyword or a bare identifier: the grammar decides which
  QuotedIdentifier,  // "a""b", `a`, [a]
  String,            // 'it''s'
  Blob,              // x'00ff'
  Integer,           // 12, 1_000, 0xff
  Float,             // 1.5, .5e3
  Parameter,         // ?, ?12, :a, @a, $a::b(c), #a
  Semicolon,
  Comma,
  Dot,
  LeftParen,
  RightParen,
  Operator,  // every other operator: = == <> -> ->> || ...
  Illegal,   // what the engine refuses as a token: an unterminated string, a lone @, 12ab, a NUL byte
};

struct Token {
  TokenKind kind = TokenKind::End;
  bool terminated = true;  // false if the text ended inside a string, a quoted identifier or a `/*` comment
  std::size_t offset = 0;  // in bytes, from the start of the text
  std::string_view text;   // a view into the text

  std::size_t end() const noexcept { return offset + text.size(); }
};

/// Yields the tokens of `text` in order; then End for ever. Every byte of the text belongs to exactly one token.
/// `text` must outlive the tokenizer and its tokens.
class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text, std::size_t offset = 0) noexcept : text_(text), position_(offset) {}

  /// The next token, white space and comments included.
  Token next() noexcept;

  /// The next token that is neither white space nor a comment.
  Token next_significant() noexcept;

 private:
  std::string_view text_;
  std::size_t position_;
};

/// Whether two ASCII texts are equal without regard to case; other bytes must be the same.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// Whether the token is the bare word `keyword` (given in upper case). Quoted, it would be an identifier.
bool is_keyword(const Token& token, std::string_view keyword) noexcept;

/// Whether a byte may stand inside a bare identifier.
bool is_identifier_byte(char byte) noexcept;

}  // namespace libsql::sql
