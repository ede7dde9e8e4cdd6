// URLs (RFC 3986) as far as a client of HTTP and WebSocket needs them.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace libsql::net {

/// The text is no URL. The message names the part; it never repeats user information or query, which may hold secrets.
class UrlError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// An absolute URL with an authority, in its parts.
struct Url {
  std::string scheme;                    ///< lower case, such as "libsql"
  std::optional<std::string> user_info;  ///< as written
  std::string host;                      ///< lower case, percent-decoded; an IPv6 address without its brackets
  std::optional<std::uint16_t> port;     ///< if written
  std::string path;                      ///< as written; empty or beginning with '/'
  std::optional<std::string> query;      ///< as written, without the '?'
  std::optional<std::string> fragment;   ///< as written, without the '#'
};

/// Takes "scheme://authority/path?query#fragment" apart. Throws UrlError: no scheme, no authority, empty host, bad
/// port, bad percent-encoding in the host, spaces or control characters anywhere.
Url parse_url(std::string_view text);

/// The URL put together again. A host with ':' gets its brackets back.
std::string to_string(const Url& url);

/// The names and values of a query string in their order, percent-decoded, '+' as a space; a name without '=' has an
/// empty value. Throws UrlError for bad percent-encoding.
std::vector<std::pair<std::string, std::string>> query_parameters(std::string_view query);

/// Throws UrlError if a '%' is not followed by two hexadecimal digits.
std::string percent_decode(std::string_view text);
/// Everything but unreserved characters (RFC 3986 2.3) as %XX.
std::string percent_encode(std::string_view text);

/// Where to connect to.
struct Origin {
  bool tls = false;
  std::string host;  ///< as in Url
  std::uint16_t port = 0;

  /// What belongs into the Host header: brackets around IPv6, no port if it is the scheme's own (80, 443).
  std::string authority() const;
  bool operator==(const Origin&) const = default;
};

/// The user's proxy for connections to an origin, from the environment: https_proxy for TLS, http_proxy without (lower
/// case first, then upper case; HTTP_PROXY only outside of CGI, https://httpoxy.org), else all_proxy; none for hosts
/// that no_proxy lists ("*", names and their subdomains, addresses, CIDR ranges, each with an optional port). Throws
/// UrlError if the variable holds no URL ("host:port" counts as one). `lookup` gives the value of a variable, empty if
/// unset.
std::optional<Url> proxy_for(const Origin& origin, std::string (*lookup)(const char* name));
/// The same from the process's environment.
std::optional<Url> proxy_for(const Origin& origin);
/// Why a proxy cannot be used, in words; null if it can. Only proxies that are spoken to in plain HTTP can; what goes
/// through their tunnels is encrypted as the origin wants it.
const char* unsupported_proxy(const Url& proxy) noexcept;

}  // namespace libsql::net
