/// \file
/// How C++ types become values and values become C++ types: the built-in rules, and Convert<T> for your own types.
#pragma once

#include <array>
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

#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql {

/// The one customisation point for user types. Specialise it with either or both of
///   static X to_value(const T&);    // X: any type that can be bound already (std::int64_t, std::string, Blob, Value,
///   ...) static T from_value(ValueRef);  // throws TypeMismatch, through ValueRef's reader detail::read_value<U>(), if
///   it does not fit
/// and T can be an argument, a column of a typed query and a member of a row struct.
template <class T>
struct Convert;

/// Text or bytes that outlive the statement's use of them, so that they need not be copied where they else would be
/// (query() copies its arguments, because rows are read after the call; execute() never copies).
template <class View>
struct Borrowed {
  View view;
};
inline Borrowed<std::string_view> borrowed(std::string_view text) noexcept { return {text}; }
inline Borrowed<BlobView> borrowed(BlobView blob) noexcept { return {blob}; }

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

/// Digits after the second that a duration needs.
template <class Duration>
constexpr int fraction_digits() {
  if constexpr (std::ratio_greater_equal_v<typename Duration::period, std::ratio<1>>)
    return 0;
  else if constexpr (std::ratio_greater_equal_v<typename Duration::period, std::milli>)
    return 3;
  else if constexpr (std::ratio_greater_equal_v<typename Duration::period, std::micro>)
    return 6;
  else
    return 9;
}

/// Holds an argument for the length of a call and gives the view of it that is bound.
template <class T>
class Argument;

template <class T>
requires IntegerType<T>
class Argument<T> {
 public:
  constexpr explicit Argument(T value) : value_(to_int64(value)) {}
  ValueRef ref() const noexcept { return ValueRef(value_); }

 private:
  std::int64_t value_;
};

template <>
class Argument<bool> {
 public:
  constexpr explicit Argument(bool value) noexcept : value_(value ? 1 : 0) {}
  ValueRef ref() const noexcept { return ValueRef(value_); }

 private:
  std::int64_t value_;
};

template <class T>
requires std::floating_point<T>
class Argument<T> {
 public:
  constexpr explicit Argument(T value) noexcept : value_(static_cast<double>(value)) {}
  ValueRef ref() const noexcept { return ValueRef(value_); }

 private:
  double value_;
};

/// Arguments that are one view: what they view belongs to the caller.
class ViewArgument {
 public:
  ValueRef ref() const noexcept { return ref_; }

 protected:
  explicit ViewArgument(ValueRef ref) noexcept : ref_(ref) {}
  ValueRef ref_;
};

template <>
class Argument<Null> : public ViewArgument {
 public:
  explicit Argument(Null) noexcept : ViewArgument(ValueRef()) {}
};
template <>
class Argument<std::nullptr_t> : public ViewArgument {
 public:
  explicit Argument(std::nullptr_t) noexcept : ViewArgument(ValueRef()) {}
};
template <>
class Argument<std::nullopt_t> : public ViewArgument {
 public:
  explicit Argument(std::nullopt_t) noexcept : ViewArgument(ValueRef()) {}
};
template <>
class Argument<ValueRef> : public ViewArgument {
 public:
  explicit Argument(ValueRef value) noexcept : ViewArgument(value) {}
};
template <>
class Argument<Value> : public ViewArgument {
 public:
  explicit Argument(const Value& value) noexcept : ViewArgument(value.ref()) {}
};
template <>
class Argument<ZeroBlob> : public ViewArgument {
 public:
  explicit Argument(ZeroBlob value) noexcept : ViewArgument(ValueRef(value)) {}
};
template <>
class Argument<const char*> : public ViewArgument {
 public:
  explicit Argument(const char* text) : ViewArgument(ValueRef()) {
    if (text == nullptr) throw_null_pointer_argument();
    ref_ = ValueRef(std::string_view(text));
  }
};
template <>
class Argument<char*> : public Argument<const char*> {
 public:
  using Argument<const char*>::Argument;
};
/// A string literal or character array: the text up to its first NUL.
template <std::size_t N>
class Argument<char[N]> : public Argument<const char*> {
 public:
  using Argument<const char*>::Argument;
};
template <class T>
requires TextLike<T>
class Argument<T> : public ViewArgument {
 public:
  explicit Argument(const T& text) noexcept : ViewArgument(ValueRef(static_cast<std::string_view>(text))) {}
};
template <class T>
requires BlobLike<T>
class Argument<T> : public ViewArgument {
 public:
  explicit Argument(const T& blob) noexcept : ViewArgument(ValueRef()) {
    if constexpr (std::convertible_to<const T&, std::span<const std::byte>>) {
      ref_ = ValueRef(BlobView(blob));
    } else {
      ref_ = ValueRef(std::as_bytes(std::span<const std::uint8_t>(blob)));
    }
  }
};
template <class View>
class Argument<Borrowed<View>> : public ViewArgument {
 public:
  explicit Argument(Borrowed<View> value) noexcept : ViewArgument(ValueRef(value.view).as_borrowed()) {}
};

