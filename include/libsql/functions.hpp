/// \file
/// SQL functions, aggregates, window functions and collations written in C++.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <libsql/connection.hpp>
#include <libsql/detail/backend_fwd.hpp>
#include <libsql/detail/callable.hpp>
#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql {

namespace detail {
struct SinkAccess;
}

/// Takes the result of a function, or the value of a virtual table's cell. Text and bytes are copied. Valid for the
/// call only.
class LIBSQL_EXPORT ResultSink final {
 public:
  /// Sets the value; the last call counts, and without a call it is NULL. Throws TooBig (ResourceError).
  template <detail::BindableValue T>
  void set(const T& value) {
    set_value(detail::Binding<T>(value).ref());
  }

 private:
  friend struct detail::SinkAccess;
  explicit ResultSink(void* context) noexcept : context_(context) {}
  void set_value(ValueRef value);
  void* context_;
};

/// What the engine may assume about a function; combine with |.
enum class FunctionFlags : std::uint8_t {
  None = 0,
  /// The same arguments always give the same result: usable in indexes and generated columns, and called less often.
  Deterministic = 1,
  /// Not callable from views, triggers, constraints and other parts of the schema: for functions with side effects.
  DirectOnly = 2,
  /// Harmless: callable from the schema even with PRAGMA trusted_schema off.
  Innocuous = 4,
};
constexpr FunctionFlags operator|(FunctionFlags a, FunctionFlags b) noexcept {
  return static_cast<FunctionFlags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

namespace detail {

/// One run of an aggregate.
class LIBSQL_EXPORT AggregateState {
 public:
  virtual ~AggregateState();
  virtual void step(Arguments arguments) = 0;
  virtual void inverse(Arguments arguments);
  virtual void value(ResultSink& result);
  virtual void finish(ResultSink& result) = 0;
};

using ScalarBody = std::function<void(Arguments, ResultSink&)>;
using AggregateFactory = std::function<std::unique_ptr<AggregateState>()>;
using Comparison = std::function<int(std::string_view, std::string_view)>;
enum class AggregateKind : std::uint8_t { Plain, Window };

template <class F>
void set_result(ResultSink& sink, F&& produce) {
  if constexpr (std::is_void_v<decltype(produce())>) {
    produce();
  } else {
    sink.set(produce());
  }
}

template <class T>
using StepParameters = typename Signature<decltype(&T::step)>::Parameters;

template <class T>
class AggregateOf : public AggregateState {
 public:
  explicit AggregateOf(T object) : object_(std::move(object)) {}
  void step(Arguments arguments) override {
    call([this](auto&&... a) { object_.step(std::forward<decltype(a)>(a)...); }, arguments, StepParameters<T>{});
  }
  void inverse(Arguments arguments) override {
    if constexpr (requires { &T::inverse; }) {
      call([this](auto&&... a) { object_.inverse(std::forward<decltype(a)>(a)...); }, arguments, StepParameters<T>{});
    }
  }
  void value(ResultSink& result) override {
    if constexpr (requires { &T::value; }) set_result(result, [this]() -> decltype(auto) { return object_.value(); });
  }
  void finish(ResultSink& result) override {
    if constexpr (requires { &T::finish; }) {
      set_result(result, [this]() -> decltype(auto) { return object_.finish(); });
    } else {
      value(result);
    }
  }

 private:
  T object_;
};

}  // namespace detail

/// The functions of one connection. They stay until they are removed or the connection closes; reset() keeps them,
/// because they are part of the connection's set-up. Names are case-insensitive. A name may have one function for each
/// number of arguments.
///
/// Callables take C++ types, read from the SQL values as Row::get() reads them: no coercion, std::optional<T> for what
/// may be NULL, ValueRef for anything, one std::span<const ValueRef> for any number of arguments. They return a value
/// that can be an argument, or nothing (NULL). Views of arguments are valid for the call only.
///
/// Threads: as Connection. A function may use the connection (it runs inside a statement), but not close or reset it.
/// Errors: an exception ends the statement; a libsql::Error is thrown unchanged, any other as SqlError with its
/// message. Registering throws Misuse for an empty or too long name, Busy while statements of the connection run,
/// Unsupported.
class LIBSQL_EXPORT Functions final {
 public:
  explicit Functions(const Connection& connection);
  Functions(const Functions&) noexcept;
  Functions(Functions&&) noexcept;
  Functions& operator=(const Functions&) noexcept;
  Functions& operator=(Functions&&) noexcept;
  ~Functions();

  /// Registers a scalar function: `functions.scalar("plus", [](std::int64_t a, std::int64_t b) { return a + b; })`.
  template <class F>
  void scalar(std::string_view name, F function, FunctionFlags flags = FunctionFlags::None) {
    using Parameters = typename detail::Signature<std::decay_t<F>>::Parameters;
    add_scalar(name, detail::arity_v<F>, flags,
               [function = std::move(function)](detail::Arguments arguments, ResultSink& sink) mutable {
                 detail::set_result(
                     sink, [&]() -> decltype(auto) { return detail::call(function, arguments, Parameters{}); });
               });
  }

  /// Registers an aggregate: a class with `void step(arguments...)` and `R finish()`. Each run starts with a new T.
  template <class T>
  void aggregate(std::string_view name, FunctionFlags flags = FunctionFlags::None) {
    aggregate(
        name, [] { return T(); }, flags);
  }
  /// As above, with the object that `make` returns.
  template <class Make>
  requires std::invocable<Make&>
  void aggregate(std::string_view name, Make make, FunctionFlags flags = FunctionFlags::None) {
    add<Make>(name, std::move(make), flags, detail::AggregateKind::Plain);
  }

  /// Registers a window function, which is an aggregate too: a class with `step` and `inverse` (the same arguments; the
  /// oldest row leaves the window), `R value()`, and optionally `R finish()`; without it, value() gives the last
  /// result.
  template <class T>
  void window(std::string_view name, FunctionFlags flags = FunctionFlags::None) {
    window(
        name, [] { return T(); }, flags);
  }
  template <class Make>
  requires std::invocable<Make&>
  void window(std::string_view name, Make make, FunctionFlags flags = FunctionFlags::None) {
    using T = std::invoke_result_t<Make&>;
    static_assert(
        requires {
          &T::inverse;
          &T::value;
        },
        "a window function needs inverse() and value()");
    add<Make>(name, std::move(make), flags, detail::AggregateKind::Window);
  }

  /// Registers a collation: a callable with two std::string_view (UTF-8) that returns an ordering or an int below, at
  /// or above 0. It must always give the same order: indexes are built with it. An exception also rolls back the
  /// transaction, because a comparison cannot fail.
  template <class F>
  void collation(std::string_view name, F compare) {
    add_collation(name, [compare = std::move(compare)](std::string_view a, std::string_view b) mutable -> int {
      const auto order = compare(a, b);
      return order < 0 ? -1 : order > 0 ? 1 : 0;
    });
  }

  /// Removes the function of that name and number of arguments (-1: of any number). A built-in function of the same
  /// name becomes visible again. Does nothing if there is no such function. Throws Busy while statements of the
  /// connection run.
  void remove(std::string_view name, int arguments);
  void remove_collation(std::string_view name);

 private:
  template <class Make>
  void add(std::string_view name, Make make, FunctionFlags flags, detail::AggregateKind kind) {
    using T = std::invoke_result_t<Make&>;
    add_aggregate(name, detail::ArityOf<detail::StepParameters<T>>::value, flags, kind,
                  [make = std::move(make)]() mutable -> std::unique_ptr<detail::AggregateState> {
                    return std::make_unique<detail::AggregateOf<T>>(make());
                  });
  }
  void add_scalar(std::string_view name, int arity, FunctionFlags flags, detail::ScalarBody body);
  void add_aggregate(std::string_view name, int arity, FunctionFlags flags, detail::AggregateKind kind,
                     detail::AggregateFactory factory);
  void add_collation(std::string_view name, detail::Comparison compare);

  std::shared_ptr<core::Session> session_;
};

}  // namespace libsql
