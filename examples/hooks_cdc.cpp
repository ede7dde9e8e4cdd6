// Hooks and change data capture: a rule that refuses a commit, and a second thread that follows what is committed.
#include <atomic>
#include <chrono>
#include <iostream>
#include <libsql/libsql.hpp>
#include <thread>

namespace {

void run() {
  auto db = libsql::Builder::local("shop.db").build();
  auto conn = db.connect();
  conn.execute_batch(
      "DROP TABLE IF EXISTS stock; CREATE TABLE stock (item TEXT PRIMARY KEY, amount INTEGER NOT NULL) WITHOUT ROWID");

  // The follower: prints each committed transaction, and ends with the stream.
  libsql::ChangeStream stream(conn, libsql::ChangeStreamOptions{.tables = {"stock"}});
  std::thread follower([&stream] {
    while (const auto set = stream.wait(std::chrono::seconds(10))) {
      for (const libsql::Change& change : set->changes) {
        std::cout << '#' << set->number << ' ' << to_string(change.kind) << ' ' << change.key().at(0);
        if (const auto* amount = change.old_value("amount")) std::cout << " from " << *amount;
        if (const auto* amount = change.new_value("amount")) std::cout << " to " << *amount;
        std::cout << std::endl;
      }
    }
  });

  // The rule: no transaction may change more than two rows.
  libsql::Hooks hooks(conn);
  int changed = 0;
  const auto count = hooks.on_row_change([&](const libsql::RowChange&) { ++changed; });
  const auto rule = hooks.on_commit([&] {
    const bool fine = changed <= 2;
    changed = 0;
    return fine ? libsql::CommitVerdict::Commit : libsql::CommitVerdict::RollBack;
  });

  conn.execute("INSERT INTO stock VALUES ('lamp', 5), ('chair', 2)");
  conn.execute("UPDATE stock SET amount = amount - 1 WHERE item = 'lamp'");
  bool refused = false;
  try {
    conn.execute("INSERT INTO stock VALUES ('a', 1), ('b', 1), ('c', 1)");
  } catch (const libsql::Constraint& error) {
    refused = error.kind() == libsql::ConstraintKind::CommitHook;
  }
  conn.execute("DELETE FROM stock WHERE item = 'chair'");

  stream.detach();  // what is queued is still read
  follower.join();
  std::cout << (refused ? "three rows at once were refused" : "the rule failed") << '\n';
}

}  // namespace

int main() {
  try {
    run();
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
