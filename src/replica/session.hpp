// A session of a replica: it reads its own copy and writes at the primary. It owns a session of each.
//
// A transaction is in one place from its beginning to its end: one that may only read reads the copy, as of one state;
// every other is the primary's, its reads included, so that they see what it has written and nothing can come between
// them and a write. Outside transactions each statement goes where it belongs.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend.hpp"
#include "core/observer.hpp"
#include "engine/change_feed.hpp"
#include "local/session.hpp"
#include "net/interrupt.hpp"
#include "remote/interrupt.hpp"
#include "replica/route.hpp"
#include "replica/store.hpp"

namespace libsql::replica {

class Statement;

/// Where something runs now.
enum class Place : std::uint8_t { Copy, Primary };

class Session final : public core::Session {
 public:
  explicit Session(std::shared_ptr<Store> store);
  ~Session() override;

  engine::Connection* engine_connection() noexcept override { return copy_->engine_connection(); }

  std::uint64_t execute(std::string_view sql, const core::ParamsView& params) override;
  std::shared_ptr<core::Stmt> prepare(std::string_view sql, core::Use use) override;
  std::shared_ptr<core::Stmt> open(std::string_view sql, const core::ParamsView& params,
                                   std::optional<detail::Wanted> few) override;
  std::vector<StatementResult> execute_batch(const core::Batch& batch) override;
  std::optional<std::vector<StatementResult>> execute_atomically(const core::Batch& batch) override;
  std::unique_ptr<core::Bulk> bulk(std::string_view sql) override;

  void begin(TransactionBehavior behavior) override;
  void commit() override;
  void rollback() override;
  void savepoint(core::SavepointStep step, std::string_view name) override;
  void watch(bool on) noexcept override;
  void guard_transaction(bool on) noexcept override;
  core::TransactionState transaction_state() const noexcept override;

  const core::Standing& standing() const noexcept override;
  void ping() override;
  void close() override;
  void abandon(std::string reason) noexcept override;
  core::Reset undo_use(core::Reset least) override;
  void mark_clean() override;
  void release_memory() override;

  std::shared_ptr<core::InterruptState> interrupt_state() noexcept override;
  void enter(core::Span span) noexcept override;
  void leave(core::Span span) noexcept override;
  void pause(std::chrono::nanoseconds time) override;
  void report_later(std::exception_ptr failure) noexcept override { to_report_ = std::move(failure); }
  core::SessionSettings settings() const noexcept override { return settings_; }
  void apply(const core::SessionSettings& settings) override;

  core::ChangeCounters counters() const override;
  core::DatabaseFacts facts() const override;
  core::ObserverList& observers() noexcept override { return observers_; }

  // -- what its statements use

  /// Where a statement runs that begins now; one that reads the copy sees what was written before. Throws what
  /// report_later() was given; ReadOnly where it cannot be written; Unsupported for what is about the file.
  Place place(Route route, std::string_view sql);
  local::Session& copy() noexcept { return *copy_; }
  core::Session& primary(std::string_view sql);
  /// What is read on the copy now has what was written before. Throws as Replica::sync().
  void read_own_writes();
  /// Whether the text is to be understood where the open transaction is.
  bool is_at_primary() const noexcept;
  /// Runs something at the primary, and notes what it means for the copy.
  template <class Run>
  auto at_primary(bool may_write, Run&& run);
  void add(Statement& statement) { live_.push_back(&statement); }
  void remove(Statement& statement) noexcept;

  /// From the thread that applies frames, too.
  engine::ChangeFeed& feed() noexcept { return *feed_; }

 protected:
  ConnectionStatistics figures() const override;

 private:
  class Interrupts;

  bool is_at_copy() const noexcept;
  bool has_authorizer() const noexcept;
  /// What runs at the primary is compiled here first, for the authorizers of this connection. Throws Auth.
  void authorize(Route route, std::string_view sql);
  void authorize(const core::Batch& batch);
  core::Session& holder() noexcept;
  void require_usable(std::string_view sql);
  enum class Wrote : std::uint8_t { Nothing, IfTold, Maybe };
  void note_primary(Wrote wrote) noexcept;
  void set_at_primary(std::string_view sql);
  std::vector<StatementResult> run_one_by_one(const core::Batch& batch);
  void relay_observers();

  std::shared_ptr<Store> store_;
  std::shared_ptr<local::Session> copy_;
  std::shared_ptr<core::Session> primary_;  // null: there is none
  std::shared_ptr<remote::CallInterrupt> waits_ = std::make_shared<remote::CallInterrupt>();
  const std::shared_ptr<engine::ChangeFeed> feed_ = std::make_shared<engine::ChangeFeed>();
  core::ObserverList observers_;
  std::shared_ptr<core::StatementObserver> relay_;
  std::vector<Statement*> live_;
  core::SessionSettings settings_;
  core::SessionSettings clean_;
  int calls_ = 0;
  net::Deadline call_deadline_;
  core::Standing standing_;
  std::exception_ptr to_report_;
};

template <class Run>
auto Session::at_primary(bool may_write, Run&& run) {
  struct Note {
    Session& session;
    Wrote wrote;
    ~Note() { session.note_primary(wrote); }
  };
  Note note{*this, may_write ? Wrote::Maybe : Wrote::Nothing};
  try {
    return run();
  } catch (const Error& error) {
    // What is known to have failed has written nothing; but of a batch, those before it may have.
    const bool is_known = error.outcome_known() && !error.write_committed() && error.statement_index().value_or(0) == 0;
    if (may_write && is_known) note.wrote = Wrote::IfTold;
    throw;
  }
}

}  // namespace libsql::replica
