// Transactions: all or nothing, part of the work undone by a nested one, and many threads that move money at the same
// time without losing any. Makes bank.db in the current directory.
#include <atomic>
#include <chrono>
#include <iostream>
#include <libsql/libsql.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

// Takes the write lock at its beginning, and tries again where another process was faster. Inside another transaction
// it is a part of that one.
void transfer(libsql::Connection& conn, std::string_view from, std::string_view to, int amount) {
  conn.transact([&] {
    conn.execute("UPDATE account SET balance = balance - ? WHERE owner = ?", amount, from);
    conn.execute("UPDATE account SET balance = balance + ? WHERE owner = ?", amount, to);
  });
}

void run() {
  auto db = libsql::Builder::local("bank.db").writers_in_line().busy_timeout(std::chrono::seconds(30)).build();
  auto conn = db.connect();
  conn.execute_batch(R"(
    DROP TABLE IF EXISTS account;
    CREATE TABLE account (owner TEXT PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0));
    INSERT INTO account VALUES ('alice', 100), ('bob', 50), ('carol', 0);
  )");

  // The second step breaks the CHECK, so the first one is undone too.
  try {
    transfer(conn, "carol", "alice", 10);
  } catch (const libsql::Constraint& error) {
    std::cout << "refused: " << error.name() << '\n';
  }

  // One transaction, whose middle part is given up while the rest is kept.
  {
    auto tx = conn.transaction(libsql::TransactionBehavior::Immediate);
    transfer(conn, "alice", "carol", 30);
    try {
      transfer(conn, "bob", "carol", 1000);
    } catch (const libsql::Constraint&) {
      std::cout << "bob keeps his money\n";
    }
    tx.commit();
  }

  // Four threads, each with a connection of its own. writers_in_line() lets their writes wait in line, so none is Busy.
  std::atomic<int> moved = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&db, &moved] {
      auto mine = db.connect();
      for (int n = 0; n < 25; ++n) {
        transfer(mine, "alice", "bob", 1);
        transfer(mine, "bob", "alice", 1);
        moved += 2;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::cout << moved << " transfers at the same time\n";

  auto tx = conn.transaction(libsql::TransactionBehavior::ReadOnly);  // one state for both queries
  for (auto [owner, balance] : conn.query<std::string, int>("SELECT owner, balance FROM account ORDER BY owner")) {
    std::cout << owner << ": " << balance << '\n';
  }
  std::cout << "together: " << conn.query_value<int>("SELECT sum(balance) FROM account") << '\n';
}

}  // namespace

int main() {
  try {
    run();
  } catch (const libsql::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
