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

inline constexpr std::size_t kMaxMembers = 24;

/// The largest number of initialisers that T's braces take; one more than kMaxMembers for larger structs.
template <class T, std::size_t N = kMaxMembers + 1>
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

/// What `visit` returns, called with references to all members of `object`. Structured bindings give the members their
/// exact types, which initialisation from something convertible does not (std::optional would take the inner type).
template <class T, class Visit>
decltype(auto) visit_members(T& object, Visit&& visit) {
  constexpr std::size_t kSize = aggregate_size_v<T>;
  if constexpr (kSize == 1) {
    auto& [m0] = object;
    return visit(m0);
  } else if constexpr (kSize == 2) {
    auto& [m0, m1] = object;
    return visit(m0, m1);
  } else if constexpr (kSize == 3) {
    auto& [m0, m1, m2] = object;
    return visit(m0, m1, m2);
  } else if constexpr (kSize == 4) {
    auto& [m0, m1, m2, m3] = object;
    return visit(m0, m1, m2, m3);
  } else if constexpr (kSize == 5) {
    auto& [m0, m1, m2, m3, m4] = object;
    return visit(m0, m1, m2, m3, m4);
  } else if constexpr (kSize == 6) {
    auto& [m0, m1, m2, m3, m4, m5] = object;
    return visit(m0, m1, m2, m3, m4, m5);
  } else if constexpr (kSize == 7) {
    auto& [m0, m1, m2, m3, m4, m5, m6] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6);
  } else if constexpr (kSize == 8) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7);
  } else if constexpr (kSize == 9) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8);
  } else if constexpr (kSize == 10) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9);
  } else if constexpr (kSize == 11) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10);
  } else if constexpr (kSize == 12) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11);
  } else if constexpr (kSize == 13) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12);
  } else if constexpr (kSize == 14) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13);
  } else if constexpr (kSize == 15) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14);
  } else if constexpr (kSize == 16) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15);
  } else if constexpr (kSize == 17) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16);
  } else if constexpr (kSize == 18) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17);
  } else if constexpr (kSize == 19) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18);
  } else if constexpr (kSize == 20) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19);
  } else if constexpr (kSize == 21) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20);
  } else if constexpr (kSize == 22) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21);
  } else if constexpr (kSize == 23) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22] =
        object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
                 m22);
  } else if constexpr (kSize == 24) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22,
           m23] = object;
    return visit(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21,
                 m22, m23);
  } else {
    static_assert(kSize >= 1 && kSize <= kMaxMembers, "a row struct may have 1 to 24 members");
  }
}

}  // namespace libsql::detail
