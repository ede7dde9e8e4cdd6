// The ten nearest of a table of float32 vectors, three ways, in turn in the same rounds:
//   sql      ORDER BY vector_distance_cos(e, ?) LIMIT 10: bit for bit libSQL's answer
//   sql fast ORDER BY vector_distance_cos_fast(e, ?) LIMIT 10: the distances summed in lanes
//   nearest  libsql::vector::nearest(): the answer of the first, at about the speed of the second
//   bench_vector_search [ROWS [ROUNDS]]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <libsql/libsql.hpp>
#include <random>
#include <vector>

namespace {

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

template <class Body>
double milliseconds(Body&& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::vector<libsql::vector::Neighbor> ask(libsql::Connection& connection, const char* sql, libsql::BlobView query) {
  std::vector<libsql::vector::Neighbor> found;
  for (const auto& [id, distance] : connection.query<std::int64_t, double>(sql, query)) found.push_back({id, distance});
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  const int rows = argc > 1 ? std::atoi(argv[1]) : 20000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 9;
  std::mt19937 random(1);
  std::normal_distribution<float> distribution;
  bool same = true;
  for (const std::size_t dimensions : {128, 384, 768, 1536}) {
    libsql::Database database = libsql::Builder::local(":memory:").build();
    libsql::Connection connection = database.connect();
    connection.execute("CREATE TABLE items(id INTEGER PRIMARY KEY, e F32_BLOB)");
    const auto vector = [&] {
      std::vector<float> elements(dimensions);
      for (float& element : elements) element = distribution(random);
      return elements;
    };
    libsql::Transaction tx = connection.transaction();
    libsql::Statement insert = connection.prepare("INSERT INTO items(e) VALUES (?)");
    for (int i = 0; i < rows; ++i) insert.execute(libsql::vector::as_blob(vector()));
    tx.commit();

    const std::vector<float> query = vector();
    const libsql::BlobView blob = libsql::vector::as_blob(query);
    std::vector<double> exact;
    std::vector<double> fast;
    std::vector<double> helper;
    for (int round = 0; round < rounds; ++round) {
      std::vector<libsql::vector::Neighbor> by_sql;
      std::vector<libsql::vector::Neighbor> by_helper;
      exact.push_back(milliseconds([&] {
        by_sql = ask(connection, "SELECT id, vector_distance_cos(e, ?1) FROM items ORDER BY 2, 1 LIMIT 10", blob);
      }));
      fast.push_back(milliseconds([&] {
        ask(connection, "SELECT id, vector_distance_cos_fast(e, ?1) FROM items ORDER BY 2, 1 LIMIT 10", blob);
      }));
      helper.push_back(milliseconds([&] { by_helper = libsql::vector::nearest(connection, "items", "e", blob, 10); }));
      same = same && by_sql == by_helper;
    }
    std::printf("%5zu dimensions, %d rows: sql %7.2f ms  sql fast %7.2f ms (%.2fx)  nearest %7.2f ms (%.2fx)\n",
                dimensions, rows, median(exact), median(fast), median(exact) / median(fast), median(helper),
                median(exact) / median(helper));
  }
  std::printf("nearest() and sql gave %s\n", same ? "the same answers" : "DIFFERENT answers");
  return same ? 0 : 1;
}
