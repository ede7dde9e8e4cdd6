/// \file
/// The arguments of a statement: positional, numbered or named.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <libsql/convert.hpp>
#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql {

namespace detail {

struct NamedRef {
  std::string_view name;
  ValueRef value;
};

/// What a backend gets: views of the arguments, valid for the length of the call.
struct ParamsView {
  std::span<const ValueRef> positional;
  std::span<const NamedRef> named;
};

template <class T>
struct Named {
  std::string_view name;
  const T& value;
};

template <class T>
struct IsNamed : std::false_type {};
template <class T>
struct IsNamed<Named<T>> : std::true_type {};

template <class T>
struct IsTuple : std::false_type {};
template <class... T>
struct IsTuple<std::tuple<T...>> : std::true_type {};
template <class A, class B>
struct IsTuple<std::pair<A, B>> : std::true_type {};

template <class T>
class NamedBinding {
 public:
  explicit NamedBinding(const Named<T>& named) : name_(named.name), binding_(named.value) {}
  NamedRef ref() const noexcept { return {name_, binding_.ref()}; }

 private:
  std::string_view name_;
  Binding<T> binding_;
};

template <class T>
struct BindingFor {
  using type = Binding<T>;
};
template <class T>
struct BindingFor<Named<T>> {
  using type = NamedBinding<T>;
};

template <class T>
inline constexpr bool is_bindable_tuple_v = false;
template <class... T>
inline constexpr bool is_bindable_tuple_v<std::tuple<T...>> = (BindableValue<T> && ...);
template <class A, class B>
inline constexpr bool is_bindable_tuple_v<std::pair<A, B>> = BindableValue<A>&& BindableValue<B>;

}  // namespace detail

class Params;

/// What can be an argument:
/// - a value: bool, integers (range-checked), floating point, text, bytes, null, std::optional, enums, system_clock
/// time
///   points and calendar dates (stored as UTC text that the SQL date functions read), Value, ZeroBlob, and types with
///   Convert<T>::to_value;
/// - a value with a name, by named();
/// - a std::tuple or std::pair of values, or a Params: these stand alone.
template <class T>
concept Bindable =
    detail::BindableValue<T> || detail::IsNamed<T>::value || detail::is_bindable_tuple_v<T> || std::same_as<T, Params>;

/// One argument by name, without a copy: `conn.execute("... WHERE age > :min", libsql::named(":min", 18))`.
/// The prefix (`:`, `@`, `$`, or `?` before a number) may be left out where only one parameter has the name.
template <detail::BindableValue T>
detail::Named<T> named(std::string_view name, const T& value) noexcept {
  return {name, value};
}

/// Arguments assembled at run time. They are owned, so a Params can be kept and reused.
/// Threads: may be read by several threads at once.
class LIBSQL_EXPORT Params final {
 public:
  struct NamedValue {
    std::string name;
    Value value;
  };

  Params();
  /// Named arguments: `Params{{":min", 18}, {":max", 30}}`. A verb takes the braces alone, too.
  Params(std::initializer_list<NamedValue> named);
  Params(const Params&);
  Params(Params&&) noexcept;
  Params& operator=(const Params&);
  Params& operator=(Params&&) noexcept;
  ~Params();

  /// Arguments from any range of them.
  template <std::ranges::input_range R>
  requires Bindable<std::ranges::range_value_t<R>>
  static Params from_range(R&& values) {
    Params params;
    for (const auto& value : values) params.add(value);
    return params;
  }

  /// Positional arguments from a tuple.
  template <class... T>
  static Params from_tuple(const std::tuple<T...>& values) {
    Params params;
    params.add(values);
    return params;
  }

  /// Adds an argument behind the others: the next positional one, a named() one, or all that a tuple or a Params holds.
  template <Bindable T>
  Params& add(const T& argument) {
    if constexpr (std::same_as<T, Params>) {
      return add_all(argument);
    } else if constexpr (detail::IsNamed<T>::value) {
      return add(argument.name, argument.value);
    } else if constexpr (detail::IsTuple<T>::value) {
      std::apply([this](const auto&... value) { (this->add(value), ...); }, argument);
      return *this;
    } else {
      return add_value(Value(detail::Binding<T>(argument).ref()));
    }
  }
  /// Adds a named argument.
  template <detail::BindableValue T>
  Params& add(std::string_view name, const T& value) {
    return add_named(name, Value(detail::Binding<T>(value).ref()));
  }

  void clear() noexcept;
  std::size_t size() const noexcept { return positional_.size() + named_.size(); }
  std::span<const Value> positional() const noexcept { return positional_; }
  std::span<const NamedValue> named() const noexcept { return named_; }

 private:
  Params& add_all(const Params& other);
  Params& add_value(Value value);
  Params& add_named(std::string_view name, Value value);

  std::vector<Value> positional_;
  std::vector<NamedValue> named_;
};

namespace detail {

/// Views of a Params for the length of a call.
class LIBSQL_EXPORT ParamsRefs {
 public:
  explicit ParamsRefs(const Params& params);
  ParamsView view() const noexcept { return {positional_, named_}; }

 private:
  std::vector<ValueRef> positional_;
  std::vector<NamedRef> named_;
};

/// Builds the views of an argument pack on the stack and passes them to `use`.
template <class Use, class... Args>
decltype(auto) with_params(Use&& use, const Args&... args) {
  if constexpr (sizeof...(Args) == 0) {
    return use(ParamsView{});
  } else if constexpr (sizeof...(Args) == 1 && (std::same_as<Args, Params> && ...)) {
    const ParamsRefs refs(args...);
    return use(refs.view());
  } else if constexpr (sizeof...(Args) == 1 && (IsTuple<Args>::value && ...)) {
    return std::apply([&](const auto&... items) -> decltype(auto) { return with_params(use, items...); }, args...);
  } else if constexpr (((IsTuple<Args>::value || std::same_as<Args, Params>) || ...)) {
    static_assert(sizeof...(Args) == 1, "a tuple, a pair or a Params holds all arguments: none can stand beside it");
  } else if constexpr ((!IsNamed<Args>::value && ...)) {
    const std::tuple<Binding<Args>...> holders(args...);
    const auto refs = std::apply(
        [](const auto&... holder) { return std::array<ValueRef, sizeof...(Args)>{holder.ref()...}; }, holders);
    return use(ParamsView{refs, {}});
  } else {
    const std::tuple<typename BindingFor<Args>::type...> holders(args...);
    constexpr std::size_t kNamed = (std::size_t{IsNamed<Args>::value} + ...);
    std::array<NamedRef, kNamed> named_refs;
    std::array<ValueRef, sizeof...(Args) - kNamed> refs;
    std::size_t named_count = 0;
    std::size_t count = 0;
    const auto put = [&](const auto& holder) {
      if constexpr (std::same_as<decltype(holder.ref()), NamedRef>) {
        named_refs[named_count++] = holder.ref();
      } else {
        refs[count++] = holder.ref();
      }
    };
    std::apply([&](const auto&... holder) { (put(holder), ...); }, holders);
    return use(ParamsView{refs, named_refs});
  }
}

}  // namespace detail

}  // namespace libsql
