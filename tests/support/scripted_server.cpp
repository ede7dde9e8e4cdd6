#include "support/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "support/raw_socket.hpp"

namespace libsql::test {
namespace {

void reset(int descriptor) {
  const linger at_once{1, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

// The value of a header, in whatever case its name is.
std::string header_of(const std::string& head, std::string_view name) {
  for (std::size_t at = 0; at < head.size();) {
    const std::size_t end = std::min(head.find("\r\n", at), head.size());
    const std::string_view line = std::string_view(head).substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (colon == name.size() && std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) {
          return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
        })) {
      const std::size_t start = line.find_first_not_of(' ', colon + 1);
      return start == std::string_view::npos ? std::string() : std::string(line.substr(start));
    }
    at = end + 2;
  }
  return {};
}

}  // namespace

std::string http_answer(int status, std::string_view content_type, std::string_view body) {
  std::string answer = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\ncontent-type: ";
  answer.append(content_type).append("\r\ncontent-length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  return answer.append(body);
}

Reply json(std::string_view body, int status) { return {.bytes = http_answer(status, "application/json", body)}; }

Reply chunked(std::vector<std::string> pieces, bool whole) {
  Reply reply;
  reply.bytes = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";
  for (const std::string& piece : pieces) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    reply.bytes.append(size).append(piece).append("\r\n");
  }
  if (whole) {
    reply.bytes += "0\r\n\r\n";
  } else {
    reply.cut_after = reply.bytes.size();
  }
  return reply;
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 64) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the scripted server cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
  ending_ = true;
  acceptor_.join();
  shut_down_all();
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  ::close(listener_);
}

std::vector<Received> ScriptedServer::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

void ScriptedServer::shut_down_all() {
  const std::lock_guard lock(mutex_);
  for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
}

void ScriptedServer::drop_connections() {
  shut_down_all();
  const std::lock_guard lock(mutex_);
  for (const int descriptor : open_) has_left(descriptor);
}

void ScriptedServer::accept_all() {
  for (int number = 0; !ending_;) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    const int descriptor = ::accept(listener_, nullptr, nullptr);
    if (descriptor < 0) continue;
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    open_.push_back(descriptor);
    threads_.emplace_back([this, descriptor, number] { serve(descriptor, number); });
    ++number;
  }
}

void ScriptedServer::serve(int descriptor, int number) {
  std::string bytes;
  char buffer[65536];
  const auto more = [&] {
    const ssize_t count = ::recv(descriptor, buffer, sizeof buffer, 0);
    if (count > 0) bytes.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  };
  for (bool going = true; going;) {
    std::size_t end = 0;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos && (going = more())) {
    }
    if (!going) break;
    Received received;
    const std::size_t line = bytes.find("\r\n");
    const std::size_t space = bytes.find(' ');
    received.method = bytes.substr(0, space);
    received.target = bytes.substr(space + 1, bytes.find(' ', space + 1) - space - 1);
    received.head = bytes.substr(line + 2, end - line);
    received.connection = number;
    const std::string length = header_of(received.head, "content-length");
    const std::size_t size = length.empty() ? 0 : std::stoul(length);
    while (bytes.size() < end + 4 + size && (going = more())) {
    }
    if (!going) break;
    received.body = bytes.substr(end + 4, size);
    bytes.erase(0, end + 4 + size);
    {
      const std::lock_guard lock(mutex_);
      received_.push_back(received);
    }
    going = send(descriptor, script_(received));
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, descriptor);
  ::close(descriptor);
}

bool ScriptedServer::send(int descriptor, const Reply& reply) {
  if (reply.silent) return true;
  std::this_thread::sleep_for(reply.delay);  // slow on purpose
  const std::size_t size = std::min(reply.cut_after.value_or(reply.bytes.size()), reply.bytes.size());
  for (std::size_t sent = 0; sent < size;) {
    const std::size_t piece = reply.piece == 0 ? size - sent : std::min(reply.piece, size - sent);
    const ssize_t count = ::send(descriptor, reply.bytes.data() + sent, piece, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
    if (sent < size) std::this_thread::sleep_for(reply.pause);
  }
  if (reply.cut_after) {
    has_left(descriptor);
    reset(descriptor);
    return false;
  }
  return !reply.close;
}

}  // namespace libsql::test
