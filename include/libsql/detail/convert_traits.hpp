/// \file
/// Which conversions a type takes part in. Internal.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ratio>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql {

template <class T>
struct Convert;

namespace detail {

[[noreturn]] LIBSQL_EXPORT void throw_type_mismatch(ValueType stored, std::string_view wanted);
[[noreturn]] LIBSQL_EXPORT void throw_null_pointer_argument();

/// A time point that may lie beyond the years that nanoseconds since 1970 reach.
struct DayTime {
  std::chrono::sys_days day;
  std::chrono::nanoseconds since_midnight;
};
LIBSQL_EXPORT std::string format_time(DayTime time, int fraction_digits);
LIBSQL_EXPORT std::string format_date(std::chrono::year_month_day date);
LIBSQL_EXPORT DayTime parse_time(ValueRef value);
LIBSQL_EXPORT std::chrono::year_month_day parse_date(ValueRef value);

template <class T>
concept TextLike = std::convertible_to<const T&, std::string_view> && !std::is_pointer_v<std::decay_t<T>>;
template <class T>
concept BlobLike = !TextLike<T> && (std::convertible_to<const T&, std::span<const std::byte>> ||
                                    std::convertible_to<const T&, std::span<const std::uint8_t>>);
template <class T>
concept Writable = requires(const T& value) {
  Convert<T>::to_value(value);
};
template <class T>
concept Readable = requires(ValueRef value) {
  { Convert<T>::from_value(value) } -> std::same_as<T>;
};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsSysTime : std::false_type {};
template <class D>
struct IsSysTime<std::chrono::time_point<std::chrono::system_clock, D>> : std::true_type {};

template <class T>
inline constexpr bool is_view_v = std::same_as<T, std::string_view> || std::same_as<T, BlobView> ||
                                  std::same_as<T, ValueRef> || std::same_as<T, std::optional<std::string_view>> ||
                                  std::same_as<T, std::optional<BlobView>> || std::same_as<T, std::optional<ValueRef>>;

}  // namespace detail

}  // namespace libsql
