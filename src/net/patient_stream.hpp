// A connection of which every call waits: for the peer, a deadline and an interrupt at once.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "net/byte_buffer.hpp"
#include "net/stream.hpp"
#include "net/waiting.hpp"

namespace libsql::net {

/// What a library that wants to read and write synchronously is given as its socket. Threads: one at a time.
class PatientStream {
 public:
  /// Thrown by read() when it may not wait and nothing is there.
  struct NothingYet {};

  PatientStream(Stream stream, std::uint64_t max_kept) : stream_(std::move(stream)), max_kept_(max_kept) {}

  /// What the calls to come wait for. `what` completes "the deadline passed while".
  void set_wait(const Wait& wait, const char* what) noexcept {
    wait_ = wait;
    what_ = what;
    may_wait_ = true;
  }
  /// read() throws NothingYet instead of waiting.
  void forbid_waiting() noexcept { may_wait_ = false; }

  /// At least one byte, or 0 at the end of the connection. Throws NetError Timeout, Interrupted.
  std::size_t read(char* to, std::size_t size);
  /// At least one byte of the two pieces; 0 if the connection is broken. While the peer takes nothing, what it sends is
  /// kept for read(), up to `max_kept` bytes, so that two peers that both send much do not block each other for ever.
  std::size_t write(std::string_view first, std::string_view second);

  /// What has arrived and was not handed out. More of it with fill(): false at the end of the connection.
  ByteBuffer& kept() noexcept { return kept_; }
  bool fill();

  bool is_open() const noexcept { return stream_.is_open(); }
  void close() noexcept { stream_.close(); }

  bool sent = false;  ///< a byte may have left since the owner last cleared it
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;

 private:
  IoState fill_once();
  void wait(short events, bool sent_meanwhile);

  Stream stream_;
  ByteBuffer kept_;
  const std::uint64_t max_kept_;
  Wait wait_;
  const char* what_ = "";
  bool may_wait_ = true;
};

}  // namespace libsql::net
