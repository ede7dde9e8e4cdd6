// One program for a server, and each exchange of it goes wrong once: the link breaks before the server has worked or
// after it, or the answer is another one than it should be. Whatever happens, all of a transaction is there or none of
// it, nothing of it runs outside it, and a lost transaction is lost until it is rolled back.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/libsql.hpp>

#include "support/expect_error.hpp"
#include "support/scripted_wire.hpp"

namespace libsql {
namespace {

using test::Exchange;
using test::ScriptedServer;

constexpr const char* kRows = "SELECT a FROM t";

// Servers of version 2 and 3, and one of version 3 that does not know how long a client wants to wait for a lock.
enum class Peer { Two, Three, Foreign };
std::ostream& operator<<(std::ostream& out, Peer peer) {
  return out << (peer == Peer::Two ? "Two" : peer == Peer::Three ? "Three" : "Foreign");
}

std::shared_ptr<ScriptedServer> new_server(Peer peer) {
  auto server = std::make_shared<ScriptedServer>();
  server->version = peer == Peer::Two ? 2 : 3;
  server->keeps_to_busy_timeout = peer != Peer::Foreign;
  server->statements[kRows] = {.columns = {"a"}, .rows = {{1}, {2}, {3}}};
  server->statements["INSERT alone"] = {.affected = 1};
  return server;
}

Connection connect_to(ScriptedServer& server) {
  remote::Options options;
  options.busy_timeout = std::chrono::milliseconds(0);
  options.default_deadline.reset();
  return server.database(std::move(options)).connect();
}

enum class Committed { Yes, No, Unknown };

// What the program was told of its transaction.
struct Told {
  Committed transaction = Committed::No;
  Committed bulk = Committed::No;
  Committed batch = Committed::No;
  bool lost = false;
  std::size_t failures = 0;
};

// Runs one part, which is all or nothing; says whether it was done.
template <class Part>
Committed attempt(Told& told, Part&& part) {
  try {
    part();
    return Committed::Yes;
  } catch (const Error& error) {
    ++told.failures;
    return error.outcome_known() ? Committed::No : Committed::Unknown;
  }
}

// Once lost, a transaction is lost for every verb, and nobody tells the server of any of them.
void expect_lost(Connection& conn, ScriptedServer& server) {
  const std::size_t before = server.exchanges.size();
  EXPECT_THROW(conn.execute("INSERT lost"), TransactionLost);
  EXPECT_THROW(conn.query(kRows), TransactionLost);
  EXPECT_THROW(conn.query_value<int>(kRows), TransactionLost);
  EXPECT_THROW(conn.prepare("SELECT other FROM t"), TransactionLost);
  EXPECT_THROW(conn.execute_batch("INSERT lost; INSERT lost"), TransactionLost);
  EXPECT_THROW(conn.execute_transactional_batch("INSERT lost; INSERT lost"), TransactionLost);
  EXPECT_THROW(conn.execute_many("INSERT lost", std::vector<int>{1, 2}), TransactionLost);
  EXPECT_THROW(conn.savepoint("s"), TransactionLost);
  EXPECT_EQ(server.exchanges.size(), before);
}

Told run_program(Connection& conn, ScriptedServer& server) {
  Told told;
  attempt(told, [&] { conn.query(kRows).fetch_all(); });
  attempt(told, [&] { conn.execute("INSERT alone"); });
  {
    std::optional<Transaction> tx;
    told.transaction = attempt(told, [&] {
      tx.emplace(conn.transaction(TransactionBehavior::Immediate));
      conn.execute("INSERT tx 1");
      Rows rows = conn.query(kRows);
      rows.next();
      conn.execute("INSERT tx 2");
      while (rows.next()) {
      }
      conn.execute_batch("INSERT tx 3; INSERT tx 4");
      {
        Savepoint inner = conn.savepoint("inner");
        conn.execute("SELECT 1");
      }
      conn.execute_transactional_batch("INSERT tx 5; INSERT tx 6");
      Rows few = conn.query(kRows);
      few.next();
      tx->commit();
    });
    // A failure may also leave the transaction open, and what is done then is the program's.
    if (told.transaction != Committed::Yes && tx && tx->is_open() && conn.is_autocommit()) {
      told.lost = true;
      expect_lost(conn, server);
    }
  }
  told.batch = attempt(told, [&] { conn.execute_transactional_batch("INSERT batch 1; INSERT batch 2"); });
  told.bulk = attempt(told, [&] { conn.execute_many("INSERT bulk VALUES (?, 12345678)", std::vector<int>{1, 2, 3}); });
  return told;
}

std::size_t count_of(const std::vector<std::string>& texts, std::string_view beginning) {
  return static_cast<std::size_t>(
      std::count_if(texts.begin(), texts.end(), [&](const auto& text) { return text.starts_with(beginning); }));
}

void expect_all_or_nothing(const ScriptedServer& server, std::string_view beginning, std::size_t all, Committed told) {
  const std::size_t there = count_of(server.committed, beginning);
  if (told == Committed::Yes) {
    EXPECT_EQ(there, all) << beginning;
  }
  if (told == Committed::No) {
    EXPECT_EQ(there, 0u) << beginning;
  }
  EXPECT_TRUE(there == 0 || there == all) << beginning << ": " << there;
}

// Runs the program on a server that `prepare` has made faulty, and looks at what stands there afterwards.
Told run_and_check(const std::function<void(ScriptedServer&)>& prepare, Peer peer, bool answers_are_true) {
  const std::shared_ptr<ScriptedServer> server = new_server(peer);
  prepare(*server);
  Told told;
  {
    Connection conn = connect_to(*server);
    told = run_program(conn, *server);
    server->before = nullptr;
    server->change = nullptr;
    server->gives_up = nullptr;
    // Whatever it was, it is over.
    EXPECT_TRUE(conn.is_autocommit());
    EXPECT_NO_THROW(conn.execute("INSERT afterwards"));
    EXPECT_EQ(server->committed.back(), "INSERT afterwards");
    Transaction again = conn.transaction();
    again->execute("INSERT again");
    again.commit();
    EXPECT_EQ(server->committed.back(), "INSERT again");
    EXPECT_NO_THROW(conn.close());
  }
  EXPECT_EQ(server->open_streams, 0u);
  for (const std::string& text : server->ran) {
    if (text.find(" out ") != std::string::npos) {
      EXPECT_EQ(text.find("INSERT tx"), std::string::npos) << "outside its transaction: " << text;
      EXPECT_EQ(text.find("INSERT lost"), std::string::npos) << text;
    }
  }
  if (answers_are_true) {
    expect_all_or_nothing(*server, "INSERT tx", 6, told.transaction);
    expect_all_or_nothing(*server, "INSERT batch", 2, told.batch);
    expect_all_or_nothing(*server, "INSERT bulk", 3, told.bulk);
  }
  return told;
}

std::size_t exchanges_of_the_program(Peer peer) {
  const std::shared_ptr<ScriptedServer> server = new_server(peer);
  Connection conn = connect_to(*server);
  const Told told = run_program(conn, *server);
  EXPECT_EQ(told.failures, 0u);
  EXPECT_EQ(told.transaction, Committed::Yes);
  return server->exchanges.size();
}

struct Break {
  net::ErrorKind kind;
  bool sent;
};

class BrokenLink : public ::testing::TestWithParam<Peer> {};
INSTANTIATE_TEST_SUITE_P(Peers, BrokenLink, ::testing::Values(Peer::Two, Peer::Three, Peer::Foreign),
                         ::testing::PrintToStringParamName());

TEST_P(BrokenLink, AtEachExchangeLosesNothingThatWasAcknowledgedAndKeepsNothingHalf) {
  const std::size_t exchanges = exchanges_of_the_program(GetParam());
  ASSERT_GT(exchanges, 12u);
  bool some_lost = false;
  for (const Break& fault : {Break{net::ErrorKind::Closed, false}, Break{net::ErrorKind::Closed, true},
                             Break{net::ErrorKind::Connect, false}, Break{net::ErrorKind::Timeout, true},
                             Break{net::ErrorKind::Interrupted, true}, Break{net::ErrorKind::Protocol, true},
                             Break{net::ErrorKind::TooLarge, true}}) {
    for (std::size_t at = 0; at < exchanges; ++at) {
      SCOPED_TRACE(std::string(net::to_string(fault.kind)) + (fault.sent ? " after" : " before") + " exchange " +
                   std::to_string(at));
      std::size_t failed = 0;
      const Told told = run_and_check(
          [&](ScriptedServer& server) {
            server.before = [&failed, &fault, at](const Exchange& exchange) {
              if (exchange.number != at) return;
              ++failed;
              throw net::NetError(fault.kind, "the link broke", fault.sent);
            };
          },
          GetParam(), true);
      EXPECT_EQ(failed, 1u);
      some_lost |= told.lost;
    }
  }
  EXPECT_TRUE(some_lost);
}

TEST_P(BrokenLink, FromEachExchangeOnFailsEverythingWithoutHalves) {
  const std::size_t exchanges = exchanges_of_the_program(GetParam());
  for (std::size_t from = 0; from < exchanges; ++from) {
    SCOPED_TRACE("from exchange " + std::to_string(from));
    const Told told = run_and_check(
        [&](ScriptedServer& server) {
          server.before = [from](const Exchange& exchange) {
            if (exchange.number >= from) throw net::NetError(net::ErrorKind::Closed, "the link is down", false);
          };
        },
        GetParam(), true);
    EXPECT_GT(told.failures, 0u);
  }
}

TEST_P(BrokenLink, AServerThatGivesUpAStreamLosesItsTransaction) {
  const std::size_t exchanges = exchanges_of_the_program(GetParam());
  for (std::size_t at = 0; at < exchanges; ++at) {
    SCOPED_TRACE("after exchange " + std::to_string(at));
    run_and_check(
        [&](ScriptedServer& server) {
          server.gives_up = [at](const Exchange& exchange) { return exchange.number == at; };
        },
        GetParam(), true);
  }
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

TEST_P(BrokenLink, AnswersThatMakeNoSenseAreErrorsAndNotCrashes) {
  const std::size_t exchanges = exchanges_of_the_program(GetParam());
  using Change = std::function<std::string(std::string)>;
  const std::vector<std::pair<const char*, Change>> changes = {
      {"nothing at all", [](std::string) { return std::string(); }},
      {"cut off", [](std::string text) { return text.substr(0, text.size() / 2); }},
      {"no answers", [](std::string) { return std::string(R"({"baton":"b","results":[]})"); }},
      {"the answer to another question",
       [](std::string) {
         return std::string(R"({"baton":"b","results":[{"type":"ok","response":{"type":"sequence"}}]})");
       }},
      {"answers of other types", [](std::string text) { return replaced(text, "\"batch\"", "\"execute\""); }},
      {"no steps",
       [](std::string text) {
         return text.find("step_results") == std::string::npos
                    ? text
                    : std::string(R"({"baton":"b","results":[{"type":"ok","response":{"type":"batch","result":)"
                                  R"({"step_results":[],"step_errors":[]}}}]})");
       }},
      {"steps without outcome", [](std::string text) { return replaced(text, "{\"cols\"", "null,{\"cols\""); }},
      {"every statement an error",
       [](std::string) {
         return std::string(R"({"baton":"b","results":[{"type":"error","error":{"message":"no","code":"X"}},)"
                            R"({"type":"error","error":{"message":"no"}},{"type":"error","error":{"message":"no"}}]})");
       }},
      {"rows with too many values",
       [](std::string text) { return replaced(text, "\"row\":[", "\"row\":[{\"type\":\"null\"},"); }},
      {"rows before their columns",
       [](std::string text) { return "{\"type\":\"row\",\"row\":[{\"type\":\"null\"}]}\n" + text; }},
      {"rows without end", [](std::string text) { return text.substr(0, text.find("{\"type\":\"step_end\"")); }},
      {"two ends",
       [](std::string text) {
         return text + "{\"type\":\"step_end\",\"affected_row_count\":3,\"last_insert_rowid\":null}\n" +
                "{\"type\":\"row\",\"row\":[]}\n";
       }},
      {"an error of the whole cursor",
       [](std::string text) {
         return text.starts_with("{\"type\"") ? "{\"type\":\"error\",\"error\":{\"message\":\"no\"}}\n" + text : text;
       }},
      {"the probe although the transaction is there",
       [](std::string text) {
         return text.starts_with("{\"type\"") ? text + "{\"type\":\"step_begin\",\"step\":1,\"cols\":[]}\n" : text;
       }},
      {"entries of a kind that nobody knows",
       [](std::string text) {
         return text.starts_with("{\"type\"") ? "{\"type\":\"news\",\"what\":[1]}\n" + text : text;
       }},
      {"a number of rows that no type holds",
       [](std::string text) { return replaced(text, "\"affected_row_count\":", "\"affected_row_count\":-"); }},
  };
  for (const auto& [name, change] : changes) {
    for (std::size_t at = 0; at < exchanges; ++at) {
      SCOPED_TRACE(std::string(name) + " in exchange " + std::to_string(at));
      run_and_check(
          [&, &change = change](ScriptedServer& server) {
            server.change = [&change, at](const Exchange& exchange, std::string answer) {
              return exchange.number == at ? change(std::move(answer)) : answer;
            };
          },
          GetParam(), false);
    }
  }
}

}  // namespace
}  // namespace libsql
