// Create, read, update, delete: tables, arguments by position and by name, rows as structs, and a constraint that
// refuses. Makes library.db in the current directory.
#include <cstdint>
#include <iostream>
#include <libsql/libsql.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace {

struct Book {
  std::int64_t id = 0;
  std::string title;
  std::optional<int> year;
};

void run() {
  auto db = libsql::Builder::local("library.db").build();
  auto conn = db.connect();
  conn.execute_batch(R"(
    DROP TABLE IF EXISTS book;
    DROP TABLE IF EXISTS author;
    CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE book (
      id INTEGER PRIMARY KEY, author INTEGER NOT NULL REFERENCES author(id) ON DELETE CASCADE, title TEXT NOT NULL, year INTEGER
    );
  )");

  // Create. The rowid of the author is what the books refer to.
  conn.execute("INSERT INTO author (name) VALUES (?)", "Ada Lovelace");
  const std::int64_t ada = conn.last_insert_rowid();
  auto insert = conn.prepare("INSERT INTO book (author, title, year) VALUES (:author, :title, :year)");
  const auto add = [&](std::string_view title, std::optional<int> year) {
    insert.execute(libsql::named("author", ada), libsql::named("title", title), libsql::named("year", year));
  };
  add("Notes on the Analytical Engine", 1843);
  add("Letters", std::nullopt);
  add("Draft", 1840);

  // Read: many rows, one row, one that may be missing.
  for (const Book& book : conn.query<Book>("SELECT id, title, year FROM book WHERE author = ? ORDER BY title", ada)) {
    std::cout << book.id << ' ' << book.title << " (" << (book.year ? std::to_string(*book.year) : "no date") << ")\n";
  }
  if (!conn.query_row_optional<Book>("SELECT id, title, year FROM book WHERE title = ?", "Poems")) {
    std::cout << "there are no Poems\n";
  }

  // Update and delete return how many rows they changed.
  std::cout << conn.execute("UPDATE book SET year = ? WHERE year IS NULL", 1852) << " book dated\n";
  std::cout << conn.execute("DELETE FROM book WHERE title = ?", "Draft") << " book removed\n";

  // What the schema forbids comes back as an error that says which column.
  try {
    conn.execute("INSERT INTO author (name) VALUES (?)", "Ada Lovelace");
  } catch (const libsql::Constraint& error) {
    std::cout << error.table() << '.' << error.columns().front() << " has to be unique\n";
  }

  auto [name, books] = conn.query_row<std::string, int>(
      "SELECT name, count(*) FROM author JOIN book ON book.author = author.id GROUP BY author.id");
  std::cout << name << " has " << books << " books\n";
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
