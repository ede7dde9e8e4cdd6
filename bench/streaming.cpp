// Reading five million rows one by one: the memory of the process must not grow with them.
#include <fstream>
#include <iostream>

#include <libsql/libsql.hpp>

#include "support.hpp"

namespace {

// Resident memory in MiB (proc(5)).
double resident() {
  std::ifstream file("/proc/self/statm");
  long total = 0;
  long pages = 0;
  file >> total >> pages;
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

}  // namespace

int main() {
  constexpr std::int64_t kRows = 5'000'000;
  const bench::Directory directory;
  auto conn = libsql::Builder::local(directory.file("stream.db")).build().connect();
  conn.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)");
  conn.execute(
      "INSERT INTO t SELECT value, 'name ' || value FROM (WITH RECURSIVE c(value) AS (SELECT 1 UNION ALL SELECT value "
      "+ 1 "
      "FROM c WHERE value < ?) SELECT value FROM c)",
      kRows);
  conn.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  const double before = resident();
  double peak = before;
  std::int64_t count = 0;
  const double rate = bench::rate(static_cast<double>(kRows), [&] {
    for (const auto& [id, name] : conn.query<std::int64_t, std::string_view>("SELECT id, name FROM t")) {
      bench::keep(name);
      if (++count % 100'000 == 0) peak = std::max(peak, resident());
      bench::keep(id);
    }
  });
  std::cout << "streaming " << count << " rows: " << static_cast<std::int64_t>(rate) << " rows/s, resident memory "
            << before << " MiB before, at most " << peak << " MiB while reading (growth " << peak - before << " MiB)\n";
  return count == kRows ? 0 : 1;
}
