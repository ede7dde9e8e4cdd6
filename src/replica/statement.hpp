// A statement of a replica's session. It may run on the copy now and, in a transaction of the primary's, there: so it
// is one of each, made when needed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/backend.hpp"
#include "replica/session.hpp"

namespace libsql::replica {

class Statement final : public core::Stmt {
 public:
  /// `copy` or `primary` may be null, not both. The route is that of `sql`.
  Statement(Session& session, std::string_view sql, Route route, std::shared_ptr<core::Stmt> copy,
            std::shared_ptr<core::Stmt> primary);
  ~Statement() override;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  std::uint64_t execute(const core::ParamsView& params) override;
  void open(const core::ParamsView& params, core::ArgumentLifetime lifetime) override;
  bool open_undoable(const core::ParamsView& params, detail::Wanted wanted) override;
  void undo_cursor() noexcept override;
  bool has_committed() const noexcept override { return last_ != nullptr && last_->has_committed(); }
  bool next() override;
  ValueRef cell(int column) noexcept override { return last_->cell(column); }
  void read_cells(std::span<ValueRef> cells) noexcept override { last_->read_cells(cells); }
  void close_cursor() noexcept override;
  void finish_cursor() override;
  int cursor_column_count() const noexcept override { return last_->cursor_column_count(); }
  std::string_view column_name(int column) const override { return last_->column_name(column); }
  std::span<const Column> columns() override;
  int parameter_count() const override { return known().parameter_count(); }
  std::string_view parameter_name(int number) const override { return known().parameter_name(number); }
  std::optional<int> parameter_number(std::string_view name) const override { return known().parameter_number(name); }
  bool is_readonly() const override { return known().is_readonly(); }
  ExplainKind explain_kind() const override { return known().explain_kind(); }
  std::string_view sql() const override { return known().sql(); }
  std::string expanded_sql(const core::ParamsView& params) override { return known().expanded_sql(params); }
  StatementStatus status(bool reset) override;
  void finalize() override;

  /// Whether its user, or a cursor, still needs the session.
  bool is_in_use() const noexcept { return !finalized_ && (handles != 0 || is_open()); }

 private:
  bool is_open() const noexcept { return open_ && last_->cursor_id() == last_id_; }
  core::Stmt& known() const noexcept { return copy_ != nullptr ? *copy_ : *primary_; }
  void require_idle() const;
  core::Stmt& choose();
  template <class Run>
  auto run(Run&& run);
  template <class Open>
  auto open_with(Open&& open);
  void note_end() noexcept;

  Session& session_;
  const std::string sql_;
  Route route_;
  std::shared_ptr<core::Stmt> copy_;
  std::shared_ptr<core::Stmt> primary_;
  core::Stmt* last_ = nullptr;  // which of them ran last
  bool open_ = false;
  bool finalized_ = false;
  std::uint32_t last_id_ = 0;  // of its cursor
};

}  // namespace libsql::replica
