#include "engine/advice.hpp"

#include "sql/tokenizer.hpp"

namespace libsql::engine {
namespace {

bool equal(std::string_view a, std::string_view b) noexcept { return sql::equals_ignoring_case(a, b); }

bool ends_with(std::string_view text, std::string_view end) noexcept {
  return text.size() >= end.size() && equal(text.substr(text.size() - end.size()), end);
}

// Whether the two words stand side by side in it.
bool has_words(std::string_view sql, std::string_view first, std::string_view second) {
  sql::Tokenizer tokens(sql);
  bool is_first = false;
  for (sql::Token token = tokens.next_significant(); token.kind != sql::TokenKind::End;
       token = tokens.next_significant()) {
    if (is_first && sql::is_keyword(token, second)) return true;
    is_first = sql::is_keyword(token, first);
  }
  return false;
}

// Whether it begins with `verb` and then `what`; words of other verbs may stand between them, as in BEGIN TRANSACTION.
bool begins_with(std::string_view sql, std::string_view verb, std::string_view what) {
  sql::Tokenizer tokens(sql);
  if (!sql::is_keyword(tokens.next_significant(), verb)) return false;
  for (int i = 0; i < 3; ++i) {
    if (sql::is_keyword(tokens.next_significant(), what)) return true;
  }
  return false;
}

std::string_view after(std::string_view text, std::string_view start) noexcept {
  return text.starts_with(start) ? text.substr(start.size()) : std::string_view();
}

}  // namespace

std::string_view advice(std::string_view message, std::string_view sql) {
  if (const std::string_view function = after(message, "no such function: "); !function.empty()) {
    if (equal(function, "libsql_vector_idx")) {
      return ": there are no vector indexes; ORDER BY vector_distance_cos(column, ?) LIMIT k finds the nearest without "
             "one";
    }
    if (equal(function, "libsql_server_database_name"))
      return ": only a server has it, which knows its databases' names";
    return {};
  }
  if (const std::string_view table = after(message, "no such table: "); !table.empty()) {
    if (!equal(table, "vector_top_k")) return {};
    return ": there are no vector indexes; ORDER BY vector_distance_cos(column, ?) LIMIT k finds the nearest without "
           "one";
  }
  if (message == "not authorized" || ends_with(message, "not authorized to use function: load_extension")) {
    if (sql.find("load_extension") == std::string_view::npos && !ends_with(message, "load_extension")) return {};
    return ": SQL may not load extensions; Connection::load_extension() can, `.load` of the shell, and --extensions of "
           "a server";
  }
  if (!message.starts_with("near \"")) return {};
  if (ends_with(message, "near \"function\": syntax error")) {
    if (!begins_with(sql, "CREATE", "FUNCTION") && !begins_with(sql, "DROP", "FUNCTION")) return {};
    return ": there are no functions in WebAssembly; libsql::Functions makes them of C++, and an extension may bring "
           "some";
  }
  if (ends_with(message, "near \"concurrent\": syntax error") && begins_with(sql, "BEGIN", "CONCURRENT")) {
    return ": one transaction writes at a time; BEGIN IMMEDIATE waits for its turn";
  }
  return {};
}

std::string_view advice_on_random_rowid(std::string_view message, std::string_view sql) {
  if (!ends_with(message, "near \"rowid\": syntax error")) return {};
  if (message.substr(0, 25) == "malformed database schema") {
    return ": the table may have libSQL's RANDOM ROWID, which the engine of this build cannot read; the one that the "
           "library brings along can";
  }
  if (!has_words(sql, "RANDOM", "ROWID")) return {};
  return ": the engine of this build has no RANDOM ROWID; leave it out, and insert abs(random() / 2) + 1 into an "
         "INTEGER "
         "PRIMARY KEY";
}

}  // namespace libsql::engine
