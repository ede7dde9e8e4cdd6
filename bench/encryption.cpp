// What page encryption costs: the same work on an encrypted and on a plain file, turn by turn.
#include <filesystem>

#include <libsql/libsql.hpp>

#include "support.hpp"

namespace {

constexpr int kRows = 200'000;
constexpr const char* kCreate = "CREATE TABLE t(id INTEGER PRIMARY KEY, number INTEGER, ratio REAL, name TEXT)";
constexpr const char* kScan = "SELECT id, number, ratio, name FROM t";

struct File {
  std::string cipher;  // empty: plain
  std::string path;

  libsql::Connection open(int cache_size) const {
    auto builder = libsql::Builder::local(path);
    builder.pragma("cache_size", cache_size);
    if (!cipher.empty()) builder.encryption(libsql::Encryption("a key for the benchmark", cipher));
    return builder.build().connect();
  }
  std::string name() const { return cipher.empty() ? "plain" : cipher; }
};

double insert(const File& file) {
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(file.path + ending);
  auto conn = file.open(-65'536);
  conn.execute(kCreate);
  auto statement = conn.prepare("INSERT INTO t VALUES (?, ?, ?, ?)");
  return bench::rate(kRows, [&] {
    auto tx = conn.transaction();
    for (std::int64_t i = 0; i < kRows; ++i)
      statement.execute(i, i * 7, static_cast<double>(i) * 0.5, "a name of some length");
    tx.commit();
    conn.query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_all();
  });
}

double scan(libsql::Statement& statement) {
  std::int64_t sum = 0;
  const double result = bench::rate(kRows, [&] {
    for (const auto& [id, number, ratio, name] :
         statement.query<std::int64_t, std::int64_t, double, std::string_view>()) {
      sum += id + number + static_cast<std::int64_t>(ratio) + static_cast<std::int64_t>(name.size());
    }
  });
  bench::keep(sum);
  return result;
}

}  // namespace

int main() {
  const bench::Directory directory;
  std::vector<File> files;
  for (const char* cipher : {"", "aes256cbc", "aegis", "chacha20", "sqlcipher", "ascon128"}) {
    files.push_back({cipher, directory.file(std::string("file-") + cipher + ".db")});
  }
  std::vector<bench::Contender> inserting;
  for (const File& file : files) inserting.push_back({file.name(), [&file] { return insert(file); }});
  bench::compare("insert of 200,000 rows, checkpoint included", inserting, "plain");

  for (const int cache : {10, -65'536}) {  // ten pages: every page is read and decrypted; 64 MiB: none is
    std::vector<libsql::Connection> connections;
    std::vector<libsql::Statement> statements;
    for (const File& file : files) {
      connections.push_back(file.open(cache));
      statements.push_back(connections.back().prepare(kScan));
    }
    std::vector<bench::Contender> scanning;
    for (std::size_t i = 0; i < files.size(); ++i) {
      scanning.push_back({files[i].name(), [&statements, i] { return scan(statements[i]); }});
    }
    bench::compare(cache > 0 ? "scan of pages that are not in the cache" : "scan of pages that are in the cache",
                   scanning, "plain");
  }
}
