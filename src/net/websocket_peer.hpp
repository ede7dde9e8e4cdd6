// The server's end of a WebSocket.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/charge.hpp"
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
  std::size_t unsent() const noexcept override { return unsent_.load(std::memory_order_relaxed); }
  void pause() noexcept override { pauses_.fetch_add(1, std::memory_order_acq_rel); }
  void resume() noexcept override;
  void set_known(std::shared_ptr<MemoryAccount> account) override;

  // --- For the connection, by its owner ---
  /// Handles what has arrived in `in`, until it is paused or `left` frames have been taken. False: the connection is at
  /// its end.
  bool take(ByteBuffer& in, int& left);
  /// Sends what is kept, as far as the peer takes it. False: the connection is broken.
  bool flush();
  /// Keeps what has to be sent before everything else.
  void keep(std::string_view bytes);
  /// No message should be read now. Once it is closing, everything is read, so that the peer's Close is found.
  bool is_paused() const noexcept {
    return is_open() && (pauses_.load(std::memory_order_acquire) > 0 || unsent() > kMuchUnsent);
  }
  /// Sets the deadline for what is waited for now. `begun`: a part of a message has arrived.
  void wait(bool begun);
  std::size_t held() const noexcept { return reader_.held(); }
  /// Of coarse_now(): until when a stranger has to have said who it is; 0 for others.
  std::int64_t first_deadline() const noexcept { return hello_deadline_; }
  /// Reads, shielded from a concurrent send() where that is needed.
  IoResult read(char* to, std::size_t size);
  std::size_t missing() const noexcept { return reader_.missing(); }
  void release(ByteBuffer& in) noexcept { reader_.release(in); }
  /// The socket is about to be closed; tells the handler.
  void detach() noexcept;
  /// The peer is gone while on_message() runs.
  void tell_gone() noexcept;

 private:
  // While so much waits for the peer, nothing of it is read: it could ask for more and more.
  static constexpr std::size_t kMuchUnsent = 1024 * 1024;

  bool begin_close(int code, std::string_view reason);
  // With write_mutex_ held:
  bool send_frame(Opcode opcode, std::string_view payload);
  bool write(std::string_view first, std::string_view second);
  bool write_some(std::string_view& first, std::string_view& second);
  bool cut() noexcept;
  void note_unsent(std::size_t moved);
  void set_deadline() noexcept;
  std::int64_t transfer_deadline(std::int64_t start, std::uint64_t bytes) const noexcept;

  Connection* connection_;  // null after the end; under write_mutex_
  const std::shared_ptr<WebSocketHandler> handler_;
  const std::string peer_;
  const bool encrypted_;
  const ServerOptions& options_;  // of the core, which is there as long as the connection is

  std::mutex write_mutex_;  // one message at a time, and what follows
  std::mutex tls_mutex_;    // one call of OpenSSL at a time; inside the former
  std::atomic<bool> open_ = true;
  std::atomic<bool> told_gone_ = false;
  std::atomic<int> pauses_ = 0;
  std::atomic<std::size_t> unsent_ = 0;
  bool close_sent_ = false;
  int sent_code_ = 0;
  ByteBuffer out_;  // what the peer did not take yet
  Charge charge_;   // for it
  std::int64_t out_since_ = 0, out_moved_at_ = 0;
  std::uint64_t out_moved_ = 0;
  // Of coarse_now(); 0: none.
  std::int64_t hello_deadline_ = 0, message_deadline_ = 0, close_deadline_ = 0;

  // The owner's.
  MessageReader reader_;
  std::int64_t message_since_ = 0;
  std::uint64_t received_ = 0, message_from_ = 0;
  int received_code_ = 0;
  std::string received_reason_;
};

}  // namespace libsql::net
