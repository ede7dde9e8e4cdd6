#include "server/config/values.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

#include "server/config/config.hpp"

namespace libsql::server {
namespace {

// Takes the number at the front of `text` off it. None if there is no number, or if it is too large.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

[[noreturn]] void refuse(std::string_view text, const char* wanted) {
  throw ConfigError("\"" + std::string(text) + "\" is not " + wanted);
}

template <std::size_t Size>
std::optional<std::uint64_t> unit_named(const std::array<std::pair<std::string_view, std::uint64_t>, Size>& units,
                                        std::string_view name) {
  for (const auto& [known, factor] : units) {
    if (known == name) return factor;
  }
  return std::nullopt;
}

template <std::size_t Size>
std::optional<std::uint64_t> parse_with_unit(
    std::string_view text, const std::array<std::pair<std::string_view, std::uint64_t>, Size>& units) {
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  const auto factor = unit_named(units, text);
  if (!factor || *number > std::numeric_limits<std::int64_t>::max() / *factor) return std::nullopt;
  return *number * *factor;
}

}  // namespace

bool parse_switch(std::string_view text) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "0" || text == "no" || text == "off") return false;
  refuse(text, "true or false");
}

std::uint64_t parse_count(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number || !rest.empty()) refuse(text, "a number");
  return *number;
}

std::uint64_t parse_size(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 10> kUnits = {{{"", 1},
                                                                                  {"B", 1},
                                                                                  {"KB", 1'000},
                                                                                  {"MB", 1'000'000},
                                                                                  {"GB", 1'000'000'000},
                                                                                  {"TB", 1'000'000'000'000},
                                                                                  {"KiB", std::uint64_t{1} << 10U},
                                                                                  {"MiB", std::uint64_t{1} << 20U},
                                                                                  {"GiB", std::uint64_t{1} << 30U},
                                                                                  {"TiB", std::uint64_t{1} << 40U}}};
  const auto size = parse_with_unit(text, kUnits);
  if (!size) refuse(text, "a size, such as 10MB or 64MiB");
  return *size;
}

std::chrono::milliseconds parse_duration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> kUnits = {
      {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  const auto duration = parse_with_unit(text, kUnits);
  if (!duration) refuse(text, "a time with its unit, such as 500ms, 10s, 5m, 2h or 1d");
  return std::chrono::milliseconds(*duration);
}

Listen parse_listen(std::string_view text) {
  Listen listen;
  std::string_view port = text;
  if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    port = text.substr(colon + 1);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (host.empty() || (!bracketed && host.find(':') != std::string_view::npos)) {
      refuse(text, "an address such as 127.0.0.1:8080 or [::1]:8080");
    }
    listen.host = host;
  }
  std::string_view rest = port;
  const auto number = take_number(rest);
  if (!number || !rest.empty() || *number > 65535) refuse(text, "an address such as 127.0.0.1:8080 or [::1]:8080");
  listen.port = static_cast<std::uint16_t>(*number);
  return listen;
}

bool is_loopback(std::string_view host) noexcept {
  if (host == "localhost") return true;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (host.size() >= text.size()) return false;
  host.copy(text.data(), host.size());
  in_addr four{};
  if (inet_pton(AF_INET, text.data(), &four) == 1) return ntohl(four.s_addr) >> 24U == 127;
  in6_addr six{};
  return inet_pton(AF_INET6, text.data(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

}  // namespace libsql::server
