// Uses a little of everything that an installed library must bring along: calls into it, templates of its headers, an
// exception thrown inside it and caught out here, and an SQL function of its own. Prints the library's version first.
#include <iostream>
#include <libsql/libsql.hpp>
#include <string_view>

int main() {
  auto conn = libsql::Builder::local(":memory:").build().connect();
  conn.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL)");
  conn.execute("INSERT INTO t VALUES (?, ?)", 1, "one");
  for (auto [a, b] : conn.query<int, std::string_view>("SELECT a, b FROM t")) {
    if (a != 1 || b != "one") return 2;
  }
  try {
    conn.execute("INSERT INTO t VALUES (2, NULL)");
    return 3;
  } catch (const libsql::Constraint& error) {
    if (error.kind() != libsql::ConstraintKind::NotNull || error.table() != "t") return 4;
  }
  if (conn.query_value<double>("SELECT vector_distance_l2('[0,3]', '[4,0]')") != 5.0) return 5;
  std::cout << libsql::version() << " with SQLite " << libsql::sqlite_version() << '\n';
  return 0;
}
