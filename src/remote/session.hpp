// A session with a database on a server.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend.hpp"
#include "core/clock.hpp"
#include "core/observer.hpp"
#include "remote/conversation.hpp"
#include "remote/interrupt.hpp"
#include "remote/store.hpp"
#include "remote/text.hpp"

namespace libsql::remote {

class Statement;

class Session final : public core::Session {
 public:
  explicit Session(std::shared_ptr<Store> store);
  ~Session() override;

  engine::Connection* engine_connection() noexcept override { return nullptr; }

  std::uint64_t execute(std::string_view sql, const core::ParamsView& params) override;
  std::shared_ptr<core::Stmt> prepare(std::string_view sql, core::Use use) override;
  using core::Session::prepare;
  std::vector<StatementResult> execute_batch(const core::Batch& batch) override;
  std::optional<std::vector<StatementResult>> execute_atomically(const core::Batch& batch) override;
  std::unique_ptr<core::Bulk> bulk(std::string_view sql) override;

  void begin(TransactionBehavior behavior) override;
  void commit() override;
  void rollback() override;
  void savepoint(core::SavepointStep step, std::string_view name) override;
  void watch(bool on) noexcept override { conversation_.watch(on); }
  void guard_transaction(bool on) noexcept override { guarded_ = on; }
  core::TransactionState transaction_state() const noexcept override {
    return {conversation_.is_open(), conversation_.is_watched(), conversation_.is_lost()};
  }

  const core::Standing& standing() const noexcept override { return standing_; }
  void ping() override;
  void close() override;
  void abandon(std::string reason) noexcept override;
  core::Reset undo_use(core::Reset least) override;
  void mark_clean() override { clean_ = settings_; }
  void release_memory() override;

  std::shared_ptr<core::InterruptState> interrupt_state() noexcept override { return interrupt_; }
  void enter(core::Span span) noexcept override;
  void leave(core::Span span) noexcept override;
  void pause(std::chrono::nanoseconds time) override;
  void report_later(std::exception_ptr failure) noexcept override { to_report_ = std::move(failure); }
  core::SessionSettings settings() const noexcept override { return settings_; }
  void apply(const core::SessionSettings& settings) override { settings_ = settings; }

  core::ChangeCounters counters() const override;
  core::DatabaseFacts facts() const override;
  core::ObserverList& observers() noexcept override { return observers_; }

  // -- what statements, batches and bulk loads use

  /// Everything that must hold before a statement is sent: open, no transaction lost, allowed here.
  void require_sendable(const Text& text);
  /// Runs one statement to its end. Its rows are in the result if they are wanted.
  Ran run(Text& text, const core::ParamsView& params, bool want_rows);
  Description describe(const Text& text);
  /// A statement has run and had these columns. Another client may have changed the schema since it was described.
  void note_columns(Text& text, std::span<const hrana::Col> cols);
  /// The server does not take a text any more that it once described.
  void note_refusal(Text& text, const Error& error) noexcept;
  /// Counts what a finished statement did.
  void note(const Text& text, std::uint64_t affected, std::optional<std::int64_t> rowid, std::uint64_t rows);
  void note_statement() noexcept { ++statistics_.statements; }
  void note_transaction() noexcept { ++statistics_.transactions; }
  void note_commit() noexcept { ++statistics_.commits; }
  void note_rows(std::uint64_t rows) noexcept { statistics_.rows += rows; }
  void note_failure() noexcept { ++statistics_.errors; }

  /// A statement has run; if it is a setting that the session should keep, it is kept.
  void note_setting(const Text& text);

  /// The call that begins now, or goes on: then it may throw Interrupted or Timeout. Its views must outlive it.
  Call call(std::string_view sql, bool reads) const;
  /// Throws Interrupted or Timeout if the call that runs several statements is to end.
  void check_call(std::string_view sql) const;
  CallInterrupt& interrupts() noexcept { return *interrupt_; }
  Conversation& conversation() noexcept { return conversation_; }
  const Conversation& conversation() const noexcept { return conversation_; }
  Store& store() noexcept { return *store_; }
  TextCache& texts() noexcept { return texts_; }

