#include "net/websocket_peer.hpp"

#include <errno.h>
#include <poll.h>

#include <algorithm>

namespace libsql::net {

WebSocketPeer::WebSocketPeer(Connection& connection, std::shared_ptr<WebSocketHandler> handler)
    : connection_(&connection),
      handler_(std::move(handler)),
      peer_(connection.peer()),
      encrypted_(connection.stream().encrypted()),
      stall_timeout_(connection.core().options().stall_timeout),
      close_timeout_(connection.core().options().close_timeout),
      reader_(connection.core().options().max_message_bytes) {}

IoResult WebSocketPeer::read(char* to, std::size_t size) {
  std::unique_lock<std::mutex> lock(tls_mutex_, std::defer_lock);
  if (encrypted_) lock.lock();
  return connection_->stream().read(to, size);
}

// Sends everything. False if the peer is gone or takes nothing for too long; then the connection is cut.
bool WebSocketPeer::write(std::string_view first, std::string_view second) {
  Stream& stream = connection_->stream();
  const std::uint64_t total = first.size() + second.size();
  while (!first.empty() || !second.empty()) {
    IoResult result{IoState::Failed};
    {
      std::unique_lock<std::mutex> lock(tls_mutex_, std::defer_lock);
      if (encrypted_) lock.lock();
      result = stream.write(first, second);
    }
    if (result.state == IoState::Ready) {
      const std::size_t of_first = std::min(result.bytes, first.size());
      first.remove_prefix(of_first);
      second.remove_prefix(result.bytes - of_first);
      continue;
    }
    if (result.state == IoState::WantRead || result.state == IoState::WantWrite) {
      pollfd waited{stream.descriptor(), static_cast<short>(result.state == IoState::WantRead ? POLLIN : POLLOUT), 0};
      const int timeout = stall_timeout_.count() > 0 ? static_cast<int>(stall_timeout_.count()) : -1;
      const int ready = ::poll(&waited, 1, timeout);
      if (ready > 0 || (ready < 0 && errno == EINTR)) continue;
    }
    open_.store(false, std::memory_order_release);
    stream.shut_down();  // Wakes the owner, who then ends the connection.
    return false;
  }
  connection_->core().count_sent(total);
  return true;
}

bool WebSocketPeer::send_frame(Opcode opcode, std::string_view payload) {
  const FrameHeader header = make_frame_header(opcode, payload.size(), nullptr);
  return write(header.view(), payload);
}

bool WebSocketPeer::send(MessageType type, std::string_view data) {
  const std::lock_guard<std::mutex> lock(write_mutex_);
  if (connection_ == nullptr || !is_open()) return false;
  return send_frame(type == MessageType::Text ? Opcode::Text : Opcode::Binary, data);
}

// Sends Close unless that has been done. False if the connection is at its end.
bool WebSocketPeer::begin_close(int code, std::string_view reason) {
  const std::lock_guard<std::mutex> lock(write_mutex_);
  if (connection_ == nullptr) return false;
  if (close_sent_) return true;
  close_sent_ = true;
  sent_code_ = code;
  const bool was_open = open_.exchange(false, std::memory_order_acq_rel);
  connection_->set_deadline(coarse_now() + std::max<std::int64_t>(close_timeout_.count(), 1));
  return was_open && send_frame(Opcode::Close, close_payload(code == close_code::kNone ? 0 : code, reason));
}

void WebSocketPeer::close(int code, std::string_view reason) { begin_close(code, reason); }

bool WebSocketPeer::take(ByteBuffer& in) {
  for (;;) {
    const MessageReader::Event event = reader_.next(in);
    switch (event.kind) {
      case MessageReader::Kind::NeedMore:
        return true;
      case MessageReader::Kind::Message:
        if (!is_open()) break;  // Closing: what still comes is dropped.
        try {
          handler_->on_message(*this, event.type, event.data);
        } catch (...) {
          begin_close(close_code::kInternalError, "internal error");
        }
        break;
      case MessageReader::Kind::Ping: {
        const std::lock_guard<std::mutex> lock(write_mutex_);
        if (is_open() && !send_frame(Opcode::Pong, event.data)) return false;
        break;
      }
      case MessageReader::Kind::Pong:
        break;
      case MessageReader::Kind::Close:
        received_code_ = event.code;
        received_reason_ = event.data;
        begin_close(event.code, {});
        return false;
      case MessageReader::Kind::Error:
        begin_close(event.code, event.data);
        return false;
    }
  }
}

void WebSocketPeer::tell_gone() noexcept {
  if (!told_gone_.exchange(true)) handler_->on_peer_gone(*this);
}

void WebSocketPeer::detach() noexcept {
  connection_->stream().end_output();  // A send() that waits ends now and lets go of the lock.
  open_.store(false, std::memory_order_release);
  {
    const std::lock_guard<std::mutex> lock(write_mutex_);
    connection_ = nullptr;
  }
  const int code = received_code_ != 0 ? received_code_ : sent_code_ != 0 ? sent_code_ : close_code::kAbnormal;
  handler_->on_close(*this, code, received_reason_);
}

}  // namespace libsql::net
