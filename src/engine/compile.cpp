#include "engine/compile.hpp"

#include <memory>
#include <string>
#include <utility>

#include <sqlite3.h>

#include "core/errors.hpp"
#include "engine/connection.hpp"
#include "engine/connection_state.hpp"
#include "engine/hooks.hpp"
#include "sql/classify.hpp"
#include "sql/pragmas.hpp"
#include "sql/quote.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::engine {
namespace {

bool is_pragma(std::string_view sql) noexcept {
  const char first = sql.empty() ? '\0' : static_cast<char>(sql.front() | 0x20);
  if (first >= 'a' && first <= 'z' && first != 'p') return false;  // as nearly all texts
  sql::Tokenizer tokens(sql);
  sql::Token token = tokens.next_significant();
  while (token.kind == sql::TokenKind::Semicolon) token = tokens.next_significant();
  return sql::is_keyword(token, "PRAGMA");
}

bool mentions_pragma_function(std::string_view sql) noexcept {
  constexpr std::string_view kPrefix = "pragma";
  for (std::size_t at = sql.find('_', kPrefix.size()); at != std::string_view::npos; at = sql.find('_', at + 1)) {
    if ((sql[at - 1] | 0x20) == 'a' &&
        sql::equals_ignoring_case(sql.substr(at - kPrefix.size(), kPrefix.size()), kPrefix)) {
      return true;
    }
  }
  return false;
}

// Those that answer from what the connection has read of the schema, and have the engine make sure of it only if they
// find something there: of a table that is new to the connection, index_list says that it has no index.
bool trusts_schema(std::string_view pragma) noexcept {
  const sql::PragmaInfo* const info = sql::find_pragma(pragma);
  return info != nullptr && info->trusts_schema;
}

// Throws Auth, and the statement is gone, if a table may not be read that it joins without the engine's asking.
void require_joins_allowed(Connection& connection, Hooks& hooks, std::string_view sql, sqlite3_stmt** stmt) {
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(std::exchange(*stmt, nullptr), &sqlite3_finalize);
  if (const std::optional<std::string> table = hooks.table_refused_to_join(sql)) {
    detail::ErrorData data;
    data.code = ErrorCode::Auth;
    data.origin = ErrorOrigin::Engine;
    data.sqlite_code = SQLITE_AUTH;
    data.message = "access to " + *table + " is prohibited";
    data.sql = sql;
    data.transaction_open = !connection.is_autocommit();
    ++connection.statistics.errors;
    core::throw_error(std::move(data));
  }
  *stmt = owner.release();
}

// Whether an error "no such column: "x" ..." is about a name in the text itself.
bool names_a_string_of(std::string_view sql, std::string_view message) noexcept {
  const std::size_t start = message.find('"');
  const std::size_t end = start == std::string_view::npos ? start : message.find('"', start + 1);
  return end != std::string_view::npos && sql.find(message.substr(start, end + 1 - start)) != std::string_view::npos;
}

// The same text with its names in grave accents, where they are never strings.
std::string with_certain_names(std::string_view sql) {
  std::string text;
  sql::Tokenizer tokenizer(sql);
  for (sql::Token token = tokenizer.next(); token.kind != sql::TokenKind::End; token = tokenizer.next()) {
    if (token.kind != sql::TokenKind::QuotedIdentifier || token.text.front() != '"') {
      text += token.text;
      continue;
    }
    text += '`';
    for (const char byte : sql::unquote(token.text)) text.append(byte == '`' ? 2 : 1, byte);
    text += '`';
  }
  return text;
}

}  // namespace

TextTraits text_traits(std::string_view sql) {
  TextTraits traits;
  if (is_pragma(sql)) [[unlikely]] {
    const sql::Classification what = sql::classify(sql);
    const std::string name = sql::unquote(what.name);
    traits.trusts_schema = trusts_schema(name);
    traits.asks_journal_mode = !what.has_value && sql::equals_ignoring_case(name, "journal_mode");
  } else {
    traits.trusts_schema = mentions_pragma_function(sql);
  }
  return traits;
}

bool may_be_out_of_date(int rc) noexcept {
  const int primary = rc & 0xff;
  return primary == SQLITE_ERROR || primary == SQLITE_SCHEMA || primary == SQLITE_AUTH;
}

