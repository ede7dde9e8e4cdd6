// SQL texts that clients store on the server under numbers of their choice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hrana/requests.hpp"
#include "server/base/budget.hpp"

namespace libsql::server {

class StoredSql {
 public:
  /// `max_bytes` limits each text.
  StoredSql(std::size_t max_texts, std::size_t max_bytes) noexcept : max_texts_(max_texts), max_bytes_(max_bytes) {}

  /// The text counts against the budget until its last user drops it. Throws ProtocolViolation if the number is taken,
  /// StatementFailure SQL_STORE_TOO_MANY, SQL_STORE_TOO_LARGE or SQL_STORE_FULL.
  void store(std::int32_t id, std::string_view sql, Budget& budget, Takers takers);
  void close(std::int32_t id) noexcept { texts_.erase(id); }
  bool empty() const noexcept { return texts_.empty(); }

  /// The text that a request means, valid until it is closed. Throws ProtocolViolation unless the request has either a
  /// text or the number of a stored one.
  std::string_view resolve(const hrana::Sql& sql) const;
  /// The same, but a close() does not invalidate it. Null if the text is in the request itself.
  std::shared_ptr<const std::string> share(const hrana::Sql& sql) const;

 private:
  const std::size_t max_texts_;
  const std::size_t max_bytes_;
  std::unordered_map<std::int32_t, std::shared_ptr<const std::string>> texts_;
};

}  // namespace libsql::server
