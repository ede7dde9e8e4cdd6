#include "core/backend.hpp"

#include <libsql/batch.hpp>

namespace libsql::core {

namespace {

template <class Body>
auto in_one_call(Session& session, Body&& body) {
  if (!session.deadline()) return body();
  const CallScope call(session);
  return body();
}

}  // namespace

std::shared_ptr<Stmt> Session::open(std::string_view sql, const ParamsView& params) {
  return in_one_call(*this, [&] {
    std::shared_ptr<Stmt> stmt = prepare_once(sql);
    stmt->open(params);
    return stmt;
  });
}

std::shared_ptr<Stmt> Session::open_undoable(std::string_view sql, const ParamsView& params, detail::Wanted wanted) {
  return in_one_call(*this, [&] {
    std::shared_ptr<Stmt> stmt = prepare_once(sql);
    if (!stmt->open_undoable(params, wanted)) stmt = nullptr;
    return stmt;
  });
}

std::optional<std::vector<StatementResult>> Session::execute_atomically(std::string_view) { return std::nullopt; }
std::optional<std::vector<StatementResult>> Session::execute_atomically(std::span<const BatchStatement>) {
  return std::nullopt;
}
std::unique_ptr<Bulk> Session::bulk(std::string_view) { return nullptr; }

}  // namespace libsql::core
