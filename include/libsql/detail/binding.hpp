/// \file
/// How an argument is held while it is bound. Internal: see convert.hpp for the types that can be one.
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
#include <utility>

#include <libsql/detail/convert_traits.hpp>
#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql {
template <class View>
struct Borrowed;
}

namespace libsql::detail {

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
class Binding;

template <class T>
requires IntegerType<T>
class Binding<T> {
 public:
  constexpr explicit Binding(T value) : value_(to_int64(value)) {}
  ValueRef ref() const noexcept { return ValueRef(value_); }

 private:
  std::int64_t value_;
};

template <>
class Binding<bool> {
 public:
  constexpr explicit Binding(bool value) noexcept : value_(value ? 1 : 0) {}
  ValueRef ref() const noexcept { return ValueRef(value_); }

 private:
  std::int64_t value_;
};

template <class T>
requires std::floating_point<T>
class Binding<T> {
 public:
  constexpr explicit Binding(T value) noexcept : value_(static_cast<double>(value)) {}
  ValueRef ref() const noexcept { return ValueRef(value_); }

 private:
  double value_;
};

/// Arguments that are one view: what they view belongs to the caller.
class ViewBinding {
 public:
  ValueRef ref() const noexcept { return ref_; }

 protected:
  explicit ViewBinding(ValueRef ref) noexcept : ref_(ref) {}
  ValueRef ref_;
};

template <>
class Binding<Null> : public ViewBinding {
 public:
  explicit Binding(Null) noexcept : ViewBinding(ValueRef()) {}
};
template <>
class Binding<std::nullptr_t> : public ViewBinding {
 public:
  explicit Binding(std::nullptr_t) noexcept : ViewBinding(ValueRef()) {}
};
template <>
class Binding<std::nullopt_t> : public ViewBinding {
 public:
  explicit Binding(std::nullopt_t) noexcept : ViewBinding(ValueRef()) {}
};
template <>
class Binding<ValueRef> : public ViewBinding {
 public:
  explicit Binding(ValueRef value) noexcept : ViewBinding(value) {}
};
template <>
class Binding<Value> : public ViewBinding {
 public:
  explicit Binding(const Value& value) noexcept : ViewBinding(value.ref()) {}
};
template <>
class Binding<ZeroBlob> : public ViewBinding {
 public:
  explicit Binding(ZeroBlob value) noexcept : ViewBinding(ValueRef(value)) {}
};
template <>
class Binding<const char*> : public ViewBinding {
 public:
  explicit Binding(const char* text) : ViewBinding(ValueRef()) {
    if (text == nullptr) throw_null_pointer_argument();
    ref_ = ValueRef(std::string_view(text));
  }
};
template <>
class Binding<char*> : public Binding<const char*> {
 public:
  using Binding<const char*>::Binding;
};
/// A string literal or character array: the text up to its first NUL.
template <std::size_t N>
class Binding<char[N]> : public Binding<const char*> {
 public:
  using Binding<const char*>::Binding;
};
template <class T>
requires TextLike<T>
class Binding<T> : public ViewBinding {
 public:
  explicit Binding(const T& text) noexcept : ViewBinding(ValueRef(static_cast<std::string_view>(text))) {}
};
template <class T>
requires BlobLike<T>
class Binding<T> : public ViewBinding {
 public:
  explicit Binding(const T& blob) noexcept : ViewBinding(ValueRef()) {
    if constexpr (std::convertible_to<const T&, std::span<const std::byte>>) {
      ref_ = ValueRef(BlobView(blob));
    } else {
      ref_ = ValueRef(std::as_bytes(std::span<const std::uint8_t>(blob)));
    }
  }
};
template <class View>
class Binding<Borrowed<View>> : public ViewBinding {
 public:
  explicit Binding(Borrowed<View> value) noexcept : ViewBinding(ValueRef(value.view).as_borrowed()) {}
};

template <class D>
class Binding<std::chrono::time_point<std::chrono::system_clock, D>> {
 public:
  explicit Binding(std::chrono::time_point<std::chrono::system_clock, D> time)
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
class Binding<std::chrono::year_month_day> {
 public:
  explicit Binding(std::chrono::year_month_day date) : text_(format_date(date)) {}
  ValueRef ref() const noexcept { return ValueRef(std::string_view(text_)); }

 private:
  std::string text_;
};

template <class T>
requires Writable<T>
class Binding<T> {
  using Target = std::remove_cvref_t<decltype(Convert<T>::to_value(std::declval<const T&>()))>;

 public:
  explicit Binding(const T& value) : target_(Convert<T>::to_value(value)), binding_(target_) {}
  Binding(const Binding&) = delete;
  Binding& operator=(const Binding&) = delete;
  ValueRef ref() const noexcept { return binding_.ref(); }

 private:
  Target target_;
  Binding<Target> binding_;
};

template <class T>
requires(std::is_enum_v<T> && !Writable<T> && !std::same_as<T, std::byte>) class Binding<T>
    : public Binding<std::underlying_type_t<T>> {
 public:
  explicit Binding(T value) : Binding<std::underlying_type_t<T>>(static_cast<std::underlying_type_t<T>>(value)) {}
};

template <class T>
class Binding<std::optional<T>> {
 public:
  explicit Binding(const std::optional<T>& value) {
    if (value) binding_.emplace(*value);
  }
  ValueRef ref() const noexcept { return binding_ ? binding_->ref() : ValueRef(); }

 private:
  std::optional<Binding<T>> binding_;
};

/// A single value that can be an argument.
template <class T>
concept BindableValue = requires(const T& value) {
  Binding<T>(value);
};

}  // namespace libsql::detail
