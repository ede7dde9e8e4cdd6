#include "server/http/router.hpp"

#include "hrana/encode.hpp"
#include "server/http/http_answer.hpp"
#include "server/http/routed_exchange.hpp"

namespace libsql::server {
namespace {

// The segments of a path. A trailing slash adds an empty one.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

}  // namespace

void Exchange::answer_error(int status, std::string_view message, std::string_view code) {
  std::string body;
  hrana::encode_http_error(message, code.empty() ? "ERROR" : code, body);
  answer(status, kJson, std::move(body));
}

std::string_view Exchange::parameter(std::string_view name) const noexcept {
  for (const auto& [known, value] : parameters) {
    if (known == name) return value;
  }
  return {};
}

void Router::add(std::string method, std::string pattern, Handler handler) {
  Route route{std::move(method), {}, false, std::move(handler)};
  for (const std::string_view segment : segments_of(pattern)) route.segments.emplace_back(segment);
  if (route.segments.back() == "*") {
    route.rest = true;
    route.segments.pop_back();
  }
  routes_.push_back(std::move(route));
}

Router::Found Router::dispatch(Exchange& exchange) const {
  if (routes_.empty()) return Found::No;
  if (guard_ && guard_(exchange)) return Found::Yes;
  const std::vector<std::string_view> path = segments_of(exchange.path());
  bool other_method = false;
  for (const Route& route : routes_) {
    if (route.rest ? path.size() < route.segments.size() : path.size() != route.segments.size()) continue;
    exchange.parameters.clear();
    bool fits = true;
    for (std::size_t i = 0; fits && i < route.segments.size(); ++i) {
      const std::string_view segment = route.segments[i];
      if (is_parameter(segment)) {
        fits = !path[i].empty();
        exchange.parameters.emplace_back(segment.substr(1, segment.size() - 2), path[i]);
      } else {
        fits = segment == path[i];
      }
    }
    if (!fits) continue;
    if (route.method != exchange.method()) {
      other_method = true;
      continue;
    }
    route.handler(exchange);
    return Found::Yes;
  }
  if (!other_method) return Found::No;
  exchange.answer(405, {}, {});
  return Found::Yes;
}

void RoutedExchange::add_header(std::string_view name, std::string_view value) { more_.emplace_back(name, value); }

std::vector<net::Header> RoutedExchange::headers(std::string_view content_type) const {
  std::vector<net::Header> headers;
  if (other_sites_ == OtherSites::Allowed) headers.push_back(kAnyOrigin);
  if (!content_type.empty()) headers.push_back({"content-type", content_type});
  for (const auto& [name, value] : more_) headers.push_back({name, value});
  return headers;
}

void RoutedExchange::answer(int status, std::string_view content_type, std::string body) {
  exchange_.answer(status, headers(content_type), body);
}

}  // namespace libsql::server
