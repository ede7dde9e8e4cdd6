#include "sql/nesting.hpp"

#include <algorithm>

#include "sql/classify.hpp"
#include "sql/quote.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::sql {

bool Nesting::stays_inside(std::string_view text) {
  const Statements statements = split(text);
  for (auto statement = statements.begin(); statement != statements.end(); ++statement) {
    if (!takes(statement->text)) return false;
  }
  return true;
}

bool Nesting::takes(std::string_view statement) {
  const Classification what = classify(statement);
  if (what.access != Access::Transaction || what.explain != ExplainMode::None) return true;
  if (what.kind == StatementKind::Savepoint) {
    savepoints_.push_back(unquote(what.name));
    return true;
  }
  if (what.kind != StatementKind::Release && what.kind != StatementKind::RollbackTo) return false;
  const std::string name = unquote(what.name);
  const auto found = std::find_if(savepoints_.rbegin(), savepoints_.rend(),
                                  [&](const std::string& set) { return equals_ignoring_case(set, name); });
  if (found == savepoints_.rend()) return false;
  // Those set after it end with it; ROLLBACK TO keeps the savepoint itself.
  savepoints_.erase(what.kind == StatementKind::Release ? std::prev(found.base()) : found.base(), savepoints_.end());
  return true;
}

}  // namespace libsql::sql
