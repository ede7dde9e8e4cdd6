#include "server/stored_sql.hpp"

#include "server/failure.hpp"

namespace libsql::server {

void StoredSql::store(std::int32_t id, std::string_view sql) {
  if (texts_.contains(id)) throw ProtocolViolation("SQL text " + std::to_string(id) + " already exists");
  if (texts_.size() >= max_texts_) throw StatementFailure("SQL_STORE_TOO_MANY", "Too many SQL texts are stored");
  if (max_bytes_ != 0 && sql.size() > max_bytes_) {
    throw StatementFailure("SQL_STORE_TOO_LARGE", "The SQL text is too large to be stored");
  }
  texts_.emplace(id, std::make_shared<const std::string>(sql));
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
