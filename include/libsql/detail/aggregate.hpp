/// \file
/// Counting the members of an aggregate, for filling structs from rows. Internal.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace libsql::detail {

struct AnyMember {
  template <class T>
  operator T() const;
};

template <class T, std::size_t... I>
constexpr bool brace_constructible(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), AnyMember{})...}; };
}

inline constexpr std::size_t kMaxMembers = 64;

/// The largest number of initialisers that T's braces take.
template <class T, std::size_t N = kMaxMembers>
constexpr std::size_t count_members() {
  if constexpr (N == 0) {
    return 0;
  } else if constexpr (brace_constructible<T>(std::make_index_sequence<N>{})) {
    return N;
  } else {
    return count_members<T, N - 1>();
  }
}

template <class T>
inline constexpr std::size_t aggregate_size_v = count_members<T>();

}  // namespace libsql::detail
