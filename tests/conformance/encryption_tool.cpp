// Opens a database as the script asks and runs SQL, so that encryption_npm.mjs can drive this library.
//   encryption_tool FILE CIPHER|none JOURNAL_MODE SQL    the key is in LIBSQL_TEST_KEY; prints cells, one a line
#include <libsql/libsql.hpp>

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string cipher = argv[2];
  try {
    auto builder = libsql::Builder::local(argv[1]).pragma("journal_mode", argv[3]);
    const char* key = std::getenv("LIBSQL_TEST_KEY");
    if (cipher != "none") builder.encryption({key == nullptr ? "" : key, cipher});
    libsql::Connection conn = builder.build().connect();
    for (const libsql::StatementResult& result : conn.execute_batch(argv[4])) {
      for (const libsql::OwnedRow& row : result.rows) {
        for (const libsql::Value& value : row.values()) std::cout << value << '\n';
      }
    }
  } catch (const libsql::Error& error) {
    std::cout << libsql::to_string(error.code()) << '\n';
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
