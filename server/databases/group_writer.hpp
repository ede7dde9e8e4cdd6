// Runs single writes of many clients in one transaction, so that they wait for the disk once.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "engine/connection.hpp"
#include "local/writer.hpp"
#include "server/databases/database_session.hpp"

namespace libsql::server {

/// Used by namespaces whose commits wait for the disk. Threads: run() may be called by any number at once.
class GroupWriter final : private local::GroupWriter {
 public:
  GroupWriter(std::unique_ptr<DatabaseSession> session, std::shared_ptr<NamespaceCounters> counters);
  ~GroupWriter() override = default;

  /// Runs `job(session)` inside a transaction, perhaps on another caller's thread, and returns when it is on disk.
  /// `commit`, unless it is null, gets the end of the log as that transaction left it. Throws what the job threw, after
  /// undoing everything it did, and what local::GroupWriter::run() throws.
  template <class Job>
  void run(Job&& job, std::chrono::milliseconds wait, std::optional<engine::LogEnd>* commit = nullptr) {
    auto noted = [&] {
      job(*session_);
      if (commit != nullptr) asking_.push_back(commit);
    };
    local::GroupWriter::run(noted, Clock::now() + wait);
    counters_->grouped_writes.fetch_add(1, std::memory_order_relaxed);
  }

  using local::GroupWriter::waiting;
  /// Interrupts what it runs now, and everything that it is given later.
  void stop() noexcept { session_->interrupt_state()->stop(); }
  DatabaseSession& session() noexcept { return *session_; }

 private:
  void begin_group() override;
  void commit_group() override;
  void roll_group_back() noexcept override;

  const std::unique_ptr<DatabaseSession> session_;
  const std::shared_ptr<NamespaceCounters> counters_;
  OwnText begin_, commit_;
  std::optional<DatabaseSession::Use> use_;  // from begin_group() to the end of the transaction
  // Whose jobs are in the open transaction and want to know where it ends: they wait until then.
  std::vector<std::optional<engine::LogEnd>*> asking_;
};

}  // namespace libsql::server
