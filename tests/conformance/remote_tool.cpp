// Calls the remote client as the script says, so that tursodb_server.mjs can show it to a server that only speaks some
// Hrana.
//   remote_tool URL [VERB SQL]...    prints what each came to, one a line: rows, a count, or the error's code and
//   message
#include <libsql/libsql.hpp>

#include <iostream>
#include <string_view>

namespace {

void print(const libsql::OwnedRow& row) {
  for (const libsql::Value& value : row.values()) std::cout << value << ' ';
}

void call(libsql::Connection& conn, std::string_view verb, std::string_view sql) {
  if (verb == "execute") {
    std::cout << conn.execute(sql);
  } else if (verb == "arguments") {  // of each type, for four parameters
    std::cout << conn.execute(sql, std::int64_t{9007199254740993}, 1.5, "text", nullptr);
  } else if (verb == "query") {
    for (const libsql::OwnedRow& row : conn.query(sql).fetch_all()) print(row);
  } else if (verb == "batch") {
    std::cout << conn.execute_batch(sql).size();
  } else if (verb == "atomic") {
    std::cout << conn.execute_transactional_batch(sql).size();
  } else {
    std::cout << "no such verb";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc % 2 != 0) return 2;
  try {
    libsql::Connection conn = libsql::Builder::remote(argv[1], "").build().connect();
    for (int i = 2; i + 1 < argc; i += 2) {
      try {
        call(conn, argv[i], argv[i + 1]);
      } catch (const libsql::Error& error) {
        std::cout << libsql::to_string(error.code()) << ": " << error.what();
      }
      std::cout << '\n';
    }
  } catch (const libsql::Error& error) {
    std::cout << libsql::to_string(error.code()) << ": " << error.what() << '\n';
    return 1;
  }
  return 0;
}
