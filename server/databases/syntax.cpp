#include "server/databases/syntax.hpp"

#include <memory>
#include <string>

#include <libsql/authorizer.hpp>

#include "engine/connection.hpp"
#include "engine/hooks.hpp"
#include "engine/statement.hpp"
#include "server/base/failure.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::server {
namespace {

// An empty database in memory for parsing: its parser refuses the same texts, and a statement that names a table fails
// before it can do anything.
engine::Connection& parser() {
  thread_local const std::unique_ptr<engine::Connection> connection = [] {
    using namespace engine::open_flags;
    auto opened = engine::Connection::open({":memory:", kReadWrite | kCreate | kNoMutex | kMemory, {}});
    engine::Hooks& hooks = opened->hooks();
    hooks.add(hooks.authorizers, engine::Hooks::Authorizer([](const Authorization& what) {
                return what.action == Action::Pragma
                           ? Verdict::Deny
                           : Verdict::Allow;  // PRAGMAs act when compiled, and all clients share this connection
              }));
    return opened;
  }();
  return *connection;
}

void parse(std::string_view statement) {
  try {
    engine::Statement::prepare(parser(), statement, engine::Statement::Persistence::Once);
  } catch (const Error& error) {
    if (is_syntax_error(error)) throw_syntax_error(error, statement);
  }
}

}  // namespace

void require_no_nul(std::string_view sql) {
  if (sql.find('\0') == std::string_view::npos) return;
  throw StatementFailure("SQL_PARSE_ERROR", "SQL string could not be parsed: " + std::string(sql::kNulInText));
}

std::string for_engine(std::string_view statement, const StatementTraits& traits) {
  if (traits.lists_databases) return "SELECT seq, name, file FROM pragma_database_list";
  if (traits.kind != StatementClass::Begin || traits.begin != sql::BeginBehavior::ReadOnly) {
    return std::string(statement);
  }
  std::string text;
  sql::Tokenizer tokens(statement);
  for (sql::Token token = tokens.next(); token.kind != sql::TokenKind::End; token = tokens.next()) {
    if (!sql::is_keyword(token, "READONLY")) text += token.text;
  }
  return text;
}

std::string_view only_statement(std::string_view sql) {
  require_no_nul(sql);
  sql::Splitter splitter(sql);
  const auto first = splitter.next();
  if (!first) throw StatementFailure("SQL_NO_STATEMENT", "SQL string does not contain any statement");
  if (splitter.next()) throw StatementFailure("SQL_MANY_STATEMENTS", "SQL string contains more than one statement");
  return first->text;
}

void require_supported(std::string_view statement, const StatementTraits& traits) {
  // A PRAGMA would act when compiled.
  if (!traits.is_pragma && sql::classify(statement).kind != sql::StatementKind::Pragma)
    parse(for_engine(statement, traits));
  if (traits.kind == StatementClass::Unsupported) {
    constexpr std::size_t kShown = 100;
    throw StatementFailure("SQL_PARSE_ERROR", "SQL string could not be parsed: unsupported statement: " +
                                                  std::string(statement.substr(0, kShown)));
  }
}

}  // namespace libsql::server
