// A session with a file of this machine.
#pragma once

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

  engine::Connection* engine_connection() noexcept override {
    touched_ = true;  // by what it leaves there
    return &connection();
  }

  std::uint64_t execute(std::string_view sql, const core::ParamsView& params) override;
  std::shared_ptr<core::Stmt> prepare(std::string_view sql) override;
  std::shared_ptr<core::Stmt> open(std::string_view sql, const core::ParamsView& params) override;
  std::shared_ptr<core::Stmt> open_undoable(std::string_view sql, const core::ParamsView& params,
                                            detail::Wanted wanted) override;
  std::vector<StatementResult> execute_batch(std::string_view script) override;
  std::vector<StatementResult> execute_batch(std::span<const BatchStatement> statements) override;

  void begin(TransactionBehavior behavior) override;
  void commit() override;
  void rollback() override;
  bool in_transaction() const noexcept override { return connection().is_in_transaction(); }
  void savepoint(std::string_view name) override;
  void release_savepoint(std::string_view name) override;
  void rollback_to_savepoint(std::string_view name) override;
  void undo_savepoint(std::string_view name) override;
  bool was_done() const noexcept override { return connection().last_run_was_done(); }
  void refuse_writes() override { connection().refuse_writes(engine::Connection::ReadOnlyReason::Session); }
  void watch(bool on) noexcept override { connection().set_in_transaction(on); }
  void begin_call() noexcept override { connection().begin_call(); }
  void end_call() noexcept override { connection().end_call(); }
  void begin_undo() noexcept override { connection().begin_undo(); }
  void end_undo() noexcept override { connection().end_undo(); }
  void report_later(std::exception_ptr failure) noexcept override { connection().report_later(std::move(failure)); }
  void renew_interrupts() override { connection().renew_interrupts(); }
  void abandon(std::string reason) noexcept override;

  void ping() override;
  void close() override;
  bool is_closed() const noexcept override { return connection().is_closed(); }
  void reset() override;
  Recycled recycle() override;
  void mark_clean() override;
  /// Whether something was left here since mark_clean() that the next user must not find, beside an open transaction.
  bool is_soiled() const noexcept {
    return touched_ || texts().leaves_traces() || connection().temporary_version() != temporary_version_;
  }
  void release_memory() override;
  std::shared_ptr<core::InterruptState> interrupt_state() noexcept override { return connection().interrupt_state(); }
  void set_busy_timeout(std::chrono::milliseconds timeout) override {
    touched_ = true;
    connection().set_busy_timeout(timeout);
  }
  std::chrono::milliseconds busy_timeout() const noexcept override { return connection().busy_timeout(); }
  void set_deadline(std::optional<std::chrono::milliseconds> limit) override {
    touched_ = true;
    connection().set_deadline(limit);
  }
  std::optional<std::chrono::milliseconds> default_deadline() const noexcept;
  std::optional<std::chrono::milliseconds> deadline() const noexcept override { return connection().deadline(); }

  void rekey(std::span<const std::byte> key) override;
  std::uint64_t changes() override;
  std::uint64_t total_changes() override;
  std::int64_t last_insert_rowid() override;
  bool is_autocommit() override;
  bool is_readonly() override { return connection().is_readonly(); }
  std::string path() override;
  void add_observer(std::shared_ptr<core::StatementObserver> observer, core::ObserverLife life) override;
  void remove_observer(const core::StatementObserver* observer) noexcept override {
    connection().remove_observer(observer);
  }
  ConnectionStatistics statistics() const override;
  void reset_statistics() override;

  Store& store() const noexcept { return runner_.store(); }
  engine::Connection& connection() const noexcept { return runner_.connection(); }

  /// The state that the open transaction reads, or now. Throws Misuse in a transaction that has written.
  std::shared_ptr<const HeldSnapshot> snapshot();
  /// Begins a read-only transaction at a snapshot. Throws Misuse for one of another database.
  void begin_at(const HeldSnapshot& snapshot);

 private:
  StatementCache& texts() noexcept { return runner_.texts(); }
  const StatementCache& texts() const noexcept { return runner_.texts(); }
  void run(std::string_view sql);
  StatementResult run_statement(engine::Statement& statement, const core::ParamsView& params);
  void end_transactions();
  void begin_writing(Control begin);
  void enter_read_only();
  void leave_read_only() noexcept;
  template <class Body>
  auto in_one_call(Body&& body);
  template <class Undo>
  void undo_surely(const std::string& text, Undo&& undo);
  void require_unguarded(const char* what) const;

  Runner runner_;
  bool read_only_transaction_ = false;
  bool restore_writing_ = false;        // after it
  bool touched_ = false;                // something other than plain statements was done here since the last reset
  std::int64_t temporary_version_ = 0;  // when the connection was marked clean
};

}  // namespace libsql::local
