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
  if (!asking_.empty()) {
    const std::optional<engine::LogEnd> end = session_->connection().log_end();
    for (std::optional<engine::LogEnd>* const to : asking_) *to = end;
    asking_.clear();
  }
  counters_->group_commits.fetch_add(1, std::memory_order_relaxed);
  use_.reset();
}

void GroupWriter::roll_group_back() noexcept {
  asking_.clear();
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
