// A reader of Protobuf messages (https://protobuf.dev/programming-guides/encoding/), field by field.
//
// Varints are protozero's. Its pbf_reader is not used: it cuts a declared length to 32 bits without saying so, and
// reads a field of another wire type than the expected one as if it were of that.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/arena.hpp"
#include "core/decode_error.hpp"

namespace libsql::core::proto {

/// What the readers of one message and its parts share.
struct Context {
  Context(std::string_view bytes, Arena& memory, bool as_client) noexcept
      : arena(memory), start(bytes.data()), end(bytes.data() + bytes.size()), at(start), is_client(as_client) {}

  [[noreturn]] void fail(DecodeError::Kind kind, std::string_view what) const;

  Arena& arena;
  const char* start;
  const char* end;
  const char* at;  // the field that is being read, for the offset of an error
  int depth = 0;
  bool is_client;
};

class Reader {
 public:
  /// Nesting deeper than this is refused.
  static constexpr int kMaxDepth = 100;

  Reader(Context& context, std::string_view message);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { --context_.depth; }

  /// The number of the next field, whose value has to be read or skipped; 0 at the end.
  std::uint32_t next();
  void skip();

  // The value. Fails if the field has another wire type than that of the function.

  std::uint64_t varint();
  std::int64_t sint64();
  double real();
  std::string_view bytes();
  /// As bytes(), which have to be UTF-8.
  std::string_view text();
  bool boolean() { return varint() != 0; }
  // As Protobuf has it, what does not fit is cut.
  std::int32_t int32() { return static_cast<std::int32_t>(varint()); }
  std::uint32_t uint32() { return static_cast<std::uint32_t>(varint()); }

  [[noreturn]] void fail(std::string_view what) const { context_.fail(DecodeError::Kind::Malformed, what); }

 private:
  enum class Wire : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };
  void expect(Wire wire) const;
  std::uint64_t read_varint();
  std::string_view take(std::uint64_t size);

  Context& context_;
  const char* at_;
  const char* end_;
  Wire wire_ = Wire::Varint;
};

/// A part that is there at most once. If it comes several times the later ones are merged into the first, which is the
/// same as reading their bytes one after the other.
class Part {
 public:
  explicit Part(Arena& arena) noexcept : joined_(arena) {}

  void add(std::string_view bytes) {
    if (is_there_) {
      if (joined_.empty()) joined_.append(bytes_);
      joined_.append(bytes);
    } else {
      bytes_ = bytes;
      is_there_ = true;
    }
  }
  void forget() noexcept {
    is_there_ = false;
    joined_.clear();
  }
  bool is_there() const noexcept { return is_there_; }
  /// Valid as long as the arena. Call it once.
  std::string_view bytes() {
    if (joined_.empty()) return is_there_ ? bytes_ : std::string_view();
    const auto joined = joined_.finish();
    return {joined.data(), joined.size()};
  }

 private:
  ArrayBuilder<char> joined_;
  std::string_view bytes_;
  bool is_there_ = false;
};

/// One of several parts: the last one counts.
class OneOf {
 public:
  explicit OneOf(Arena& arena) noexcept : part_(arena) {}

  void add(std::uint32_t field, std::string_view bytes) {
    if (field_ != field) part_.forget();
    field_ = field;
    part_.add(bytes);
  }
  /// For a kind of part that is no message.
  void set(std::uint32_t field) noexcept { field_ = field; }
  /// 0 if there is none.
  std::uint32_t field() const noexcept { return field_; }
  std::string_view bytes() { return part_.bytes(); }

 private:
  Part part_;
  std::uint32_t field_ = 0;
};

}  // namespace libsql::core::proto
