#include "server/admin/dump_loader.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <libsql/error.hpp>

#include "engine/connection.hpp"
#include "server/admin/admin_error.hpp"
#include "sql/classify.hpp"
#include "sql/pragmas.hpp"
#include "sql/quote.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::server {
namespace {

constexpr std::size_t kLongestStatement = std::size_t{1} << 30;

// Whether the statement is the one that dumps contain for a virtual table, because CREATE would make its shadow tables
// as well:
// INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',NAME,NAME,0,'CREATE VIRTUAL TABLE ...').
bool adds_virtual_table(std::string_view statement) {
  constexpr std::array<std::string_view, 22> kWanted = {"INSERT",   "INTO", "",         "(", "type", ",", "name",   ",",
                                                        "tbl_name", ",",    "rootpage", ",", "sql",  ")", "VALUES", "(",
                                                        "'table'",  ",",    "=",        ",", "=",    ","};
  sql::Tokenizer tokenizer(statement);
  const auto next = [&] { return tokenizer.next_significant().text; };
  std::string_view name;
  for (const std::string_view wanted : kWanted) {
    const std::string_view text = next();
    if (wanted.empty()) {
      if (!sql::equals_ignoring_case(text, "sqlite_schema") && !sql::equals_ignoring_case(text, "sqlite_master")) {
        return false;
      }
    } else if (wanted == "=") {  // the same literal both times
      if (!text.starts_with('\'') || (!name.empty() && text != name)) return false;
      name = text;
    } else if (!sql::equals_ignoring_case(text, wanted)) {
      return false;
    }
  }
  if (next() != "0" || next() != ",") return false;
  const std::string_view literal = next();
  if (!literal.starts_with('\'') || next() != ")" || !next().empty()) return false;
  const std::string text = sql::unquote(literal);
  sql::Tokenizer create(text);
  for (const std::string_view wanted : {"CREATE", "VIRTUAL", "TABLE"}) {
    if (!sql::equals_ignoring_case(create.next_significant().text, wanted)) return false;
  }
  return true;
}

// The settings that dumps contain. Others affect the connection, not what the database holds.
bool is_pragma_of_dumps(std::string_view name) noexcept {
  const sql::PragmaInfo* const pragma = sql::find_pragma(name);
  return pragma != nullptr && pragma->dumped;
}

}  // namespace

DumpLoader::DumpLoader(core::Session& session) : session_(session) {
  session_.engine_connection()->set_defensive(true);
}

DumpLoader::~DumpLoader() {
  if (state_ != State::Inside) return;
  try {
    session_.execute("ROLLBACK", {});
  } catch (const Error&) {  // already rolled back, or else the end of the session does it
  }
}

void DumpLoader::feed(std::string_view piece) {
  pending_ += piece;
  if (pending_.size() >= look_again_at_) run_complete_statements();
}

void DumpLoader::finish() {
  run_complete_statements();
  if (const auto rest = sql::Splitter(pending_).next()) run(rest->text);
  if (state_ != State::After) throw AdminError("The dump is not one transaction: it does not end with COMMIT");
}

void DumpLoader::run_complete_statements() {
  sql::Splitter splitter(pending_);
  std::size_t done = 0;
  while (const auto statement = splitter.next()) {
    if (!statement->terminated) break;
    run(statement->text);
    done = statement->end;
  }
  pending_.erase(0, done);
  if (pending_.size() > kLongestStatement) throw AdminError("A statement of the dump is longer than 1 GiB");
  // A long incomplete statement is not scanned again with each piece, but each time it has doubled.
  look_again_at_ = 2 * pending_.size();
}

void DumpLoader::run(std::string_view statement) {
  using Kind = sql::StatementKind;
  const sql::Classification found = sql::classify(statement);
  if (state_ == State::After) throw AdminError("The dump continues after its COMMIT");
  switch (found.kind) {
    case Kind::Attach:
    case Kind::Detach:
      throw AdminError("The dump contains ATTACH or DETACH, which is not allowed");
    case Kind::Vacuum:
    case Kind::Rollback:
      throw AdminError("The dump contains VACUUM or ROLLBACK, which is not allowed");
    case Kind::Pragma:
      // Ignored: the schema table stays closed, except to add_virtual_table().
      if (sql::equals_ignoring_case(found.name, "writable_schema")) return;
      if (is_pragma_of_dumps(found.name)) break;
      throw AdminError("The dump contains PRAGMA " + std::string(found.name) + ", which is not allowed");
    case Kind::Begin:
      if (state_ == State::Inside) throw AdminError("The dump begins a transaction inside another one");
      session_.execute("BEGIN IMMEDIATE", {});
      state_ = State::Inside;
      return;
    case Kind::Commit:
      return commit(statement);
    default:
      if (state_ == State::Before) throw AdminError("The dump is not one transaction: it does not begin with BEGIN");
  }
  if (state_ == State::Before && ++before_ > 1) {
    throw AdminError("The dump is not one transaction: BEGIN is not among its first two statements");
  }
  if (adds_virtual_table(statement)) return add_virtual_table(statement);
  session_.execute(statement, {});
}

void DumpLoader::add_virtual_table(std::string_view statement) {
  engine::Connection& connection = *session_.engine_connection();
  connection.set_defensive(false);
  try {
    connection.execute_script("PRAGMA writable_schema=ON");
    session_.execute(statement, {});
    connection.execute_script("PRAGMA writable_schema=OFF");
  } catch (...) {
    connection.set_defensive(true);
    throw;
  }
  connection.set_defensive(true);
}

void check_loaded(core::Session& session) {
  std::vector<std::string> tables;
  const auto each = [&](const std::string& sql, auto&& on_row) {
    const std::shared_ptr<core::Stmt> statement = session.prepare(sql);
    statement->open({}, core::ArgumentLifetime::Borrow);
    std::vector<ValueRef> row(static_cast<std::size_t>(statement->cursor_column_count()));
    while (statement->next()) {
      statement->read_cells(row);
      on_row(row);
    }
  };
  // For the first row the engine has to parse the whole schema.
  each("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage = 0",
       [&](const std::vector<ValueRef>& row) { tables.emplace_back(row[0].text()); });
  // A virtual table's module checks the table on first use.
  for (const std::string& table : tables)
    each("SELECT * FROM " + sql::quote_identifier(table) + " LIMIT 0", [](auto&) {});
}

void DumpLoader::commit(std::string_view statement) {
  if (state_ != State::Inside) throw AdminError("The dump is not one transaction: COMMIT comes before BEGIN");
  session_.execute(statement, {});
  state_ = State::After;
}

}  // namespace libsql::server
