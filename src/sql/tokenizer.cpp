#include "sql/tokenizer.hpp"

#include <array>

namespace libsql::sql {
namespace {

enum ByteClass : std::uint8_t { kSpace = 1, kDigit = 2, kHexDigit = 4, kIdentifier = 8, kIdentifierStart = 16 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool digit = byte >= '0' && byte <= '9';
    const unsigned lower = byte | 0x20U;
    const bool letter = byte < 0x80 && lower >= 'a' && lower <= 'z';
    std::uint8_t mask = 0;
    if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r') mask |= kSpace;
    if (digit) mask |= kDigit;
    if (digit || (letter && lower <= 'f')) mask |= kHexDigit;
    if (letter || byte == '_' || byte >= 0x80) mask |= kIdentifier | kIdentifierStart;
    if (digit || byte == '$') mask |= kIdentifier;
    classes[byte] = mask;
  }
  return classes;
}

constexpr auto kClasses = make_classes();

bool has_class(char byte, std::uint8_t mask) noexcept {
  return (kClasses[static_cast<unsigned char>(byte)] & mask) != 0;
}

// Reads one token of a non-empty text. Reading past the end yields NUL, which no rule below accepts as part of a token.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : text_(text) {}

  TokenKind kind = TokenKind::Illegal;
  bool terminated = true;
  std::size_t length = 1;

  void scan() noexcept {
    const char first = text_[0];
    switch (first) {
      case '\'':
        return quoted('\'', TokenKind::String);
      case '"':
      case '`':
        return quoted(first, TokenKind::QuotedIdentifier);
      case '[':
        return bracketed();
      case '-':
        if (at(1) == '-') return line_comment();
        if (at(1) == '>') return accept(TokenKind::Operator, at(2) == '>' ? 3 : 2);
        return accept(TokenKind::Operator, 1);
      case '/':
        // The engine takes `/*` for a division if nothing at all follows.
        if (at(1) == '*' && text_.size() > 2) return block_comment();
        return accept(TokenKind::Operator, 1);
      case '(':
        return accept(TokenKind::LeftParen, 1);
      case ')':
        return accept(TokenKind::RightParen, 1);
      case ';':
        return accept(TokenKind::Semicolon, 1);
      case ',':
        return accept(TokenKind::Comma, 1);
      case '.':
        if (has_class(at(1), kDigit)) return number();
        return accept(TokenKind::Dot, 1);
      case '+':
      case '*':
      case '%':
      case '&':
      case '~':
        return accept(TokenKind::Operator, 1);
      case '=':
        return accept(TokenKind::Operator, at(1) == '=' ? 2 : 1);
      case '<':
        return accept(TokenKind::Operator, at(1) == '=' || at(1) == '>' || at(1) == '<' ? 2 : 1);
      case '>':
        return accept(TokenKind::Operator, at(1) == '=' || at(1) == '>' ? 2 : 1);
      case '!':
        if (at(1) == '=') return accept(TokenKind::Operator, 2);
        return;
      case '|':
        return accept(TokenKind::Operator, at(1) == '|' ? 2 : 1);
      case '?':
        length = 1 + run(1, kDigit);
        kind = TokenKind::Parameter;
        return;
      case '$':
      case '@':
      case ':':
      case '#':
        return named_parameter();
      case 'x':
      case 'X':
        if (at(1) == '\'') return blob();
        break;
      case '\xEF':
        if (at(1) == '\xBB' && at(2) == '\xBF') return accept(TokenKind::Space, 3);
        break;
      default:
        break;
    }
    if (has_class(first, kSpace)) {
      length = 1;
      // A vertical tab cannot begin white space, but may go on with it.
      while (length < text_.size() && (has_class(text_[length], kSpace) || text_[length] == '\v')) ++length;
      kind = TokenKind::Space;
    } else if (has_class(first, kDigit)) {
      number();
    } else if (has_class(first, kIdentifierStart)) {
      accept(TokenKind::Word, 1 + run(1, kIdentifier));
    }
  }

 private:
  char at(std::size_t index) const noexcept { return index < text_.size() ? text_[index] : '\0'; }

  std::size_t run(std::size_t from, std::uint8_t mask) const noexcept {
    std::size_t index = from;
    while (index < text_.size() && has_class(text_[index], mask)) ++index;
    return index - from;
  }

  void accept(TokenKind accepted, std::size_t bytes) noexcept {
    kind = accepted;
    length = bytes;
  }

  void unterminated(TokenKind accepted) noexcept {
    accept(accepted, text_.size());
    terminated = false;
  }

