// transact() with a server whose link breaks: everything happens once, whatever breaks, and what may have happened is
// not done again.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <libsql/libsql.hpp>

#include "support/expect_error.hpp"
#include "support/scripted_wire.hpp"

namespace libsql {
namespace {

using test::error_of;
using test::Exchange;
using test::ScriptedServer;

class RemoteTransact : public ::testing::Test {
 protected:
  RemoteTransact() : server_(std::make_shared<ScriptedServer>()), conn_(connect()) {}
  Connection connect() {
    remote::Options options;
    options.busy_timeout = std::chrono::milliseconds(0);
    options.default_deadline.reset();
    options.retries = 0;
    return server_->database(std::move(options)).connect();
  }
  // Breaks the first `times` exchanges for which `when` says so.
  template <class When>
  void break_link(When when, bool sent, std::size_t times = 1, net::ErrorKind kind = net::ErrorKind::Closed) {
    server_->before = [when, sent, times, kind](const Exchange& exchange) mutable {
      if (times == 0 || !when(exchange)) return;
      --times;
      throw net::NetError(kind, "the link broke", sent);
    };
  }
  void insert_two() {
    conn_.transact([&](Connection& conn) {
      ++runs_;
      conn.execute("INSERT 1");
      conn.execute("INSERT 2");
    });
  }
  std::ptrdiff_t committed(std::string_view text) const {
    return std::count(server_->committed.begin(), server_->committed.end(), text);
  }
  void expect_once() const {
    EXPECT_EQ(committed("INSERT 1"), 1);
    EXPECT_EQ(committed("INSERT 2"), 1);
  }

  std::shared_ptr<ScriptedServer> server_;
  Connection conn_;
  int runs_ = 0;
};

TEST_F(RemoteTransact, AnyLinkThatBreaksBeforeTheCommitIsSentIsSurvived) {
  insert_two();
  const std::size_t exchanges = server_->exchanges.size();
  ASSERT_GE(exchanges, 4u);
  for (const bool sent : {false, true}) {
    for (std::size_t at = 0; at < exchanges; ++at) {
      SCOPED_TRACE("exchange " + std::to_string(at) + (sent ? " after it" : " before it"));
      server_ = std::make_shared<ScriptedServer>();
      conn_ = connect();
      runs_ = 0;
      bool commits = false;
      break_link(
          [&commits, at](const Exchange& exchange) {
            commits |= exchange.number == at && exchange.commits;
            return exchange.number == at;
          },
          sent);
      if (sent && at + 1 == exchanges) {
        EXPECT_FALSE(error_of<Network>([&] { insert_two(); }).outcome_known());
        EXPECT_TRUE(commits);
        EXPECT_EQ(runs_, 1) << "nobody knows whether it was committed";
      } else {
        insert_two();
        EXPECT_LE(runs_, 2);
      }
      expect_once();
      EXPECT_TRUE(conn_.is_autocommit());
      server_->before = nullptr;
      conn_.execute("INSERT afterwards");
      EXPECT_EQ(committed("INSERT afterwards"), 1);
    }
  }
}

TEST_F(RemoteTransact, AStreamThatTheServerGivesUpIsSurvived) {
  bool gone = false;
  server_->gives_up = [&gone](const Exchange& exchange) { return exchange.number == 1 && !std::exchange(gone, true); };
  insert_two();
  EXPECT_EQ(runs_, 2);
  expect_once();
}

TEST_F(RemoteTransact, ALostTransactionThatTheFunctionKeepsToItselfIsTriedAgain) {
  break_link([](const Exchange& exchange) { return exchange.number == 1; }, true);
  conn_.transact([&](Connection& conn) {
    ++runs_;
    try {
      conn.execute("INSERT 1");
    } catch (const Error&) {
    }
  });
  EXPECT_EQ(runs_, 2);
  EXPECT_EQ(committed("INSERT 1"), 1);
}

TEST_F(RemoteTransact, AServerThatStaysAwayEndsTheAttempts) {
  break_link([](const Exchange&) { return true; }, false, static_cast<std::size_t>(-1), net::ErrorKind::Connect);
  EXPECT_THROW(conn_.transact([&] { ++runs_; }, 3), Network);
  EXPECT_EQ(runs_, 0);
  EXPECT_EQ(server_->exchanges.size(), 3u);
}

TEST_F(RemoteTransact, ADatabaseThatIsBusyIsTriedAgain) {
  server_->statements["INSERT busy"] = {.error = "database is locked", .code = "SQLITE_BUSY"};
  EXPECT_THROW(conn_.transact(
                   [&](Connection& conn) {
                     ++runs_;
                     conn.execute("INSERT busy");
                   },
                   3),
               Busy);
  EXPECT_EQ(runs_, 3);
  server_->statements.clear();
  insert_two();
  expect_once();
}

TEST_F(RemoteTransact, AnAnswerThatSaysNothingOfTheCommitIsNotTriedAgain) {
  server_->change = [](const Exchange& exchange, std::string answer) {
    return exchange.commits ? std::string("{") : answer;
  };
  EXPECT_FALSE(error_of<Protocol>([&] { insert_two(); }).outcome_known());
  EXPECT_EQ(runs_, 1);
  expect_once();
}

TEST_F(RemoteTransact, AnUnknownOutcomeOfSomethingElseIsNotTriedAgain) {
  Connection other = connect();
  break_link([](const Exchange& exchange) { return exchange.number == 1; }, true);
  EXPECT_FALSE(error_of<Network>([&] {
                 conn_.transact([&] {
                   ++runs_;
                   other.execute("INSERT elsewhere");
                 });
               }).outcome_known());
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(committed("INSERT elsewhere"), 1);
}

}  // namespace
}  // namespace libsql
