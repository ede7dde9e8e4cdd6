#include "server/databases/group_writer.hpp"

#include <algorithm>

#include "engine/statement.hpp"

namespace libsql::server {
namespace {

constexpr std::size_t kLargestGroup = 128;

}  // namespace

GroupWriter::GroupWriter(std::unique_ptr<DatabaseSession> session, std::shared_ptr<NamespaceCounters> counters)
    : session_(std::move(session)), counters_(std::move(counters)), commits_(*this, kLargestGroup) {}

GroupWriter::~GroupWriter() {
  for (auto* statement : {&begin_, &mark_, &release_, &return_, &commit_}) statement->reset();
}

void GroupWriter::execute(std::shared_ptr<engine::Statement>& statement, const char* sql) {
  if (statement == nullptr) statement = session_->compile(sql);
  statement->execute({});
}

void GroupWriter::begin(Clock::time_point until) {
  use_.emplace(*session_);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  session_->connection().patience().set_busy_timeout(std::max(left, std::chrono::milliseconds(0)));
  try {
    execute(begin_, "BEGIN IMMEDIATE");
  } catch (...) {
    use_.reset();
    throw;
  }
}

void GroupWriter::set_mark() { execute(mark_, "SAVEPOINT libsql_group"); }

void GroupWriter::drop_mark() { execute(release_, "RELEASE libsql_group"); }

bool GroupWriter::return_to_mark() noexcept {
  try {
    session_->connection().end_cursors();
    execute(return_, "ROLLBACK TO libsql_group");
    execute(release_, "RELEASE libsql_group");
    return true;
  } catch (const std::exception&) {  // then the whole transaction is rolled back
    return false;
  }
}

void GroupWriter::commit() {
  execute(commit_, "COMMIT");
  counters_->group_commits.fetch_add(1, std::memory_order_relaxed);
  use_.reset();
}

void GroupWriter::rollback() noexcept {
  try {
    session_->connection().end_cursors();
    if (!session_->is_autocommit()) session_->connection().execute_script("ROLLBACK");
  } catch (const std::exception&) {  // the next BEGIN says what is wrong
  }
  session_->settle();
  use_.reset();
}

}  // namespace libsql::server
