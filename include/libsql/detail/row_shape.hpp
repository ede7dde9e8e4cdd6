/// \file
/// What C++ types make of a whole row. Internal: see RowsOf.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <libsql/convert.hpp>
#include <libsql/detail/aggregate.hpp>
#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql::detail {

[[noreturn]] LIBSQL_EXPORT void throw_column_count(int have, std::size_t want);

template <class T>
inline constexpr bool reads_single_v =
    Readable<T> || IsOptional<T>::value || IntegerType<T> || std::same_as<T, bool> || std::floating_point<T> ||
    std::same_as<T, ValueRef> || std::same_as<T, Value> || std::same_as<T, std::string> ||
    std::same_as<T, std::string_view> || std::same_as<T, Blob> || std::same_as<T, BlobView> ||
    std::same_as<T, std::vector<std::uint8_t>> || IsSysTime<T>::value || std::same_as<T, std::chrono::year_month_day> ||
    std::is_enum_v<T>;

/// A type whose members are filled from the columns in order.
template <class T>
inline constexpr bool reads_struct_v = !reads_single_v<T> && std::is_aggregate_v<T>;

struct AnyView {
  template <class... Member>
  constexpr auto operator()(Member&...) const noexcept {
    return std::bool_constant<(is_view_v<Member> || ...)>();
  }
};

template <class T>
constexpr bool holds_views() {
  if constexpr (reads_struct_v<T>) {
    return decltype(visit_members(std::declval<T&>(), AnyView()))::value;
  } else {
    return is_view_v<T>;
  }
}
/// Whether a T read from a row ends with it: T is a view, or a struct with one among its members.
template <class T>
inline constexpr bool holds_views_v = holds_views<T>();

/// Room for the cells of a row, which are always written before they are read.
template <std::size_t N>
struct CellBuffer {
  CellBuffer() noexcept {}  // leaves the cells alone
  union {
    ValueRef cells[N];
  };
};

/// What a tuple's element of type T is made from: text as a view, so that the string is made in its place.
template <class T>
auto element_from(const ValueRef& cell) {
  if constexpr (std::same_as<T, std::string>) {
    return detail::read_value<std::string_view>(cell);
  } else {
    return detail::read_value<T>(cell);
  }
}

template <class T>
void read_into(T& member, const ValueRef& cell) {
  if constexpr (std::same_as<T, std::string>) {
    member.assign(detail::read_value<std::string_view>(cell));
  } else {
    member = detail::read_value<T>(cell);
  }
}

template <class... Ts>
struct RowShape {
  using type = std::tuple<Ts...>;
  static constexpr std::size_t columns = sizeof...(Ts);
  template <class Row>
  static type read(const Row& row) {
    CellBuffer<columns> buffer;
    row.values(buffer.cells);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      // Braces: the elements are read from left to right.
      return type{element_from<Ts>(buffer.cells[I])...};
    }
    (std::index_sequence_for<Ts...>{});
  }
};
template <class T>
requires reads_struct_v<T>
struct RowShape<T> {
  using type = T;
  static constexpr std::size_t columns = aggregate_size_v<T>;
  template <class Row>
  static type read(const Row& row) {
    CellBuffer<columns> buffer;
    row.values(buffer.cells);
    type object{};
    visit_members(object, [&](auto&... member) {
      const ValueRef* cell = buffer.cells;
      (read_into(member, *cell++), ...);
    });
    return object;
  }
};

}  // namespace libsql::detail
