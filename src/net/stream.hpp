// A connected socket that never blocks, encrypted or not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/tls.hpp"

typedef struct ssl_st SSL;

namespace libsql::net {

enum class IoState : std::uint8_t {
  Ready,      ///< some bytes went through
  WantRead,   ///< call again when the socket can be read
  WantWrite,  ///< call again when the socket can be written
  Closed,     ///< the peer has ended its side properly
  Failed,     ///< reset, or an encrypted connection that was cut off
};

struct IoResult {
  IoState state;
  std::size_t bytes = 0;
};

/// Owns the socket. Threads: one at a time; shut_down() from any while the Stream lives.
class Stream {
 public:
  Stream() noexcept = default;
  explicit Stream(int descriptor) noexcept : descriptor_(descriptor) {}
  ~Stream() { close(); }
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;

  int descriptor() const noexcept { return descriptor_; }
  /// Gives the socket away, still open.
  int release() noexcept { return std::exchange(descriptor_, -1); }
  bool is_open() const noexcept { return descriptor_ >= 0; }
  bool encrypted() const noexcept { return ssl_ != nullptr; }

  /// Prepares for TLS; the handshake follows by handshake(). Throws NetError Tls.
  void start_tls_client(std::shared_ptr<const TlsContext> context, const std::string& host, std::uint16_t port);
  void start_tls_server(const TlsContext& context);
  /// One step; Ready when done. After Failed, failure() tells why.
  IoState handshake();
  /// Of a TLS connection: what went wrong, for a message; empty if nothing is known.
  std::string failure() const;
  /// Whether the handshake took up an earlier session.
  bool resumed() const noexcept;
  /// The subject of the peer's certificate; empty without one.
  std::string peer_subject() const;

  IoResult read(char* to, std::size_t size);
  IoResult write(std::string_view bytes);
  /// Both pieces in one write, as far as the socket takes them. With TLS short pieces are joined into one record.
  IoResult write(std::string_view first, std::string_view second);

  /// Whether an idle connection is still open and silent. A peer that has said something unasked counts as gone.
  bool idle_and_open();

  /// Ends the sending direction, so that the peer sees the end of what was sent and may still be read from.
  void end_output() noexcept;
  /// Ends both directions so that whoever waits for the socket wakes up. The descriptor stays valid.
  void shut_down() noexcept;
  /// Closes; with TLS a close_notify is tried first.
  void close() noexcept;

 private:
  IoResult result_of(int returned, std::size_t bytes);

  int descriptor_ = -1;
  SSL* ssl_ = nullptr;
  std::shared_ptr<const TlsContext> context_;  // of a client, whose sessions are kept there
  std::unique_ptr<std::string> failure_;       // rarely there
};

}  // namespace libsql::net
