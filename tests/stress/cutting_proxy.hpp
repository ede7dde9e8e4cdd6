// A TCP proxy on 127.0.0.1 that passes everything on until it is told to cut, to stall, or to trickle.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace libsql::test {

class CuttingProxy {
 public:
  enum class Injury { None, Cut, Stall, Trickle };

  explicit CuttingProxy(std::uint16_t target) : target_(target) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = local(0);
    socklen_t length = sizeof address;
    wake_ = ::eventfd(0, EFD_CLOEXEC);
    if (wake_ < 0 || ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
        ::listen(listener_, 64) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      throw std::runtime_error("the proxy cannot listen");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~CuttingProxy() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    wake();
    thread_.join();
    ::close(listener_);
    ::close(wake_);
  }
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  std::uint16_t port() const { return port_; }
  /// Once `bytes` more have gone to the primary (`up`) or come from it: Cut drops every connection with what was under
  /// way, by a reset or (`politely`) an end; Stall passes nothing on, and accepts nothing, until heal(); Trickle passes
  /// on a few bytes at a time.
  void injure(Injury injury, bool up, std::uint64_t bytes, bool politely) {
    const std::lock_guard lock(mutex_);
    injury_ = injury;
    up_ = up;
    left_ = bytes;
    politely_ = politely;
  }
  /// What stalled is dropped. Whether the injury came about.
  bool heal() {
    {
      const std::lock_guard lock(mutex_);
      if (injury_ == Injury::Stall && struck_) drop_ = true;
      injury_ = Injury::None;
    }
    wake();
    const std::lock_guard lock(mutex_);
    return std::exchange(struck_, false);
  }
  std::uint64_t bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  struct Pair {
    int client;
    int server;
    bool open = true;
  };

  static sockaddr_in local(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }
  void wake() const {
    const std::uint64_t one = 1;
    if (::write(wake_, &one, sizeof one) < 0) return;
  }

  void run() {
    for (;;) {
      bool stalled = false;
      {
        const std::lock_guard lock(mutex_);
        if (ends_) break;
        stalled = injury_ == Injury::Stall && struck_;
        if (std::exchange(drop_, false)) close_all(false);
      }
      std::vector<pollfd> watched{{wake_, POLLIN, 0}};
      if (!stalled) {
        watched.push_back({listener_, POLLIN, 0});
        for (const Pair& pair : pairs_) {
          watched.push_back({pair.client, POLLIN, 0});
          watched.push_back({pair.server, POLLIN, 0});
        }
      }
      if (::poll(watched.data(), watched.size(), -1) < 0) continue;
      if (watched[0].revents != 0) {
        std::uint64_t ignored = 0;
        if (::read(wake_, &ignored, sizeof ignored) < 0) break;
        continue;
      }
      std::size_t at = 2;
      for (Pair& pair : pairs_) {
        const bool up = watched[at].revents != 0;
        const bool down = watched[at + 1].revents != 0;
        at += 2;
        if (pair.open && up) pass_on(pair, true);
        if (pair.open && down) pass_on(pair, false);
      }
      pairs_.remove_if([](const Pair& pair) { return !pair.open; });
      if (watched[1].revents != 0) accept();
    }
    close_all(false);
  }

  void accept() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = local(target_);
    Pair pair{client, server};
    // Neither end may hold up the other connections for long.
    const timeval limit{2, 0};
    ::setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ::setsockopt(server, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close_pair(pair, true);
      return;
    }
    pairs_.push_back(pair);
  }

  void pass_on(Pair& pair, bool up) {
    const int from = up ? pair.client : pair.server;
    const int to = up ? pair.server : pair.client;
    char buffer[16384];
    const ssize_t got = ::recv(from, buffer, sizeof buffer, 0);
    if (got <= 0) {
      close_pair(pair, got == 0);
      return;
    }
    auto size = static_cast<std::size_t>(got);
    bool cut = false;
    bool trickle = false;
    bool politely = false;
    {
      const std::lock_guard lock(mutex_);
      if (injury_ != Injury::None && !struck_ && up == up_) {
        if (size < left_) {
          left_ -= size;
        } else {
          struck_ = true;
          if (injury_ != Injury::Trickle) size = static_cast<std::size_t>(left_);
          cut = injury_ == Injury::Cut;
        }
      }
      trickle = injury_ == Injury::Trickle && struck_;
      politely = politely_;
      bytes_ += size;
    }
    for (std::size_t sent = 0; sent < size;) {
      const std::size_t piece =
          trickle && sent < 600 ? std::min<std::size_t>(size - sent, 1 + (sent % 7)) : size - sent;
      const ssize_t done = ::send(to, buffer + sent, piece, MSG_NOSIGNAL);
      if (done <= 0) {
        close_pair(pair, false);
        return;
      }
      sent += static_cast<std::size_t>(done);
    }
    if (cut) close_all(politely);
  }

  static void close_pair(Pair& pair, bool politely) {
    for (const int socket : {pair.client, pair.server}) {
      const linger reset{1, 0};
      if (!politely) ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      ::close(socket);
    }
    pair.open = false;
  }
  void close_all(bool politely) {
    for (Pair& pair : pairs_) {
      if (pair.open) close_pair(pair, politely);
    }
  }

  const std::uint16_t target_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wake_ = -1;
  mutable std::mutex mutex_;
  Injury injury_ = Injury::None;  // these under mutex_
  bool up_ = false;
  bool politely_ = false;
  bool struck_ = false;
  bool drop_ = false;
  bool ends_ = false;
  std::uint64_t left_ = 0;
  std::uint64_t bytes_ = 0;
  std::list<Pair> pairs_;  // of the thread
  std::thread thread_;
};

}  // namespace libsql::test
