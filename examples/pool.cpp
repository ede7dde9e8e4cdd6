// A pool: one connection that writes, several that read, shared by threads.
#include <filesystem>
#include <iostream>
#include <libsql/libsql.hpp>
#include <thread>
#include <vector>

int main() {
  using namespace std::chrono_literals;
  const std::string file = (std::filesystem::temp_directory_path() / "libsql-example-pool.db").string();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file + suffix);

  const libsql::QueryLog slow([](const libsql::QueryEvent& event) { std::cerr << to_string(event) << '\n'; },
                              {.slower_than = 100ms});
  const libsql::Pool pool(libsql::Builder::local(file).build(),
                          {.max_size = 4, .checkout_timeout = 5s, .query_log = slow});
  pool.with([](libsql::Connection& conn) {
    conn.execute("CREATE TABLE visits (page TEXT NOT NULL, visitor INTEGER NOT NULL)");
  });

  std::vector<std::thread> threads;
  for (int visitor = 0; visitor < 8; ++visitor) {
    threads.emplace_back([&pool, visitor] {
      for (int n = 0; n < 100; ++n) {
        pool.write()->execute("INSERT INTO visits VALUES (?, ?)", n % 3 == 0 ? "/" : "/docs", visitor);
        pool.with_read([](libsql::Connection& conn) { return conn.query_value<int>("SELECT count(*) FROM visits"); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  {
    libsql::PooledConnection reader = pool.read();
    for (auto [page, visits] :
         reader->query<std::string_view, int>("SELECT page, count(*) FROM visits GROUP BY page ORDER BY page"))
      std::cout << page << ": " << visits << '\n';
    try {
      reader->execute("DELETE FROM visits");
    } catch (const libsql::ReadOnly&) {
      std::cout << "readers do not write\n";
    }
  }

  const libsql::PoolStatistics statistics = pool.statistics();
  std::cout << statistics.checkouts << " leases, " << statistics.queries() << " queries, " << statistics.created
            << " connections\n";
  std::cerr << "p99 of the wait for a connection: " << statistics.checkout_wait.p99.count() / 1000
            << " us, of a query: " << statistics.query_time.p99.count() / 1000 << " us\n";
  pool.close();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file + suffix);
}
