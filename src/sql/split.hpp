// Cutting a script into statements where the engine would, trigger bodies included.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "sql/body_tracker.hpp"

namespace libsql::sql {

/// One statement of a script.
struct Statement {
  std::string_view text;    // from its first to its last token: no comments or white space around it, no semicolon
  std::size_t offset = 0;   // of `text` in the script, in bytes
  std::size_t end = 0;      // where the next statement may begin: after the semicolon, or the end of the script
  bool terminated = false;  // whether a semicolon ended it
};

/// What is wrong with a statement in whose text a NUL character stands. The engine would read up to it and take that
/// for all, so no such text ever comes to it.
inline constexpr std::string_view kNulInText = "the SQL text holds a NUL character";

/// Iterates over the statements of `script`, skipping empty ones. A semicolon inside the body of a CREATE TRIGGER does
/// not end the statement. Broken SQL ends at its next semicolon. A NUL character never stands between two statements,
/// not even in a comment: it is part of the next one, which it breaks. `script` must outlive what is yielded.
class Splitter {
 public:
  explicit Splitter(std::string_view script) noexcept : script_(script) {}

  /// The next statement, or nothing at the end of the script.
  std::optional<Statement> next() noexcept;

 private:
  std::string_view script_;
  std::size_t position_ = 0;
};

/// The statements of a script as a range: `for (const Statement& statement : split(script))`.
class Statements {
 public:
  class Iterator {
   public:
    explicit Iterator(std::string_view script) noexcept : splitter_(script), current_(splitter_.next()) {}
    const Statement& operator*() const noexcept { return *current_; }
    const Statement* operator->() const noexcept { return &*current_; }
    Iterator& operator++() noexcept {
      current_ = splitter_.next();
      return *this;
    }
    bool operator==(std::nullopt_t) const noexcept { return !current_.has_value(); }

   private:
    Splitter splitter_;
    std::optional<Statement> current_;
  };

  explicit Statements(std::string_view script) noexcept : script_(script) {}
  Iterator begin() const noexcept { return Iterator(script_); }
  std::nullopt_t end() const noexcept { return std::nullopt; }

 private:
  std::string_view script_;
};

inline Statements split(std::string_view script) noexcept { return Statements(script); }

/// Whether `text` ends with a complete statement: after its last semicolon come only white space and finished comments,
/// and that semicolon is not in a trigger body, a string or a comment. False for text without any statement.
bool is_complete(std::string_view text) noexcept;

/// Says of a text that grows what is_complete() would, and looks at each of its bytes once.
class CompletionWatcher {
 public:
  /// `text` is the one of the last call and more. Both end in a line break, where no token goes on but a string, a
  /// quoted name or a block comment.
  bool look_at(std::string_view text) noexcept;
  /// Whether the text holds nothing but white space and finished comments.
  bool is_blank() const noexcept { return blank_ && open_ == '\0'; }
  /// Whether the text ends inside a string, a quoted name or a block comment.
  bool is_open() const noexcept { return open_ != '\0'; }

 private:
  bool find_close(std::string_view text) noexcept;
  void see(const Token& token) noexcept;

  BodyTracker tracker_;
  std::size_t position_ = 0;
  char open_ = '\0';  // what would end the token that the text ends in; '/' for a comment
  bool blank_ = true;
  bool complete_ = false;
};

/// What has to follow `statement`, a single one without its semicolon, so that it ends there: a semicolon, and before
/// it what ends a comment that the text ends in, as the texts in a schema may.
std::string_view ending_of(std::string_view statement) noexcept;

}  // namespace libsql::sql
