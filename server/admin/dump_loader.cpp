#include "server/admin/dump_loader.hpp"

#include <algorithm>
#include <array>

#include <libsql/error.hpp>

#include "server/admin/admin_error.hpp"
#include "sql/classify.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::server {
namespace {

constexpr std::size_t kLongestStatement = std::size_t{1} << 30;

// The settings that dumps set. Others change how the connection works, not what the database holds.
bool is_pragma_of_dumps(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 7> kNames = {"foreign_keys", "defer_foreign_keys", "writable_schema",
                                                      "user_version", "application_id",     "encoding",
                                                      "auto_vacuum"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view known) { return sql::equals_ignoring_case(known, name); });
}

}  // namespace

DumpLoader::~DumpLoader() {
  if (state_ != State::Inside) return;
  try {
    session_.execute("ROLLBACK", {});
  } catch (const Error&) {  // Rolled back already; else the session's end does it.
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
  // A long statement is not looked through at every piece, but whenever it has doubled.
  look_again_at_ = 2 * pending_.size();
}

void DumpLoader::run(std::string_view statement) {
  using Kind = sql::StatementKind;
  const sql::Classification found = sql::classify(statement);
  if (state_ == State::After) throw AdminError("The dump goes on after its COMMIT");
  switch (found.kind) {
    case Kind::Attach:
    case Kind::Detach:
      throw AdminError("The dump holds ATTACH or DETACH, which is not allowed");
    case Kind::Vacuum:
    case Kind::Rollback:
      throw AdminError("The dump holds VACUUM or ROLLBACK, which is not allowed");
    case Kind::Pragma:
      if (is_pragma_of_dumps(found.name)) break;
      throw AdminError("The dump holds PRAGMA " + std::string(found.name) + ", which is not allowed");
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
  session_.execute(statement, {});
}

void DumpLoader::commit(std::string_view statement) {
  if (state_ != State::Inside) throw AdminError("The dump is not one transaction: COMMIT comes before BEGIN");
  session_.execute(statement, {});
  state_ = State::After;
}

}  // namespace libsql::server
