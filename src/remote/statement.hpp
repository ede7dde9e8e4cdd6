// A statement for a server, which is also the cursor over its rows.
#pragma once

#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/backend.hpp"
#include "remote/session.hpp"

namespace libsql::remote {

class Statement final : public core::Stmt {
 public:
  Statement(Session& session, std::shared_ptr<Text> text);
  ~Statement() override;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  std::uint64_t execute(const core::ParamsView& params) override;
  void open(const core::ParamsView& params, core::ArgumentLifetime lifetime) override;
  bool next() override;
  ValueRef cell(int column) noexcept override { return cells_[static_cast<std::size_t>(column)]; }
  void read_cells(std::span<ValueRef> cells) noexcept override;
  void close_cursor() noexcept override;
  void finish_cursor() override;
  int cursor_column_count() const noexcept override { return static_cast<int>(columns_.size()); }
  std::string_view column_name(int column) const override { return columns_[static_cast<std::size_t>(column)].name; }
  std::span<const Column> columns() override;
  int parameter_count() const override;
  std::string_view parameter_name(int number) const override;
  std::optional<int> parameter_number(std::string_view name) const override;
  bool is_readonly() const override;
  ExplainKind explain_kind() const override;
  std::string_view sql() const override { return text_->source; }
  std::string expanded_sql(const core::ParamsView& params) override;
  StatementStatus status(bool reset) override;
  void finalize() override;

  bool open_undoable(const core::ParamsView& params, detail::Wanted wanted) override;
  bool has_committed() const noexcept override { return committed_; }
  /// Whether its user, or a cursor, still needs the session.
  bool is_in_use() const noexcept { return !finalized_ && (handles != 0 || source_ != Source::None); }
  /// Reads the rows that are still to come into memory, so that their stream is free. What fails meanwhile is thrown
  /// when the rows before it are read. False if they take more than `limit` bytes: then they come on as before, and the
  /// stream is not free.
  bool keep_rest(std::size_t limit);
  /// Ends the rows that are still to come: next() throws Interrupted, which says why.
  void cut(const char* why) noexcept;

 private:
  enum class Source : std::uint8_t { None, Result, Cursor, Kept };

  void require_usable() const;
  void open_result(const core::ParamsView& params);
  void open_cursor(const core::ParamsView& params);
  bool advance(const Call& call);
  // Goes to the next row that is kept; false if there is none.
  bool advance_kept();
  void keep_row();
  void show_kept();
  // Reads entries up to the next row, or the end: false.
  bool read_row(const Call& call);
  void take_step_end(const hrana::StepEnd& end);
  [[noreturn]] void fail_step(const hrana::WireError& error);
  void end_run(const Error* error, bool failed) noexcept;
  void free_source() noexcept;

  Session& session_;
  std::shared_ptr<Text> text_;
  bool finalized_ = false;
  bool committed_ = false;              // what the last run for a few rows wrote
  std::optional<net::Deadline> whole_;  // of the call that reads all rows

  Source source_ = Source::None;
  std::vector<Column> columns_;  // of the rows
  std::span<const ValueRef> cells_;
  bool first_row_ = false;  // open() has read it
  std::uint64_t rows_ = 0;
  std::uint64_t interrupts_ = 0;  // when the cursor was opened
  const char* cut_ = nullptr;
  std::optional<RunScope> run_;  // of a cursor

  std::optional<Ran> ran_;  // Source::Result
  std::size_t at_ = 0;

  std::optional<OpenedCursor> opened_;  // Source::Cursor
  bool began_ = false;
  bool ended_ = false;
  bool transaction_gone_ = false;
  std::uint64_t changed_ = 0;

  std::deque<std::vector<Value>>
      kept_;  // rows before those of the cursor, or all of Source::Kept; the current one first
  std::size_t kept_bytes_ = 0;
  std::vector<ValueRef> kept_cells_;
  std::exception_ptr kept_error_;
};

}  // namespace libsql::remote
