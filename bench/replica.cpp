// Replicas and their primary, on one machine over the loopback.
//   bench_replica inserts [COUNT]   one replica inserts rows (3,000), another reads them: bytes and time; with npm
//   libsql bench_replica read [ROWS]       point selects of 4 threads on a replica: idle, and while it syncs changes of
//   ROWS rows bench_replica cycle [COUNT]     a write through the replica, then a read that sees it bench_replica many
//   [COUNT]      processor time and memory for each of so many replicas (100) that follow bench_replica first [MB] the
//   first sync of a database (200 MB) beside a copy of its file; with npm libsql
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <libsql/libsql.hpp>

#include "server/server.hpp"
#include "stress/cutting_proxy.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace libsql;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double seconds_of(const std::function<void()>& work) {
  const auto begin = Clock::now();
  work();
  return seconds_since(begin);
}

// A server with a log, and a proxy before it that counts bytes.
class Primary {
 public:
  Primary() : server_(options_in(directory_)), proxy_((server_.start(), server_.port())) {}

  std::string url() const { return "http://127.0.0.1:" + std::to_string(proxy_.port()); }
  std::uint64_t bytes() const { return proxy_.bytes(); }
  Connection direct() const {
    return Builder::remote("http://127.0.0.1:" + std::to_string(server_.port())).build().connect();
  }
  Database replica(const std::string& name) const {
    return Builder::remote_replica(directory_.file(name), url()).build();
  }
  std::string file(const std::string& name) const { return directory_.file(name); }

 private:
  static server::Options options_in(const test::TemporaryDirectory& directory) {
    server::Options options;
    options.data_directory = directory.path() / "data";
    options.http.port = 0;
    options.replication.log = true;
    return options;
  }
  const test::TemporaryDirectory directory_{std::getenv("LIBSQL_BENCH_DIR") != nullptr
                                                ? std::filesystem::path(std::getenv("LIBSQL_BENCH_DIR"))
                                                : std::filesystem::temp_directory_path()};
  server::Server server_;
  test::CuttingProxy proxy_;
};

// Whether npm's client did what `what` says; it prints how long that took.
bool run_npm(const Primary& primary, const std::string& what, int count) {
  const std::string command = "node bench/replica_npm.mjs " + what + ' ' + primary.url() + ' ' + primary.file("npm") +
                              ' ' + std::to_string(count);
  std::fflush(stdout);
  return std::system(command.c_str()) == 0;
}

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "bench_replica: %s\n", what);
  std::exit(1);
}

double median(std::vector<double> values, double place = 0.5) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(place * static_cast<double>(values.size() - 1))];
}

int inserts(int count) {
  Primary primary;
  primary.direct().execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  Database writer = primary.replica("writer.db");
  Database reader = primary.replica("reader.db");
  writer.replica().sync();
  reader.replica().sync();
  Connection conn = writer.connect();
  std::uint64_t before = primary.bytes();
  const double writing = seconds_of([&] {
    for (int i = 0; i < count; ++i) conn.execute("INSERT INTO t(v) VALUES (?)", "value " + std::to_string(i));
  });
  const std::uint64_t written = primary.bytes() - before;
  before = primary.bytes();
  const double reading = seconds_of([&] { reader.replica().sync(); });
  require(reader.connect().query_value<int>("SELECT count(*) FROM t") == count, "rows are missing");
  std::printf("ours: %d inserts %.3f s, %.3f MB; their sync %.3f s, %.3f MB; together %.3f s\n", count, writing,
              static_cast<double>(written) / 1e6, reading, static_cast<double>(primary.bytes() - before) / 1e6,
              writing + reading);
  before = primary.bytes();
  if (!run_npm(primary, "inserts", count)) return 1;
  std::printf("npm libsql: %.3f MB in all\n", static_cast<double>(primary.bytes() - before) / 1e6);
  return 0;
}

