#include "net/stream.hpp"

#include <errno.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>

#include "net/tls_context.hpp"

namespace libsql::net {
namespace {

constexpr std::size_t kRecord = 16 * 1024;  // the most that one TLS record carries (RFC 8446 5.1)

IoResult failed_call() noexcept {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {IoState::WantRead};
  return {IoState::Failed};
}

int clamped(std::size_t size) noexcept { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

}  // namespace

Stream::Stream(Stream&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      ssl_(std::exchange(other.ssl_, nullptr)),
      context_(std::move(other.context_)),
      failure_(std::move(other.failure_)) {}

Stream& Stream::operator=(Stream&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
    ssl_ = std::exchange(other.ssl_, nullptr);
    context_ = std::move(other.context_);
    failure_ = std::move(other.failure_);
  }
  return *this;
}

void Stream::start_tls_client(std::shared_ptr<const TlsContext> context, const std::string& host, std::uint16_t port) {
  ssl_ = new_client_session(*context, descriptor_, host, port);
  context_ = std::move(context);
}

void Stream::start_tls_server(const TlsContext& context) { ssl_ = new_server_session(context, descriptor_); }

IoState Stream::handshake() {
  clear_tls_errors();  // what another connection left there would be taken for the failure of this one
  const int done = SSL_do_handshake(ssl_);
  if (done == 1) return IoState::Ready;
  const IoResult result = result_of(done, 0);
  if (result.state == IoState::Closed || result.state == IoState::Failed) {
    if (!failure_) failure_ = std::make_unique<std::string>(handshake_failure(ssl_));
    return IoState::Failed;
  }
  return result.state;
}

std::string Stream::failure() const { return failure_ ? *failure_ : std::string(); }

bool Stream::resumed() const noexcept { return ssl_ != nullptr && SSL_session_reused(ssl_) == 1; }

std::string Stream::peer_subject() const { return ssl_ == nullptr ? std::string() : peer_subject_of(ssl_); }

IoResult Stream::result_of(int returned, std::size_t bytes) {
  if (returned > 0) return {IoState::Ready, bytes};
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
      return {IoState::WantRead};
    case SSL_ERROR_WANT_WRITE:
      return {IoState::WantWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {IoState::Closed};
    default:
      failure_ = std::make_unique<std::string>(handshake_failure(ssl_));
      SSL_set_quiet_shutdown(ssl_, 1);  // After a fatal error nothing more may be sent.
      return {IoState::Failed};
  }
}

IoResult Stream::read(char* to, std::size_t size) {
  if (ssl_ != nullptr) {
    clear_tls_errors();
    const int got = SSL_read(ssl_, to, clamped(size));
    return result_of(got, got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  const ssize_t got = ::recv(descriptor_, to, size, 0);
  if (got > 0) return {IoState::Ready, static_cast<std::size_t>(got)};
  return got == 0 ? IoResult{IoState::Closed} : failed_call();
}

IoResult Stream::write(std::string_view bytes) {
  if (ssl_ != nullptr) {
    clear_tls_errors();
    const int put = SSL_write(ssl_, bytes.data(), clamped(bytes.size()));
    return result_of(put, put > 0 ? static_cast<std::size_t>(put) : 0);
  }
  const ssize_t put = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (put >= 0) return {IoState::Ready, static_cast<std::size_t>(put)};
  const IoResult result = failed_call();
  return result.state == IoState::WantRead ? IoResult{IoState::WantWrite} : result;
}

IoResult Stream::write(std::string_view first, std::string_view second) {
  if (second.empty()) return write(first);
  if (first.empty()) return write(second);
  if (ssl_ != nullptr) {
    if (first.size() >= kRecord) return write(first);
    char joined[kRecord];
    std::memcpy(joined, first.data(), first.size());
    const std::size_t more = std::min(second.size(), kRecord - first.size());
    std::memcpy(joined + first.size(), second.data(), more);
    return write({joined, first.size() + more});
  }
  iovec pieces[2] = {{const_cast<char*>(first.data()), first.size()},
                     {const_cast<char*>(second.data()), second.size()}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  const ssize_t put = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
  if (put >= 0) return {IoState::Ready, static_cast<std::size_t>(put)};
  const IoResult result = failed_call();
  return result.state == IoState::WantRead ? IoResult{IoState::WantWrite} : result;
}

bool Stream::idle_and_open() {
  char byte = 0;
  if (ssl_ != nullptr) {  // Session tickets arrive after the handshake and are not data, so OpenSSL has to look.
    clear_tls_errors();
    return result_of(SSL_peek(ssl_, &byte, 1), 0).state == IoState::WantRead;
  }
  return ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Stream::end_output() noexcept {
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_WR);
}

void Stream::shut_down() noexcept {
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RDWR);
}

void Stream::close() noexcept {
  if (ssl_ != nullptr) {
    if (SSL_is_init_finished(ssl_)) {
      clear_tls_errors();
      SSL_shutdown(ssl_);
      clear_tls_errors();
    }
    SSL_free(ssl_);
    ssl_ = nullptr;
    context_.reset();
  }
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

}  // namespace libsql::net
