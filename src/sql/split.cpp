#include "sql/split.hpp"

#include "sql/tokenizer.hpp"

namespace libsql::sql {

std::optional<Statement> Splitter::next() noexcept {
  Tokenizer tokenizer(script_, position_);
  Token token = tokenizer.next_significant();
  while (token.kind == TokenKind::Semicolon) token = tokenizer.next_significant();
  if (token.kind == TokenKind::End) {
    position_ = script_.size();
    return std::nullopt;
  }

  Statement statement;
  statement.offset = token.offset;
  std::size_t text_end = token.end();
  BodyTracker tracker;
  while (token.kind != TokenKind::End) {
    if (token.kind == TokenKind::Semicolon && !tracker.in_body()) {
      statement.terminated = true;
      break;
    }
    tracker.see(token);
    text_end = token.end();
    token = tokenizer.next_significant();
  }
  statement.end = token.end();
  statement.text = script_.substr(statement.offset, text_end - statement.offset);
  position_ = statement.end;
  return statement;
}

bool CompletionWatcher::find_close(std::string_view text) noexcept {
  while (true) {
    position_ = text.find(open_ == '/' ? std::string_view("*/") : std::string_view(&open_, 1), position_);
    if (position_ == std::string_view::npos) {
      position_ = text.size();
      return false;
    }
    const bool doubled = open_ != '/' && open_ != ']' && position_ + 1 < text.size() && text[position_ + 1] == open_;
    position_ += open_ == '/' || doubled ? 2 : 1;
    if (doubled) continue;
    if (open_ != '/') see({TokenKind::String, true, 0, {}});
    open_ = '\0';
    return true;
  }
}

void CompletionWatcher::see(const Token& token) noexcept {
  blank_ = false;
  complete_ = token.kind == TokenKind::Semicolon && !tracker_.in_body();
  if (complete_) {
    tracker_ = BodyTracker();
  } else {
    tracker_.see(token);
  }
}

bool CompletionWatcher::look_at(std::string_view text) noexcept {
  if (open_ != '\0' && !find_close(text)) return false;
  Tokenizer tokenizer(text, position_);
  for (Token token = tokenizer.next(); token.kind != TokenKind::End; token = tokenizer.next()) {
    if (!token.terminated) {
      const char first = token.text.front();
      open_ = first == '[' ? ']' : first == 'x' || first == 'X' ? '\'' : first;
      position_ = text.size();
      return false;
    }
    if (token.kind != TokenKind::Space && token.kind != TokenKind::Comment) see(token);
  }
  position_ = text.size();
  return complete_;
}

bool is_complete(std::string_view text) noexcept { return CompletionWatcher().look_at(text); }

std::string_view ending_of(std::string_view statement) noexcept {
  Tokenizer tokenizer(statement);
  Token last;
  for (Token token = tokenizer.next(); token.kind != TokenKind::End; token = tokenizer.next()) last = token;
  if (last.kind != TokenKind::Comment) return ";";
  if (!last.terminated) return "*/;";
  return last.text.starts_with("--") ? "\n;" : ";";
}

}  // namespace libsql::sql
