/// \file
/// Taking a callable apart: its parameters from SQL values, its result to an SQL value. Internal.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <libsql/convert.hpp>
#include <libsql/error.hpp>
#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql::detail {

template <class... T>
struct TypeList {
  static constexpr int kSize = static_cast<int>(sizeof...(T));
};

/// The parameters of a function, a function object with one operator() or a member function.
template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... A>
struct Signature<R (*)(A...)> {
  using Parameters = TypeList<A...>;
  using Result = R;
};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class R, class... A>
struct Signature<R(A...)> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...)> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const noexcept> : Signature<R (*)(A...)> {};

using Arguments = std::span<const ValueRef>;

/// -1, any number, for one parameter of type std::span<const ValueRef>.
template <class List>
struct ArityOf;
template <class... A>
struct ArityOf<TypeList<A...>> {
  static constexpr int value = TypeList<A...>::kSize == 1 && (std::same_as<std::remove_cvref_t<A>, Arguments> && ...)
                                   ? -1
                                   : TypeList<A...>::kSize;
};
template <class F>
inline constexpr int arity_v = ArityOf<typename Signature<std::decay_t<F>>::Parameters>::value;

/// Throws the error again with the number of the argument in front of its message.
[[noreturn]] LIBSQL_EXPORT void throw_argument_error(std::size_t index, const Error& error);

template <class T>
T read_argument(Arguments arguments, std::size_t index) {
  try {
    return detail::read_value<T>(arguments[index]);
  } catch (const TypeMismatch& error) {
    throw_argument_error(index, error);
  } catch (const OutOfRange& error) {
    throw_argument_error(index, error);
  }
}

template <class F, class... A>
decltype(auto) call(F&& function, Arguments arguments, TypeList<A...>) {
  if constexpr (ArityOf<TypeList<A...>>::value < 0) {
    return std::invoke(function, arguments);
  } else {
    return [&]<std::size_t... I>(std::index_sequence<I...>)->decltype(auto) {
      return std::invoke(function, read_argument<std::remove_cvref_t<A>>(arguments, I)...);
    }
    (std::index_sequence_for<A...>{});
  }
}

}  // namespace libsql::detail