  /// Calls `run` again while another connection holds the lock, as long as the busy timeout allows. Only for what has
  /// done nothing if it throws Busy.
  template <class Run>
  auto patiently(const Call& call, Run&& run);

  /// Statements that live.
  void add(Statement& statement) { live_.push_back(&statement); }
  void remove(Statement& statement) noexcept;
  /// Before anything else is sent on the transaction's stream: the rows that still come on it are taken into memory.
  /// Throws TooBig if they are more than may be kept, TransactionLost if the transaction turns out to be gone. `sql` is
  /// for errors.
  void make_way(std::string_view sql);

 protected:
  ConnectionStatistics figures() const override;

 private:
  std::uint64_t run_text(std::string_view sql);
  net::Deadline new_deadline() const;
  void undo_savepoint(const std::string& quoted);
  void end_cursors() noexcept;
  void end_transactions() noexcept;
  bool keep_rows();
  bool keeps_setting(const Text& text) const noexcept;
  bool is_rollback_of_lost(const Text& text) const noexcept;
  void require_unguarded(const char* what) const;
  static void sleep(std::chrono::nanoseconds time, const Call& call);
  void wait_for_lock(const Call& call, std::chrono::steady_clock::time_point until, unsigned attempt);

  std::shared_ptr<Store> store_;
  std::shared_ptr<CallInterrupt> interrupt_;
  Conversation conversation_;
  TextCache texts_;
  core::ObserverList observers_;
  std::vector<Statement*> live_;
  core::SessionSettings settings_;
  core::SessionSettings clean_;  // those that the next user shall find
  int calls_ = 0;                // that run several statements, one in the other
  int undoing_ = 0;
  bool guarded_ = false;         // the open transaction ends by its handle alone
  net::Deadline call_deadline_;  // of the outermost of them
  core::Standing standing_;
  std::exception_ptr to_report_;
  core::ChangeCounters counters_;
  ConnectionStatistics statistics_;
};

template <class Run>
auto Session::patiently(const Call& call, Run&& run) {
  const bool may_wait = !conversation_.is_open() && settings_.busy_timeout > std::chrono::milliseconds(0);
  const auto until = call.busy_until.value_or(core::SteadyClock::now());
  for (unsigned attempt = 0;; ++attempt) {
    try {
      return run();
    } catch (const Busy& error) {
      if (!may_wait || !error.retryable() || core::SteadyClock::now() >= until) throw;
    }
    wait_for_lock(call, until, attempt);
  }
}

/// Tells the observers of one run, and counts its failure.
class RunScope {
 public:
  RunScope(Session& session, const void* id, std::string_view sql, const core::ParamsView& params)
      : session_(session), id_(id), sql_(sql), observed_(!session.observers().empty()) {
    if (!observed_) return;
    started_ = core::SteadyClock::now();
    session_.observers().started(id_, params);
  }
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;

  void finished(std::uint64_t rows, std::uint64_t changes, std::optional<std::uint64_t> rows_read) noexcept {
    core::StatementRun run;
    run.rows = rows;
    run.changes = changes;
    run.rows_scanned = rows_read;
    tell(run);
  }
  void failed(const Error* error, std::uint64_t rows = 0) noexcept {
    session_.note_failure();
    core::StatementRun run;
    run.rows = rows;
    run.failed = true;
    run.error = error;
    tell(run);
  }

 private:
  void tell(core::StatementRun& run) noexcept {
    if (!observed_) return;
    observed_ = false;
    run.sql = sql_;
    run.duration = core::SteadyClock::now() - started_;
    session_.observers().finished(id_, run);
  }

  Session& session_;
  const void* id_;
  std::string_view sql_;
  bool observed_;
  std::chrono::steady_clock::time_point started_{};
};

}  // namespace libsql::remote
