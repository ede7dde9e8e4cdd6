#include "server/run/stored_sql.hpp"

#include <utility>

#include "server/base/failure.hpp"

namespace libsql::server {
namespace {

// Bytes that a stored text costs beyond its characters, with a part of its stream.
constexpr std::size_t kOverhead = 512;

struct Text {
  Text(std::string_view sql, Budget& budget, Takers takers) : text(sql), share(budget, std::move(takers)) {}
  std::string text;
  BudgetShare share;
};

}  // namespace

void StoredSql::store(std::int32_t id, std::string_view sql, Budget& budget, Takers takers) {
  if (texts_.contains(id)) throw ProtocolViolation("SQL text " + std::to_string(id) + " already exists");
  if (texts_.size() >= max_texts_) throw StatementFailure("SQL_STORE_TOO_MANY", "Too many SQL texts are stored");
  if (sql.size() > max_bytes_) {
    throw StatementFailure("SQL_STORE_TOO_LARGE", "The SQL text is too large to be stored");
  }
  auto stored = std::make_shared<Text>(std::string_view(), budget, std::move(takers));
  if (const Whose whose = stored->share.take(sql.size() + kOverhead); whose != Whose::Nobody) {
    throw StatementFailure("SQL_STORE_FULL", "The SQL texts that are stored have reached " +
                                                 std::string(to_string(whose)) + " limit; close some, or try again");
  }
  stored->text = sql;
  texts_.emplace(id, std::shared_ptr<const std::string>(stored, &stored->text));
}

std::string_view StoredSql::resolve(const hrana::Sql& sql) const {
  if (sql.text.has_value() == sql.id.has_value()) {
    throw ProtocolViolation(sql.text ? "Both `sql` and `sql_id` are given" : "Neither `sql` nor `sql_id` is given");
  }
  if (sql.text) return *sql.text;
  const auto found = texts_.find(*sql.id);
  if (found == texts_.end()) throw ProtocolViolation("SQL text " + std::to_string(*sql.id) + " not found");
  return *found->second;
}

std::shared_ptr<const std::string> StoredSql::share(const hrana::Sql& sql) const {
  resolve(sql);
  return sql.id ? texts_.at(*sql.id) : nullptr;
}

}  // namespace libsql::server
