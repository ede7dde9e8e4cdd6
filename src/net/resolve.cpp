#include "net/resolve.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <thread>

#include "net/error.hpp"
#include "net/waiting.hpp"

namespace libsql::net {
namespace {

struct Lookup {
  std::string host;
  std::string port;
  std::vector<SocketAddress> found;
  int error = 0;
  Interrupt done;

  void run(int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* list = nullptr;
    error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
    if (error != 0) return;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
      if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
      SocketAddress address;
      std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
      address.length = entry->ai_addrlen;
      found.push_back(address);
    }
    ::freeaddrinfo(list);
  }
};

// The system sorts by preference; here its first family keeps the lead, and the other one comes every second time.
void interleave(std::vector<SocketAddress>& addresses) {
  if (addresses.empty()) return;
  const int first_family = addresses.front().family();
  std::vector<SocketAddress> first;
  std::vector<SocketAddress> second;
  for (const SocketAddress& address : addresses) (address.family() == first_family ? first : second).push_back(address);
  addresses.clear();
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) addresses.push_back(first[i]);
    if (i < second.size()) addresses.push_back(second[i]);
  }
}

}  // namespace

std::string SocketAddress::text() const {
  char host[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET6) {
    const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
    ::inet_ntop(AF_INET6, &address.sin6_addr, host, sizeof host);
    return '[' + std::string(host) + "]:" + std::to_string(ntohs(address.sin6_port));
  }
  const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
  ::inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
  return host + (':' + std::to_string(ntohs(address.sin_port)));
}

std::vector<SocketAddress> resolve(const std::string& host, std::uint16_t port, const Wait& wait) {
  auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  lookup->port = std::to_string(port);
  lookup->run(AI_NUMERICHOST);
  if (lookup->error == EAI_NONAME) {
    std::thread([lookup] {
      try {
        lookup->run(AI_ADDRCONFIG);
        // A machine with nothing but a loopback interface has no address to be configured by.
        if (lookup->error != 0) lookup->run(0);
      } catch (const std::bad_alloc&) {
        lookup->error = EAI_MEMORY;
      }
      lookup->done.trigger();
    }).detach();
    wait_or_throw(lookup->done.descriptor(), POLLIN, wait, false, "the host name was looked up");
    if (!lookup->done.triggered()) throw NetError(ErrorKind::Connect, "the look-up of " + host + " broke off");
  }
  if (lookup->error != 0 || lookup->found.empty()) {
    throw NetError(ErrorKind::Connect,
                   "the host " + host + " is not found" +
                       (lookup->error != 0 ? std::string(": ") + ::gai_strerror(lookup->error) : ""));
  }
  interleave(lookup->found);
  return std::move(lookup->found);
}

}  // namespace libsql::net
