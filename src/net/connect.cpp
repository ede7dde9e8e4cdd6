#include "net/connect.hpp"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <vector>

#include "core/base64.hpp"
#include "net/http_parser.hpp"
#include "net/resolve.hpp"
#include "net/waiting.hpp"

namespace libsql::net {
namespace {

using std::chrono::milliseconds;

// RFC 8305 5: how long an attempt has the field to itself.
constexpr milliseconds kHeadStart{250};

void set_option(int descriptor, int level, int name, int value) noexcept {
  // What a kernel does not know of these, the connection works without.
  ::setsockopt(descriptor, level, name, &value, sizeof value);
}

std::string system_message(int code) { return std::generic_category().message(code); }

// One attempt to reach one address.
struct Attempt {
  Stream stream;
  const SocketAddress* address = nullptr;
};

Stream begin(const SocketAddress& address, const ClientOptions& options, int& error) {
  Stream stream(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!stream.is_open()) {
    error = errno;
    return stream;
  }
  const int descriptor = stream.descriptor();
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.keep_alive_after.count() > 0) {
    const int after = static_cast<int>(options.keep_alive_after.count());
    set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, after);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, after / 3));
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 3);
  }
  if (options.unacknowledged_timeout.count() > 0) {
    set_option(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(options.unacknowledged_timeout.count()));
  }
  error = 0;
  if (::connect(descriptor, address.get(), address.length) != 0) error = errno;
  return stream;
}

