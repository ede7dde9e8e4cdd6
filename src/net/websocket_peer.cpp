#include "net/websocket_peer.hpp"

#include <algorithm>

namespace libsql::net {
namespace {

std::uint64_t first_limit(const ServerOptions& options, bool known) noexcept {
  return known || options.stranger_message_bytes == 0 ? options.max_message_bytes : options.stranger_message_bytes;
}

}  // namespace

WebSocketPeer::WebSocketPeer(Connection& connection, std::shared_ptr<WebSocketHandler> handler)
    : connection_(&connection),
      handler_(std::move(handler)),
      peer_(connection.peer()),
      encrypted_(connection.stream().encrypted()),
      options_(connection.core().options()),
      charge_(connection.core().memory),
      reader_(first_limit(options_, connection.is_known())) {
  if (!connection.is_known() && options_.stranger_timeout.count() > 0) {
    hello_deadline_ = coarse_now() + options_.stranger_timeout.count();
  }
}

IoResult WebSocketPeer::read(char* to, std::size_t size) {
  std::unique_lock<std::mutex> lock(tls_mutex_, std::defer_lock);
  if (encrypted_) lock.lock();
  const IoResult result = connection_->stream().read(to, size);
  if (result.state == IoState::Ready) received_ += result.bytes;
  return result;
}

void WebSocketPeer::set_known(std::shared_ptr<MemoryAccount> account) {
  reader_.set_limit(options_.max_message_bytes);
  const std::lock_guard<std::mutex> lock(write_mutex_);
  if (connection_ == nullptr) return;
  connection_->set_known(account);
  charge_.move_to(std::move(account));
  hello_deadline_ = 0;
  set_deadline();
}

void WebSocketPeer::resume() noexcept {
  if (pauses_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::lock_guard<std::mutex> lock(write_mutex_);
  if (connection_ != nullptr) connection_->wake(connection_->generation());
}

bool WebSocketPeer::cut() noexcept {
  open_.store(false, std::memory_order_release);
  connection_->cut_socket();  // Wakes the owner, who then ends the connection.
  return false;
}

std::int64_t WebSocketPeer::transfer_deadline(std::int64_t start, std::uint64_t bytes) const noexcept {
  if (options_.transfer_timeout.count() == 0) return 0;
  const std::uint64_t rate = std::max<std::uint64_t>(options_.min_bytes_per_second, 1);
  return start + options_.transfer_timeout.count() + static_cast<std::int64_t>(bytes * 1000 / rate);
}

// The soonest of all.
void WebSocketPeer::set_deadline() noexcept {
  std::int64_t soonest = 0;
  const auto add = [&](std::int64_t deadline) {
    if (deadline != 0 && (soonest == 0 || deadline < soonest)) soonest = deadline;
  };
  add(hello_deadline_);
  add(message_deadline_);
  add(close_deadline_);
  if (!out_.empty()) {
    add(transfer_deadline(out_since_, out_moved_));
    if (options_.stall_timeout.count() > 0) add(out_moved_at_ + options_.stall_timeout.count());
  }
  connection_->set_deadline(soonest);
}

void WebSocketPeer::note_unsent(std::size_t moved) {
  const std::int64_t now = coarse_now();
  if (unsent() == 0) {
    out_since_ = out_moved_at_ = now;
    out_moved_ = 0;
  }
  if (moved != 0) {
    out_moved_ += moved;
    out_moved_at_ = now;
  }
  if (out_.empty()) out_.release();
  unsent_.store(out_.size(), std::memory_order_relaxed);
  charge_.set(out_.size());
  set_deadline();
}

// What the socket takes now is taken off both. False: the connection is broken.
bool WebSocketPeer::write_some(std::string_view& first, std::string_view& second) {
  while (!first.empty() || !second.empty()) {
    IoResult result{IoState::Failed};
    {
      std::unique_lock<std::mutex> lock(tls_mutex_, std::defer_lock);
      if (encrypted_) lock.lock();
      result = connection_->stream().write(first, second);
    }
    if (result.state == IoState::WantRead || result.state == IoState::WantWrite) return true;
    if (result.state != IoState::Ready) return false;
    const std::size_t of_first = std::min(result.bytes, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(result.bytes - of_first);
  }
  return true;
}

// Sends, and keeps what the peer does not take. False: the connection is broken, or too much is kept.
bool WebSocketPeer::write(std::string_view first, std::string_view second) {
  connection_->core().count_sent(first.size() + second.size());
  if (out_.empty() && !write_some(first, second)) return cut();
  if (first.empty() && second.empty()) return true;
  // A single message is as large as the handler lets it be.
  if (!out_.empty() && out_.size() + first.size() + second.size() > options_.max_unsent_bytes) return cut();
  out_.append(first);
  out_.append(second);
  const bool is_first = unsent() == 0;
  note_unsent(0);
  // The socket may have become writable since it was found full, and who took that event saw nothing to send.
  if (is_first) connection_->wake(connection_->generation());
  // Rather this one, whose peer does not take what it asked for, than others.
  return out_.size() > kMuchUnsent && charge_.is_over() ? cut() : true;
}

void WebSocketPeer::keep(std::string_view bytes) {
  const std::lock_guard<std::mutex> lock(write_mutex_);
  out_.append(bytes);
  note_unsent(0);
}

bool WebSocketPeer::flush() {
  if (unsent() == 0) return true;
  {
    const std::lock_guard<std::mutex> lock(write_mutex_);
    std::string_view first = out_.view();
    std::string_view second;
    if (!write_some(first, second)) return cut();
    const std::size_t moved = out_.size() - first.size();
    out_.consume(moved);
    if (moved != 0) note_unsent(moved);
    if (!out_.empty()) return true;
  }
  handler_->on_drained(*this);
  return true;
}

void WebSocketPeer::wait(bool begun) {
  begun = (begun || reader_.in_message()) && !is_paused();
  if (!begun && message_since_ == 0 && message_deadline_ == 0) return;
  if (!begun) {
    message_since_ = 0;
  } else if (message_since_ == 0) {
    message_since_ = coarse_now();
    message_from_ = received_;
  }
  const std::lock_guard<std::mutex> lock(write_mutex_);
  message_deadline_ = begun ? transfer_deadline(message_since_, received_ - message_from_) : 0;
  set_deadline();
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
  close_deadline_ = coarse_now() + std::max<std::int64_t>(options_.close_timeout.count(), 1);
  set_deadline();
  return was_open && send_frame(Opcode::Close, close_payload(code == close_code::kNone ? 0 : code, reason));
}

void WebSocketPeer::close(int code, std::string_view reason) { begin_close(code, reason); }

bool WebSocketPeer::take(ByteBuffer& in, int& left) {
  while (!is_paused() && left-- > 0) {
    const MessageReader::Event event = reader_.next(in);
    switch (event.kind) {
      case MessageReader::Kind::NeedMore:
        return true;
      case MessageReader::Kind::Message:
        message_since_ = 0;
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
  return true;
}

void WebSocketPeer::tell_gone() noexcept {
  if (!told_gone_.exchange(true)) handler_->on_peer_gone(*this);
}

void WebSocketPeer::detach() noexcept {
  open_.store(false, std::memory_order_release);
  {
    const std::lock_guard<std::mutex> lock(write_mutex_);
    connection_->stream().end_output();
    connection_ = nullptr;
    out_.release();
    unsent_.store(0, std::memory_order_relaxed);
    charge_.set(0);
    charge_.move_to(nullptr);
  }
  const int code = received_code_ != 0 ? received_code_ : sent_code_ != 0 ? sent_code_ : close_code::kAbnormal;
  handler_->on_close(*this, code, received_reason_);
}

}  // namespace libsql::net
