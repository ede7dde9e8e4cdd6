/// \file
/// A compiled statement.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <libsql/column.hpp>
#include <libsql/detail/backend_fwd.hpp>
#include <libsql/error.hpp>
#include <libsql/export.hpp>
#include <libsql/params.hpp>
#include <libsql/rows.hpp>
#include <libsql/verbs.hpp>

namespace libsql {

/// Counters that the engine keeps per statement (https://www.sqlite.org/c3ref/c_stmtstatus_counter.html).
struct StatementStatus {
  std::int64_t fullscan_steps = 0;     ///< steps in full table scans: many mean that an index is missing
  std::int64_t sorts = 0;              ///< sort operations
  std::int64_t auto_index_rows = 0;    ///< rows put into indexes built for this run only
  std::int64_t vm_steps = 0;           ///< virtual machine operations
  std::int64_t reprepares = 0;         ///< compilations because of schema or parameter changes
  std::int64_t runs = 0;               ///< how often it was started
  std::int64_t filter_misses = 0;      ///< look-ups that a Bloom filter did not avoid
  std::int64_t filter_hits = 0;        ///< look-ups that a Bloom filter avoided
  std::int64_t memory_used_bytes = 0;  ///< memory it holds now
};

/// Which EXPLAIN a statement's text starts with.
enum class ExplainKind : std::uint8_t { None, Explain, QueryPlan };

/// A compiled statement, run by the verbs of verbs.hpp. Running it does not compile it again, unless the schema
/// changed. When the handle ends, the statement goes back, reset and unbound, to its connection's cache.
///
/// Ownership: moves, never copies; keeps the session alive. Threads: as Connection, with which it shares one thread.
/// One Rows of a Statement is open at a time: while one is, the verbs throw Misuse.
class LIBSQL_EXPORT Statement final : public Verbs<Statement> {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  /// Closes its open Rows, as Rows::close() does, and clears the arguments.
  void reset();
  /// Frees the statement, also from the cache. Every later call throws Misuse.
  void finalize();
  /// Interrupts what the connection is running. From another thread use Connection::interrupt_handle().
  void interrupt();

  /// The columns of the result with the current schema, also right after another connection changed it; empty if there
  /// are none. Valid until the next call of columns() or until the statement ends.
  std::span<const Column> columns();
  int column_count();
  /// The largest parameter number (https://www.sqlite.org/c3ref/bind_parameter_count.html).
  int parameter_count() const;
  /// The name of parameter `number`, counted from 1, with its prefix; empty if it has none. Throws OutOfRange.
  std::string_view parameter_name(int number) const;
  /// The number of the parameter `name`; the prefix is optional. nullopt if there is none; Misuse if it is ambiguous.
  std::optional<int> parameter_number(std::string_view name) const;

  /// Whether it does not change the database file (https://www.sqlite.org/c3ref/stmt_readonly.html).
  bool is_readonly() const;
  ExplainKind explain_kind() const;
  bool is_explain() const { return explain_kind() != ExplainKind::None; }
  /// The text it was compiled from. Valid as long as the statement.
  std::string_view sql() const;
  /// The text with the arguments put in as literals.
  template <Bindable... Args>
  std::string expanded_sql(const Args&... args) const {
    return detail::with_params([&](const detail::ParamsView& params) { return expanded_view(params); }, args...);
  }
  std::string expanded_sql(const Params& params) const { return expanded_view(detail::ParamsRefs(params).view()); }

  StatementStatus status() const;
  void reset_status();

 private:
  friend struct detail::Access;
  friend class Verbs<Statement>;
  Statement(std::shared_ptr<core::Session> session, std::shared_ptr<core::Stmt> stmt);

  core::Stmt& stmt() const;
  std::uint64_t execute_view(const detail::ParamsView& params);
  RunResult run_view(const detail::ParamsView& params);
  Rows query_view(const detail::ParamsView& params);
  detail::RowScope open_scope(const detail::ParamsView& params, detail::Wanted wanted);
  template <detail::Wanted wanted, class Read>
  auto read_scope(const detail::ParamsView& params, Read read) {
    const detail::CallScopeIf<wanted == detail::Wanted::All> call(session_.get());
    detail::RowScope rows = open_scope(params, wanted);
    return read(rows);
  }
  std::string expanded_view(const detail::ParamsView& params) const;

  std::shared_ptr<core::Session> session_;
  std::shared_ptr<core::Stmt> stmt_;
};

}  // namespace libsql
