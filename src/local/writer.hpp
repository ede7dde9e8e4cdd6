// The group writer of library and server: the write transactions of many threads on one connection.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <type_traits>

#include "local/group_commit.hpp"
#include "local/runner.hpp"

namespace libsql::local {

class Session;

/// Group commit on a runner. Derived classes say how its transactions begin and end.
class GroupWriter : private GroupTarget {
 public:
  using Clock = GroupTarget::Clock;

  /// Runs `job()` inside a transaction, perhaps on another caller's thread, and returns when that is committed. Throws
  /// what GroupCommit::submit() throws, and Timeout if the database stayed locked. Threads: any number.
  template <class Job>
  void run(Job&& job, Clock::time_point until) {
    commits_.submit([](void* context) { (*static_cast<std::remove_reference_t<Job>*>(context))(); }, &job, until);
  }
  GroupCounts counts() const { return commits_.counts(); }
  /// How many jobs wait for another caller's thread to run them. That caller, while it waits itself, is counted in the
  /// queue of writers.
  std::size_t waiting() const { return commits_.waiting_behind_leader(); }

 protected:
  GroupWriter(Runner& runner, std::size_t max_group) noexcept : runner_(runner), commits_(*this, max_group) {}
  ~GroupWriter() override = default;
  GroupWriter(const GroupWriter&) = delete;
  GroupWriter& operator=(const GroupWriter&) = delete;

  /// Begins a transaction with the write lock.
  virtual void begin_group() = 0;
  virtual void commit_group() = 0;
  virtual void roll_group_back() noexcept = 0;
  /// Ends whatever a job still has open on the connection, so that it does not reach the next job.
  virtual void end_job() {}

  bool in_transaction() const noexcept override { return !runner_.connection().is_autocommit(); }
  Runner& runner() const noexcept { return runner_; }
  /// Runs one of the writer's own texts. It is compiled once and kept outside the cache, whose figures describe the
  /// jobs' texts.
  using OwnText = std::shared_ptr<engine::Statement>;
  void run_own(OwnText& kept, std::string_view sql);

 private:
  void begin(Clock::time_point until) override;
  void set_mark() override;
  void drop_mark() override;
  bool return_to_mark() noexcept override;
  void vet() override;
  void commit() override;
  void rollback() noexcept override;

  Runner& runner_;
  OwnText mark_, release_, return_;
  GroupCommit commits_;
};

/// The writer of a session of the library. SQL text cannot end a group's transaction.
class SessionWriter final : public GroupWriter {
 public:
  /// `synced`: every commit is on disk, whatever the database's other connections have chosen.
  SessionWriter(Session& session, bool synced, std::size_t max_group);

 private:
  void begin_group() override;
  void commit_group() override;
  void roll_group_back() noexcept override;
  void end_job() override;
  bool is_soiled() noexcept override;
  void clean() noexcept override;
  void set_up();

  Session& session_;
  const bool synced_;
};

}  // namespace libsql::local