template <class D>
class Argument<std::chrono::time_point<std::chrono::system_clock, D>> {
 public:
  explicit Argument(std::chrono::time_point<std::chrono::system_clock, D> time)
      : text_(format_time(split(time), fraction_digits<D>())) {}
  ValueRef ref() const noexcept { return ValueRef(std::string_view(text_)); }

 private:
  static DayTime split(std::chrono::time_point<std::chrono::system_clock, D> time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    return {day, std::chrono::duration_cast<std::chrono::nanoseconds>(time - day)};
  }
  std::string text_;
};
template <>
class Argument<std::chrono::year_month_day> {
 public:
  explicit Argument(std::chrono::year_month_day date) : text_(format_date(date)) {}
  ValueRef ref() const noexcept { return ValueRef(std::string_view(text_)); }

 private:
  std::string text_;
};

template <class T>
requires Writable<T>
class Argument<T> {
  using Target = std::remove_cvref_t<decltype(Convert<T>::to_value(std::declval<const T&>()))>;

 public:
  explicit Argument(const T& value) : target_(Convert<T>::to_value(value)), argument_(target_) {}
  Argument(const Argument&) = delete;
  Argument& operator=(const Argument&) = delete;
  ValueRef ref() const noexcept { return argument_.ref(); }

 private:
  Target target_;
  Argument<Target> argument_;
};

template <class T>
requires(std::is_enum_v<T> && !Writable<T> && !std::same_as<T, std::byte>) class Argument<T>
    : public Argument<std::underlying_type_t<T>> {
 public:
  explicit Argument(T value) : Argument<std::underlying_type_t<T>>(static_cast<std::underlying_type_t<T>>(value)) {}
};

template <class T>
class Argument<std::optional<T>> {
 public:
  explicit Argument(const std::optional<T>& value) {
    if (value) argument_.emplace(*value);
  }
  ValueRef ref() const noexcept { return argument_ ? argument_->ref() : ValueRef(); }

 private:
  std::optional<Argument<T>> argument_;
};

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

template <class T>
inline constexpr bool is_view_v = std::same_as<T, std::string_view> || std::same_as<T, BlobView> ||
                                  std::same_as<T, ValueRef> || std::same_as<T, std::optional<std::string_view>> ||
                                  std::same_as<T, std::optional<BlobView>> || std::same_as<T, std::optional<ValueRef>>;

}  // namespace detail

/// The value as T, by the rules of Row::get(). For the from_value() of a Convert specialisation.
template <class T>
T read_value(ValueRef value) {
  return detail::read_value<T>(value);
}

/// Types that can be an argument: bool, integers (range-checked), floating point, text, bytes, null, std::optional,
/// enums, system_clock time points and calendar dates (bound as UTC text that the SQL date functions read), Value,
/// ZeroBlob, and types with a Convert<T>::to_value.
template <class T>
concept Bindable = requires(const T& value) {
  detail::Argument<T>(value);
};

}  // namespace libsql
