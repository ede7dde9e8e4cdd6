// Which proxy the environment names. The variables have no standard; this follows curl
// (https://everything.curl.dev/usingcurl/proxies/env.html).
#include <arpa/inet.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "net/http.hpp"
#include "net/url.hpp"

namespace libsql::net {
namespace {

struct Address {
  unsigned char bytes[16] = {};
  int bits = 0;  // 32 or 128; 0 for a text that is not an address
};

Address parse_address(const std::string& text) {
  Address address;
  if (::inet_pton(AF_INET, text.c_str(), address.bytes) == 1) {
    address.bits = 32;
  } else if (::inet_pton(AF_INET6, text.c_str(), address.bytes) == 1) {
    address.bits = 128;
  }
  return address;
}

bool in_range(const Address& address, const Address& range, int prefix) {
  if (address.bits == 0 || address.bits != range.bits || prefix < 0 || prefix > range.bits) return false;
  const int whole = prefix / 8;
  if (std::memcmp(address.bytes, range.bytes, static_cast<std::size_t>(whole)) != 0) return false;
  if (prefix % 8 == 0) return true;
  const int shift = 8 - prefix % 8;
  return address.bytes[whole] >> shift == range.bytes[whole] >> shift;
}

bool matches(std::string_view entry, const Origin& origin) {
  if (entry == "*") return true;
  const Address address = parse_address(origin.host);
  if (const std::size_t slash = entry.find('/'); slash != std::string_view::npos) {
    const std::string_view digits = entry.substr(slash + 1);
    int prefix = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (error != std::errc() || end != digits.data() + digits.size()) return false;
    return in_range(address, parse_address(std::string(entry.substr(0, slash))), prefix);
  }
  // A port behind a name, an IPv4 address or a bracket; a bare IPv6 address has colons of its own.
  const std::size_t colon = entry.rfind(':');
  const bool bracketed = entry.front() == '[';
  if (colon != std::string_view::npos && (bracketed ? entry[colon - 1] == ']' : entry.find(':') == colon)) {
    const std::string_view digits = entry.substr(colon + 1);
    unsigned port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port != origin.port) return false;
    entry = entry.substr(0, colon);
  }
  if (bracketed && entry.size() > 2 && entry.back() == ']') entry = entry.substr(1, entry.size() - 2);
  if (address.bits != 0) {
    const Address other = parse_address(std::string(entry));
    return in_range(address, other, other.bits);
  }
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  while (entry.starts_with('.')) entry.remove_prefix(1);
  std::string_view host = origin.host;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (entry.empty() || host.size() < entry.size()) return false;
  if (!equals_ignoring_case(host.substr(host.size() - entry.size()), entry)) return false;
  return host.size() == entry.size() || host[host.size() - entry.size() - 1] == '.';
}

bool excluded(std::string_view list, const Origin& origin) {
  while (!list.empty()) {
    const std::size_t end = list.find_first_of(", \t");
    const std::string_view entry = list.substr(0, end);
    if (!entry.empty() && matches(entry, origin)) return true;
    if (end == std::string_view::npos) break;
    list.remove_prefix(end + 1);
  }
  return false;
}

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

}  // namespace

std::optional<Url> proxy_for(const Origin& origin, std::string (*lookup)(const char* name)) {
  std::string value = lookup(origin.tls ? "https_proxy" : "http_proxy");
  if (value.empty() && origin.tls) value = lookup("HTTPS_PROXY");
  // A CGI program finds the request header "Proxy" in HTTP_PROXY (https://httpoxy.org).
  if (value.empty() && !origin.tls && lookup("REQUEST_METHOD").empty()) value = lookup("HTTP_PROXY");
  if (value.empty()) value = lookup("all_proxy");
  if (value.empty()) value = lookup("ALL_PROXY");
  if (value.empty()) return std::nullopt;
  std::string exceptions = lookup("no_proxy");
  if (exceptions.empty()) exceptions = lookup("NO_PROXY");
  if (excluded(exceptions, origin)) return std::nullopt;
  return parse_url(value.find("://") == std::string::npos ? "http://" + value : value);
}

const char* unsupported_proxy(const Url& proxy) noexcept {
  if (proxy.scheme == "http") return nullptr;
  if (proxy.scheme == "https") return "a proxy that is itself spoken to over TLS (https:) is not supported";
  return "only HTTP proxies (http:) are supported";
}

std::optional<Url> proxy_for(const Origin& origin) { return proxy_for(origin, from_environment); }

}  // namespace libsql::net
