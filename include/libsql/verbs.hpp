/// \file
/// The verbs that run one statement. Connection, Statement and Writer have the same ones.
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <libsql/detail/row_scope.hpp>
#include <libsql/params.hpp>
#include <libsql/rows.hpp>

namespace libsql {

class Writer;

/// What a statement that ran to its end did.
struct RunResult {
  std::uint64_t changes = 0;           ///< rows it inserted, updated or deleted itself
  std::int64_t last_insert_rowid = 0;  ///< the connection's, after it
};

namespace detail {
/// Whether rows can be read after the call: not those of a Writer, whose transaction is over then.
template <class Self>
inline constexpr bool streams_rows_v = true;
template <>
inline constexpr bool streams_rows_v<Writer> = false;
}  // namespace detail

/// The base of Connection and Writer, whose verbs take the SQL text (UTF-8) first, and of Statement, which has its
/// text.
///
/// Arguments follow: any number of values and named() values, or one tuple, or one Params, for which braces are enough:
/// `conn.execute(sql, {{":id", 1}})`. They are borrowed for the call, not copied; query() copies them, unless
/// borrowed(), because its rows are read later.
/// A row is asked for by types: as a std::tuple of them, as a struct if the only type is one (its members take the
/// columns in order), or without types as a Row or OwnedRow.
///
/// Errors: SqlError with the offset of the fault; Constraint; ReadOnly; Misuse if arguments are missing, left over or
/// unknown, or a second statement follows the first; OutOfRange if an unsigned argument exceeds 64 signed bits;
/// TypeMismatch or OutOfRange if a value does not fit the type asked for, and Misuse if the number of columns is
/// another one. Besides, what the class says of all its calls. If a statement with RETURNING gives other rows than the
/// verb promises, what it wrote is undone. A server outside a transaction has committed it by then:
/// Error::write_committed() tells.
template <class Self, class... Text>
class Verbs {
 public:
  /// Runs the statement to its end; rows, if it yields any, are passed over. Returns the rows it changed itself,
  /// without those of triggers and foreign key actions (https://www.sqlite.org/c3ref/changes.html).
  template <Bindable... Args>
  std::uint64_t execute(Text... sql, const Args&... args) {
    return detail::with_params([&](const detail::ParamsView& view) { return self().execute_view(sql..., view); },
                               args...);
  }
  std::uint64_t execute(Text... sql, const Params& params) {
    return self().execute_view(sql..., detail::ParamsRefs(params).view());
  }

  /// As execute(), and returns the last inserted rowid too.
  template <Bindable... Args>
  RunResult run(Text... sql, const Args&... args) {
    return detail::with_params([&](const detail::ParamsView& view) { return self().run_view(sql..., view); }, args...);
  }
  RunResult run(Text... sql, const Params& params) {
    return self().run_view(sql..., detail::ParamsRefs(params).view());
  }

  /// Starts the statement; its rows are read one by one. Not of a Writer, whose transaction ends with the call.
  template <class... Ts, Bindable... Args>
  requires detail::streams_rows_v<Self> RowsOf<Ts...> query(Text... sql, const Args&... args) {
    return RowsOf<Ts...>(
        detail::with_params([&](const detail::ParamsView& view) { return self().query_view(sql..., view); }, args...));
  }
  template <class... Ts>
  requires detail::streams_rows_v<Self> RowsOf<Ts...> query(Text... sql, const Params& params) {
    return RowsOf<Ts...>(self().query_view(sql..., detail::ParamsRefs(params).view()));
  }

  /// Exactly one row. Throws UnexpectedRows for none and for more; a statement that yields no rows is not run.
  template <class... Ts, Bindable... Args>
  auto query_row(Text... sql, const Args&... args) {
    return detail::with_params([&](const detail::ParamsView& view) { return one<Ts...>(sql..., view); }, args...);
  }
  template <class... Ts>
  auto query_row(Text... sql, const Params& params) {
    return one<Ts...>(sql..., detail::ParamsRefs(params).view());
  }

  /// One row, or nullopt for none. Throws UnexpectedRows for more.
  template <class... Ts, Bindable... Args>
  auto query_row_optional(Text... sql, const Args&... args) {
    return detail::with_params([&](const detail::ParamsView& view) { return one_at_most<Ts...>(sql..., view); },
                               args...);
  }
  template <class... Ts>
  auto query_row_optional(Text... sql, const Params& params) {
    return one_at_most<Ts...>(sql..., detail::ParamsRefs(params).view());
  }

  /// The one column of exactly one row. Throws as query_row() does.
  template <class T, Bindable... Args>
  T query_value(Text... sql, const Args&... args) {
    static_assert(!detail::reads_struct_v<T>, "query_value() reads one column: query_row() fills a struct");
    return std::get<0>(query_row<T>(sql..., args...));
  }
  template <class T>
  T query_value(Text... sql, const Params& params) {
    return std::get<0>(query_row<T>(sql..., params));
  }

  /// The one column of one row, or nullopt for no row. If the value itself may be NULL, ask for a std::optional.
  template <class T, Bindable... Args>
  std::optional<T> query_value_optional(Text... sql, const Args&... args) {
    return value_of<T>(query_row_optional<T>(sql..., args...));
  }
  template <class T>
  std::optional<T> query_value_optional(Text... sql, const Params& params) {
    return value_of<T>(query_row_optional<T>(sql..., params));
  }

  /// The one column of all rows, in their order.
  template <class T, Bindable... Args>
  std::vector<T> query_column(Text... sql, const Args&... args) {
    return detail::with_params([&](const detail::ParamsView& view) { return column<T>(sql..., view); }, args...);
  }
  template <class T>
  std::vector<T> query_column(Text... sql, const Params& params) {
    return column<T>(sql..., detail::ParamsRefs(params).view());
  }

 protected:
  Verbs() = default;
  ~Verbs() = default;
  Verbs(const Verbs&) = default;
  Verbs& operator=(const Verbs&) = default;

 private:
  Self& self() noexcept { return static_cast<Self&>(*this); }

  template <class... Ts>
  auto one(Text... sql, const detail::ParamsView& view) {
    return self().template read_scope<detail::Wanted::One>(
        sql..., view, [](detail::RowScope& rows) { return detail::one_row<Ts...>(rows); });
  }
  template <class... Ts>
  auto one_at_most(Text... sql, const detail::ParamsView& view) {
    return self().template read_scope<detail::Wanted::OneAtMost>(
        sql..., view, [](detail::RowScope& rows) { return detail::optional_row<Ts...>(rows); });
  }
  template <class T>
  std::vector<T> column(Text... sql, const detail::ParamsView& view) {
    return self().template read_scope<detail::Wanted::All>(
        sql..., view, [](detail::RowScope& rows) { return detail::one_column<T>(rows); });
  }
  template <class T>
  static std::optional<T> value_of(std::optional<std::tuple<T>> row) {
    return row ? std::optional<T>(std::get<0>(*std::move(row))) : std::nullopt;
  }
};

}  // namespace libsql
