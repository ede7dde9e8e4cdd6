#include "core/backend.hpp"

#include <libsql/batch.hpp>

namespace libsql::core {

std::shared_ptr<Stmt> Session::open(std::string_view sql, const ParamsView& params, std::optional<detail::Wanted> few) {
  const auto run = [&] {
    std::shared_ptr<Stmt> stmt = prepare(sql, Use::Once);
    if (!few) {
      stmt->open(params);
    } else if (!stmt->open_undoable(params, *few)) {
      stmt = nullptr;
    }
    return stmt;
  };
  if (!settings().deadline) return run();
  const CallScope call(*this);
  return run();
}

std::optional<std::vector<StatementResult>> Session::execute_atomically(const Batch&) { return std::nullopt; }
std::unique_ptr<Bulk> Session::bulk(std::string_view) { return nullptr; }

}  // namespace libsql::core
