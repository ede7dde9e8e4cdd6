// Regular expressions in Perl's notation, matched in time linear in the text: all ways through the pattern are followed
// side by side, so no pattern makes them add up (https://swtch.com/~rsc/regexp/regexp2.html). What cannot be done in
// that way, back references and look-around, is an error.
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace libsql::functions {

/// A pattern that cannot be compiled; the message tells where.
struct RegexpError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown out of a match that RegexpPoll ended.
struct RegexpInterrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

/// Asked now and then during long matches; true ends them.
struct RegexpPoll {
  bool (*is_interrupted)(void* argument) = nullptr;
  void* argument = nullptr;
};

/// Threads: compiled once, matched by any number at a time.
class Regexp {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  /// The span of the match, and then of each group, in bytes; kNone for a group that takes no part.
  struct Span {
    std::size_t begin = kNone, end = kNone;
  };

  /// Compiles `pattern`, UTF-8. Throws RegexpError for what is no pattern, needs another kind of matching, or is too
  /// large: 16,384 steps once its repetitions are written out, and 50 groups.
  explicit Regexp(std::string_view pattern);

  /// Whether it matches anywhere in `text`.
  bool matches(std::string_view text, const RegexpPoll& poll) const;
  /// The leftmost match that begins at `from` or later; `spans` becomes groups() + 1 long. False if there is none.
  bool find(std::string_view text, std::size_t from, std::vector<Span>& spans, const RegexpPoll& poll) const;

  std::size_t groups() const noexcept { return groups_; }
  std::size_t memory_used() const noexcept;

 private:
  friend class RegexpCompiler;
  friend class RegexpMatcher;

  enum class Op : std::uint8_t {
    Character,
    Any,    // any character at all
    Class,  // one that is in a class
    Split,  // goes on at both `x`, preferred, and `y`
    Jump,
    Save,  // notes the place
    TextBegin,
    TextEnd,
    TextEndOrNewline,
    LineBegin,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
    Match,
  };
  struct Instruction {
    Op op;
    std::uint32_t x = 0, y = 0;
  };
  /// Kinds of characters that a class has or has not.
  enum Kind : std::uint16_t {
    kDigit = 1,
    kNoDigit = 2,
    kWord = 4,
    kNoWord = 8,
    kSpace = 16,
    kNoSpace = 32,
    kLetter = 64,
    kUpper = 128,
    kLower = 256,
  };
  struct Class {
    struct Range {
      char32_t first, last;
    };
    std::vector<Range> ranges;
    std::uint16_t kinds = 0;
    bool negated = false, any_case = false;
    std::array<bool, 128> ascii{};  // the answer for ASCII

    bool has(char32_t code) const noexcept { return code < 128 ? ascii[code] : look(code); }
    bool look(char32_t code) const noexcept;
    bool holds(char32_t code) const noexcept;
  };

  std::vector<Instruction> program_;
  std::vector<Class> classes_;
  std::size_t groups_ = 0;
  int first_byte_ = -1;          // every match begins with it
  bool begins_at_text_ = false;  // a match can only begin where the text does
};

}  // namespace libsql::functions
