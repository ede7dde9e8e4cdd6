// A replica that asks in any order, on the calls of libSQL's replication.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conformance/walk/world.hpp"
#include "replication/grpc_web.hpp"
#include "replication/proxy_messages.hpp"
#include "replication/wal_log_messages.hpp"
#include "support/raw_socket.hpp"

namespace libsql::test::walk {

class ReplicaWalker {
 public:
  ReplicaWalker(World& world, std::uint64_t seed) : world_(world), dice_(seed), http_(world.port) {}

  void step() {
    name_space_ = dice_.one_in(2) ? kKept : dice_.of(kNamespaces);
    bearer_ = dice_.of(kBearers);
    try {
      act();
    } catch (const net::NetError& error) {
      if (error.kind() == net::ErrorKind::Timeout && !world_.is_stopping) ADD_FAILURE() << error.what();
    } catch (const std::runtime_error&) {  // it was not let in, or could not read an answer
    }
  }
  void leave() { open_.clear(); }

 private:
  Headers headers() const {
    Headers all = {{"content-type", "application/grpc-web+proto"},
                   {"authorization", bearer_},
                   {"x-namespace-bin", name_space_ == kKept ? "a2VwdA==" : "dG95MA=="}};
    if (!token_.empty()) all.emplace_back("x-session-token", token_);
    return all;
  }
  static std::string framed(std::string_view message) {
    std::string body;
    replication::grpc::append_message(message, replication::grpc::Form::Binary, body);
    return body;
  }
  /// The first message of the answer; empty if there is none.
  std::string call(std::string_view path, std::string_view message) {
    const Answer answer = http_.send("POST", path, framed(message), headers());
    const std::string_view name = path.substr(path.rfind('/'));
    if (answer.status != 200 || answer.body.empty()) {
      world_.saw(std::string("replica ").append(name).append(" has no message"));
      return {};
    }
    replication::grpc::MessageReader reader;
    reader.feed(answer.body);
    const auto first = reader.next();
    world_.saw(std::string("replica ").append(name));
    return first ? std::string(*first) : std::string();
  }

  void hello() {
    std::string message;
    replication::encode(replication::HelloRequest{1}, message);
    const std::string answer = call("/wal_log.ReplicationLog/Hello", message);
    if (answer.empty()) return;
    const auto hello = replication::decode_hello_response(core::Source::borrowed(answer));
    if (!dice_.one_in(5)) token_ = hello->session_token;
    last_ = hello->current_replication_index.value_or(0);
  }
  std::string some_offset() {
    const std::uint64_t from = dice_.one_in(3)   ? 0
                               : dice_.one_in(8) ? ~std::uint64_t{0}
                                                 : last_ + static_cast<std::uint64_t>(dice_.below(20)) - 10;
    std::string message;
    replication::encode(replication::LogOffset{from, {}}, message);
    return message;
  }
  // Begins to listen, and perhaps goes on listening while other things are done.
  void stream(std::string_view path) {
    const std::string body = framed(some_offset());
    std::string text = "POST ";
    text.append(path).append(" HTTP/1.1\r\nHost: x\r\nContent-Length: ").append(std::to_string(body.size()));
    for (const auto& [name, value] : headers()) text.append("\r\n").append(name).append(": ").append(value);
    text.append("\r\n\r\n").append(body);
    RawSocket socket = hasty(world_.port, dice_);
    socket.send(text);
    if (dice_.one_in(4)) return socket.reset();
    if (dice_.one_in(4)) socket.end_output();
    if (dice_.one_in(2)) socket.read(static_cast<std::size_t>(1 + dice_.below(100)));
    if (dice_.one_in(2) && open_.size() < 3) open_.push_back(std::move(socket));
  }

  void execute() {
    namespace proxy = replication::proxy;
    const bool adds = name_space_ == kKept && dice_.one_in(2);
    const std::int64_t row = adds ? world_.new_row() : 0;
    std::vector<std::string> texts;
    if (adds) {
      texts.push_back("INSERT INTO kept VALUES (" + std::to_string(row) + ")");
    } else {
      for (int i = dice_.below(4); i >= 0; --i) texts.push_back(some_sql(dice_));
    }
    const proxy::Cond alone{proxy::Cond::Kind::IsAutocommit, 0, {}};
    std::vector<proxy::Step> steps;
    for (const std::string& text : texts) {
      proxy::Query query;
      query.stmt = text;
      query.params = proxy::Query::Params::Positional;
      steps.push_back({adds ? &alone : nullptr, query});
    }
    proxy::ProgramReq request;
    request.client_id = some_client();
    request.pgm = proxy::Program{steps};
    std::string message;
    proxy::encode(request, message);
    const std::string answer = call("/proxy.Proxy/Execute", message);
    if (answer.empty() || !adds) return;
    const auto done = proxy::decode_execute_results(core::Source::borrowed(answer));
    if (done->results.size() != 1) return;
    const auto* const rows = std::get_if<proxy::ResultRows>(&done->results[0]);
    if (rows != nullptr && rows->affected_row_count == 1) world_.acknowledged(row);
  }
  std::string_view some_client() {
    static constexpr const char* kClients[] = {"c5fd1e0a-3f3c-4a8e-9a6f-0d9f5a1b2c3d",
                                               "0b9f5a1b-3f3c-4a8e-9a6f-c5fd1e0a2c3d", "no UUID"};
    return kClients[dice_.one_in(30) ? 2 : dice_.below(2)];
  }

  void act() {
    namespace proxy = replication::proxy;
    switch (dice_.below(13)) {
      case 0:
      case 1:
      case 2:
        return hello();
      case 3:
      case 4:
        call("/wal_log.ReplicationLog/BatchLogEntries", some_offset());
        return;
      case 5:
        return stream("/wal_log.ReplicationLog/Snapshot");
      case 6:
        return stream("/wal_log.ReplicationLog/LogEntries");
      case 7:
      case 8:
      case 9:
        return execute();
      case 10: {
        std::string message;
        const std::string sql = some_sql(dice_);
        proxy::encode(proxy::DescribeRequest{some_client(), sql}, message);
        call("/proxy.Proxy/Describe", message);
        return;
      }
      case 11: {
        std::string message;
        proxy::encode(proxy::DisconnectMessage{some_client()}, message);
        call("/proxy.Proxy/Disconnect", message);
        return;
      }
      default:
        if (!open_.empty()) open_.pop_back();
        call("/wal_log.ReplicationLog/BatchLogEntries", "no message");
    }
  }

  World& world_;
  Dice dice_;
  HttpClient http_;
  std::string name_space_, bearer_, token_;
  std::uint64_t last_ = 0;
  std::vector<RawSocket> open_;
};

}  // namespace libsql::test::walk
