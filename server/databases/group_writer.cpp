#include "server/databases/group_writer.hpp"

#include <exception>
#include <utility>

namespace libsql::server {
namespace {

constexpr std::size_t kLargestGroup = 128;

}  // namespace

GroupWriter::GroupWriter(std::unique_ptr<DatabaseSession> session, std::shared_ptr<NamespaceCounters> counters)
    : local::GroupWriter(session->runner(), kLargestGroup),
      session_(std::move(session)),
      counters_(std::move(counters)) {}

void GroupWriter::begin_group() {
  use_.emplace(*session_);
  try {
    run_own(begin_, "BEGIN IMMEDIATE");
  } catch (...) {
    use_.reset();
    throw;
  }
}

void GroupWriter::commit_group() {
  run_own(commit_, "COMMIT");
  counters_->group_commits.fetch_add(1, std::memory_order_relaxed);
  use_.reset();
}

void GroupWriter::roll_group_back() noexcept {
  engine::Connection& connection = session_->connection();
  try {
    connection.end_cursors();
    if (!connection.is_autocommit()) connection.execute_script("ROLLBACK");
  } catch (const std::exception&) {  // the next BEGIN reports what is wrong
  }
  session_->settle();
  use_.reset();
}

}  // namespace libsql::server
