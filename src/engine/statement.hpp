// A compiled statement of the engine, which is also the cursor over its rows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/backend.hpp"
#include "engine/compile.hpp"
#include "engine/connection.hpp"

struct sqlite3_stmt;

namespace libsql::engine {

class Statement final : public core::Stmt {
 public:
  using Persistence = engine::Persistence;

  /// Compiles the first statement in `sql`. Throws SqlError; Misuse if there is none, or if another one follows.
  static std::shared_ptr<Statement> prepare(Connection& connection, std::string_view sql, Persistence persistence);
  ~Statement() override;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  std::uint64_t execute(const core::ParamsView& params) override;
  void open(const core::ParamsView& params, core::ArgumentLifetime lifetime) override;
  bool open_undoable(const core::ParamsView& params, detail::Wanted wanted) override;
  void undo_cursor() noexcept override;
  bool next() override;
  ValueRef cell(int column) noexcept override;
  void read_cells(std::span<ValueRef> cells) noexcept override;
  void close_cursor() noexcept override;
  void finish_cursor() override;
  int cursor_column_count() const noexcept override { return column_count_; }
  std::string_view column_name(int column) const override;
  std::span<const Column> columns() override;
  /// A number that changes when columns() does because the schema has changed. Valid while a cursor is open.
  int columns_version() const noexcept;
  int parameter_count() const override;
  std::string_view parameter_name(int number) const override;
  std::optional<int> parameter_number(std::string_view name) const override;
  bool is_readonly() const override;
  ExplainKind explain_kind() const override;
  std::string_view sql() const override { return sql_; }
  std::string expanded_sql(const core::ParamsView& params) override;
  StatementStatus status(bool reset) override;
  void finalize() override;

  /// More exact than !is_readonly(): also false for EXPLAIN of a write, and for querying `PRAGMA journal_mode`.
  bool may_write() const noexcept { return may_write_; }
  bool is_open() const noexcept { return open_; }
  /// Whether it is running: its cursor is open, or one of its steps is below us on the stack (for example in a user
  /// function).
  bool is_busy() const noexcept { return open_ || running_; }
  /// Whether its next step belongs to the call that opened the cursor.
  bool continues_call() const noexcept { return open_ && borrows_; }
  bool is_finalized() const noexcept { return stmt_ == nullptr; }
  sqlite3_stmt* handle() const noexcept { return stmt_; }
  Connection& connection() const noexcept { return *connection_; }
  /// Rows returned by the current or last run.
  std::uint64_t rows() const noexcept { return rows_; }
  /// Rows that the last run's loops visited in tables and indexes, whether returned or not. None if they were not
  /// counted: nobody had asked for it when the run began, or the engine cannot count them.
  std::optional<std::uint64_t> rows_scanned() const noexcept;
  /// Steps of full scans in the last observed run. The engine always counts them.
  std::uint64_t fullscan_steps() const noexcept;
  /// The engine's counter of these steps over all runs. Compare two values of it.
  std::uint64_t fullscan_counter() const noexcept;
  std::size_t memory_used() const noexcept;

  /// What its owner records about a statement. Destroyed with the statement.
  class Note {
   public:
    virtual ~Note() = default;
  };
  std::unique_ptr<Note> note;

 private:
  friend class Connection;
  Statement(Connection& connection, sqlite3_stmt* stmt, std::string sql, Persistence persistence, TextTraits traits);

  void begin(const core::ParamsView& params, bool copy);
  void bind(const core::ParamsView& params, bool copy);
  void bind_named(const core::ParamsView& params, bool copy);
  void bind_one(int number, const ValueRef& value, bool copy);
  int bind_value(int number, const ValueRef& value, bool copy) noexcept;
  [[noreturn, gnu::cold]] void fail_bind(int number, int rc);
  [[noreturn, gnu::cold]] void fail_begin() const;
  [[noreturn]] void fail_run(int rc);
  void forget_copies() noexcept;
  void cut() noexcept;
  void start_run(const core::ParamsView& params);
  int first_step();
  [[gnu::cold]] int step_again(int rc);
  int step_with_strings();
  enum class Outcome : std::uint8_t { Done, Failed };
  void end_run(std::uint64_t changes, Outcome outcome, const Error* error) noexcept;
  void end_observed_run(std::uint64_t changes, Outcome outcome, const Error* error) noexcept;
  bool is_transaction_control() noexcept;
  void require_stmt() const;
  void look_at_handle() noexcept;
  void refresh_if_schema_changed();
  void detach() noexcept;  // finalises it and unlinks it from its connection

  Connection* connection_;
  sqlite3_stmt* stmt_;
  std::string sql_;
  Persistence persistence_;
  TextTraits traits_;
  int parameter_count_ = 0;
  int column_count_ = 0;
  bool readonly_ = false;
  bool may_write_ = false;
  bool open_ = false;                  // its cursor is open
  bool first_row_ = false;             // open() has read the first row, which next() has not returned yet
  bool observed_ = false;              // observers know of its start
  bool cut_ = false;                   // the cursor is open, but cut_cursors() has ended the engine's side of it
  bool running_ = false;               // inside a step
  bool end_wanted_ = false;            // a callback of the running step has asked for the cursor to be closed
  bool copied_ = false;                // copies of arguments are bound
  bool borrows_ = false;               // the cursor is read within the call that opened it
  bool looks_through_schema_ = false;  // runs with strings in double quotes allowed, which views and triggers may have
  std::optional<bool> transaction_control_;
  std::uint64_t rows_ = 0;
  std::uint64_t changes_before_ = 0;
  Clock::time_point started_at_{};  // if it is observed
  int fullscan_before_ = 0;         // the engine's counter at the start of the observed run
  std::vector<Column> columns_;
  int columns_reprepares_ = -1;  // columns_version() at the time columns_ was filled
  int compilations_before_ = 0;  // added to the engine's counter, which may restart
  std::int64_t schemas_ = 0;     // Connection::schemas() at the time it was compiled
  mutable std::vector<std::string> parameter_names_;
  Statement* previous_ = nullptr;
  Statement* next_ = nullptr;
};

}  // namespace libsql::engine
