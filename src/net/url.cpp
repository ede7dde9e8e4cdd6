#include "net/url.hpp"

#include <charconv>

namespace libsql::net {
namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_alpha(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

std::string decode(std::string_view text, bool plus_is_space) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) throw UrlError("a '%' of the URL is not followed by two hexadecimal digits");
      result += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      result += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

std::string parse_host(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    if (host.back() != ']' || host.find(':') == std::string_view::npos) {
      throw UrlError("the URL's IPv6 address has no closing bracket or is invalid");
    }
    host = host.substr(1, host.size() - 2);
    for (const char c : host) {
      if (hex_value(c) < 0 && c != ':' && c != '.') throw UrlError("the URL's IPv6 address is invalid");
    }
    return lower(host);
  }
  std::string result = lower(decode(host, false));
  if (result.empty()) throw UrlError("the URL has no host");
  for (const char c : result) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
        std::string_view("/?#@[]:<>\"\\^`{|}%").find(c) != std::string_view::npos) {
      throw UrlError("the URL's host has an invalid character");
    }
  }
  return result;
}

}  // namespace

Url parse_url(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) throw UrlError("the URL has a space or control character");
  }
  Url url;
  const std::size_t colon = text.find(':');
  const std::string_view scheme = text.substr(0, colon);
  bool good = colon != std::string_view::npos && !scheme.empty() && is_alpha(scheme.front());
  for (const char c : scheme) good = good && (is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.');
  if (!good) throw UrlError("the URL has no scheme");
  url.scheme = lower(scheme);
  text.remove_prefix(colon + 1);
  if (!text.starts_with("//")) throw UrlError("the URL has no \"//\" after its scheme");
  text.remove_prefix(2);

  if (const std::size_t hash = text.find('#'); hash != std::string_view::npos) {
    url.fragment = text.substr(hash + 1);
    text = text.substr(0, hash);
  }
  if (const std::size_t mark = text.find('?'); mark != std::string_view::npos) {
    url.query = text.substr(mark + 1);
    text = text.substr(0, mark);
  }
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) url.path = text.substr(slash);
  std::string_view authority = text.substr(0, slash);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    url.user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  const std::size_t bracket = authority.rfind(']');
  const std::size_t port = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (port != std::string_view::npos) {
    const std::string_view digits = authority.substr(port + 1);
    if (!digits.empty()) {  // RFC 3986 3.2.3 allows a colon without a port.
      std::uint16_t value = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (error != std::errc() || end != digits.data() + digits.size() || value == 0) {
        throw UrlError("the URL's port is not a number from 1 to 65535");
      }
      url.port = value;
    }
    authority = authority.substr(0, port);
  }
  url.host = parse_host(authority);
  return url;
}

std::string to_string(const Url& url) {
  std::string result = url.scheme + "://";
  if (url.user_info) result += *url.user_info + '@';
  result += url.host.find(':') == std::string::npos ? url.host : '[' + url.host + ']';
  if (url.port) result += ':' + std::to_string(*url.port);
  result += url.path;
  if (url.query) result += '?' + *url.query;
  if (url.fragment) result += '#' + *url.fragment;
  return result;
}

std::vector<std::pair<std::string, std::string>> query_parameters(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> result;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    if (!pair.empty()) {
      const std::size_t equals = pair.find('=');
      result.emplace_back(decode(pair.substr(0, equals), true),
                          equals == std::string_view::npos ? std::string() : decode(pair.substr(equals + 1), true));
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return result;
}

std::string percent_decode(std::string_view text) { return decode(text, false); }

std::string percent_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      result += c;
    } else {
      result += '%';
      result += kDigits[static_cast<unsigned char>(c) >> 4];
      result += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return result;
}

std::string Origin::authority() const {
  std::string result = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != (tls ? 443 : 80)) result += ':' + std::to_string(port);
  return result;
}

}  // namespace libsql::net
