#include "replica/statement.hpp"

#include <libsql/statement.hpp>

#include "core/errors.hpp"

namespace libsql::replica {

Statement::Statement(Session& session, std::string_view sql, Route route, std::shared_ptr<core::Stmt> copy,
                     std::shared_ptr<core::Stmt> primary)
    : session_(session), sql_(sql), route_(route), copy_(std::move(copy)), primary_(std::move(primary)) {
  session_.add(*this);
}

Statement::~Statement() {
  close_cursor();
  session_.remove(*this);
}

void Statement::require_idle() const {
  session_.require_open();
  if (finalized_) core::throw_error(ErrorCode::Misuse, "the statement is finalised", sql_);
  if (is_open()) {
    core::throw_error(ErrorCode::Misuse, "the statement is still running: end its Rows first, or reset() it", sql_);
  }
}

core::Stmt& Statement::choose() {
  require_idle();
  if (session_.place(route_, sql_) == Place::Copy) {
    if (copy_ == nullptr) copy_ = session_.copy().prepare(sql_, core::Use::Often);
    last_ = copy_.get();
  } else {
    if (primary_ == nullptr) primary_ = session_.primary(sql_).prepare(sql_, core::Use::Once);
    last_ = primary_.get();
  }
  return *last_;
}

template <class Run>
auto Statement::run(Run&& run) {
  core::Stmt& chosen = choose();
  if (last_ == copy_.get()) return run(chosen);
  return session_.at_primary(may_write(route_), [&] { return run(chosen); });
}

std::uint64_t Statement::execute(const core::ParamsView& params) {
  return run([&](core::Stmt& chosen) { return chosen.execute(params); });
}

template <class Open>
auto Statement::open_with(Open&& open) {
  return run([&](core::Stmt& chosen) {
    ++cursor_id_;
    open_ = false;
    if constexpr (std::is_void_v<decltype(open(chosen))>) {
      open(chosen);
      open_ = true;
      last_id_ = chosen.cursor_id();
    } else {
      const auto result = open(chosen);
      open_ = static_cast<bool>(result);
      last_id_ = chosen.cursor_id();
      return result;
    }
  });
}

void Statement::open(const core::ParamsView& params, core::ArgumentLifetime lifetime) {
  open_with([&](core::Stmt& chosen) { chosen.open(params, lifetime); });
}

bool Statement::open_undoable(const core::ParamsView& params, detail::Wanted wanted) {
  return open_with([&](core::Stmt& chosen) { return chosen.open_undoable(params, wanted); });
}

void Statement::note_end() noexcept {
  if (!open_ || is_open()) return;
  open_ = false;
  ++cursor_id_;
}

bool Statement::next() {
  if (!is_open()) {
    note_end();
    session_.require_open();  // an abandoned session is no end of the rows
    return false;
  }
  try {
    if (last_->next()) [[likely]]
      return true;
  } catch (...) {
    note_end();
    throw;
  }
  note_end();
  return false;
}

void Statement::close_cursor() noexcept {
  if (is_open()) last_->close_cursor();
  note_end();
}

void Statement::undo_cursor() noexcept {
  if (is_open()) last_->undo_cursor();
  note_end();
}

void Statement::finish_cursor() {
  if (!is_open()) return note_end();
  try {
    last_->finish_cursor();
  } catch (...) {
    note_end();
    throw;
  }
  note_end();
}

std::span<const Column> Statement::columns() {
  if (is_open()) return last_->columns();
  session_.require_open();
  if (finalized_) return known().columns();  // throws
  // The schema is that of the open transaction, or has what was made a moment ago.
  if (session_.is_at_primary()) {
    if (primary_ == nullptr) primary_ = session_.primary(sql_).prepare(sql_, core::Use::Once);
    return primary_->columns();
  }
  if (copy_ != nullptr) session_.read_own_writes();
  return known().columns();
}

StatementStatus Statement::status(bool reset) {
  if (copy_ == nullptr) copy_ = session_.copy().prepare(sql_, core::Use::Often);
  return copy_->status(reset);
}

void Statement::finalize() {
  close_cursor();
  if (copy_ != nullptr) copy_->finalize();
  if (primary_ != nullptr) primary_->finalize();
  finalized_ = true;
}

}  // namespace libsql::replica