// Tries the addresses, each with a head start over the next; the first connection wins.
Stream connect_any(const std::string& host, const std::vector<SocketAddress>& addresses, const ClientOptions& options,
                   const Wait& wait) {
  std::vector<Attempt> running;
  std::size_t next = 0;
  int last_error = 0;
  const SocketAddress* last_address = nullptr;
  Deadline next_start;
  while (next < addresses.size() || !running.empty()) {
    if (next < addresses.size() && (running.empty() || next_start.passed())) {
      int error = 0;
      const SocketAddress& address = addresses[next++];
      Stream stream = begin(address, options, error);
      if (error == 0) return stream;
      if (error == EINPROGRESS || error == EINTR) {
        running.push_back({std::move(stream), &address});
      } else {
        last_error = error;
        last_address = &address;
      }
      next_start = Deadline::after(kHeadStart);
      continue;
    }
    std::vector<pollfd> waited;
    for (const Attempt& attempt : running) waited.push_back({attempt.stream.descriptor(), POLLOUT, 0});
    waited.push_back({wait.interrupt != nullptr ? wait.interrupt->descriptor() : -1, POLLIN, 0});
    const Deadline until = next < addresses.size() ? earlier(wait.deadline, next_start) : wait.deadline;
    if (::poll(waited.data(), waited.size(), until.poll_timeout()) < 0 && errno != EINTR) {
      throw NetError(ErrorKind::Connect, "poll: " + system_message(errno));
    }
    if (wait.interrupt != nullptr && wait.interrupt->triggered()) throw NetError(ErrorKind::Interrupted, "interrupted");
    for (std::size_t i = running.size(); i-- > 0;) {
      if (waited[i].revents == 0) continue;
      int error = 0;
      socklen_t length = sizeof error;
      if (::getsockopt(running[i].stream.descriptor(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
      if (error == 0) return std::move(running[i].stream);
      last_error = error;
      last_address = running[i].address;
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      next_start = Deadline::after(milliseconds(0));  // A failure gives the field to the next one.
    }
    if (wait.deadline.passed()) throw NetError(ErrorKind::Timeout, "the deadline passed while connecting to " + host);
  }
  throw NetError(ErrorKind::Connect,
                 "cannot connect to " + host + " (" + last_address->text() + "): " + system_message(last_error));
}

void handshake(Stream& stream, std::shared_ptr<const TlsContext> context, const std::string& host, std::uint16_t port,
               const Wait& wait) {
  stream.start_tls_client(std::move(context), host, port);
  for (;;) {
    switch (stream.handshake()) {
      case IoState::Ready:
        return;
      case IoState::WantRead:
        wait_or_throw(stream.descriptor(), POLLIN, wait, false, "encryption was set up");
        break;
      case IoState::WantWrite:
        wait_or_throw(stream.descriptor(), POLLOUT, wait, false, "encryption was set up");
        break;
      case IoState::Closed:
      case IoState::Failed: {
        const std::string why = stream.failure();
        throw NetError(ErrorKind::Tls, "no encrypted connection to " + host + ": " +
                                           (why.empty() ? "the peer ended the connection" : why));
      }
    }
  }
}

std::shared_ptr<const TlsContext> context_of(const ClientOptions& options) {
  return options.tls ? options.tls : TlsContext::default_client();
}

std::string proxy_authorization(const Url& proxy) {
  return proxy.user_info ? "Basic " + core::padded_base64(percent_decode(*proxy.user_info)) : std::string();
}

void write_all(Stream& stream, std::string_view bytes, const Wait& wait) {
  while (!bytes.empty()) {
    const IoResult result = stream.write(bytes);
    if (result.state == IoState::Ready) {
      bytes.remove_prefix(result.bytes);
    } else if (result.state == IoState::WantRead || result.state == IoState::WantWrite) {
      const short events = result.state == IoState::WantRead ? POLLIN : POLLOUT;
      wait_or_throw(stream.descriptor(), events, wait, false, "speaking to the proxy");
    } else {
      throw NetError(ErrorKind::Connect, "the proxy ended the connection");
    }
  }
}

// Asks a proxy for a tunnel to the origin (RFC 9110 9.3.6).
void open_tunnel(Stream& stream, const Origin& origin, const Url& proxy, const Wait& wait) {
  const std::string host = origin.host.find(':') == std::string::npos ? origin.host : '[' + origin.host + ']';
  const std::string authority = host + ':' + std::to_string(origin.port);
  std::string request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (proxy.user_info) request += "Proxy-Authorization: " + proxy_authorization(proxy) + "\r\n";
  request += "\r\n";
  write_all(stream, request, wait);
  std::string answer;
  std::size_t from = 0;
  // One byte at a time: what comes after the head belongs to the origin, and this happens once per connection.
  while (find_head_end(answer, from) == 0) {
    char byte = 0;
    const IoResult result = stream.read(&byte, 1);
    if (result.state == IoState::Ready) {
      answer += byte;
      if (answer.size() > 16 * 1024) throw NetError(ErrorKind::Connect, "the proxy's answer has no end");
    } else if (result.state == IoState::WantRead || result.state == IoState::WantWrite) {
      const short events = result.state == IoState::WantRead ? POLLIN : POLLOUT;
      wait_or_throw(stream.descriptor(), events, wait, false, "the proxy connected");
    } else {
      throw NetError(ErrorKind::Connect, "the proxy ended the connection");
    }
  }
  ResponseHead head;
  if (const auto error = HttpParser().take_response_head(answer, "CONNECT", head)) {
    throw NetError(ErrorKind::Connect, std::string("the proxy's answer is malformed: ") + error->reason);
  }
  if (head.status < 200 || head.status > 299) {
    NetError error(ErrorKind::Connect,
                   "the proxy refused to connect to " + authority + " with status " + std::to_string(head.status));
    error.status = head.status;
    throw error;
  }
}

void reach(Connected& result, const Origin& origin, const ClientOptions& options, const std::optional<Url>& proxy,
           const Wait& wait, bool tunnel) {
  if (!proxy) {
    result.stream = connect_any(origin.host, resolve(origin.host, origin.port, wait), options, wait);
  } else {
    if (const char* const why = unsupported_proxy(*proxy)) throw NetError(ErrorKind::Connect, why);
    const std::uint16_t port = proxy->port.value_or(80);
    result.stream = connect_any(proxy->host, resolve(proxy->host, port, wait), options, wait);
    if (origin.tls || tunnel) {
      open_tunnel(result.stream, origin, *proxy, wait);
    } else {
      result.absolute_form = true;
      result.proxy_authorization = proxy_authorization(*proxy);
    }
  }
  if (origin.tls) handshake(result.stream, context_of(options), origin.host, origin.port, wait);
}

}  // namespace

Connected connect_to(const Origin& origin, const ClientOptions& options, const Wait& given, bool tunnel) {
  Wait wait = given;
  if (options.connect_timeout.count() > 0) {
    wait.deadline = earlier(wait.deadline, Deadline::after(options.connect_timeout));
  }
  if (wait.interrupt != nullptr && wait.interrupt->triggered()) throw NetError(ErrorKind::Interrupted, "interrupted");
  std::optional<Url> proxy = options.proxy;
  if (!proxy && options.proxy_from_environment) {
    try {
      proxy = proxy_for(origin);
    } catch (const UrlError& error) {
      throw NetError(ErrorKind::Connect, std::string("the proxy in the environment: ") + error.what());
    }
  }
  Connected result;
  try {
    reach(result, origin, options, proxy, wait, tunnel);
  } catch (const std::system_error& error) {  // no descriptor or no thread left
    throw NetError(ErrorKind::Connect, std::string("cannot connect: ") + error.what());
  }
  return result;
}

}  // namespace libsql::net
