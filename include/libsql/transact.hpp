/// \file
/// Connection::transact(): a function that runs in a transaction, and again where trying again may help.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>

#include <libsql/export.hpp>
#include <libsql/rows.hpp>
#include <libsql/transaction_behavior.hpp>

namespace libsql {

class Connection;

struct TransactOptions {
  /// How often the function runs at most, 1 or more.
  int attempts = 5;
  TransactionBehavior behavior = TransactionBehavior::Immediate;
};

namespace detail {

/// The transaction of one transact(), attempt by attempt. Its end rolls back what is open.
class LIBSQL_EXPORT TransactRun final {
 public:
  /// Throws OutOfRange for no attempt.
  TransactRun(Connection& connection, const TransactOptions& options);
  TransactRun(const TransactRun&) = delete;
  TransactRun& operator=(const TransactRun&) = delete;
  ~TransactRun();

  void begin();
  void commit();
  /// In a handler: rolls back and waits before the next attempt. Throws the handled exception if there is none.
  void try_again_or_rethrow();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

template <class T>
inline constexpr bool is_rows_v = std::same_as<T, Rows>;
template <class... Ts>
inline constexpr bool is_rows_v<TypedRows<Ts...>> = true;

template <class Work>
decltype(auto) call_work(Work& work, Connection& connection) {
  if constexpr (std::invocable<Work&, Connection&>) {
    return work(connection);
  } else {
    return work();
  }
}

/// What transact() may run: a function of a Connection&, or of nothing.
template <class Work>
concept Transactable = std::invocable<Work&, Connection&> || std::invocable<Work&>;

template <class Work>
auto transact(Connection& connection, Work& work, const TransactOptions& options) {
  using Result = decltype(call_work(work, connection));
  static_assert(!std::is_reference_v<Result>, "return a value: a reference would outlive its transaction");
  static_assert(!is_rows_v<std::remove_cv_t<Result>>, "rows are not read in their transaction: copy them out");
  TransactRun run(connection, options);
  for (;;) {
    try {
      run.begin();
      if constexpr (std::is_void_v<Result>) {
        call_work(work, connection);
        run.commit();
        return;
      } else {
        Result result = call_work(work, connection);
        run.commit();
        return result;
      }
    } catch (...) {
      run.try_again_or_rethrow();
    }
  }
}

}  // namespace detail

}  // namespace libsql
