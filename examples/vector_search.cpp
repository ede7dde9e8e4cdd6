// Nearest neighbours: embeddings stored beside the rows they describe, searched in SQL and by
// libsql::vector::nearest(). The embeddings are made up: adventure, romance, space, war. A program would get them from
// a model.
#include <cstdint>
#include <iostream>
#include <libsql/libsql.hpp>
#include <string>
#include <tuple>
#include <vector>

namespace {

void run() {
  auto conn = libsql::connect(":memory:");
  conn.execute("CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT NOT NULL, year INTEGER, embedding F32_BLOB(4))");
  const std::vector<std::tuple<std::string, int, std::vector<float>>> films{
      {"Napoleon", 2023, {0.4f, 0.2f, 0.0f, 0.9f}},   {"Gravity", 2013, {0.6f, 0.1f, 1.0f, 0.0f}},
      {"Casablanca", 1942, {0.2f, 0.9f, 0.0f, 0.6f}}, {"Interstellar", 2014, {0.7f, 0.5f, 0.9f, 0.0f}},
      {"Star Wars", 1977, {0.9f, 0.3f, 0.8f, 0.7f}},  {"Out of Africa", 1985, {0.5f, 0.9f, 0.0f, 0.1f}},
  };
  for (const auto& [title, year, embedding] : films) {
    conn.execute("INSERT INTO film (title, year, embedding) VALUES (?, ?, ?)", title, year,
                 libsql::vector::as_blob(embedding));
  }

  // All rows are compared, exactly; the answer is that of the query in SQL below, only sooner.
  const std::vector<float> wanted{0.6f, 0.0f, 1.0f, 0.1f};
  auto title = conn.prepare("SELECT title FROM film WHERE id = ?");
  int place = 0;
  for (const auto& [rowid, distance] : libsql::vector::nearest(conn, "film", "embedding", wanted, 3)) {
    std::cout << ++place << ". " << std::get<0>(title.query_row<std::string>(rowid)) << '\n';
    std::cout << "   at " << distance << '\n';
  }

  // In SQL, with any other condition of a query. A vector may be text, too.
  for (auto [name, distance] : conn.query<std::string, double>(
           "SELECT title, vector_distance_cos(embedding, vector32(?)) AS distance FROM film WHERE year < ? "
           "ORDER BY distance LIMIT 1",
           "[0.1, 1, 0, 0]", 1980)) {
    std::cout << "an old romance: " << name << '\n';
  }

  // A byte per dimension instead of four, for a small loss.
  conn.execute("UPDATE film SET embedding = vector8(embedding)");
  std::cout << conn.query_value<int>("SELECT max(length(embedding)) FROM film") << " bytes each, of "
            << conn.query_value<std::string>("SELECT vector_type(embedding) FROM film LIMIT 1") << '\n';
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
