// A million rows in and out: loaded from a lazy range in one transaction, read with views, in chunks, and stopped
// halfway. However many rows there are, one of them is in memory at a time. Makes readings.db in the current directory.
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <libsql/libsql.hpp>
#include <ranges>
#include <string_view>
#include <tuple>

namespace {

void run() {
  auto conn = libsql::connect("readings.db");
  conn.execute_batch(R"(
    DROP TABLE IF EXISTS reading;
    CREATE TABLE reading (id INTEGER PRIMARY KEY, sensor TEXT NOT NULL, value REAL NOT NULL);
  )");

  constexpr int kReadings = 1'000'000;
  auto readings = std::views::iota(0, kReadings) | std::views::transform([](int i) {
                    return std::tuple<std::string_view, double>(i % 2 == 0 ? "north" : "south", i % 100);
                  });
  std::cout << conn.execute_many("INSERT INTO reading (sensor, value) VALUES (?, ?)", readings) << " rows written\n";

  // The text is a view into the engine's page: valid until the next row, and no copy is made.
  double sum = 0;
  std::int64_t count = 0;
  std::int64_t north = 0;
  for (auto [sensor, value] : conn.query<std::string_view, double>("SELECT sensor, value FROM reading")) {
    sum += value;
    ++count;
    north += sensor == "north" ? 1 : 0;
  }
  std::cout << north << " from the north\n";

  // Chunks are copies, to be kept or handed to somebody else.
  auto rows = conn.query("SELECT id, value FROM reading WHERE value >= 99 ORDER BY id");
  std::size_t chunks = 0;
  for (auto chunk = rows.fetch(4096); !chunk.empty(); chunk = rows.fetch(4096)) ++chunks;
  std::cout << chunks << " chunks\n";

  // Whoever has seen enough leaves; the rest is never read.
  for (const libsql::Row& row : conn.query("SELECT id FROM reading WHERE sensor = 'south'")) {
    std::cout << "the first from the south is " << row.get<std::int64_t>("id") << '\n';
    break;
  }
  std::cout << count << " readings, mean " << std::fixed << std::setprecision(1) << sum / static_cast<double>(count)
            << '\n';
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
