// Replicas that wait for the next commit.
#include <chrono>
#include <string>

#include "replication/grpc_web.hpp"
#include "replication/wal_log_messages.hpp"
#include "support/eventually.hpp"
#include "support/fake_clock.hpp"
#include "support/raw_socket.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class FollowedLog : public ServerTest {
 protected:
  void configure(server::Options& options) override { options.replication.log = true; }

  template <class Message>
  static std::string framed(const Message& message) {
    std::string bytes, body;
    replication::encode(message, bytes);
    replication::grpc::append_message(bytes, replication::grpc::Form::Binary, body);
    return body;
  }
  std::string session_token() {
    const Answer answer = client().send("POST", "/wal_log.ReplicationLog/Hello", framed(replication::HelloRequest{1}),
                                        {{"content-type", "application/grpc-web+proto"}});
    replication::grpc::MessageReader reader;
    reader.feed(answer.body);
    const std::string message(reader.next().value());
    return std::string(replication::decode_hello_response(core::Source::borrowed(message))->session_token);
  }
  RawSocket follow(std::uint64_t from) {
    const std::string body = framed(replication::LogOffset{from, {}});
    RawSocket socket = RawSocket::connect(server_->port());
    socket.send(
        "POST /wal_log.ReplicationLog/LogEntries HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web+proto"
        "\r\nX-Session-Token: " +
        session_token() + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return socket;
  }
};

// The namespace that is loaded for the next commit knows nothing of who followed the last one.
TEST_F(FollowedLog, WhoWaitsIsToldWhenItsNamespaceIsUnloaded) {
  FakeClock clock(FakeClock::Pace::Running);
  const auto unload = [&] {
    clock.advance(server_->options().timeouts.namespace_idle + std::chrono::seconds(1));
    return eventually([&] {
      server_->namespaces().tidy();
      return server_->gauges().namespaces_loaded == 0;
    });
  };
  run("CREATE TABLE t(a)");
  for (const char* life : {"with a write", "without a write"}) {
    RawSocket replica = follow(0);
    EXPECT_NE(replica.read_until("\r\n\r\n").find("200 OK"), std::string::npos);
    ASSERT_GT(replica.read(4096).size(), 0U) << "the first frames";
    ASSERT_TRUE(unload());
    const std::string end = replica.read_until("\r\n0\r\n\r\n");
    EXPECT_NE(end.find("grpc-status:13"), std::string::npos) << "after a life " << life;
  }
}

}  // namespace
}  // namespace libsql::test
