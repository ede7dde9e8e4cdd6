// The writer service of a database: group commit over a session of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "local/group_commit.hpp"
#include "local/session.hpp"

namespace libsql::local {

/// A session as group commit drives it. While a group's transaction is open, SQL text cannot end it.
class SessionTarget final : public GroupTarget {
 public:
  /// `synced`: each commit is on the disk, whatever the database's other connections have chosen.
  SessionTarget(Session& session, bool synced);

  void begin(Clock::time_point until) override;
  void set_mark() override;
  void drop_mark() override;
  bool return_to_mark() noexcept override;
  bool in_transaction() const noexcept override;
  void commit() override;
  void rollback() noexcept override;
  void vet() override;
  bool is_soiled() noexcept override;
  void clean() noexcept override;

 private:
  void set_up();
  void end_job();
  void run(std::string_view sql) { session_.execute(sql, {}); }
  Session& session_;
  const bool synced_;
};

}  // namespace libsql::local
