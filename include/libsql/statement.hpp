/// \file
/// A compiled statement.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include <libsql/column.hpp>
#include <libsql/detail/backend_fwd.hpp>
#include <libsql/error.hpp>
#include <libsql/export.hpp>
#include <libsql/params.hpp>
#include <libsql/rows.hpp>

namespace libsql {

/// What a statement that ran to its end did.
struct RunResult {
  std::uint64_t changes = 0;           ///< rows it inserted, updated or deleted itself
  std::int64_t last_insert_rowid = 0;  ///< the connection's, after it
};

/// Counters that the engine keeps per statement (https://www.sqlite.org/c3ref/c_stmtstatus_counter.html).
struct StatementStatus {
  std::int64_t fullscan_steps = 0;     ///< steps forward in a full table scan: many mean that an index is missing
  std::int64_t sorts = 0;              ///< sort operations
  std::int64_t auto_index_rows = 0;    ///< rows put into indexes built for this run only
  std::int64_t vm_steps = 0;           ///< virtual machine operations
  std::int64_t reprepares = 0;         ///< compilations because of schema or parameter changes
  std::int64_t runs = 0;               ///< times it was started
  std::int64_t filter_misses = 0;      ///< look-ups that a Bloom filter did not spare
  std::int64_t filter_hits = 0;        ///< look-ups that a Bloom filter spared
  std::int64_t memory_used_bytes = 0;  ///< memory it holds now
};

/// What EXPLAIN a statement's text starts with.
enum class ExplainKind : std::uint8_t { None, Explain, QueryPlan };

namespace detail {
/// How many rows a caller wants. For exactly one, a statement that yields no rows is not run at all.
enum class Wanted : std::uint8_t { One, OneAtMost };

[[noreturn]] LIBSQL_EXPORT void throw_no_row();
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
}  // namespace detail

/// A compiled statement. Executing it never compiles it again, unless the schema changed. When the handle ends, the
/// statement goes back, reset and unbound, to its connection's cache.
///
/// Ownership: moves, never copies; keeps the session alive. Threads: as Connection, with which it shares one thread.
/// One Rows of a Statement is open at a time: execute(), query() and the like throw Misuse while one is.
class LIBSQL_EXPORT Statement final {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  /// Runs it to its end; rows, if it yields any, are passed over. Returns the rows it changed. As
  /// Connection::execute().
  template <Argument... Args>
  std::uint64_t execute(const Args&... args) {
    return detail::with_params([&](const detail::ParamsView& params) { return execute_view(params); }, args...);
  }
  std::uint64_t execute(const Params& params);
  /// As execute(), with the rowid too.
  template <Argument... Args>
  RunResult run(const Args&... args) {
    return detail::with_params([&](const detail::ParamsView& params) { return run_view(params); }, args...);
  }
  /// Starts it; its rows are read one by one. As Connection::query().
  template <class... Ts, Argument... Args>
  RowsOf<Ts...> query(const Args&... args) {
    return RowsOf<Ts...>(
        detail::with_params([&](const detail::ParamsView& params) { return query_view(params); }, args...));
  }
  template <class... Ts>
  RowsOf<Ts...> query(const Params& params) {
    return RowsOf<Ts...>(query_view(detail::ParamsRefs(params).view()));
  }
  /// Exactly one row, as a tuple, a struct, or without types an OwnedRow. Throws UnexpectedRows for no row and for more
  /// than one (it reads only the second).
  template <class... Ts, Argument... Args>
  auto query_row(const Args&... args) {
    // Read before the arguments end: the statement borrows them.
    return detail::with_params(
        [&](const detail::ParamsView& params) {
          detail::RowScope rows = open_scope(params);
          return detail::one_row<Ts...>(rows);
        },
        args...);
  }
  /// As query_row(), but no row gives nullopt.
  template <class... Ts, Argument... Args>
  auto query_row_optional(const Args&... args) {
    // Read before the arguments end: the statement borrows them.
    return detail::with_params(
        [&](const detail::ParamsView& params) {
          detail::RowScope rows = open_scope(params, detail::Wanted::OneAtMost);
          return detail::optional_row<Ts...>(rows);
        },
        args...);
  }

  /// Ends a Rows that is still open, as its close() does, and forgets the arguments.
  void reset();
  /// Gives the statement up: frees it, also from the cache. Every later call throws Misuse.
  void finalize();
  /// Interrupts whatever the connection is running. From any thread it is Connection::interrupt_handle() that may be
  /// used.
  void interrupt();

  /// The columns of the result as the schema is now, also right after another connection changed it; empty if it
  /// returns none. Valid until the next call of columns() or until the statement ends.
  std::span<const Column> columns();
  int column_count();
  /// The largest parameter number (https://www.sqlite.org/c3ref/bind_parameter_count.html).
  int parameter_count() const;
  /// The name of parameter `number`, counted from 1, with its prefix; empty if it has none. Throws OutOfRange.
  std::string_view parameter_name(int number) const;
  /// The number of the parameter called `name`, prefix optional. Nothing if there is none; Misuse if it is ambiguous.
  std::optional<int> parameter_number(std::string_view name) const;

  /// Whether it leaves the database file alone (https://www.sqlite.org/c3ref/stmt_readonly.html).
  bool is_readonly() const;
  ExplainKind explain_kind() const;
  bool is_explain() const { return explain_kind() != ExplainKind::None; }
  /// The text it was compiled from. Valid as long as the statement.
  std::string_view sql() const;
  /// The text with the arguments put in as literals.
  template <Argument... Args>
  std::string expanded_sql(const Args&... args) const {
    return detail::with_params([&](const detail::ParamsView& params) { return expanded_view(params); }, args...);
  }

  StatementStatus status() const;
  void reset_status();

 private:
  friend struct detail::Access;
  Statement(std::shared_ptr<core::Session> session, std::shared_ptr<core::Stmt> stmt);

  core::Stmt& stmt() const;
  std::uint64_t execute_view(const detail::ParamsView& params);
  RunResult run_view(const detail::ParamsView& params);
  Rows query_view(const detail::ParamsView& params);
  detail::RowScope open_scope(const detail::ParamsView& params, detail::Wanted wanted = detail::Wanted::One);
  std::string expanded_view(const detail::ParamsView& params) const;

  std::shared_ptr<core::Session> session_;
  std::shared_ptr<core::Stmt> stmt_;
};

}  // namespace libsql
