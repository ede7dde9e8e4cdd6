// The server's end of a WebSocket.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/connection.hpp"
#include "net/server.hpp"
#include "net/websocket_frame.hpp"

namespace libsql::net {

/// What the handler knows as WebSocketSession. It outlives its connection as long as somebody holds it.
class WebSocketPeer final : public WebSocketSession {
 public:
  WebSocketPeer(Connection& connection, std::shared_ptr<WebSocketHandler> handler);

  bool send(MessageType type, std::string_view data) override;
  void close(int code, std::string_view reason) override;
  bool is_open() const noexcept override { return open_.load(std::memory_order_acquire); }
  std::string peer() const override { return peer_; }

  // --- For the connection, by its owner ---
  /// Handles what has arrived in `in`. False: the connection is at its end.
  bool take(ByteBuffer& in);
  /// Reads, shielded from a concurrent send() where that is needed.
  IoResult read(char* to, std::size_t size);
  std::size_t missing() const noexcept { return reader_.missing(); }
  void release(ByteBuffer& in) noexcept { reader_.release(in); }
  /// The socket is about to be closed; tells the handler.
  void detach() noexcept;
  /// The peer is gone while on_message() runs.
  void tell_gone() noexcept;

 private:
  bool send_frame(Opcode opcode, std::string_view payload);  // with write_mutex_ held
  bool begin_close(int code, std::string_view reason);
  bool write(std::string_view first, std::string_view second);

  Connection* connection_;  // null after the end; under write_mutex_
  const std::shared_ptr<WebSocketHandler> handler_;
  const std::string peer_;
  const bool encrypted_;
  const std::chrono::milliseconds stall_timeout_;
  const std::chrono::milliseconds close_timeout_;

  std::mutex write_mutex_;  // one message at a time
  std::mutex tls_mutex_;    // one call of OpenSSL at a time; inside the former
  std::atomic<bool> open_ = true;
  std::atomic<bool> told_gone_ = false;
  bool close_sent_ = false;  // under write_mutex_
  int sent_code_ = 0;        // under write_mutex_

  MessageReader reader_;  // the owner's
  int received_code_ = 0;
  std::string received_reason_;
};

}  // namespace libsql::net
