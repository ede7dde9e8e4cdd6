// What sessions share, and how little another kind of them has to say: one that reads from one session and writes to
// another, as a replica will.
#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <libsql/libsql.hpp>

#include "api/access.hpp"
#include "core/backend.hpp"
#include "core/observer.hpp"
#include "core/standing.hpp"
#include "core/statistics.hpp"
#include "local/options.hpp"
#include "local/session.hpp"
#include "local/store.hpp"
#include "sql/classify.hpp"
#include "support/expect_error.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::core {
namespace {

using test::error_of;

// Tells the observers of one session what those of another are told.
class Relay final : public StatementObserver {
 public:
  explicit Relay(ObserverList& to) : to_(to) {}
  void started(const void* run, const ParamsView& params) noexcept override { to_.started(run, params); }
  void finished(const void* run, const StatementRun& ended) noexcept override { to_.finished(run, ended); }
  void refused(std::string_view sql, const Error& error) noexcept override { to_.refused(sql, error); }

 private:
  ObserverList& to_;
};

const Features& replica_features() {
  static const Features kFeatures(Mode::Replica);
  return kFeatures;
}

class ForwardingSession final : public Session {
 public:
  ForwardingSession(std::shared_ptr<Session> copy, std::shared_ptr<Session> primary)
      : Session(replica_features()), copy_(std::move(copy)), primary_(std::move(primary)) {
    set_initial_settings(copy_->settings());
    for (Session* const session : both()) {
      session->add_observer(std::make_shared<Relay>(observers_), ObserverLife::Connection);
    }
  }

  engine::Connection* engine_connection() noexcept override { return copy_->engine_connection(); }

  std::uint64_t execute(std::string_view sql, const ParamsView& params) override {
    return at(sql).execute(sql, params);
  }
  std::shared_ptr<Stmt> prepare(std::string_view sql, Use use) override { return at(sql).prepare(sql, use); }
  std::vector<StatementResult> execute_batch(const Batch& batch) override { return primary_->execute_batch(batch); }

  void begin(TransactionBehavior behavior) override { primary_->begin(behavior); }
  void commit() override {
    primary_->commit();
    forget_handles();
  }
  void rollback() override {
    primary_->rollback();
    forget_handles();
  }
  void savepoint(SavepointStep step, std::string_view name) override {
    try {
      primary_->savepoint(step, name);
    } catch (...) {
      set_was_done(primary_->was_done());
      throw;
    }
  }
  void watch(bool on) noexcept override { primary_->watch(on); }
  void guard_transaction(bool on) noexcept override { primary_->guard_transaction(on); }
  TransactionState transaction_state() const noexcept override { return primary_->transaction_state(); }

  const Standing& standing() const noexcept override { return primary_->standing(); }
  void ping() override { primary_->ping(); }
  void close() override {
    for (Session* const session : both()) session->close();
  }
  void abandon(std::string reason) noexcept override {
    forget_handles();
    for (Session* const session : both()) session->abandon(reason);
  }
  Reset undo_use(Reset least) override {
    forget_handles();
    copy_->undo_use(least);
    return primary_->undo_use(least);
  }
  void mark_clean() override {
    for (Session* const session : both()) session->mark_clean();
  }
  void release_memory() override {
    for (Session* const session : both()) session->release_memory();
  }

  std::shared_ptr<InterruptState> interrupt_state() noexcept override { return primary_->interrupt_state(); }
  void enter(Span span) noexcept override {
    for (Session* const session : both()) session->enter(span);
  }
  void leave(Span span) noexcept override {
    for (Session* const session : both()) session->leave(span);
  }
  void pause(std::chrono::nanoseconds time) override { primary_->pause(time); }
  void report_later(std::exception_ptr failure) noexcept override { primary_->report_later(std::move(failure)); }
  SessionSettings settings() const noexcept override { return primary_->settings(); }
  void apply(const SessionSettings& settings) override {
    for (Session* const session : both()) session->apply(settings);
  }

  ChangeCounters counters() const override { return primary_->counters(); }
  DatabaseFacts facts() const override { return copy_->facts(); }
  ObserverList& observers() noexcept override { return observers_; }

