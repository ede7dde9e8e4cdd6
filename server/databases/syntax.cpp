#include "server/databases/syntax.hpp"

#include <memory>
#include <string>

#include <libsql/authorizer.hpp>

#include "engine/connection.hpp"
#include "engine/hooks.hpp"
#include "engine/statement.hpp"
#include "server/base/failure.hpp"
#include "sql/classify.hpp"
#include "sql/quote.hpp"
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

// What to do instead of a statement that this server does not run.
std::string_view replacement(const sql::Classification& statement) {
  switch (statement.kind) {
    case sql::StatementKind::Vacuum:
    case sql::StatementKind::Analyze:
      return " (run it with the shell, on the file)";
    case sql::StatementKind::CreateTable:
    case sql::StatementKind::CreateIndex:
    case sql::StatementKind::CreateView:
    case sql::StatementKind::CreateTrigger:
    case sql::StatementKind::CreateVirtualTable:
      return " (there are no temporary objects: WITH names a result for one statement)";
    case sql::StatementKind::Attach:
      return " (ATTACH takes the name of a namespace, as in ATTACH other AS o)";
    case sql::StatementKind::Pragma:
      if (sql::equals_ignoring_case(sql::unquote(statement.name), "recursive_triggers")) {
        return " (the server's option --recursive-triggers sets it)";
      }
      return statement.has_value ? " (clients may set foreign_keys, defer_foreign_keys and user_version)" : "";
    case sql::StatementKind::Insert:
    case sql::StatementKind::Replace:
    case sql::StatementKind::Update:
    case sql::StatementKind::Delete:
      return " (the table's name is reserved)";
    default:
      return "";
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
    throw StatementFailure("SQL_PARSE_ERROR", std::string("SQL string could not be parsed: unsupported statement: ")
                                                  .append(statement.substr(0, kShown))
                                                  .append(replacement(sql::classify(statement))));
  }
}

}  // namespace libsql::server
