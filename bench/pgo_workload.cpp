// What bench/pgo_gain measures in two builds: four ordinary uses of a database, with a schema the training does not
// know. Prints one line per use, "NAME OPERATIONS_PER_SECOND".
//   libsql_pgo_workload DIRECTORY      an empty working directory

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>

#include <libsql/libsql.hpp>

namespace {

std::int64_t g_sum = 0;

template <class F>
void measure(std::string_view name, int operations, F&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::cout << name << ' ' << static_cast<std::int64_t>(operations / seconds.count()) << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: libsql_pgo_workload DIRECTORY\n";
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  const auto database = libsql::Builder::local((directory / "workload.db").string()).build();
  auto conn = database.connect();
  conn.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER, c REAL, d TEXT, e TEXT)");

  constexpr int kRows = 300000;
  auto insert = conn.prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?)");
  measure("bulk_insert", kRows, [&] {
    auto tx = conn.transaction(libsql::TransactionBehavior::Immediate);
    for (std::int64_t i = 0; i < kRows; ++i)
      insert.execute(i, i * 7, 0.5 * static_cast<double>(i), "a short text", "x");
    tx.commit();
  });

  constexpr int kSelects = 200000;
  auto select = conn.prepare("SELECT b, d FROM t WHERE a = ?");
  measure("point_select", kSelects, [&] {
    for (std::int64_t i = 0; i < kSelects; ++i) {
      for (const auto& row : select.query(i * 7919 % kRows)) g_sum += row.get<std::int64_t>(0);
    }
  });

  constexpr int kScans = 5;
  measure("scan", kScans * kRows, [&] {
    for (int i = 0; i < kScans; ++i) {
      for (const auto& [a, b, c, d, e] :
           conn.query<std::int64_t, std::int64_t, double, std::string_view, std::string_view>("SELECT * FROM t")) {
        g_sum += a + b + static_cast<std::int64_t>(c) + static_cast<std::int64_t>(d.size() + e.size());
      }
    }
  });

  constexpr int kTransactions = 20000;
  auto update = conn.prepare("UPDATE t SET b = b + 1 WHERE a = ?");
  measure("one_row_transaction", kTransactions, [&] {
    for (std::int64_t i = 0; i < kTransactions; ++i) update.execute(i * 7919 % kRows);
  });

  constexpr int kGroups = 3;
  measure("aggregate", kGroups * kRows, [&] {
    for (int i = 0; i < kGroups; ++i) {
      for (const auto& row : conn.query("SELECT b % 100, count(*), avg(c) FROM t GROUP BY 1 ORDER BY 3")) {
        g_sum += row.get<std::int64_t>(0);
      }
    }
  });
  std::filesystem::remove_all(directory);
  return g_sum == 0 ? 1 : 0;
}