 protected:
  ConnectionStatistics figures() const override {
    ConnectionStatistics sum = primary_->statistics();
    add(sum, copy_->statistics());
    return sum;
  }

 private:
  std::vector<Session*> both() const { return {copy_.get(), primary_.get()}; }
  Session& at(std::string_view sql) const noexcept {
    const TransactionState state = primary_->transaction_state();
    const bool inside = state.is_open || state.is_watched;
    return inside || sql::classify(sql).access != sql::Access::Read ? *primary_ : *copy_;
  }

  std::shared_ptr<Session> copy_;
  std::shared_ptr<Session> primary_;
  ObserverList observers_;
};

class ThirdBackend : public ::testing::Test {
 protected:
  ThirdBackend() { conn_.execute("CREATE TABLE t(a INTEGER PRIMARY KEY)"); }
  std::shared_ptr<Session> open() {
    local::Options options;
    options.path = directory_.file("x.db");
    return std::make_shared<local::Session>(std::make_shared<local::Store>(std::move(options)));
  }
  std::int64_t count() { return std::get<0>(conn_.query_row<std::int64_t>("SELECT count(*) FROM t")); }

  test::TemporaryDirectory directory_;
  std::shared_ptr<Session> copy_ = open();
  std::shared_ptr<Session> primary_ = open();
  Connection conn_ = detail::Access::connection(std::make_shared<ForwardingSession>(copy_, primary_));
};

TEST_F(ThirdBackend, ReadsFromOneSessionAndWritesToTheOther) {
  EXPECT_EQ(conn_.execute("INSERT INTO t VALUES (5), (6)"), 2u);
  EXPECT_EQ(count(), 2);
  EXPECT_EQ(conn_.last_insert_rowid(), 6);
  EXPECT_EQ(copy_->counters().changes, 0u);
  EXPECT_EQ(primary_->counters().changes, 2u);
  EXPECT_EQ(conn_.statistics().statements, 3u);
  EXPECT_EQ(copy_->statistics().statements, 1u);
}

TEST_F(ThirdBackend, HasTransactionsAndSavepointsOfHandles) {
  {
    Transaction outer = conn_.transaction();
    conn_.execute("INSERT INTO t VALUES (1)");
    {
      Transaction inner = conn_.transaction();
      conn_.execute("INSERT INTO t VALUES (2)");
    }
    Savepoint first = conn_.savepoint("mark");
    conn_.execute("INSERT INTO t VALUES (3)");
    Savepoint second = conn_.savepoint("mark");
    conn_.execute("INSERT INTO t VALUES (4)");
    second.rollback();
    first.release();
    EXPECT_THROW(second.release(), Misuse);
    EXPECT_EQ(count(), 2);
    outer.commit();
  }
  EXPECT_EQ(count(), 2);
  {
    Transaction lost = conn_.transaction();
    conn_.execute("INSERT INTO t VALUES (7)");
    conn_.reset();
    EXPECT_FALSE(lost.is_open());
    EXPECT_THROW(lost.commit(), TransactionLost);
  }
  EXPECT_EQ(count(), 2);
}

TEST_F(ThirdBackend, ASavepointWhoseEndAListenerSpoilsHasEnded) {
  conn_.execute("BEGIN");
  {
    Savepoint savepoint = conn_.savepoint("mark");
    conn_.execute("INSERT INTO t VALUES (1)");
    Hooks hooks(detail::Access::connection(primary_));
    const Subscription spoiler = hooks.on_profile([](const StatementEvent& event, std::chrono::nanoseconds) {
      if (event.sql().starts_with("RELEASE")) throw std::runtime_error("spoiled");
    });
    EXPECT_THROW(savepoint.release(), std::runtime_error);
    EXPECT_FALSE(savepoint.is_open());
  }
  conn_.execute("COMMIT");
  EXPECT_EQ(count(), 1);
}

TEST_F(ThirdBackend, RunsBatchesAllOrNothing) {
  EXPECT_THROW(conn_.execute_transactional_batch("INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)"), Constraint);
  EXPECT_EQ(count(), 0);
  const std::vector<std::int64_t> keys = {1, 2, 3};
  EXPECT_EQ(conn_.execute_many("INSERT INTO t VALUES (?)", keys), 3u);
  EXPECT_EQ(count(), 3);
}

TEST_F(ThirdBackend, TellsSettingsObserversAndItsEnd) {
  conn_.busy_timeout(std::chrono::milliseconds(7));
  conn_.deadline(std::chrono::milliseconds(900'000));
  EXPECT_EQ(copy_->settings().busy_timeout, std::chrono::milliseconds(7));
  EXPECT_EQ(primary_->settings().deadline, std::chrono::milliseconds(900'000));
  int logged = 0;
  const QueryLogGuard guard = log_queries(conn_, QueryLog([&](const QueryEvent&) { ++logged; }));
  conn_.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(logged, 2);
  EXPECT_TRUE(conn_.path().ends_with("x.db"));
  EXPECT_THROW(conn_.set_reserved_bytes(8), Unsupported);  // though the copy has an engine
  {
    const Statement open = conn_.prepare("INSERT INTO t VALUES (?)");
    EXPECT_NE(error_of<Misuse>([&] { conn_.close(); }).message().find("1 statement is still in use"),
              std::string::npos);
  }
  detail::Access::session(conn_)->abandon("it was enough");
  EXPECT_TRUE(conn_.is_closed());
  EXPECT_NE(error_of<Misuse>([&] { conn_.changes(); }).message().find("it was enough"), std::string::npos);
}

TEST(Standing, IsGoodUntilItEndsAndThenSaysWhy) {
  Standing standing;
  standing.require();
  EXPECT_TRUE(standing.is_good());
  standing.end("gone");
  EXPECT_FALSE(standing.is_good());
  const Misuse error = error_of<Misuse>([&] { standing.require(); });
  EXPECT_EQ(error.message(), "gone");
  EXPECT_FALSE(error.session_usable());
  standing.end("");
  EXPECT_FALSE(standing.is_good());
}

TEST(StatementsInUse, AreNamedUpToFive) {
  StatementsInUse in_use;
  in_use.require_none();
  for (const char* const sql : {"A", "B", "C", "D", "E", "F"}) in_use.add(sql);
  const std::string message = error_of<Misuse>([&] { in_use.require_none(); }).message();
  EXPECT_EQ(message, "the connection cannot be closed: 6 statements are still in use: 'A', 'B', 'C', 'D', 'E'");
}

TEST(Statistics, ADifferenceKeepsWhatIsOfNow) {
  ConnectionStatistics before;
  before.statements = 3;
  before.cached_bytes = 100;
  ConnectionStatistics now = before;
  now.statements = 10;
  now.busy_waits = 2;
  const ConnectionStatistics difference = since(now, before);
  EXPECT_EQ(difference.statements, 7u);
  EXPECT_EQ(difference.busy_waits, 2u);
  EXPECT_EQ(difference.cached_bytes, 100u);
  ConnectionStatistics sum = difference;
  add(sum, difference);
  EXPECT_EQ(sum.statements, 14u);
  EXPECT_EQ(sum.cached_bytes, 100u);
}

TEST(Observers, AChangeThatOneMakesIsToldWhenAllHaveBeen) {
  struct Leaver final : StatementObserver {
    explicit Leaver(ObserverList& where) : list(where) {}
    void started(const void*, const ParamsView&) noexcept override {}
    void finished(const void*, const StatementRun&) noexcept override {
      ++told;
      list.remove(this);
    }
    ObserverList& list;
    int told = 0;
  };
  int changes = 0;
  ObserverList list([&] { ++changes; });
  const auto first = std::make_shared<Leaver>(list);
  const auto second = std::make_shared<Leaver>(list);
  list.add(first, ObserverLife::Connection);
  list.add(second, ObserverLife::UntilReset);
  EXPECT_EQ(changes, 2);
  EXPECT_TRUE(list.has_until_reset());
  list.finished(nullptr, {});
  list.finished(nullptr, {});
  EXPECT_EQ(first->told, 1);
  EXPECT_EQ(second->told, 1);
  EXPECT_EQ(changes, 3);
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace libsql::core
