// A reader of JSON (https://www.rfc-editor.org/rfc/rfc8259) that goes through the text once, as the messages of Hrana
// are shaped, and makes no tree.
//
// No general parser, for three reasons: cells go straight into the flat array of a result; texts without escapes stay
// where they are; and numbers keep their digits. The last one matters: JavaScript clients send 1e20 as the integer
// literal 100000000000000000000, for which simdjson 3.0 refuses the whole document, and -0 has to stay -0.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "core/arena.hpp"
#include "core/decode_error.hpp"

namespace libsql::core {

class JsonReader {
 public:
  /// Nesting deeper than `max_depth` is refused.
  JsonReader(std::string_view text, Arena& arena, int max_depth = kMaxJsonDepth) noexcept
      : start_(text.data()), at_(text.data()), end_(text.data() + text.size()), arena_(&arena), max_depth_(max_depth) {}

  Arena& arena() const noexcept { return *arena_; }

  /// The next character that is not white space, which stays unread. Fails at the end of the text.
  char peek();
  /// A string, without its escapes. A view of the text if it has none, else of the arena.
  std::string_view string();
  /// A number as it is written.
  std::string_view number();
  bool boolean();
  /// Reads `null` if it is there.
  bool null();
  /// Reads any value and forgets it.
  void skip();
  /// Nothing but white space may follow.
  void end();

  // Numbers of a type; fail if the value is of another kind or does not fit.

  std::int32_t int32();
  std::uint32_t uint32();
  std::uint64_t uint64();
  double real();

  /// Reads `literal` if the text goes on with exactly that: for spellings that nearly all writers use.
  bool take(std::string_view literal) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < literal.size()) return false;
    if (std::memcmp(at_, literal.data(), literal.size()) != 0) return false;
    at_ += literal.size();
    return true;
  }
  const char* position() const noexcept { return at_; }
  const char* text_end() const noexcept { return end_; }
  void rewind(const char* position) noexcept { at_ = position; }

  [[noreturn]] void fail(std::string_view what) const { fail(DecodeError::Kind::Malformed, what); }
  [[noreturn]] void fail(DecodeError::Kind kind, std::string_view what) const;

 private:
  friend class JsonObject;
  friend class JsonArray;

  std::string_view string_with_escapes(const char* start);
  void append_escape(ArrayBuilder<char>& to);
  std::uint32_t hex4();
  void literal(std::string_view word);
  void digits();
  void enter(char open);
  void leave(char close);

  const char* start_;
  const char* at_;
  const char* end_;
  Arena* arena_;
  int depth_ = 0;
  int max_depth_;
  std::size_t looked_ahead_ = 0;
};

/// The elements of an array: `for (JsonArray array(reader); array.next();) <read one value>`.
class JsonArray {
 public:
  explicit JsonArray(JsonReader& reader) : reader_(reader) { reader_.enter('['); }
  bool next();

 private:
  JsonReader& reader_;
  bool first_ = true;
};

/// The members of an object that are wanted; others are skipped, and one that occurs twice is refused.
///
///     JsonObject object(reader);
///     for (int member; (member = object.next(kNames)) >= 0;) switch (member) ...: <read its value>
class JsonObject {
 public:
  explicit JsonObject(JsonReader& reader) : reader_(reader) { reader_.enter('{'); }

  /// The value of the member `type`, wherever in the object it is. Call it before next().
  std::string_view type();
  /// The index of the next member in `names`, at most 32 of them; -1 at the end of the object.
  int next(std::span<const std::string_view> names);
  /// Whether the member of that index was there.
  bool has(int member) const noexcept { return (seen_ >> static_cast<unsigned>(member) & 1U) != 0; }
  /// Fails if the member was not there.
  void require(std::span<const std::string_view> names, int member) const;

 private:
  bool next_key();
  bool take_key(std::string_view name) noexcept;
  std::string_view key();
  std::string_view type_further_on();

  JsonReader& reader_;
  std::string_view key_;
  std::uint32_t seen_ = 0;
  std::uint32_t expected_ = 0;  // the first of the names behind the last one that came
  bool first_ = true;
  bool wants_type_ = false;
  bool seen_type_ = false;
};

/// The number that `text`, a JSON number, stands for; nothing if it is too large for a double.
std::optional<double> parse_real(std::string_view text) noexcept;

/// The integer that `text` stands for in decimal, with a sign or leading zeros if it likes; nothing if it is none or
/// does not fit.
std::optional<std::int64_t> parse_int64(std::string_view text) noexcept;
std::optional<std::uint64_t> parse_uint64(std::string_view text) noexcept;

}  // namespace libsql::core
