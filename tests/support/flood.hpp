// A peer that sends the same bytes as fast as they are taken, and takes all answers.
#pragma once

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include "support/raw_socket.hpp"

namespace libsql::test {

class Flood {
 public:
  Flood(RawSocket peer, std::string bytes)
      : peer_(std::move(peer)),
        sending_([this, bytes = std::move(bytes)] {
          while (peer_.send(bytes)) {
          }
          ended_ = true;
        }),
        reading_([this] {
          std::array<char, 65536> piece{};
          while (::recv(peer_.descriptor(), piece.data(), piece.size(), 0) > 0) {
          }
        }) {}
  ~Flood() {
    ::shutdown(peer_.descriptor(), SHUT_RDWR);
    sending_.join();
    reading_.join();
  }
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;

  /// The server takes no more.
  bool has_ended() const noexcept { return ended_; }

 private:
  RawSocket peer_;
  std::atomic<bool> ended_ = false;
  std::thread sending_, reading_;
};

}  // namespace libsql::test