int read(int rows) {
  Primary primary;
  Connection direct = primary.direct();
  direct.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, generation INT, v BLOB)");
  direct.execute("INSERT INTO t SELECT value, 0, randomblob(1000) FROM generate_series(1, ?)", rows);
  Database db = primary.replica("reader.db");
  db.replica().sync();
  const auto measure = [&](const std::function<void()>& meanwhile) {
    std::atomic<bool> ends = false;
    std::vector<std::vector<double>> times(4);
    std::vector<std::thread> threads;
    for (auto& mine : times) {
      threads.emplace_back([&] {
        Connection conn = db.connect();
        for (std::int64_t id = 1; !ends; id = id % rows + 1) {
          const auto begin = Clock::now();
          conn.query_value<int>("SELECT generation FROM t WHERE id = ?", id);
          mine.push_back(seconds_since(begin) * 1e6);
          if (mine.size() % 5000 == 0) {
            require(conn.query_value<bool>("SELECT min(generation) = max(generation) FROM t"),
                    "half a commit was seen");
          }
        }
      });
    }
    meanwhile();
    ends = true;
    for (std::thread& thread : threads) thread.join();
    std::vector<double> all;
    for (const auto& mine : times) all.insert(all.end(), mine.begin(), mine.end());
    return std::pair(median(all), median(all, 0.99));
  };
  const auto idle = measure([] { std::this_thread::sleep_for(std::chrono::seconds(3)); });
  for (int i = 0; i < 5; ++i) direct.execute("UPDATE t SET generation = generation + 1, v = randomblob(1000)");
  std::uint64_t bytes = 0;
  double time = 0;
  const auto syncing = measure([&] { time = seconds_of([&] { bytes = db.replica().sync().bytes_received; }); });
  std::printf(
      "idle: p50 %.1f us, p99 %.1f us; during a sync of %.1f MB in %.2f s: p50 %.1f us, p99 %.1f us; p99 ratio %.2f\n",
      idle.first, idle.second, static_cast<double>(bytes) / 1e6, time, syncing.first, syncing.second,
      syncing.second / idle.second);
  return 0;
}

int cycle(int count) {
  Primary primary;
  primary.direct().execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  Database db = primary.replica("replica.db");
  Connection conn = db.connect();
  std::vector<double> times;
  for (int i = 1; i <= count; ++i) {
    times.push_back(1e3 * seconds_of([&] {
                      conn.execute("INSERT INTO t VALUES (?, 'x')", i);
                      require(conn.query_value<int>("SELECT max(id) FROM t") == i, "a read does not see its own write");
                    }));
  }
  std::printf("a write and a read of it: median %.2f ms, p99 %.2f ms\n", median(times), median(times, 0.99));
  return 0;
}

long resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atol(line.c_str() + 6);
  }
  return 0;
}
double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

// The replicas and their primary are one process, so the figures hold both ends of each.
int many(int count) {
  Primary primary;
  Connection direct = primary.direct();
  direct.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  direct.execute("INSERT INTO t SELECT value, randomblob(100) FROM generate_series(1, 1000)");
  const long before = resident_kib();
  std::vector<Database> replicas;
  for (int i = 0; i < count; ++i) replicas.push_back(primary.replica("replica" + std::to_string(i) + ".db"));
  for (const Database& db : replicas) db.replica().sync();
  const double memory = static_cast<double>(resident_kib() - before) / count;
  constexpr int kRounds = 20;
  const double begin = processor_seconds();
  for (int round = 0; round < kRounds; ++round) {
    direct.execute("UPDATE t SET v = randomblob(100) WHERE id = ?", round + 1);
    for (const Database& db : replicas) db.replica().sync();
  }
  std::printf("%d replicas: %.0f KiB and %.3f ms of processor time for each sync of one commit, both ends together\n",
              count, memory, 1e3 * (processor_seconds() - begin) / kRounds / count);
  return 0;
}

int first(int megabytes) {
  Primary primary;
  Connection direct = primary.direct();
  direct.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
  for (int i = 0; i < megabytes; ++i) {
    direct.execute("INSERT INTO t(v) SELECT randomblob(3900) FROM generate_series(1, 256)");
  }
  Database db = primary.replica("first.db");  // syncs, as there is no copy yet
  const Replica replica = db.replica();
  replica.sync();
  const std::string file = primary.file("first.db");
  const double copy = seconds_of([&] { std::filesystem::copy_file(file, primary.file("copy.db")); });
  const std::uint64_t before = primary.bytes();
  const double ours = seconds_of([&] { primary.replica("second.db").replica().sync(); });
  std::printf("ours: %.2f s and %.1f MB over the wire; a copy of the file takes %.2f s\n", ours,
              static_cast<double>(primary.bytes() - before) / 1e6, copy);
  return run_npm(primary, "first", 0) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const auto number = [&](int otherwise) { return argc > 2 ? std::atoi(argv[2]) : otherwise; };
  if (what == "inserts") return inserts(number(3'000));
  if (what == "read") return read(number(20'000));
  if (what == "cycle") return cycle(number(500));
  if (what == "many") return many(number(100));
  if (what == "first") return first(number(200));
  std::fprintf(stderr,
               "usage: bench_replica inserts [COUNT] | read [ROWS] | cycle [COUNT] | many [COUNT] | first [MB]\n");
  return 2;
}
