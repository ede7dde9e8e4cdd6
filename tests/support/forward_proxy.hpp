// A small HTTP proxy on 127.0.0.1: CONNECT, requests with the whole URL in them, and credentials. It takes every name
// for 127.0.0.1.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/raw_socket.hpp"

namespace libsql::test {

class ForwardProxy {
 public:
  /// `credentials`: what Proxy-Authorization must have behind "Basic "; empty: nothing is asked for.
  explicit ForwardProxy(std::string credentials = {}) : credentials_(std::move(credentials)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), length) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      throw std::runtime_error("the proxy cannot listen");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  /// The connections must have been closed by one of their ends.
  ~ForwardProxy() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    ::close(listener_);
  }
  ForwardProxy(const ForwardProxy&) = delete;
  ForwardProxy& operator=(const ForwardProxy&) = delete;

  std::string url(const std::string& user_info = {}) const {
    return "http://" + (user_info.empty() ? "" : user_info + '@') + "127.0.0.1:" + std::to_string(port_);
  }
  /// The first request line of each connection.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void accept_all() {
    for (;;) {
      const int accepted = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted < 0) return;
      threads_.emplace_back([this, accepted] {
        RawSocket client(accepted);
        serve(client);
      });
    }
  }

  void serve(RawSocket& client) {
    const std::string head = client.read_until("\r\n\r\n");
    if (head.empty()) return;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(head.substr(0, head.find("\r\n")));
    }
    if (!credentials_.empty() &&
        head.find("Proxy-Authorization: Basic " + credentials_ + "\r\n") == std::string::npos) {
      client.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    const bool tunnel = head.starts_with("CONNECT ");
    const std::size_t host = tunnel ? head.find(' ') + 1 : head.find("://") + 3;
    RawSocket target = RawSocket::connect(static_cast<std::uint16_t>(std::stoi(head.substr(head.find(':', host) + 1))));
    // The server itself understands whole URLs, so they are passed on.
    if (tunnel) {
      client.send("HTTP/1.1 200 Connection established\r\n\r\n");
    } else {
      target.send(head);
    }
    target.send(client.take_seen());
    pass_on(client, target);
  }

  // Both ways, until one side ends.
  static void pass_on(RawSocket& client, RawSocket& target) {
    pollfd both[2] = {{client.descriptor(), POLLIN, 0}, {target.descriptor(), POLLIN, 0}};
    std::vector<char> bytes(64 * 1024);
    while (::poll(both, 2, 60'000) > 0) {
      for (int i = 0; i < 2; ++i) {
        if (both[i].revents == 0) continue;
        const ssize_t got = ::recv(both[i].fd, bytes.data(), bytes.size(), 0);
        if (got <= 0) return;
        if (!(i == 0 ? target : client).send({bytes.data(), static_cast<std::size_t>(got)})) return;
      }
    }
  }

  const std::string credentials_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;  // under mutex_
  std::vector<std::thread> threads_;   // of the acceptor, until it has ended
  std::thread acceptor_;
};

}  // namespace libsql::test
