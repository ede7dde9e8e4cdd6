#include "remote/program.hpp"

#include "core/errors.hpp"
#include "remote/session.hpp"
#include "sql/split.hpp"

namespace libsql::remote {

Program::Program(Session& session, std::string_view script) {
  for (const sql::Statement& entry : sql::split(script)) add(session, entry.text, {});
}

Program::Program(Session& session, std::span<const BatchStatement> statements) {
  for (const BatchStatement& entry : statements) {
    params_.emplace_back(entry.params);
    add(session, entry.sql, params_.back().view());
  }
}

void Program::add(Session& session, std::string_view sql, const core::ParamsView& params) {
  constexpr std::size_t kEach = 64;  // what surrounds a statement on the way
  constexpr std::size_t kBetweenLooks = 128;
  if (texts.size() % kBetweenLooks == 0) session.check_call(sql);
  try {
    std::shared_ptr<Text> text = session.texts().get(sql);
    arguments_.emplace_back(*text, params);
    hrana::Stmt& stmt = stmts.emplace_back();
    stmt.sql.text = text->sent();
    stmt.args = arguments_.back().view();
    stmt.want_rows = true;
    bytes_.push_back(text->sent().size() + bytes_of(stmt.args) + kEach);
    total_bytes += bytes_.back();
    controls = controls || text->what.access == sql::Access::Transaction;
    sets_up = sets_up || text->sets_up_stream();
    only_sets_up = only_sets_up && text->sets_up_stream();
    texts.push_back(std::move(text));
  } catch (const Error& error) {
    core::rethrow_with_statement_index(error, texts.size());
  }
}

std::size_t Program::part(std::size_t from, const Options& options) const noexcept {
  std::size_t sum = 0;
  std::size_t count = 0;
  while (from + count < bytes_.size() && count < options.batch_statements) {
    sum += bytes_[from + count];
    if (count > 0 && sum > options.batch_bytes) break;
    ++count;
  }
  return count;
}

std::size_t Program::up_to_control(std::size_t from, std::size_t count) const noexcept {
  if (!controls) return count;
  for (std::size_t i = 0; i < count; ++i) {
    if (texts[from + i]->what.access == sql::Access::Transaction) return i + 1;
  }
  return count;
}

}  // namespace libsql::remote
