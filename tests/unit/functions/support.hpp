#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "functions/register.hpp"

// A connection in memory with the functions registered, and its answers as text.
namespace libsql::functions::test {

struct Closer {
  void operator()(sqlite3* connection) const { sqlite3_close(connection); }
};
using Connection = std::unique_ptr<sqlite3, Closer>;

inline Connection open(const RegisterOptions& options = {}) {
  sqlite3* connection = nullptr;
  if (sqlite3_open(":memory:", &connection) != SQLITE_OK) throw std::runtime_error("cannot open a database in memory");
  Connection owner(connection);
  if (register_all(connection, options) != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(connection));
  return owner;
}

inline std::string cell_text(sqlite3_stmt* statement, int column) {
  if (sqlite3_column_type(statement, column) == SQLITE_NULL) return "NULL";
  if (sqlite3_column_type(statement, column) == SQLITE_FLOAT) {
    const double value = sqlite3_column_double(statement, column);
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", value);  // tells all doubles apart
    return text;
  }
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  return {text == nullptr ? "" : text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

/// The columns of the only row joined by " | ", or "ERR " and the message. Further `texts` are bound in order.
inline std::string ask(sqlite3* connection, std::string_view sql, const std::vector<std::string>& texts = {}) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(connection, sql.data(), static_cast<int>(sql.size()), &raw, nullptr) != SQLITE_OK) {
    return std::string("ERR ") + sqlite3_errmsg(connection);
  }
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    sqlite3_bind_text(raw, static_cast<int>(i) + 1, texts[i].data(), static_cast<int>(texts[i].size()),
                      SQLITE_TRANSIENT);
  }
  if (sqlite3_step(raw) != SQLITE_ROW) return std::string("ERR ") + sqlite3_errmsg(connection);
  std::string row;
  for (int i = 0; i < sqlite3_column_count(raw); ++i) row += (i > 0 ? " | " : "") + cell_text(raw, i);
  return row;
}

}  // namespace libsql::functions::test
