// A database that a test opens without knowing the mode: a file, or one that a server in this process keeps.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <libsql/database.hpp>
#include <libsql/remote_builder.hpp>

namespace libsql::server {
struct Limits;
}

namespace libsql::test {

/// Replica: reads are local, writes go to a server.
enum class Way : unsigned char { Local, HttpJson, HttpProtobuf, WebSocketJson, WebSocketProtobuf, Replica };

/// "Local", "HttpJson", ...: for the names of parameterised tests.
std::string name_of(Way way);
/// The ways that this build has.
std::vector<Way> all_ways();

class DatabaseUnderTest {
 public:
  virtual ~DatabaseUnderTest() = default;
  /// What a test wants of the client besides; local databases know nothing of it.
  using Tune = std::function<void(RemoteBuilder& builder)>;
  /// The same database each time. `busy_timeout` is short, so that waits do not slow the tests down.
  virtual Database open(const Tune& tune) = 0;
  Database open() { return open({}); }
  /// What connect() opens it by: a path or a URL.
  virtual std::string location() const = 0;
  /// Whether statements that write run on a server.
  virtual bool is_remote() const noexcept = 0;
};

/// `limits` sets more or less than a server allows by default. Local databases have none.
using ServerLimits = std::function<void(server::Limits& limits)>;
std::unique_ptr<DatabaseUnderTest> make_database_under_test(Way way, const ServerLimits& limits = {});

}  // namespace libsql::test
