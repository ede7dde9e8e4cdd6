/// \file
/// Rows that are read within one call. Internal: the verbs of verbs.hpp stand on it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <vector>

#include <libsql/detail/backend_fwd.hpp>
#include <libsql/detail/call_scope.hpp>
#include <libsql/error.hpp>
#include <libsql/export.hpp>
#include <libsql/rows.hpp>

namespace libsql::detail {

/// How many rows a caller wants. A statement that cannot yield any is not run, unless none is enough.
enum class Wanted : std::uint8_t { One, OneAtMost, All };

[[noreturn]] LIBSQL_EXPORT void throw_no_row();
/// Of a statement that has not run, because it yields no rows.
[[noreturn]] LIBSQL_EXPORT void throw_yields_no_rows(Wanted wanted);
[[noreturn]] LIBSQL_EXPORT void throw_more_rows();

/// The rows of a call that has read what it wants of them before it returns, so that no handle must be kept.
class LIBSQL_EXPORT RowScope final {
 public:
  explicit RowScope(core::Stmt& stmt) noexcept;
  explicit RowScope(std::shared_ptr<core::Stmt> stmt) noexcept;
  RowScope(const RowScope&) = delete;
  RowScope& operator=(const RowScope&) = delete;
  ~RowScope();  ///< Before the end of the rows: undoes what the statement wrote, where that is possible.
  bool next();
  const Row& row() const noexcept { return row_; }
  /// Throws `error` on. If what the statement wrote cannot be undone, the error says so.
  [[noreturn]] void fail(const Error& error);

 private:
  std::shared_ptr<core::Stmt> owner_;
  Row row_;
};

/// One row, owned: for no types an OwnedRow, else what Row::as<Ts...>() gives.
template <class... Ts>
auto own_row(const Row& row) {
  static_assert(!(holds_views_v<Ts> || ...), "views end with their row: ask for owning types");
  if constexpr (sizeof...(Ts) == 0) {
    return OwnedRow(row);
  } else {
    return row.as<Ts...>();
  }
}

template <class... Ts>
auto only_row(RowScope& rows) {
  if (!rows.next()) throw_no_row();
  auto result = own_row<Ts...>(rows.row());
  if (rows.next()) throw_more_rows();
  return result;
}

/// Exactly one row of `rows`.
template <class... Ts>
auto one_row(RowScope& rows) {
  try {
    return only_row<Ts...>(rows);
  } catch (const Error& error) {
    rows.fail(error);
  }
}

/// One row at most of `rows`.
template <class... Ts>
auto optional_row(RowScope& rows) {
  std::optional<decltype(own_row<Ts...>(rows.row()))> result;
  try {
    if (!rows.next()) return result;
    result.emplace(own_row<Ts...>(rows.row()));
    if (rows.next()) throw_more_rows();
    return result;
  } catch (const Error& error) {
    rows.fail(error);
  }
}

/// The one column of all `rows`.
template <class T>
std::vector<T> one_column(RowScope& rows) {
  std::vector<T> column;
  try {
    // Also if there is no row to show it.
    if (rows.row().column_count() != 1) throw_column_count(rows.row().column_count(), 1);
    while (rows.next()) column.push_back(std::get<0>(own_row<T>(rows.row())));
  } catch (const Error& error) {
    rows.fail(error);
  }
  return column;
}

struct NoScope {
  constexpr explicit NoScope(core::Session*) noexcept {}
};
/// A CallScope where several rows are read.
template <bool several>
using CallScopeIf = std::conditional_t<several, CallScope, NoScope>;

}  // namespace libsql::detail
