// What a replica does with its primary's frames: how fast pages are applied, beside raw writes of the same pages
// through sqlite_dbpage; and a first sync beside a copy of the same file over the same loopback. LIBSQL_BENCH_DIR:
// where the files go. LIBSQL_BENCH_MB: the size of the database of the first sync (default 200).
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/connection.hpp"
#include "engine/statement.hpp"
#include "local/store.hpp"
#include "net/http_client.hpp"
#include "replica/follower.hpp"
#include "server/server.hpp"
#include "support.hpp"
#include "support/primary_log.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace libsql;
namespace fs = std::filesystem;
using test::PrimaryLog;

constexpr double kMegabyte = 1 << 20;

fs::path place() {
  const char* const named = std::getenv("LIBSQL_BENCH_DIR");
  return named != nullptr ? fs::path(named) : fs::temp_directory_path();
}

std::shared_ptr<local::Store> open(const std::string& path) {
  local::Options options;
  options.path = path;
  return local::Store::open(std::move(options));
}

// The commits of a log, one transaction each, by nothing but the engine.
void write_raw(engine::Connection& connection, const PrimaryLog& log) {
  connection.execute_script("PRAGMA synchronous=FULL; BEGIN IMMEDIATE");
  const auto write = engine::Statement::prepare(connection, "INSERT INTO sqlite_dbpage(pgno, data) VALUES (?1, ?2)",
                                                engine::Statement::Persistence::Cached);
  for (std::size_t i = 0; i < log.frames.size(); ++i) {
    const auto frame = *replication::decode_frame(log.frames[i]);
    const std::array<ValueRef, 2> arguments{ValueRef(static_cast<std::int64_t>(frame.header.page_no)),
                                            ValueRef(BlobView(frame.page))};
    write->execute({arguments, {}});
    if (frame.header.is_commit()) {
      connection.execute_script(i + 1 == log.frames.size() ? "COMMIT" : "COMMIT; BEGIN IMMEDIATE");
    }
  }
}

void compare_applying(const char* title, const PrimaryLog& log) {
  const double megabytes = static_cast<double>(log.frames.size()) * 4096 / kMegabyte;
  const std::vector<std::byte> bytes = log.bytes();
  std::vector<bench::Contender> contenders;
  contenders.push_back({"sqlite_dbpage", [&] {
                          const test::TemporaryDirectory directory(place());
                          const auto store = open(directory.file("a"));
                          const auto connection = store->borrow();
                          return bench::rate(
                              megabytes, [&] { write_raw(*connection, log); }, bench::Time::Wall);
                        }});
  contenders.push_back({"follower", [&] {
                          const test::TemporaryDirectory directory(place());
                          replica::FollowerOptions options;
                          options.local.path = directory.file("a");
                          const auto follower = replica::Follower::open(options);
                          return bench::rate(
                              megabytes, [&] { follower->apply(bytes); }, bench::Time::Wall);
                        }});
  bench::compare(std::string(title) + ", MB", std::move(contenders), "sqlite_dbpage", 5);
}

// The file through a connection of this machine into another file, which is synced.
void copy_over_loopback(const fs::path& from, const fs::path& to) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) std::abort();
  std::thread sender([&] {
    std::ifstream in(from, std::ios::binary);
    std::vector<char> piece(256 << 10);
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())), in.gcount() > 0) {
      for (std::streamsize at = 0; at < in.gcount();) {
        const ssize_t sent = ::write(ends[0], piece.data() + at, static_cast<std::size_t>(in.gcount() - at));
        if (sent <= 0) std::abort();
        at += sent;
      }
    }
    ::close(ends[0]);
  });
  std::ofstream out(to, std::ios::binary);
  std::vector<char> piece(256 << 10);
  for (ssize_t got = 0; (got = ::read(ends[1], piece.data(), piece.size())) > 0;) out.write(piece.data(), got);
  sender.join();
  ::close(ends[1]);
  out.close();
  ::sync();
}

void compare_first_syncs() {
  const char* const wanted = std::getenv("LIBSQL_BENCH_MB");
  const int megabytes = wanted != nullptr ? std::max(1, std::atoi(wanted)) : 200;
  const test::TemporaryDirectory directory(place());
  server::Options options;
  options.data_directory = directory.path() / "data";
  options.http.port = 0;
  options.replication.log = true;
  server::Server server(std::move(options));
  server.start();
  net::ClientOptions direct;
  direct.proxy_from_environment = false;
  net::HttpConnection client({false, "127.0.0.1", server.port()}, direct);
  const auto run = [&](const std::string& sql) {
    const std::string body = R"({"requests":[{"type":"execute","stmt":{"sql":")" + sql + R"("}},{"type":"close"}]})";
    const auto answer = client.request({"POST", "/v3/pipeline", {}, body}, {});
    if (answer.status != 200 || answer.body.find("\"error\"") != std::string_view::npos) std::abort();
  };
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  for (int i = 0; i < megabytes; ++i) {
    run("INSERT INTO t(b) SELECT randomblob(1000) FROM generate_series(1, 1000)");
  }
  const test::TemporaryDirectory plain(place());
  {
    replica::FollowerOptions first;
    first.local.path = plain.file("file");
    first.primary.emplace().url = std::string("http://127.0.0.1:").append(std::to_string(server.port()));
    replica::Follower::open(first)->sync();
  }
  const double size = static_cast<double>(fs::file_size(plain.file("file"))) / kMegabyte;
  std::vector<bench::Contender> contenders;
  contenders.push_back({"copy over the loopback, synced", [&] {
                          const test::TemporaryDirectory to(place());
                          return bench::rate(
                              size, [&] { copy_over_loopback(plain.file("file"), to.file("copy")); },
                              bench::Time::Wall);
                        }});
  contenders.push_back({"first sync", [&] {
                          const test::TemporaryDirectory to(place());
                          replica::FollowerOptions replica;
                          replica.local.path = to.file("replica");
                          replica.primary.emplace().url =
                              std::string("http://127.0.0.1:").append(std::to_string(server.port()));
                          return bench::rate(
                              size,
                              [&] {
                                const auto follower = replica::Follower::open(replica);
                                follower->sync();
                              },
                              bench::Time::Wall);
                        }});
  bench::compare(std::string("a first sync of ").append(std::to_string(static_cast<int>(size))).append(" MB, MB"),
                 std::move(contenders), "copy over the loopback, synced", 3);
  server.stop(std::chrono::seconds(5));
}

}  // namespace

int main() {
  PrimaryLog large;
  large.commit("CREATE TABLE t(a, b)");
  large.commit("INSERT INTO t SELECT value, randomblob(4000) FROM generate_series(1, 10000)");
  compare_applying("applying one large transaction", large);
  PrimaryLog small;
  small.commit("CREATE TABLE t(a, b)");
  for (int i = 0; i < 300; ++i) small.commit("INSERT INTO t VALUES (1, 'a row of a log, or so')");
  compare_applying("applying 300 small transactions", small);
  compare_first_syncs();
}
