// Where a semicolon ends a statement, and where it stands inside one.
#pragma once

#include "sql/tokenizer.hpp"

namespace libsql::sql {

// Watches the tokens of one statement and knows whether a semicolon would end it. Only CREATE TRIGGER has semicolons
// inside: its body runs from BEGIN to the END that directly follows a semicolon (or, wrongly, the BEGIN itself).
// The END of a CASE never follows one.
class BodyTracker {
 public:
  bool in_body() const noexcept { return state_ == State::BodyStart || state_ == State::Body; }

  void see(const Token& token) noexcept {
    switch (state_) {
      case State::Start:
        if (is_keyword(token, "EXPLAIN")) {
          state_ = State::Explain;
        } else {
          state_ = is_keyword(token, "CREATE") ? State::Create : State::Plain;
        }
        break;
      case State::Explain:  // EXPLAIN, EXPLAIN QUERY, EXPLAIN QUERY PLAN
        if (is_keyword(token, "CREATE")) {
          state_ = State::Create;
        } else if (!is_keyword(token, "QUERY") && !is_keyword(token, "PLAN")) {
          state_ = State::Plain;
        }
        break;
      case State::Create:
        if (is_keyword(token, "TRIGGER")) {
          state_ = State::TriggerHead;
        } else if (!is_keyword(token, "TEMP") && !is_keyword(token, "TEMPORARY")) {
          state_ = State::Plain;
        }
        break;
      case State::TriggerHead:
        if (is_keyword(token, "BEGIN")) state_ = State::BodyStart;
        break;
      case State::BodyStart:
        state_ = is_keyword(token, "END") ? State::Plain : body_after(token);
        break;
      case State::Body:
        state_ = body_after(token);
        break;
      case State::Plain:
        break;
    }
  }

 private:
  enum class State : unsigned char { Start, Explain, Create, TriggerHead, BodyStart, Body, Plain };

  static State body_after(const Token& token) noexcept {
    return token.kind == TokenKind::Semicolon ? State::BodyStart : State::Body;
  }

  State state_ = State::Start;
};

}  // namespace libsql::sql