std::optional<sql::AlterColumn> alter_column(Connection& connection, std::string_view sql) {
  if (!alters_columns()) return std::nullopt;
  try {
    return sql::alter_column(sql);
  } catch (const Error& error) {
    connection.notify_refused(sql, error);
    throw;
  }
}

bool misses_a_column(sqlite3* db) noexcept {
  return std::string_view(sqlite3_errmsg(db)).find("no such column") != std::string_view::npos;
}

bool alters_table(std::string_view sql) noexcept {
  const std::size_t first = sql.find_first_not_of(" \t\r\n;");
  if (first == std::string_view::npos) return false;
  const char start = sql[first];  // `A`, or what a comment begins with
  if (start != 'A' && start != 'a' && start != '-' && start != '/') return false;
  return sql::classify(sql.substr(first)).kind == sql::StatementKind::AlterTable;
}

sqlite3_stmt* compile_with_strings_in_schema(sqlite3* db, std::string_view sql, unsigned flags, const char** tail) {
  const StringsInDoubleQuotes allowed(db);
  sqlite3_stmt* stmt = nullptr;
  if (sql.find('"') != std::string_view::npos) {
    const std::string certain = with_certain_names(sql);
    const int rc = sqlite3_prepare_v3(db, certain.data(), static_cast<int>(certain.size()), 0, &stmt, nullptr);
    sqlite3_finalize(stmt);
    if (rc != SQLITE_OK) return nullptr;
  }
  if (sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), flags, &stmt, tail) != SQLITE_OK) return nullptr;
  return stmt;
}

sqlite3_stmt* compile(Connection& connection, std::string_view sql, Persistence persistence, const char** tail) {
  sqlite3_stmt* stmt = nullptr;
  const unsigned flags = persistence == Persistence::Cached ? SQLITE_PREPARE_PERSISTENT : 0;
  if (sql.size() > static_cast<std::size_t>(connection.limit(Limit::SqlLength))) {
    core::throw_error(ErrorCode::TooBig, "the SQL text is longer than the limit");
  }
  const std::optional<sql::AlterColumn> alter = alter_column(connection, sql);
  const std::string_view text = alter ? std::string_view(alter->text) : sql;
  const Hooks::Compiling compiling(connection.existing_hooks(), text);
  sqlite3* const db = connection.handle();
  const auto try_to_compile = [&] {
    const int result = sqlite3_prepare_v3(db, text.data(), static_cast<int>(text.size()), flags, &stmt, tail);
    if (alter) *tail = sql.data() + alter->end;
    return result;
  };
  int rc = try_to_compile();
  if (rc != SQLITE_OK && may_be_out_of_date(rc) && (connection.attention() & Connection::kKeptException) == 0 &&
      connection.renew_schemas()) {
    rc = try_to_compile();
  }
  if (rc != SQLITE_OK) [[unlikely]] {
    if (!alter && connection.only_schema_has_strings() && misses_a_column(db)) {
      const bool own = names_a_string_of(sql, sqlite3_errmsg(db));
      stmt = compile_with_strings_in_schema(db, sql, flags, tail);
      // The first error names what is missing, and a hint; unless that was a string of the schema.
      if (stmt == nullptr && own) {
        sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), flags, &stmt, tail);
      }
    }
    if (stmt == nullptr) {
      try {
        connection.fail(rc, sql);
      } catch (const Error& error) {
        connection.notify_refused(sql, error);
        throw;
      }
    }
  }
  if (Hooks* const hooks = connection.existing_hooks()) require_joins_allowed(connection, *hooks, text, &stmt);
  return stmt;
}

void throw_nul(Connection& connection, std::string_view sql, std::size_t offset) {
  detail::ErrorData data;
  data.code = ErrorCode::SqlError;
  data.sqlite_code = SQLITE_ERROR;
  data.message = sql::kNulInText;
  data.sql = sql;
  data.offset = offset;
  data.transaction_open = !connection.is_autocommit();
  try {
    core::throw_error(std::move(data));
  } catch (const Error& error) {
    connection.notify_refused(sql, error);
    throw;
  }
}

}  // namespace libsql::engine
