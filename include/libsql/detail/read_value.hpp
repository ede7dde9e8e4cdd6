/// \file
/// How a value of the database becomes a C++ value. Internal: see Row::get() for the rules.
#pragma once

#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <libsql/detail/convert_traits.hpp>
#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql::detail {

/// The value as T, or a throw; see Row::get().
template <class T>
T read_value(ValueRef value) {
  if constexpr (Readable<T>) {
    return Convert<T>::from_value(value);
  } else if constexpr (IsOptional<T>::value) {
    if (value.is_null()) return std::nullopt;
    return detail::read_value<typename T::value_type>(value);
  } else if constexpr (std::same_as<T, ValueRef>) {
    return value;
  } else if constexpr (std::same_as<T, Value>) {
    return Value(value);
  } else if constexpr (std::same_as<T, bool>) {
    if (value.type() != ValueType::Integer) throw_type_mismatch(value.type(), "bool");
    if (value.integer() != 0 && value.integer() != 1) throw_value_out_of_range("bool");
    return value.integer() == 1;
  } else if constexpr (IntegerType<T>) {
    if (value.type() != ValueType::Integer) [[unlikely]]
      throw_type_mismatch(value.type(), "an integer");
    if constexpr (!std::same_as<T, std::int64_t>) {
      if (!std::in_range<T>(value.integer())) [[unlikely]]
        throw_value_out_of_range("the integer type asked for");
    }
    return static_cast<T>(value.integer());
  } else if constexpr (std::floating_point<T>) {
    if (value.type() == ValueType::Real) [[likely]] {
      const T result = static_cast<T>(value.real());
      if constexpr (std::same_as<T, float>) {
        if (std::isfinite(value.real()) && !std::isfinite(result)) throw_value_out_of_range("float");
      }
      return result;
    }
    // An integer that the type holds exactly is no loss: "SELECT 1" read as double.
    if (value.type() != ValueType::Integer) throw_type_mismatch(value.type(), "a floating-point number");
    const T result = static_cast<T>(value.integer());
    if constexpr (std::numeric_limits<T>::digits < 63) {
      constexpr std::int64_t kExact = std::int64_t{1} << std::numeric_limits<T>::digits;
      if (value.integer() > kExact || value.integer() < -kExact)
        throw_value_out_of_range("an exact floating-point number");
    }
    return result;
  } else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>) {
    if (value.type() != ValueType::Text) [[unlikely]]
      throw_type_mismatch(value.type(), "text");
    return T(value.text());
  } else if constexpr (std::same_as<T, BlobView>) {
    if (value.type() != ValueType::Blob) [[unlikely]]
      throw_type_mismatch(value.type(), "a blob");
    return value.blob();
  } else if constexpr (std::same_as<T, Blob>) {
    if (value.type() != ValueType::Blob) [[unlikely]]
      throw_type_mismatch(value.type(), "a blob");
    return Blob(value.blob().begin(), value.blob().end());
  } else if constexpr (std::same_as<T, std::vector<std::uint8_t>>) {
    if (value.type() != ValueType::Blob) throw_type_mismatch(value.type(), "a blob");
    const auto* first = reinterpret_cast<const std::uint8_t*>(value.blob().data());
    return T(first, first + value.size());
  } else if constexpr (IsSysTime<T>::value) {
    using Duration = typename T::duration;
    using namespace std::chrono;
    const DayTime time = parse_time(value);
    // One day of room for what is added to midnight.
    constexpr auto kLast = duration_cast<days>(Duration::max()).count() - 1;
    const auto count = time.day.time_since_epoch().count();
    const auto part = duration_cast<Duration>(time.since_midnight);
    if (count > kLast || count < -kLast || duration_cast<nanoseconds>(part) != time.since_midnight) {
      throw_value_out_of_range("a time point of this precision");
    }
    return T(duration_cast<Duration>(time.day.time_since_epoch()) + part);
  } else if constexpr (std::same_as<T, std::chrono::year_month_day>) {
    return parse_date(value);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(detail::read_value<std::underlying_type_t<T>>(value));
  } else {
    static_assert(Readable<T>, "this type cannot be read from a column: specialise libsql::Convert<T>::from_value");
  }
}

}  // namespace libsql::detail
