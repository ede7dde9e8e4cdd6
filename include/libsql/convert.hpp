/// \file
/// How C++ types become values and values become C++ types: the built-in rules, and Convert<T> for your own types.
#pragma once

#include <string_view>

#include <libsql/detail/binding.hpp>
#include <libsql/detail/read_value.hpp>
#include <libsql/value.hpp>

namespace libsql {

/// How a type of your own is stored and read. Specialise it with one of these members, or both:
///
///     static X to_value(const T&);       // X: a type that can be an argument already, such as std::int64_t or Value
///     static T from_value(ValueRef);     // throws TypeMismatch if the value is no T; read_value<U>() does so for a U
///
/// Then T can be an argument, a column of a typed query and a member of a row struct.
template <class T>
struct Convert;

/// Text or bytes that the caller keeps until the statement is done with them. query() copies other arguments, because
/// its rows are read after the call; execute() and the rest never copy.
template <class View>
struct Borrowed {
  View view;
};
inline Borrowed<std::string_view> borrowed(std::string_view text) noexcept { return {text}; }
inline Borrowed<BlobView> borrowed(BlobView blob) noexcept { return {blob}; }

/// The value as T, by the rules of Row::get(). For the from_value() of a Convert specialisation.
template <class T>
T read_value(ValueRef value) {
  return detail::read_value<T>(value);
}

}  // namespace libsql
