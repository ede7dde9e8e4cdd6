#include "engine/full_path.hpp"

#include <optional>
#include <string_view>
#include <vector>

#include <sqlite3.h>

namespace libsql::engine {
namespace {

constexpr std::string_view kScheme = "file:";

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The engine's rules for what a URI encodes (https://www.sqlite.org/uri.html). None for a NUL, after which it stops
// reading.
std::optional<std::string> decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) {
      decoded += text[i];
      continue;
    }
    decoded += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
    if (decoded.back() == '\0') return std::nullopt;
    i += 2;
  }
  return decoded;
}

std::string encode(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || c == '?' || c == '#' || byte < 0x20) {
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      encoded += c;
    }
  }
  return encoded;
}

std::optional<std::string> complete(const std::string& path, const std::string& vfs_name) {
  sqlite3_vfs* const vfs = sqlite3_vfs_find(vfs_name.empty() ? nullptr : vfs_name.c_str());
  if (vfs == nullptr || path.empty() || path == ":memory:") return std::nullopt;
  std::vector<char> full(static_cast<std::size_t>(vfs->mxPathname) + 1);
  const int rc = vfs->xFullPathname(vfs, path.c_str(), vfs->mxPathname + 1, full.data());
  if ((rc & 0xff) != SQLITE_OK || full[0] == '\0') return std::nullopt;  // or SQLITE_OK_SYMLINK
  return std::string(full.data());
}

// The last of this name counts, as in the engine.
std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  std::optional<std::string> value;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (decode(pair.substr(0, equals)) != name) continue;
    value = equals == std::string_view::npos ? std::string() : decode(pair.substr(equals + 1)).value_or("");
  }
  return value;
}

std::optional<std::string> complete_uri(std::string_view uri, const std::string& vfs) {
  std::string_view rest = uri.substr(kScheme.size());
  std::string_view fragment;
  if (const auto hash = rest.find('#'); hash != std::string_view::npos) {
    fragment = rest.substr(hash);
    rest = rest.substr(0, hash);
  }
  std::string_view query;
  if (const auto mark = rest.find('?'); mark != std::string_view::npos) {
    query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  if (parameter(query, "mode") == "memory") return std::nullopt;
  std::string_view authority;
  if (rest.starts_with("//")) {
    const auto slash = rest.find('/', 2);
    if (slash == std::string_view::npos) return std::nullopt;
    authority = rest.substr(0, slash);
    rest = rest.substr(slash);
  }
  const std::optional<std::string> path = decode(rest);
  if (!path) return std::nullopt;
  const std::optional<std::string> full = complete(*path, parameter(query, "vfs").value_or(vfs));
  if (!full || *full == *path) return std::nullopt;
  std::string result(kScheme);
  result.append(authority).append(encode(*full));
  if (!query.empty()) result.append("?").append(query);
  return result.append(fragment);
}

}  // namespace

std::string full_path(const std::string& path, const std::string& vfs, bool is_uri) {
  if (sqlite3_initialize() != SQLITE_OK || path.find('\0') != std::string::npos) return path;
  const bool uri = is_uri && path.starts_with(kScheme);
  return (uri ? complete_uri(path, vfs) : complete(path, vfs)).value_or(path);
}

}  // namespace libsql::engine
