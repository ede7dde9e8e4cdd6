// One-row transactions by 1 to 8 threads: the plain C loop with SQLite's own busy wait, our transactions (which stand
// in line), and the Writer (which commits in groups). All at synchronous=FULL, turn by turn, so only the ratios matter.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <libsql/libsql.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "raw.hpp"
#include "support.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr const char* kTable = "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT)";
constexpr const char* kInsert = "INSERT INTO t(a, b) VALUES (?, ?)";
constexpr const char* kText = "a row of a log, or so";

struct Result {
  double rate = 0;                     // transactions per second
  double p50 = 0, p99 = 0, worst = 0;  // milliseconds
  double share = 1;                    // the slowest thread's transactions as a part of the fastest one's
};

// Runs `work` of each thread over and over for a while.
Result measure(int threads, Clock::duration length, const std::function<std::function<void()>()>& make_worker) {
  std::vector<std::function<void()>> workers;
  for (int i = 0; i < threads; ++i) workers.push_back(make_worker());
  std::vector<std::vector<double>> times(static_cast<std::size_t>(threads));
  const auto start = Clock::now();
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    running.emplace_back([&, i] {
      for (auto before = start; before < start + length;) {
        workers[i]();
        const auto after = Clock::now();
        times[i].push_back(std::chrono::duration<double, std::milli>(after - before).count());
        before = after;
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::vector<double> all;
  std::size_t fewest = times[0].size();
  std::size_t most = fewest;
  for (const auto& own : times) {
    all.insert(all.end(), own.begin(), own.end());
    fewest = std::min(fewest, own.size());
    most = std::max(most, own.size());
  }
  std::sort(all.begin(), all.end());
  Result result;
  result.rate = static_cast<double>(all.size()) / seconds;
  result.p50 = all[all.size() / 2];
  result.p99 = all[all.size() * 99 / 100];
  result.worst = all.back();
  result.share = static_cast<double>(fewest) / static_cast<double>(most);
  return result;
}

std::function<void()> raw_worker(const std::string& path) {
  auto raw = std::make_shared<bench::Raw>(path);
  sqlite3_busy_timeout(raw->db(), 60000);
  raw->exec("PRAGMA synchronous=FULL");
  sqlite3_stmt* const begin = raw->cached("BEGIN IMMEDIATE");
  sqlite3_stmt* const insert = raw->cached(kInsert);
  sqlite3_stmt* const commit = raw->cached("COMMIT");
  return [raw, begin, insert, commit] {
    const auto run = [&](sqlite3_stmt* stmt) {
      raw->check(sqlite3_step(stmt));
      raw->check(sqlite3_reset(stmt));
    };
    run(begin);
    sqlite3_bind_int64(insert, 1, 42);
    sqlite3_bind_text(insert, 2, kText, -1, SQLITE_STATIC);
    run(insert);
    run(commit);
  };
}

std::function<void()> transaction_worker(const libsql::Database& db) {
  auto conn = std::make_shared<libsql::Connection>(db.connect());
  return [conn] {
    libsql::Transaction tx = conn->transaction(libsql::TransactionBehavior::Immediate);
    conn->execute(kInsert, 42, kText);
    tx.commit();
  };
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const char* name, const std::vector<Result>& results, const std::vector<Result>& reference) {
  const auto of = [](const std::vector<Result>& from, double Result::*member) {
    std::vector<double> values;
    for (const Result& result : from) values.push_back(result.*member);
    return median(values);
  };
  std::vector<double> ratios;
  for (std::size_t i = 0; i < results.size(); ++i) ratios.push_back(results[i].rate / reference[i].rate);
  std::printf("  %-22s %8.0f /s  ratio %6.2f   ms: median %7.3f  p99 %8.3f  worst %8.1f   slowest thread %3.0f %%\n",
              name, of(results, &Result::rate), median(ratios), of(results, &Result::p50), of(results, &Result::p99),
              of(results, &Result::worst), 100 * of(results, &Result::share));
  std::fflush(stdout);
}

// What the disk takes for a write and a sync, in milliseconds: the measure of all the rest.
double sync_time(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  std::vector<double> times;
  const std::string page(4120, 'x');
  for (int i = 0; i < 200; ++i) {
    const auto before = Clock::now();
    if (::pwrite(file, page.data(), page.size(), static_cast<off_t>(i) * 4120) < 0) break;
    ::fdatasync(file);
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - before).count());
  }
  ::close(file);
  return median(times);
}

}  // namespace

int main() {
  const bench::Directory directory;
  int rounds = 5;
  if (const char* text = std::getenv("LIBSQL_BENCH_ROUNDS")) rounds = std::max(1, std::atoi(text));
  constexpr auto kLength = 600ms;
  std::vector<int> counts = {1, 2, 4, 8};
  if (const char* text = std::getenv("LIBSQL_BENCH_THREADS")) counts = {std::max(1, std::atoi(text))};
  for (const int threads : counts) {
    const std::string suffix = std::to_string(threads) + ".db";
    { bench::Raw(directory.file("raw" + suffix)).exec(kTable); }
    const auto open = [&](const std::string& name) {
      libsql::Database db =
          libsql::Builder::local(directory.file(name + suffix)).pragma("synchronous", "full").busy_timeout(60s).build();
      db.connect().execute(kTable);
      return db;
    };
    const libsql::Database line = open("line");
    const libsql::Database group = open("group");
    libsql::Writer writer = group.writer({.timeout = 60s});
    std::vector<Result> raw_results;
    std::vector<Result> line_results;
    std::vector<Result> group_results;
    const double sync = sync_time(directory.file("sync"));
    for (int round = 0; round < rounds; ++round) {
      raw_results.push_back(measure(threads, kLength, [&] { return raw_worker(directory.file("raw" + suffix)); }));
      line_results.push_back(measure(threads, kLength, [&] { return transaction_worker(line); }));
      group_results.push_back(measure(threads, kLength, [&] { return [&] { writer.execute(kInsert, 42, kText); }; }));
    }
    const libsql::WriterStatistics statistics = writer.statistics();
    std::printf("%d writers, synchronous=FULL, write and sync of one page %.3f ms (%d rounds)\n", threads, sync,
                rounds);
    print("C API, busy timeout", raw_results, raw_results);
    print("transaction(Immediate)", line_results, raw_results);
    print("Writer", group_results, raw_results);
    std::printf("  %-22s %.2f transactions in a commit\n", "",
                static_cast<double>(statistics.transactions) / static_cast<double>(statistics.commits));
  }
}
