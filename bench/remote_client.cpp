// What the remote mode adds to a round trip: a point select through Connection, in each protocol and encoding, in turns
// with a bare HTTP client that sends the bytes of the same request and looks at nothing in the answer. And the memory
// while two million rows are read through Rows. Server and client share this process.
//   bench_remote_client [REQUESTS_PER_ROUND [ROWS]]
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <libsql/libsql.hpp>

#include "net/http_client.hpp"
#include "server/databases/namespaces.hpp"
#include "server/server.hpp"
#include "support.hpp"

namespace {

// In KiB (proc(5)).
long resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atol(line.c_str() + 6);
  }
  return 0;
}

constexpr const char* kSelect = "SELECT id, name, price FROM items WHERE id = ?";
constexpr const char* kSelectBytes =
    R"({"baton":null,"requests":[{"type":"execute","stmt":{"sql":"SELECT id, name, price FROM items WHERE id = ?","args":[{"type":"integer","value":"77777"}],"want_rows":true}},{"type":"close"}]})";

}  // namespace

int main(int argc, char** argv) {
  const int requests = argc > 1 ? std::atoi(argv[1]) : 2000;
  const std::int64_t rows = argc > 2 ? std::atoll(argv[2]) : 2'000'000;
  const bench::Directory directory;
  libsql::server::Options options;
  options.data_directory = directory.file("data");
  options.http.port = 0;
  libsql::server::Server server(options);
  {
    const auto session = server.namespaces().get("default")->connect();
    session->execute("CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT, price REAL)", {});
    session->execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
        "INSERT INTO items SELECT i, 'the name of item ' || i, i * 0.25 FROM n",
        {});
  }
  server.start();

  libsql::net::ClientOptions bare_options;
  bare_options.proxy_from_environment = false;
  libsql::net::HttpConnection bare({false, "127.0.0.1", server.port()}, bare_options);
  const libsql::net::Header json{"Content-Type", "application/json"};

  const std::string place = "127.0.0.1:" + std::to_string(server.port());
  const auto connect = [&](const char* scheme, libsql::RemoteEncoding encoding) {
    return libsql::Builder::remote(scheme + place).encoding(encoding).build().connect();
  };
  auto http_json = connect("http://", libsql::RemoteEncoding::Json);
  auto http_protobuf = connect("http://", libsql::RemoteEncoding::Protobuf);
  auto websocket = connect("ws://", libsql::RemoteEncoding::Protobuf);

  // Wall-clock time: the client's thread waits for the server's.
  const auto repeat = [&](auto&& round_trip) {
    return bench::rate(
        requests,
        [&] {
          for (int i = 0; i < requests; ++i) round_trip();
        },
        bench::Time::Wall);
  };
  const auto through = [&](libsql::Connection& connection) {
    return [&repeat, &connection] {
      return repeat([&] { bench::keep(connection.query_row<std::int64_t, std::string, double>(kSelect, 77777)); });
    };
  };
  bench::compare("point select over one connection",
                 {{"bytes of a pipeline, bare HTTP client",
                   [&] {
                     return repeat([&] {
                       bench::keep(bare.request({"POST", "/v3/pipeline", {&json, 1}, kSelectBytes}, {}).body.size());
                     });
                   }},
                  {"Connection, HTTP, JSON", through(http_json)},
                  {"Connection, HTTP, Protobuf", through(http_protobuf)},
                  {"Connection, WebSocket, Protobuf", through(websocket)}},
                 "bytes of a pipeline, bare HTTP client");

  for (libsql::Connection* connection : {&http_json, &http_protobuf, &websocket}) {
    const long before = resident();
    long most = before;
    std::int64_t count = 0;
    const double rate = bench::rate(
        static_cast<double>(rows),
        [&] {
          for (const auto& [id, name] : connection->query<std::int64_t, std::string_view>(
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
                   "SELECT i, 'the name of item ' || i FROM n",
                   rows)) {
            bench::keep(id);
            bench::keep(name);
            if (++count % 50'000 == 0) most = std::max(most, resident());
          }
        },
        bench::Time::Wall);
    std::printf("streaming %lld rows: %.0f rows/s, at most %ld KiB more than before\n", static_cast<long long>(count),
                rate, most - before);
    if (count != rows) return 1;
  }
  return 0;
}
