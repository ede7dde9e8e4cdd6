#include "server/syntax.hpp"

#include <memory>
#include <string>

#include "engine/connection.hpp"
#include "engine/statement.hpp"
#include "server/failure.hpp"
#include "sql/split.hpp"

namespace libsql::server {
namespace {

// An empty database in memory: what the parser refuses it refuses here too, and what names a table fails early.
engine::Connection& parser() {
  thread_local const std::unique_ptr<engine::Connection> connection = [] {
    using namespace engine::open_flags;
    return engine::Connection::open({":memory:", kReadWrite | kCreate | kNoMutex | kMemory, {}});
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

std::string_view only_statement(std::string_view sql) {
  sql::Splitter splitter(sql);
  const auto first = splitter.next();
  if (!first) throw StatementFailure("SQL_NO_STATEMENT", "SQL string does not contain any statement");
  if (splitter.next()) throw StatementFailure("SQL_MANY_STATEMENTS", "SQL string contains more than one statement");
  return first->text;
}

void require_supported(std::string_view statement, const StatementTraits& traits) {
  // BEGIN READONLY is libSQL's own, and a PRAGMA acts while it is compiled.
  const bool is_own = traits.kind == StatementClass::Begin && traits.begin == sql::BeginBehavior::ReadOnly;
  if (!is_own && !traits.is_pragma && sql::classify(statement).kind != sql::StatementKind::Pragma) parse(statement);
  if (traits.kind == StatementClass::Unsupported) {
    constexpr std::size_t kShown = 100;
    throw StatementFailure("SQL_PARSE_ERROR", "SQL string could not be parsed: unsupported statement: " +
                                                  std::string(statement.substr(0, kShown)));
  }
}

}  // namespace libsql::server
