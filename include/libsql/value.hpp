/// \file
/// The five kinds of value a database holds, as an owner (Value) and as a view (ValueRef).
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <libsql/export.hpp>

namespace libsql {

/// The storage classes of the engine (https://www.sqlite.org/datatype3.html). The numbers are internal.
enum class ValueType : std::uint8_t { Null, Integer, Real, Text, Blob };

/// "NULL", "INTEGER", "REAL", "TEXT" or "BLOB". Valid for the program's lifetime.
LIBSQL_EXPORT std::string_view to_string(ValueType type) noexcept;

/// Bytes that are owned.
using Blob = std::vector<std::byte>;
/// A view of bytes.
using BlobView = std::span<const std::byte>;

namespace detail {
[[noreturn]] LIBSQL_EXPORT void throw_value_out_of_range(std::string_view wanted);

template <class T>
concept CharacterType = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
template <class T>
concept IntegerType = std::integral<T> && !std::same_as<T, bool> && !CharacterType<T>;

/// Throws OutOfRange if the value needs more than 63 bits and a sign.
template <IntegerType T>
constexpr std::int64_t to_int64(T value) {
  if (!std::in_range<std::int64_t>(value)) throw_value_out_of_range("a 64-bit integer");
  return static_cast<std::int64_t>(value);
}
}  // namespace detail

/// The SQL value NULL, for arguments: `conn.execute("... VALUES (?)", libsql::null)`.
struct Null {
  friend constexpr bool operator==(Null, Null) noexcept { return true; }
};
inline constexpr Null null{};

/// A blob of `size` zero bytes that is never built in memory; fill it through a BlobHandle.
struct ZeroBlob {
  std::uint64_t size = 0;
};

/// A view of a value owned elsewhere, such as a row's cell or an argument.
/// Lifetime: text and blob views are valid only as long as their owner says; for a cell, until the next row.
class ValueRef final {
 public:
  constexpr ValueRef() noexcept : integer_(0) {}
  constexpr ValueRef(Null) noexcept : integer_(0) {}
  constexpr explicit ValueRef(std::int64_t value) noexcept : integer_(value), word_(word(ValueType::Integer)) {}
  constexpr explicit ValueRef(double value) noexcept : real_(value), word_(word(ValueType::Real)) {}
  /// UTF-8 text; embedded NUL characters are kept.
  constexpr explicit ValueRef(std::string_view text) noexcept
      : data_(text.data()), word_(word(ValueType::Text, text.size())) {}
  constexpr explicit ValueRef(BlobView blob) noexcept : data_(blob.data()), word_(word(ValueType::Blob, blob.size())) {}
  constexpr explicit ValueRef(ZeroBlob zeros) noexcept
      : data_(nullptr), word_(word(ValueType::Blob, std::min(zeros.size, kMaxSize)) | kZeroBlob) {}

  constexpr ValueType type() const noexcept { return static_cast<ValueType>(word_ & kType); }
  constexpr bool is_null() const noexcept { return type() == ValueType::Null; }

  /// Requires: type() is Integer.
  constexpr std::int64_t integer() const noexcept { return integer_; }
  /// Requires: type() is Real.
  constexpr double real() const noexcept { return real_; }
  /// Requires: type() is Text.
  std::string_view text() const noexcept { return {static_cast<const char*>(data_), size()}; }
  /// Requires: type() is Blob and not is_zero_blob().
  BlobView blob() const noexcept { return {static_cast<const std::byte*>(data_), size()}; }
  /// Bytes of a text or blob.
  constexpr std::size_t size() const noexcept { return static_cast<std::size_t>(word_ >> kSizeShift); }

  constexpr bool is_zero_blob() const noexcept { return (word_ & kZeroBlob) != 0; }
  /// Whether the caller promised that text or blob outlive the statement's use of them; see borrowed().
  constexpr bool is_borrowed() const noexcept { return (word_ & kBorrowed) != 0; }
  constexpr ValueRef as_borrowed() const noexcept {
    ValueRef copy = *this;
    copy.word_ |= kBorrowed;
    return copy;
  }

 private:
  // The type and the size share a word, so that a view is passed and returned in two registers. No object has 2^56
  // bytes.
  static constexpr std::uint64_t kType = 7, kZeroBlob = 8, kBorrowed = 16;
  static constexpr int kSizeShift = 8;
  static constexpr std::uint64_t kMaxSize = ~std::uint64_t{0} >> kSizeShift;
  static constexpr std::uint64_t word(ValueType type, std::uint64_t size = 0) noexcept {
    return size << kSizeShift | static_cast<std::uint64_t>(type);
  }

  union {
    std::int64_t integer_;
    double real_;
    const void* data_;
  };
  std::uint64_t word_ = word(ValueType::Null);
};

/// A value that is owned: NULL, a 64-bit integer, a double, UTF-8 text or bytes.
class LIBSQL_EXPORT Value final {
 public:
  using Variant = std::variant<Null, std::int64_t, double, std::string, Blob>;

  Value() noexcept = default;
  Value(Null) noexcept {}
  Value(std::nullptr_t) noexcept {}
  /// Throws OutOfRange if an unsigned number exceeds 64 signed bits.
  template <detail::IntegerType T>
  Value(T value) : variant_(detail::to_int64(value)) {}
  Value(bool value) noexcept : variant_(static_cast<std::int64_t>(value)) {}
  Value(double value) noexcept : variant_(value) {}
  Value(std::string value) noexcept : variant_(std::move(value)) {}
  Value(std::string_view value) : variant_(std::string(value)) {}
  Value(const char* value) : variant_(std::string(value)) {}
  Value(Blob value) noexcept : variant_(std::move(value)) {}
  Value(BlobView value) : variant_(Blob(value.begin(), value.end())) {}
  /// A copy of what the view sees.
  explicit Value(ValueRef value);

  ValueType type() const noexcept { return static_cast<ValueType>(variant_.index()); }
  bool is_null() const noexcept { return variant_.index() == 0; }

  /// The value as its own kind; throws TypeMismatch for another kind.
  std::int64_t integer() const;
  double real() const;
  const std::string& text() const;
  const Blob& blob() const;

  const Variant& variant() const noexcept { return variant_; }
  Variant& variant() noexcept { return variant_; }

  /// A view of this value, valid until it changes or ends.
  ValueRef ref() const noexcept;

  friend bool operator==(const Value&, const Value&) = default;

 private:
  Variant variant_;
};

/// Prints the value as an SQL literal: NULL, 12, 1.5, 'it''s', x'00ff'.
LIBSQL_EXPORT std::ostream& operator<<(std::ostream& out, const Value& value);
/// The value as an SQL literal.
LIBSQL_EXPORT std::string to_sql_literal(ValueRef value);

}  // namespace libsql