  void quoted(char quote, TokenKind accepted) noexcept {
    std::size_t index = 1;
    while (true) {
      index = text_.find(quote, index);
      if (index == std::string_view::npos) return unterminated(TokenKind::Illegal);
      if (at(index + 1) != quote) return accept(accepted, index + 1);
      index += 2;
    }
  }

  void bracketed() noexcept {
    const std::size_t close = text_.find(']', 1);
    if (close == std::string_view::npos) return unterminated(TokenKind::Illegal);
    accept(TokenKind::QuotedIdentifier, close + 1);
  }

  void line_comment() noexcept {
    const std::size_t newline = text_.find('\n', 2);
    accept(TokenKind::Comment, newline == std::string_view::npos ? text_.size() : newline);
    refuse_nul();
  }

  void block_comment() noexcept {
    const std::size_t close = text_.find("*/", 2);
    if (close == std::string_view::npos) {
      unterminated(TokenKind::Comment);
    } else {
      accept(TokenKind::Comment, close + 2);
    }
    refuse_nul();
  }

  // A comment could be passed over, but the engine ends the whole text at its NUL.
  void refuse_nul() noexcept {
    if (text_.substr(0, length).find('\0') != std::string_view::npos) kind = TokenKind::Illegal;
  }

  // Digits with `_` between or after them; where a `_` is allowed exactly is the engine's parser's affair.
  std::size_t digits(std::size_t from, std::uint8_t mask) const noexcept {
    std::size_t index = from;
    while (index < text_.size() && (has_class(text_[index], mask) || text_[index] == '_')) ++index;
    return index - from;
  }

  void number() noexcept {
    kind = TokenKind::Integer;
    std::size_t index = 0;
    if (at(0) == '0' && (at(1) == 'x' || at(1) == 'X') && has_class(at(2), kHexDigit)) {
      index = 2 + digits(2, kHexDigit);
    } else {
      index = digits(0, kDigit);
      if (at(index) == '.') {
        kind = TokenKind::Float;
        index += 1 + digits(index + 1, kDigit);
      }
      if (at(index) == 'e' || at(index) == 'E') {
        const bool sign = at(index + 1) == '+' || at(index + 1) == '-';
        if (has_class(at(index + (sign ? 2 : 1)), kDigit)) {
          kind = TokenKind::Float;
          index += sign ? 2 : 1;
          index += digits(index, kDigit);
        }
      }
    }
    const std::size_t tail = run(index, kIdentifier);
    if (tail != 0) kind = TokenKind::Illegal;
    length = index + tail;
  }

  void named_parameter() noexcept {
    kind = TokenKind::Parameter;
    std::size_t name_bytes = 0;
    std::size_t index = 1;
    while (index < text_.size()) {
      const char byte = text_[index];
      if (has_class(byte, kIdentifier)) {
        ++name_bytes;
        ++index;
      } else if (byte == ':' && at(index + 1) == ':') {
        index += 2;
      } else if (byte == '(' && name_bytes > 0) {
        // The index of a Tcl array: anything but white space up to the closing parenthesis.
        do {
          ++index;
        } while (index < text_.size() && text_[index] != ')' && text_[index] != '\0' && text_[index] != '\v' &&
                 !has_class(text_[index], kSpace));
        if (at(index) == ')') {
          ++index;
        } else {
          kind = TokenKind::Illegal;
        }
        break;
      } else {
        break;
      }
    }
    if (name_bytes == 0) kind = TokenKind::Illegal;
    length = index;
  }

  void blob() noexcept {
    std::size_t index = 2 + run(2, kHexDigit);
    if (at(index) == '\'' && index % 2 == 0) return accept(TokenKind::Blob, index + 1);
    index = text_.find('\'', index);
    if (index == std::string_view::npos) return unterminated(TokenKind::Illegal);
    accept(TokenKind::Illegal, index + 1);
  }

  std::string_view text_;
};

}  // namespace

Token Tokenizer::next() noexcept {
  if (position_ >= text_.size()) return Token{TokenKind::End, true, text_.size(), {}};
  Scanner scanner(text_.substr(position_));
  scanner.scan();
  const Token token{scanner.kind, scanner.terminated, position_, text_.substr(position_, scanner.length)};
  position_ += scanner.length;
  return token;
}

Token Tokenizer::next_significant() noexcept {
  Token token = next();
  while (token.kind == TokenKind::Space || token.kind == TokenKind::Comment) token = next();
  return token;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  const auto lower = [](char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte; };
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool is_keyword(const Token& token, std::string_view keyword) noexcept {
  return token.kind == TokenKind::Word && equals_ignoring_case(token.text, keyword);
}

bool is_identifier_byte(char byte) noexcept { return has_class(byte, kIdentifier); }

}  // namespace libsql::sql
