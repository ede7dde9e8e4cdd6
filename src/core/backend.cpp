#include "core/backend.hpp"

#include <libsql/batch.hpp>

namespace libsql::core {

std::optional<std::vector<StatementResult>> Session::execute_atomically(std::string_view) { return std::nullopt; }
std::optional<std::vector<StatementResult>> Session::execute_atomically(std::span<const BatchStatement>) {
  return std::nullopt;
}
std::unique_ptr<Bulk> Session::bulk(std::string_view) { return nullptr; }

}  // namespace libsql::core
