// A session on a file of this machine, or in memory.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "core/backend.hpp"
#include "engine/connection.hpp"
#include "local/runner.hpp"

namespace libsql::local {

class HeldSnapshot;

class Session final : public core::Session {
 public:
  explicit Session(std::shared_ptr<Store> store);
  /// On a spare connection of the store, which gets it back at the end.
  Session(std::shared_ptr<Store> store, BorrowedConnection lent);
  ~Session() override;

  engine::Connection* engine_connection() noexcept override {
    touched_ = true;  // the caller may leave something on the connection
    return &connection();
  }

  std::uint64_t execute(std::string_view sql, const core::ParamsView& params) override;
  std::shared_ptr<core::Stmt> prepare(std::string_view sql, core::Use use) override;
  std::shared_ptr<core::Stmt> open(std::string_view sql, const core::ParamsView& params,
                                   std::optional<detail::Wanted> few) override;
  std::vector<StatementResult> execute_batch(const core::Batch& batch) override;

  void begin(TransactionBehavior behavior) override;
  void commit() override;
  void rollback() override;
  void savepoint(core::SavepointStep step, std::string_view name) override;
  void watch(bool on) noexcept override { connection().set_in_transaction(on); }
  void guard_transaction(bool on) noexcept override { connection().set_transaction_guard(on); }
  core::TransactionState transaction_state() const noexcept override {
    return {!connection().is_autocommit(), connection().is_in_transaction(), false};
  }

  const core::Standing& standing() const noexcept override { return connection().standing(); }
  void ping() override;
  void close() override;
  void abandon(std::string reason) noexcept override;
  core::Reset undo_use(core::Reset least) override;
  void mark_clean() override;
  /// Whether, since mark_clean(), something other than an open transaction was left behind that the next user must not
  /// find.
  bool is_soiled() const noexcept {
    return touched_ || texts().leaves_traces() || connection().observers().has_until_reset() ||
           connection().temporary_version() != temporary_version_;
  }
  void release_memory() override;

  std::shared_ptr<core::InterruptState> interrupt_state() noexcept override { return patience().interrupt_state(); }
  void enter(core::Span span) noexcept override;
  void leave(core::Span span) noexcept override;
  void pause(std::chrono::nanoseconds time) override;
  void report_later(std::exception_ptr failure) noexcept override { connection().report_later(std::move(failure)); }
  core::SessionSettings settings() const noexcept override;
  void apply(const core::SessionSettings& settings) override;

  core::ChangeCounters counters() const override;
  core::DatabaseFacts facts() const override;
  core::ObserverList& observers() noexcept override { return connection().observers(); }

  /// Changes the encryption key of the file, also for connections that its database opens later.
  void rekey(std::span<const std::byte> key);

  Store& store() const noexcept { return runner_.store(); }
  engine::Connection& connection() const noexcept { return runner_.connection(); }
  engine::Patience& patience() const noexcept { return connection().patience(); }
  Runner& runner() noexcept { return runner_; }

  /// The state that the open transaction reads, or else the current one. Throws Misuse in a transaction that has
  /// written.
  std::shared_ptr<const HeldSnapshot> snapshot();
  /// Begins a read-only transaction on a snapshot. Throws Misuse if the snapshot is of another database.
  void begin_at(const HeldSnapshot& snapshot);

 protected:
  ConnectionStatistics figures() const override;

 private:
  StatementCache& texts() noexcept { return runner_.texts(); }
  const StatementCache& texts() const noexcept { return runner_.texts(); }
  void run(std::string_view sql);
  StatementResult run_statement(engine::Statement& statement, const core::ParamsView& params);
  void end_transactions();
  void restore();
  void release_savepoint(const std::string& quoted);
  void roll_back_to_savepoint(const std::string& quoted);
  void undo_savepoint(const std::string& quoted);
  void begin_writing(Control begin);
  void enter_read_only();
  void leave_read_only() noexcept;
  template <class Body>
  auto in_one_call(Body&& body);
  template <class Undo>
  void undo_surely(const std::string& text, Undo&& undo);
  void require_unguarded(const char* what) const;

  Runner runner_;
  bool is_lent_ = false;
  bool read_only_transaction_ = false;
  bool restore_writing_ = false;        // at the end of that transaction
  bool touched_ = false;                // something other than plain statements has been done here since the last reset
  std::int64_t temporary_version_ = 0;  // at the time of mark_clean()
};

}  // namespace libsql::local
