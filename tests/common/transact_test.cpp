// transact(): what it commits, what it tries again, and what it never does.
#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <libsql/hooks.hpp>

#include "common/common_fixture.hpp"

namespace libsql::test {
namespace {

using namespace std::chrono_literals;

class CommonTransact : public AllModes {
 protected:
  CommonTransact() : other_(db_.connect()) {
    conn_.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    other_.busy_timeout(0ms);
  }
  // Inside a transact() of conn_, which holds the write lock.
  void be_busy() { other_.execute("INSERT INTO t VALUES (100, 'other')"); }

  Connection other_;
  int runs_ = 0;
};
LIBSQL_IN_ALL_MODES(CommonTransact);

TEST_P(CommonTransact, CommitsAndReturnsWhatTheFunctionReturned) {
  const std::string result = conn_.transact([&](Connection& conn) {
    EXPECT_FALSE(conn_.is_autocommit());
    conn.execute("INSERT INTO t VALUES (1, 'x')");
    EXPECT_EQ(other_.query_value<int>("SELECT count(*) FROM t"), 0);
    return conn.query_value<std::string>("SELECT b FROM t");
  });
  EXPECT_EQ(result, "x");
  conn_.transact([&] { conn_.execute("INSERT INTO t VALUES (2, 'y')"); });
  EXPECT_EQ(conn_.transact([&] { return count(); }, {.behavior = TransactionBehavior::ReadOnly}), 2);
  EXPECT_THROW(conn_.transact([](Connection& conn) { conn.execute("DELETE FROM t"); },
                              {.behavior = TransactionBehavior::ReadOnly}),
               ReadOnly);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(other_.query_value<int>("SELECT count(*) FROM t"), 2);
}

TEST_P(CommonTransact, AnExceptionUndoesAllAndIsNotTriedAgain) {
  const auto insert_and_throw = [&](Connection& conn) {
    ++runs_;
    conn.execute("INSERT INTO t VALUES (1, 'x')");
    throw std::logic_error("mine");
  };
  EXPECT_THROW(conn_.transact(insert_and_throw), std::logic_error);
  EXPECT_THROW(conn_.transact([&](Connection& conn) {
    ++runs_;
    conn.execute("INSERT INTO t VALUES (1, 'x')");
    conn.execute("INSERT INTO t VALUES (1, 'x')");
  }),
               Constraint);
  EXPECT_EQ(runs_, 2);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 0);
}

TEST_P(CommonTransact, WhatIsBusyIsTriedAgain) {
  conn_.transact(
      [&](Connection& conn) {
        conn.execute("INSERT INTO t VALUES (?, 'mine')", ++runs_);
        if (runs_ < 3) be_busy();
      },
      3);
  EXPECT_EQ(runs_, 3);
  EXPECT_EQ(conn_.query_column<int>("SELECT a FROM t"), std::vector{3}) << "nothing stays of the attempts before";
}

TEST_P(CommonTransact, AttemptsAreCounted) {
  EXPECT_THROW(conn_.transact(
                   [&] {
                     ++runs_;
                     be_busy();
                   },
                   2),
               Busy);
  EXPECT_EQ(runs_, 2);
  for (const int none : {0, -1, std::numeric_limits<int>::min()}) {
    EXPECT_THROW(conn_.transact([&] { ++runs_; }, none), OutOfRange);
  }
  EXPECT_EQ(runs_, 2);
  EXPECT_TRUE(conn_.is_autocommit());
}

TEST_P(CommonTransact, ALockThatIsNotToBeHadIsAskedForAgain) {
  Transaction holder = other_.transaction(TransactionBehavior::Immediate);
  conn_.busy_timeout(0ms);
  EXPECT_THROW(conn_.transact([&] { ++runs_; }, 2), Busy);
  EXPECT_EQ(runs_, 0);
  holder.rollback();
  conn_.transact([&] { ++runs_; }, 1);
  EXPECT_EQ(runs_, 1);
}

TEST_P(CommonTransact, AStateThatIsOutOfDateIsReadAnew) {
  conn_.execute("INSERT INTO t VALUES (1, 0)");
  conn_.transact(
      [&](Connection& conn) {
        const int seen = conn.query_value<int>("SELECT b FROM t WHERE a = 1");
        if (++runs_ == 1) other_.execute("UPDATE t SET b = 10 WHERE a = 1");
        conn.execute("UPDATE t SET b = ? WHERE a = 1", seen + 1);
      },
      {.behavior = TransactionBehavior::Deferred});
  EXPECT_EQ(runs_, 2);
  EXPECT_EQ(conn_.query_value<int>("SELECT b FROM t"), 11);
}

TEST_P(CommonTransact, ATransactionThatTheEngineRolledBackIsTriedAgain) {
  conn_.execute("INSERT INTO t VALUES (1, 'there')");
  conn_.transact([&](Connection& conn) {
    conn.execute("INSERT INTO t VALUES (2, 'mine')");
    if (++runs_ == 1) {
      try {
        conn.execute("INSERT OR ROLLBACK INTO t VALUES (1, 'x')");
      } catch (const Constraint&) {
      }
    }
    conn.execute("INSERT INTO t VALUES (3, 'mine')");
  });
  EXPECT_EQ(runs_, 2);
  EXPECT_EQ(conn_.query_column<int>("SELECT a FROM t ORDER BY a"), (std::vector{1, 2, 3}));
}

TEST_P(CommonTransact, InATransactionItIsASavepointAndTheOuterOneIsTriedAgain) {
  Transaction outer = conn_.transaction();
  conn_.execute("INSERT INTO t VALUES (1, 'outer')");
  EXPECT_THROW(conn_.transact([&](Connection& conn) {
    ++runs_;
    conn.execute("INSERT INTO t VALUES (2, 'inner')");
    be_busy();
  }),
               Busy);
  EXPECT_EQ(runs_, 1) << "the lock is the outer transaction's";
  conn_.transact([](Connection& conn) { conn.execute("INSERT INTO t VALUES (3, 'inner')"); });
  EXPECT_FALSE(conn_.is_autocommit());
  outer.commit();
  EXPECT_EQ(conn_.query_column<int>("SELECT a FROM t ORDER BY a"), (std::vector{1, 3}));

  int outer_runs = 0;
  runs_ = 0;
  conn_.transact([&](Connection& conn) {
    ++outer_runs;
    conn.transact([&] {
      if (++runs_ == 1) be_busy();
    });
    EXPECT_THROW(conn.execute("COMMIT"), Misuse) << "the inner one has not lifted the guard of the outer one";
  });
  EXPECT_EQ(outer_runs, 2);
  EXPECT_EQ(runs_, 2);
}

TEST_P(CommonTransact, InATransactionThatIsLostNothingIsTriedAgain) {
  conn_.execute("INSERT INTO t VALUES (1, 'there')");
  Transaction outer = conn_.transaction();
  conn_.execute("INSERT INTO t VALUES (2, 'outer')");
  EXPECT_THROW(conn_.execute("INSERT OR ROLLBACK INTO t VALUES (1, 'x')"), Constraint);
  conn_.deadline(2s);  // which many attempts would outlast
  EXPECT_THROW(conn_.transact([&] { ++runs_; }, std::numeric_limits<int>::max()), TransactionLost);
  EXPECT_EQ(runs_, 0);
  outer.rollback();
  conn_.transact([&] { ++runs_; });
  EXPECT_EQ(runs_, 1);
}

TEST_P(CommonTransact, NothingInsideEndsTheTransaction) {
  Statement prepared = conn_.prepare("COMMIT");
  conn_.transact([&](Connection& conn) {
    conn.execute("INSERT INTO t VALUES (1, 'x')");
    EXPECT_THROW(conn.execute("COMMIT"), Misuse);
    EXPECT_THROW(conn.execute("ROLLBACK"), Misuse);
    EXPECT_THROW(conn.query("END"), Misuse);
    EXPECT_THROW(conn.execute("BEGIN"), Misuse);
    EXPECT_THROW(conn.execute_batch("INSERT INTO t VALUES (2, 'x'); COMMIT"), Misuse);
    EXPECT_THROW(prepared.execute(), Misuse);
    EXPECT_THROW(conn.close(), Misuse);
    EXPECT_THROW(conn.reset(), Misuse);
    EXPECT_FALSE(conn.is_autocommit());
    // What is nested is no end of it.
    conn.execute("DELETE FROM t WHERE a = 2");
    conn.execute_batch("SAVEPOINT s; INSERT INTO t VALUES (3, 'x'); ROLLBACK TO s; RELEASE s");
    conn.execute_transactional_batch("INSERT INTO t VALUES (4, 'x'); INSERT INTO t VALUES (5, 'x')");
    conn.execute_many("INSERT INTO t VALUES (?, 'x')", std::vector{6, 7});
    Transaction nested = conn.transaction();
    conn.execute("INSERT INTO t VALUES (8, 'x')");
    nested.rollback();
  });
  EXPECT_EQ(conn_.query_column<int>("SELECT a FROM t ORDER BY a"), (std::vector{1, 4, 5, 6, 7}));
  conn_.execute("BEGIN");
  conn_.execute("COMMIT");
  EXPECT_THROW(conn_.transact([] { throw std::logic_error("mine"); }), std::logic_error);
  conn_.reset();
  EXPECT_THROW(conn_.transact([](Connection& conn) { conn.execute("COMMIT"); }), Misuse);
  EXPECT_TRUE(conn_.is_autocommit());
  prepared.finalize();
  conn_.close();
}

TEST_P(CommonTransact, ACommitThatAConstraintRefusesIsUndoneAndNotTriedAgain) {
  conn_.execute_batch(
      "CREATE TABLE parent(a INTEGER PRIMARY KEY);"
      "CREATE TABLE child(a REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
  EXPECT_THROW(conn_.transact([&](Connection& conn) {
    ++runs_;
    conn.execute("INSERT INTO child VALUES (1)");
  }),
               Constraint);
  EXPECT_EQ(runs_, 1);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count("child"), 0);
}

TEST_P(CommonTransact, AnInterruptEndsItInThePauseToo) {
  EXPECT_THROW(conn_.transact(
                   [&](Connection& conn) {
                     if (++runs_ == 3) conn.interrupt();
                     be_busy();
                   },
                   1000),
               Interrupted);
  EXPECT_EQ(runs_, 3);
  EXPECT_THROW(conn_.transact([&](Connection& conn) {
    conn.execute("INSERT INTO t VALUES (1, 'x')");
    conn_.interrupt_handle().interrupt();  // between two statements
  }),
               Interrupted);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 0);
}

TEST_P(CommonTransact, ADeadlineIsForAllAttempts) {
  conn_.deadline(200ms);
  EXPECT_THROW(conn_.transact([&] { be_busy(); }, std::numeric_limits<int>::max()), Timeout);
  conn_.deadline(std::nullopt);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 0);
}

TEST_P(CommonTransact, AFailureThatFollowsTheCommitIsNotTriedAgain) {
  if (is_remote()) return;  // listeners of statements are the engine's
  Hooks hooks(conn_);
  {
    const auto subscription = hooks.on_profile([&](const StatementEvent& event, std::chrono::nanoseconds) {
      if (event.sql() != "COMMIT") return;
      const Transaction holder = other_.transaction(TransactionBehavior::Immediate);
      Connection third = db_.connect();
      third.busy_timeout(0ms);
      third.execute("INSERT INTO t(b) VALUES (100)");  // retryable, if it were not for the commit
    });
    EXPECT_THROW(conn_.transact([&](Connection& conn) { conn.execute("INSERT INTO t(b) VALUES (?)", ++runs_); }), Busy);
  }
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(count(), 1);
}

}  // namespace
}  // namespace libsql::test
