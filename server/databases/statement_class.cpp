#include "server/databases/statement_class.hpp"

#include "sql/pragmas.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::server {
namespace {

// Compares a name that may be quoted. Only quoted ones cost an allocation.
bool names(std::string_view written, std::string_view name) {
  if (written.empty() || sql::is_identifier_byte(written.front())) return sql::equals_ignoring_case(written, name);
  return sql::equals_ignoring_case(sql::unquote(written), name);
}

void classify_pragma(const sql::Classification& statement, StatementTraits& traits) {
  if (!is_allowed_pragma(statement.name, statement.has_value)) return;
  const sql::PragmaInfo& pragma = *sql::find_pragma(statement.name);
  traits.is_pragma = true;
  const bool sets = statement.has_value && pragma.kind != sql::PragmaKind::Reads;
  traits.kind = sets ? StatementClass::Write : StatementClass::Read;
  traits.lists_databases = pragma.name == "database_list" && !traits.is_explain;
  traits.changes_session = statement.has_value && pragma.kind == sql::PragmaKind::Setting;
}

// ATTACH [DATABASE] identifier AS name
void classify_attach(std::string_view text, StatementTraits& traits) {
  sql::Tokenizer tokens(text);
  tokens.next_significant();  // ATTACH
  sql::Token token = tokens.next_significant();
  if (sql::is_keyword(token, "DATABASE")) token = tokens.next_significant();
  // A name in double quotes is a namespace; a string in single quotes could be meant as a path.
  if (token.kind != sql::TokenKind::Word && token.kind != sql::TokenKind::QuotedIdentifier) return;
  const std::string_view target = token.text;
  if (!sql::is_keyword(tokens.next_significant(), "AS")) return;
  const sql::Token alias = tokens.next_significant();
  if (alias.kind != sql::TokenKind::Word && alias.kind != sql::TokenKind::QuotedIdentifier) return;
  if (tokens.next_significant().kind != sql::TokenKind::End) return;
  traits.kind = StatementClass::Attach;
  traits.changes_session = true;
  traits.target = target;
  traits.alias = alias.text;
}

bool is_reserved_table(std::string_view name) {
  return names(name, "_litestream_seq") || names(name, "_litestream_lock") || names(name, "libsql_wasm_func_table");
}

}  // namespace

bool is_allowed_pragma(std::string_view name, bool has_value) noexcept {
  const sql::PragmaInfo* const pragma = sql::find_pragma(name);
  if (pragma == nullptr) return false;
  return pragma->service == sql::PragmaService::Sets || (!has_value && pragma->service == sql::PragmaService::Asks);
}

StatementTraits traits_of(std::string_view text) noexcept {
  using enum sql::StatementKind;
  StatementTraits traits;
  const sql::Classification statement = sql::classify(text);
  traits.is_explain = statement.explain != sql::ExplainMode::None;
  switch (statement.kind) {
    case Select:
    case Values:
      traits.kind = StatementClass::Read;
      break;
    case Insert:
    case Replace:
      traits.is_insert = true;
      [[fallthrough]];
    case Update:
    case Delete:
      if (is_reserved_table(statement.name)) return traits;
      traits.is_dml = true;
      traits.kind = StatementClass::Write;
      break;
    case Reindex:
      traits.kind = StatementClass::Write;
      break;
    case CreateTable:
    case CreateVirtualTable:
    case CreateIndex:
    case CreateView:
    case CreateTrigger:
      if (statement.temporary || names(statement.schema, "temp")) return traits;
      [[fallthrough]];
    case DropTable:
    case DropIndex:
    case DropView:
    case DropTrigger:
    case AlterTable:
      traits.kind = StatementClass::Ddl;
      break;
    case Begin:
      if (statement.begin == sql::BeginBehavior::Concurrent) return traits;
      traits.begin = statement.begin;
      traits.kind = StatementClass::Begin;
      break;
    case Commit:
    case Rollback:
      traits.kind = StatementClass::End;
      break;
    case Savepoint:
    case Release:
    case RollbackTo:
      traits.kind = StatementClass::Savepoint;
      break;
    case Pragma:
      classify_pragma(statement, traits);
      break;
    case Attach:
      classify_attach(text, traits);
      break;
    case Detach:
      traits.kind = StatementClass::Detach;
      traits.changes_session = true;
      break;
    case Empty:
    case Vacuum:
    case Analyze:
    case Other:
      return traits;
  }
  if (traits.is_explain && traits.kind != StatementClass::Unsupported) {
    const bool pragma = traits.is_pragma;
    traits = {};
    traits.is_explain = true;
    traits.is_pragma = pragma;
    traits.kind = StatementClass::Read;
    if (pragma && statement.has_value) traits.kind = StatementClass::Unsupported;  // it would act even under EXPLAIN
  }
  return traits;
}

}  // namespace libsql::server
