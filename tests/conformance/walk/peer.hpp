// A WebSocket client that takes its answers when it likes, or never: its socket holds little, and it may go in the
// middle of anything.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/byte_buffer.hpp"
#include "net/websocket_frame.hpp"
#include "support/raw_socket.hpp"

namespace libsql::test::walk {

class Peer {
 public:
  /// Throws std::runtime_error if the server does not let it in.
  Peer(std::uint16_t port, std::string_view protocol, std::string_view name_space, int receive_buffer)
      : socket_(RawSocket::connect(port, receive_buffer)) {
    std::string head = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    head.append("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-namespace: ");
    head.append(name_space).append("\r\nSec-WebSocket-Protocol: ").append(protocol).append("\r\n\r\n");
    if (!socket_.send(head) || !socket_.read_until("\r\n\r\n").starts_with("HTTP/1.1 101")) {
      throw std::runtime_error("not let in");
    }
    in_.append(socket_.take_seen());
  }

  /// What the server does not take meanwhile makes this take what the server has to say. False: the connection is over.
  bool send(net::MessageType type, std::string_view data) {
    const bool is_text = type == net::MessageType::Text;
    return send_frame(is_text ? net::Opcode::Text : net::Opcode::Binary, data);
  }
  bool send_frame(net::Opcode opcode, std::string_view data) {
    static constexpr char kMask[4] = {};  // which changes nothing
    std::string frame(net::make_frame_header(opcode, data.size(), kMask).view());
    frame.append(data);
    return send_bytes(frame);
  }
  bool send_bytes(std::string_view bytes) {
    while (!bytes.empty() && !is_over_) {
      const ssize_t put = ::send(socket_.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(put));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        wait(POLLIN | POLLOUT, 1000);
      } else {
        is_over_ = true;
      }
    }
    return !is_over_;
  }

  /// The next message; nothing if none comes within that time, or the connection is over.
  std::optional<std::string> receive(int milliseconds) {
    for (;;) {
      if (auto message = next()) return message;
      if (is_over_ || !wait(POLLIN, milliseconds)) return std::nullopt;
    }
  }

  bool is_over() const { return is_over_; }
  void half_close() { socket_.end_output(); }
  void reset() { socket_.reset(); }

  int close_code = 0;

 private:
  // A server's frames are neither masked nor in fragments.
  std::optional<std::string> next() {
    for (;;) {
      const std::string_view in = in_.view();
      const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(in[at]); };
      if (in.size() < 2) return std::nullopt;
      const std::size_t more = byte(1) == 127 ? 8 : byte(1) == 126 ? 2 : 0;
      if (in.size() < 2 + more) return std::nullopt;
      std::size_t length = more == 0 ? byte(1) : 0;
      for (std::size_t i = 0; i < more; ++i) length = length << 8 | byte(2 + i);
      if (in.size() - 2 - more < length) return std::nullopt;
      const auto opcode = static_cast<net::Opcode>(byte(0) & 0x0f);
      std::string data(in.substr(2 + more, length));
      in_.consume(2 + more + length);
      if (opcode == net::Opcode::Text || opcode == net::Opcode::Binary) return data;
      if (opcode != net::Opcode::Close) continue;
      if (data.size() >= 2) close_code = static_cast<unsigned char>(data[0]) << 8 | static_cast<unsigned char>(data[1]);
      is_over_ = true;
      return std::nullopt;
    }
  }

  // False if nothing happens.
  bool wait(short events, int milliseconds) {
    pollfd what{socket_.descriptor(), events, 0};
    if (::poll(&what, 1, milliseconds) <= 0) return false;
    if ((what.revents & (POLLIN | POLLHUP | POLLERR)) == 0) return true;
    char* const to = in_.prepare(65536);
    const ssize_t got = ::recv(socket_.descriptor(), to, 65536, MSG_DONTWAIT);
    if (got > 0) {
      in_.commit(static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      is_over_ = true;
    }
    return true;
  }

  RawSocket socket_;
  net::ByteBuffer in_;
  bool is_over_ = false;
};

}  // namespace libsql::test::walk
