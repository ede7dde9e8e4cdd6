// Single writes of many clients in one transaction: they share the wait for the disk.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "local/group_commit.hpp"
#include "server/databases/database_session.hpp"

namespace libsql::server {

/// For namespaces whose commits wait for the disk. It has no thread: whoever finds the session free runs everything
/// that stands in line. Threads: run() by any number at once.
class GroupWriter final : private local::GroupTarget {
 public:
  GroupWriter(std::unique_ptr<DatabaseSession> session, std::shared_ptr<NamespaceCounters> counters);
  ~GroupWriter() override;

  /// Runs `job` on a session inside a transaction, perhaps on another caller's thread, and returns when that is on
  /// disk. Throws what the job threw, when everything it did is undone, and what the commit threw.
  template <class Job>
  void run(Job&& job, std::chrono::milliseconds wait) {
    struct Call {
      GroupWriter& writer;
      Job& job;
    } call{*this, job};
    commits_.submit(
        [](void* context) {
          auto& self = *static_cast<Call*>(context);
          self.job(*self.writer.session_);
        },
        &call, Clock::now() + wait);
    counters_->grouped_writes.fetch_add(1, std::memory_order_relaxed);
  }

  /// Nothing that it runs, now or later, goes on for long.
  void stop() noexcept { session_->interrupt_state()->stop(); }
  DatabaseSession& session() noexcept { return *session_; }

 private:
  void begin(Clock::time_point until) override;
  void set_mark() override;
  void drop_mark() override;
  bool return_to_mark() noexcept override;
  bool in_transaction() const noexcept override { return !session_->is_autocommit(); }
  void commit() override;
  void rollback() noexcept override;
  void execute(std::shared_ptr<engine::Statement>& statement, const char* sql);

  std::unique_ptr<DatabaseSession> session_;
  const std::shared_ptr<NamespaceCounters> counters_;
  std::optional<DatabaseSession::Use> use_;  // from begin() to the end of the transaction
  std::shared_ptr<engine::Statement> begin_, mark_, release_, return_, commit_;
  local::GroupCommit commits_;
};

}  // namespace libsql::server
