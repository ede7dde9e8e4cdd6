// An encrypted database: made, opened with the wrong key, given a new key. The key comes from the environment variable
// LIBSQL_ENCRYPTION_KEY, as a program should get it; without one the example uses a key of its own. Makes diary.db in
// the current directory.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <libsql/libsql.hpp>
#include <string>
#include <string_view>

namespace {

constexpr const char* kFile = "diary.db";

libsql::Database open(std::string_view key) {
  return libsql::Builder::local(kFile).encryption(libsql::Encryption(key, "aegis")).build();
}

std::string contents(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void run() {
  const char* given = std::getenv("LIBSQL_ENCRYPTION_KEY");
  const std::string key = given != nullptr && *given != '\0' ? given : "only for this example";
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(std::string(kFile) + suffix);

  {
    auto conn = open(key).connect();
    conn.execute("CREATE TABLE entry (day TEXT PRIMARY KEY, text TEXT NOT NULL)");
    conn.execute("INSERT INTO entry VALUES (?, ?)", "2026-01-31", "Nobody must read this.");
    // The log is encrypted as the file is.
    const std::string log = contents(std::string(kFile) + "-wal");
    std::cout << (log.find("Nobody") == std::string::npos ? "the log holds no plain text\n"
                                                          : "plain text in the log\n");
  }
  const std::string file = contents(kFile);
  const bool hidden = file.find("Nobody") == std::string::npos && file.find("SQLite format 3") == std::string::npos;
  std::cout << (hidden ? "the file holds no plain text\n" : "plain text in the file\n");

  try {
    open("a wrong key");
  } catch (const libsql::NotADatabase&) {
    std::cout << "a wrong key is refused\n";
  }

  open(key).connect().rekey("a new key");
  try {
    open(key);
  } catch (const libsql::NotADatabase&) {
    std::cout << "the old key is, too\n";
  }
  std::cout << open("a new key").connect().query_value<std::string>("SELECT text FROM entry") << '\n';
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
