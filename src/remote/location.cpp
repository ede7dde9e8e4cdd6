#include "remote/location.hpp"

#include <array>
#include <optional>

#include "core/errors.hpp"
#include "net/http.hpp"

namespace libsql::remote {
namespace {

[[noreturn]] void refuse(std::string why) { core::throw_error(ErrorCode::Configuration, std::move(why)); }

struct Scheme {
  std::string_view name;
  std::optional<bool> tls;  // none: the URL's `tls` decides
  bool websocket;
};
constexpr std::array kSchemes = {Scheme{"libsql", std::nullopt, false}, Scheme{"https", true, false},
                                 Scheme{"http", false, false}, Scheme{"wss", true, true}, Scheme{"ws", false, true}};

std::string without_final_slashes(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path;
}

// Any other character would end the header or be taken for another one.
bool is_header_value(std::string_view text) noexcept {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
  }
  return true;
}

}  // namespace

Location locate(const Options& options) {
  net::Url url;
  try {
    url = net::parse_url(options.url);
  } catch (const net::UrlError& error) {
    refuse(std::string("the URL of the database cannot be understood: ") + error.what());
  }
  const Scheme* scheme = nullptr;
  for (const Scheme& known : kSchemes) {
    if (known.name == url.scheme) scheme = &known;
  }
  if (scheme == nullptr) {
    refuse("the scheme '" + url.scheme + ":' is not one of libsql:, https:, http:, wss: and ws:");
  }
  if (url.user_info) refuse("a URL cannot contain a user name or password: pass the token separately, or as authToken");
  if (url.fragment) refuse("the URL of a database cannot have a part after '#'");

  Location location;
  location.auth_token = options.auth_token;
  std::optional<bool> wanted_tls;
  try {
    for (auto& [name, value] : net::query_parameters(url.query.value_or(""))) {
      if (name == "tls") {
        if (value != "0" && value != "1") refuse("the URL's parameter tls must be 0 or 1");
        wanted_tls = value == "1";
      } else if (name == "authToken") {
        location.auth_token = std::move(value);
      } else {
        refuse("the URL has the unknown parameter '" + name + "': only tls and authToken are allowed");
      }
    }
  } catch (const net::UrlError& error) {
    refuse(std::string("the parameters of the URL cannot be understood: ") + error.what());
  }
  if (scheme->tls && wanted_tls && *scheme->tls != *wanted_tls) {
    refuse(url.scheme + ": and tls=" + (*wanted_tls ? "1" : "0") + " contradict each other");
  }
  const bool tls = scheme->tls.value_or(wanted_tls.value_or(true));
  if (url.scheme == "libsql" && !tls && !url.port) refuse("libsql: with tls=0 needs a port in the URL");

  location.websocket = scheme->websocket;
  if (options.protocol != RemoteProtocol::Auto) {
    const bool wanted = options.protocol == RemoteProtocol::WebSocket;
    if (scheme->websocket && !wanted) refuse(url.scheme + ": is a WebSocket's scheme, and HTTP was asked for");
    location.websocket = wanted;
  }
  if (!is_header_value(location.auth_token)) refuse("the token has characters that a token cannot have");
  location.endpoint.origin.tls = tls;
  location.endpoint.origin.host = url.host;
  location.endpoint.origin.port = url.port.value_or(tls ? 443 : 80);
  // A WebSocket's path goes to the server as it is; HTTP paths are added to it.
  location.endpoint.path = location.websocket ? std::move(url.path) : without_final_slashes(std::move(url.path));
  return location;
}

Endpoint follow(const Endpoint& from, std::string_view base_url) {
  const auto refuse_answer = [](std::string why) {
    core::throw_error(ErrorCode::Protocol, "the server named another address for the rest of the stream, " + why);
  };
  Endpoint to;
  try {
    net::Url url = net::parse_url(base_url);
    if (url.scheme != "http" && url.scheme != "https") refuse_answer("which is not an HTTP URL");
    to.origin.tls = url.scheme == "https";
    to.origin.host = url.host;
    to.origin.port = url.port.value_or(to.origin.tls ? 443 : 80);
    to.path = without_final_slashes(std::move(url.path));
  } catch (const net::UrlError& error) {
    refuse_answer(std::string("which cannot be understood: ") + error.what());
  }
  if (from.origin.tls && !to.origin.tls) refuse_answer("which is not encrypted while this one is");
  return to;
}

bool is_remote_url(std::string_view text) noexcept {
  for (const Scheme& known : kSchemes) {
    if (text.size() > known.name.size() && net::equals_ignoring_case(text.substr(0, known.name.size()), known.name) &&
        text[known.name.size()] == ':') {
      return true;
    }
  }
  return false;
}

}  // namespace libsql::remote
