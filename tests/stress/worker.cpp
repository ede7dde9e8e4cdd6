// A process for the crash and contention tests: it writes until it is killed, or contends until it is done.
//   worker write PATH FIRST PRAGMAS KEY   commits states FIRST, FIRST + 1, ... and says each on stdout, 8 bytes, once
//   it
//                                         is acknowledged; PRAGMAS is name=value,...; KEY may be empty
//   worker contend PATH THREADS COUNT MS  every thread adds 1 to a counter COUNT times; MS is the busy timeout
//   worker hold PATH                      takes the write lock, says a byte on stdout, keeps it until stdin ends
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <libsql/libsql.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using libsql::Builder;
using libsql::Connection;
using libsql::Database;
using libsql::Transaction;
using libsql::TransactionBehavior;

void write_all(const void* data, std::size_t size) {
  if (::write(STDOUT_FILENO, data, size) != static_cast<ssize_t>(size)) ::_exit(3);
}

int write_forever(const std::string& path, std::int64_t first, const std::string& pragmas, const std::string& key) {
  libsql::LocalBuilder builder = Builder::local(path);
  if (!key.empty()) {
    libsql::Encryption encryption{std::string_view(key)};
    encryption.parameters.emplace_back("kdf_iter", 1);
    builder.encryption(encryption);
  }
  std::istringstream settings(pragmas);
  for (std::string setting; std::getline(settings, setting, ',');) {
    const std::size_t equals = setting.find('=');
    builder.pragma(setting.substr(0, equals), setting.substr(equals + 1));
  }
  // A small cache and log, so that a kill also meets spilled pages and checkpoints.
  builder.pragma("cache_size", 10).pragma("wal_autocheckpoint", 20);
  Connection conn = builder.build().connect();
  for (std::int64_t state = first;; ++state) {
    Transaction tx = conn.transaction(TransactionBehavior::Immediate);
    conn.execute("UPDATE account SET state = ?, filler = randomblob(700)", state);
    conn.execute("INSERT INTO log VALUES(?, randomblob(2500))", state);
    conn.execute("DELETE FROM log WHERE state < ? - 20", state);
    tx.commit();
    write_all(&state, sizeof state);
  }
}

int contend(const std::string& path, int threads, int count, int busy_ms) {
  const Database db = Builder::local(path).busy_timeout(std::chrono::milliseconds(busy_ms)).build();
  std::atomic<int> failures{0};
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      try {
        Connection conn = db.connect();
        for (int i = 0; i < count; ++i) {
          if (t % 2 == 0) {
            Transaction tx = conn.transaction(TransactionBehavior::Immediate);
            const auto n = conn.query_value<std::int64_t>("SELECT n FROM counter");
            conn.execute("UPDATE counter SET n = ?", n + 1);
            tx.commit();
          } else {
            conn.execute("UPDATE counter SET n = n + 1");
          }
        }
      } catch (const std::exception& error) {
        std::fprintf(stderr, "worker: %s\n", error.what());
        ++failures;
      }
    });
  }
  for (std::thread& thread : all) thread.join();
  return failures == 0 ? 0 : 1;
}

int hold(const std::string& path) {
  Connection conn = Builder::local(path).build().connect();
  const Transaction tx = conn.transaction(TransactionBehavior::Immediate);
  write_all("x", 1);
  char ignored = 0;
  while (::read(STDIN_FILENO, &ignored, 1) > 0) {
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 5 && words[0] == "write")
      return write_forever(words[1], std::stoll(words[2]), words[3], words[4]);
    if (words.size() == 5 && words[0] == "contend") {
      return contend(words[1], std::stoi(words[2]), std::stoi(words[3]), std::stoi(words[4]));
    }
    if (words.size() == 2 && words[0] == "hold") return hold(words[1]);
    std::fprintf(stderr, "worker: not understood\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "worker: %s\n", error.what());
  }
  return 2;
}
