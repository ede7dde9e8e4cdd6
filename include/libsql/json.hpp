/// \file
/// JSON text for SQLite's JSON columns and functions: a Writer that builds it, a Value that reads it, and a Path that
/// quotes correctly.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <libsql/convert.hpp>
#include <libsql/export.hpp>

namespace libsql {
namespace json {

/// The text as a JSON string, with its quotes. Throws OutOfRange if it is not UTF-8.
LIBSQL_EXPORT std::string quote(std::string_view text);

/// A path into a document, as json_extract(), -> and the other SQL functions take it: `Path().key("a.b").index(0)` is
/// `$."a.b"[0]`. It can be an argument, as can its str(). Keys may be any UTF-8 text; others throw OutOfRange.
class LIBSQL_EXPORT Path final {
 public:
  struct FromEnd {
    std::size_t distance;
  };
  using Step = std::variant<std::string, std::size_t, FromEnd>;

  /// The member of an object.
  Path& key(std::string_view name);
  /// The element of an array, from 0.
  Path& index(std::size_t position);
  /// The element of an array from its end: 1 is the last one; 0 is the place after it, to append with json_set().
  Path& from_end(std::size_t distance);

  const std::string& str() const noexcept { return text_; }
  const std::vector<Step>& steps() const noexcept { return steps_; }

 private:
  std::string text_ = "$";
  std::vector<Step> steps_;
};

enum class Kind : std::uint8_t { Null, Boolean, Integer, Real, String, Array, Object };

/// A parsed JSON value: a document or a part of it. Copies are cheap and share the document, which lives as long as any
/// part. As an argument it is bound as text; it can be read from a text column. Threads: may be read by several threads
/// at once. Errors: asking for another kind throws TypeMismatch; for a missing member or element, OutOfRange.
class LIBSQL_EXPORT Value final {
 public:
  /// null.
  Value();
  /// Reads a document (RFC 8259). Throws TypeMismatch with the byte offset in the message if it is malformed or nested
  /// deeper than 1000 levels (SQLite's limit). A number that is no 64-bit integer is Real, as in SQLite.
  static Value parse(std::string_view text);

  Kind kind() const noexcept;
  bool is_null() const noexcept { return kind() == Kind::Null; }
  bool boolean() const;
  std::int64_t integer() const;
  /// An Integer is taken too.
  double real() const;
  /// Valid as long as this value or any other of the document.
  std::string_view string() const;

  /// Elements of an array or members of an object; 0 for others.
  std::size_t size() const noexcept;
  Value operator[](std::size_t position) const;
  Value operator[](std::string_view key) const;
  /// The member, if this is an object that has it.
  std::optional<Value> find(std::string_view key) const;
  /// The value at the path, if there is one.
  std::optional<Value> find(const Path& path) const;
  /// The elements of an array.
  std::vector<Value> elements() const;
  /// The members of an object, in the order of the text. A name that occurs twice has its last value. Names are valid
  /// as long as any value of the document.
  std::vector<std::pair<std::string_view, Value>> members() const;

  /// Compact JSON text.
  std::string to_string() const;

 private:
  explicit Value(std::shared_ptr<const void> node) noexcept;
  std::shared_ptr<const void> node_;
};

/// Builds JSON text piece by piece: `Writer().begin_object().key("id").value(7).end_object().str()`.
/// Errors: a piece that does not fit (a value without key in an object, a second document) throws Misuse; infinity,
/// NaN and text that is not UTF-8 throw OutOfRange. Threads: one at a time.
class LIBSQL_EXPORT Writer final {
 public:
  Writer& begin_object();
  Writer& end_object();
  Writer& begin_array();
  Writer& end_array();
  Writer& key(std::string_view name);

  Writer& value(std::nullptr_t);
  Writer& value(std::string_view text);
  Writer& value(const char* text) { return value(std::string_view(text)); }
  Writer& value(double number);
  Writer& value(const Value& value);
  template <class T>
  requires std::same_as<T, bool> Writer& value(T flag) { return raw(flag ? "true" : "false"); }
  template <std::signed_integral T>
  Writer& value(T number) {
    return integer(number);
  }
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Writer& value(T number) { return unsigned_integer(number); }
  /// Text that is JSON already, taken as it is.
  Writer& raw(std::string_view json);

  /// key() and value().
  template <class T>
  Writer& member(std::string_view name, const T& item) {
    return key(name).value(item);
  }

  /// The document. Throws Misuse unless it is complete.
  const std::string& str() const;

 private:
  Writer& integer(std::int64_t number);
  Writer& unsigned_integer(std::uint64_t number);
  void before_value();
  Writer& open(char bracket);
  Writer& close(char bracket);

  std::string text_;
  std::string open_;            // the brackets that are open
  bool first_ = true;           // nothing stands in the innermost bracket yet
  bool expects_value_ = false;  // a key was written
};

/// The elements of a range as a JSON array: for `... WHERE id IN (SELECT value FROM json_each(?))`.
template <std::ranges::input_range R>
std::string array(R&& elements) {
  Writer writer;
  writer.begin_array();
  for (const auto& element : elements) writer.value(element);
  writer.end_array();
  return writer.str();
}

}  // namespace json

template <>
struct LIBSQL_EXPORT Convert<json::Value> {
  static std::string to_value(const json::Value& value);
  static json::Value from_value(ValueRef value);
};

template <>
struct LIBSQL_EXPORT Convert<json::Path> {
  static std::string_view to_value(const json::Path& path) noexcept { return path.str(); }
};

}  // namespace libsql
