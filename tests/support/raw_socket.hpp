// Plain blocking sockets on 127.0.0.1 for tests: peers that say exactly what a test tells them to, cut off where it
// wants, or say nothing at all. Every wait ends after ten seconds.
#pragma once

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/eventually.hpp"

namespace libsql::test {

/// Waits until everything that was sent through this socket has left it, its end included: on the loopback it can be
/// read then, and no reset takes it back. False if the peer does not take it.
inline bool has_left(int descriptor) {
  return eventually([&] {
    int unsent = 0;
    return ::ioctl(descriptor, SIOCOUTQNSD, &unsent) == 0 && unsent == 0;
  });
}

class RawSocket {
 public:
  explicit RawSocket(int descriptor) : descriptor_(descriptor) {
    const timeval limit{10, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~RawSocket() { close(); }
  RawSocket(RawSocket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), seen_(std::move(other.seen_)) {}
  RawSocket& operator=(RawSocket&&) = delete;

  /// `receive_buffer`: bytes, for peers that take little; 0 for the system's choice.
  static RawSocket connect(std::uint16_t port, int receive_buffer = 0) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(descriptor);
      throw std::runtime_error("the test cannot connect");
    }
    return RawSocket(descriptor);
  }

  int descriptor() const { return descriptor_; }

  /// False if the peer is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }

  /// Sends byte by byte, as packets of their own. Slow on purpose, if there is a pause.
  bool drip(std::string_view bytes, std::chrono::microseconds pause = std::chrono::microseconds(0)) {
    for (const char& byte : bytes) {
      if (!send({&byte, 1})) return false;
      if (pause.count() > 0) std::this_thread::sleep_for(pause);
    }
    return true;
  }

  /// Sends this again and again, slowly on purpose: whether the peer ends the connection for it.
  bool is_cut_off_dripping(std::string_view bytes) {
    return eventually([&] { return !send(bytes); });
  }

  /// Reads up to and including `mark`; what came behind it is kept for the next call. Less if the peer closed before.
  std::string read_until(std::string_view mark) {
    std::size_t at = 0;
    while ((at = seen_.find(mark)) == std::string::npos) {
      if (!fill()) return std::exchange(seen_, {});
    }
    std::string result = seen_.substr(0, at + mark.size());
    seen_.erase(0, result.size());
    return result;
  }
  std::string read(std::size_t size) {
    while (seen_.size() < size && fill()) {
    }
    std::string result = seen_.substr(0, size);
    seen_.erase(0, result.size());
    return result;
  }
  /// What was read beyond what was asked for.
  std::string take_seen() { return std::exchange(seen_, {}); }
  /// Everything until the peer closes.
  std::string read_all() {
    while (fill()) {
    }
    return std::exchange(seen_, {});
  }
  /// A head and the body that its Content-Length announces.
  std::string read_message() {
    std::string head = read_until("\r\n\r\n");
    const std::size_t at = head.find("Content-Length: ");
    return at == std::string::npos ? head : head + read(std::stoul(head.substr(at + 16)));
  }

  void end_output() { ::shutdown(descriptor_, SHUT_WR); }
  /// Ends the connection with a reset.
  void reset() {
    const linger none{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close();
  }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

 private:
  bool fill() {
    char piece[16 * 1024];
    const ssize_t got = ::recv(descriptor_, piece, sizeof piece, 0);
    if (got <= 0) return false;
    seen_.append(piece, static_cast<std::size_t>(got));
    return true;
  }

  int descriptor_;
  std::string seen_;
};

/// Listens on a free port and runs `script` for one connection after the other, on a thread of its own, until it ends.
class RawServer {
 public:
  explicit RawServer(std::function<void(RawSocket&)> script) : script_(std::move(script)) {
    descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
        ::listen(descriptor_, 64) != 0 ||
        ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      throw std::runtime_error("the test cannot listen");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (;;) {
        const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted < 0) return;
        ++connections_;
        RawSocket peer(accepted);
        script_(peer);
      }
    });
  }
  ~RawServer() {
    ::shutdown(descriptor_, SHUT_RDWR);
    thread_.join();
    ::close(descriptor_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }

 private:
  std::function<void(RawSocket&)> script_;
  int descriptor_;
  std::uint16_t port_;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

}  // namespace libsql::test
