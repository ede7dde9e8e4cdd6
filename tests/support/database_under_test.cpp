#include "support/database_under_test.hpp"

#include <chrono>

#include <libsql/builder.hpp>

#include "api/access.hpp"
#include "remote/options.hpp"
#include "server/server.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {
namespace {

using namespace std::chrono_literals;

class LocalDatabase final : public DatabaseUnderTest {
 public:
  Database open(const Tune&) override { return Builder::local(location()).busy_timeout(50ms).build(); }
  std::string location() const override { return directory_.file("local.db"); }
  bool is_remote() const noexcept override { return false; }

 private:
  TemporaryDirectory directory_;
};

class RemoteDatabase : public DatabaseUnderTest {
 public:
  RemoteDatabase(Way way, const ServerLimits& limits) : way_(way) {
    server::Options options;
    if (limits) limits(options.limits);
    options.database = directory_.file("served.db");
    options.http.port = 0;
    options.replication.log = way == Way::Replica;
    server_ = std::make_unique<server::Server>(std::move(options));
    server_->start();
  }
  ~RemoteDatabase() override { server_->stop(1s); }

  Database open(const Tune& tune) override {
    const bool json = way_ == Way::HttpJson || way_ == Way::WebSocketJson;
    RemoteBuilder builder = Builder::remote(location());
    builder.encoding(json ? RemoteEncoding::Json : RemoteEncoding::Protobuf).busy_timeout(50ms).proxy(std::nullopt);
    if (tune) tune(builder);
    return builder.build();
  }
  std::string location() const override {
    const bool socket = way_ == Way::WebSocketJson || way_ == Way::WebSocketProtobuf;
    return (socket ? "ws://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(server_->port());
  }
  bool is_remote() const noexcept override { return true; }

 protected:
  TemporaryDirectory directory_;

 private:
  Way way_;
  std::unique_ptr<server::Server> server_;
};

class ReplicaDatabase final : public RemoteDatabase {
 public:
  explicit ReplicaDatabase(const ServerLimits& limits) : RemoteDatabase(Way::Replica, limits) {}
  Database open(const Tune& tune) override {
    ReplicaBuilder builder = Builder::remote_replica(directory_.file("copy.db"), location());
    builder.busy_timeout(50ms).proxy(std::nullopt);
    if (tune) {  // what both have
      RemoteBuilder remote = Builder::remote(location());
      tune(remote);
      const detail::RemoteOptions& options = detail::Access::options(remote);
      builder.row_buffer(options.row_buffer).batch_limits(options.batch_statements, options.batch_bytes);
    }
    return builder.build();
  }
};

}  // namespace

std::string name_of(Way way) {
  switch (way) {
    case Way::Local:
      return "Local";
    case Way::HttpJson:
      return "HttpJson";
    case Way::HttpProtobuf:
      return "HttpProtobuf";
    case Way::WebSocketJson:
      return "WebSocketJson";
    case Way::WebSocketProtobuf:
      return "WebSocketProtobuf";
    case Way::Replica:
      return "Replica";
  }
  return "Local";
}

std::vector<Way> all_ways() {
  return {Way::Local, Way::HttpJson, Way::HttpProtobuf, Way::WebSocketJson, Way::WebSocketProtobuf, Way::Replica};
}

std::unique_ptr<DatabaseUnderTest> make_database_under_test(Way way, const ServerLimits& limits) {
  if (way == Way::Local) return std::make_unique<LocalDatabase>();
  if (way == Way::Replica) return std::make_unique<ReplicaDatabase>(limits);
  return std::make_unique<RemoteDatabase>(way, limits);
}

}  // namespace libsql::test
