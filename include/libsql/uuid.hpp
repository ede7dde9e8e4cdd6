/// \file
/// UUIDs (RFC 9562) as values of the program, of the database and of text.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include <libsql/convert.hpp>
#include <libsql/export.hpp>

namespace libsql {
namespace uuid {

/// A UUID: 16 bytes in network order, ordered as they are. As an argument it is bound as text, the form that the SQL
/// function uuid() returns; bind bytes() to store a blob. Read from a column it takes either.
class LIBSQL_EXPORT Uuid final {
 public:
  using Bytes = std::array<std::byte, 16>;

  /// The nil UUID: all zero.
  constexpr Uuid() noexcept = default;
  constexpr explicit Uuid(const Bytes& bytes) noexcept : bytes_(bytes) {}

  /// A random one. The bits come from the operating system or the processor. Throws ResourceError if neither can give
  /// any.
  static Uuid v4();
  /// One of the current time, to the millisecond; those of the same millisecond have no order. Throws as v4().
  static Uuid v7();
  /// One of that time. Throws OutOfRange before 1970 or after the year 10889.
  static Uuid v7(std::chrono::sys_time<std::chrono::milliseconds> time);

  /// Reads the text form, as the SQL functions do: hex digits of either case, a hyphen allowed before each pair, braces
  /// around it allowed. parse() throws TypeMismatch for anything else, try_parse() gives nullopt.
  static Uuid parse(std::string_view text);
  static std::optional<Uuid> try_parse(std::string_view text) noexcept;

  /// Lower case, 8-4-4-4-12.
  std::string to_string() const;
  constexpr const Bytes& bytes() const noexcept { return bytes_; }
  /// The version field, 0 to 15.
  constexpr int version() const noexcept { return std::to_integer<int>(bytes_[6] >> 4); }
  constexpr bool is_nil() const noexcept { return *this == Uuid(); }
  /// The time in a version 7 UUID; nothing for other versions.
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> timestamp() const noexcept;

  friend constexpr auto operator<=>(const Uuid&, const Uuid&) noexcept = default;

 private:
  Bytes bytes_{};
};

/// Prints to_string().
LIBSQL_EXPORT std::ostream& operator<<(std::ostream& out, const Uuid& uuid);

}  // namespace uuid

using uuid::Uuid;

/// Text when written; text or 16 bytes when read. Throws TypeMismatch for anything else.
template <>
struct LIBSQL_EXPORT Convert<uuid::Uuid> {
  static std::string to_value(const uuid::Uuid& uuid);
  static uuid::Uuid from_value(ValueRef value);
};

}  // namespace libsql

template <>
struct std::hash<libsql::uuid::Uuid> {
  std::size_t operator()(const libsql::uuid::Uuid& uuid) const noexcept {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(uuid.bytes().data()), uuid.bytes().size()});
  }
};
