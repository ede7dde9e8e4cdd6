// A client that speaks Hrana over a WebSocket, in JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/server_client.hpp"

namespace libsql::test {

class Socket {
 public:
  explicit Socket(std::uint16_t port, std::vector<std::string_view> protocols = {"hrana2"},
                  std::string_view target = "/", const std::vector<net::Header>& headers = {})
      : connection_(local_origin(port), local_options()) {
    protocol = connection_.connect(target, protocols, headers, soon());
  }

  std::string protocol;

  void send(const Json& message) { connection_.send(net::MessageType::Text, message.dump(), soon()); }
  void send_raw(net::MessageType type, std::string_view data) { connection_.send(type, data, soon()); }
  Json receive() { return Json::parse(connection_.receive(soon()).data); }
  Json hello(const Json& jwt = nullptr) {
    send({{"type", "hello"}, {"jwt", jwt}});
    return receive();
  }
  int request(const Json& what) {
    send({{"type", "request"}, {"request_id", next_}, {"request", what}});
    return next_++;
  }
  Json ask(const Json& what) {
    const int id = request(what);
    Json answer = receive();
    EXPECT_EQ(answer.at("request_id"), id) << answer;
    return answer;
  }
  /// The code of the server's Close frame; 0 if it sends a message instead.
  int close_code() {
    try {
      connection_.receive(soon());
      return 0;
    } catch (const net::NetError& error) {
      return error.close_code;
    }
  }
  net::WebSocketConnection& connection() noexcept { return connection_; }

 private:
  net::WebSocketConnection connection_;
  int next_ = 0;
};

inline Json open(int stream) { return {{"type", "open_stream"}, {"stream_id", stream}}; }
inline Json close_stream(int stream) { return {{"type", "close_stream"}, {"stream_id", stream}}; }
inline Json on(int stream, const std::string& sql) {
  return {{"type", "execute"}, {"stream_id", stream}, {"stmt", {{"sql", sql}}}};
}

}  // namespace libsql::test
