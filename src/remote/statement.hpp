// A statement for a server, which is also the cursor over its rows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/backend.hpp"
#include "remote/cursor_run.hpp"
#include "remote/session.hpp"

namespace libsql::remote {

class Statement final : public core::Stmt, private CursorRun::Listener {
 public:
  Statement(Session& session, std::shared_ptr<Text> text);
  ~Statement() override;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  std::uint64_t execute(const core::ParamsView& params) override;
  void open(const core::ParamsView& params, core::ArgumentLifetime lifetime) override;
  bool next() override;
  ValueRef cell(int column) noexcept override { return (*cells_)[static_cast<std::size_t>(column)]; }
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

 private:
  enum class Source : std::uint8_t { None, Result, Cursor };

  void require_usable() const;
  void open_result(const core::ParamsView& params);
  void open_cursor(const core::ParamsView& params);
  bool advance_result();
  bool advance_cursor();
  void cursor_began(std::span<const hrana::Col> cols) override;
  void cursor_ended(const CursorRun::Totals& totals) override;
  void end_run(const Error* error, bool failed) noexcept;
  void free_source() noexcept;

  Session& session_;
  std::shared_ptr<Text> text_;
  bool finalized_ = false;
  bool committed_ = false;              // what the last run for a few rows wrote
  std::optional<net::Deadline> whole_;  // of the call that reads all rows

  Source source_ = Source::None;
  std::vector<Column> columns_;  // of the rows
  const std::span<const ValueRef>* cells_ = &row_;
  bool first_row_ = false;        // open() has read it
  std::uint64_t interrupts_ = 0;  // when the cursor was opened
  std::optional<RunScope> run_;   // of a cursor

  std::optional<Ran> ran_;  // Source::Result
  std::size_t at_ = 0;
  std::span<const ValueRef> row_;

  std::unique_ptr<CursorRun> cursor_;  // Source::Cursor
};

}  // namespace libsql::remote
