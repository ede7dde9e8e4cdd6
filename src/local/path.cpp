#include "local/path.hpp"

#include <string>

namespace libsql::local {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// As in https://www.sqlite.org/uri.html: a sequence that is no escape stands for itself.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    out += escape ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return out;
}

}  // namespace

bool names_memory(std::string_view path) {
  constexpr std::string_view kMemory = ":memory:";
  constexpr std::string_view kUri = "file:";
  if (path == kMemory) return true;
  if (!path.starts_with(kUri)) return false;
  path = path.substr(kUri.size());
  path = path.substr(0, path.find('#'));
  const auto question = path.find('?');
  bool memory = unescaped(path.substr(0, question)) == kMemory;
  std::string_view query = question == std::string_view::npos ? std::string_view() : path.substr(question + 1);
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string option = unescaped(query.substr(0, end));
    if (option == "mode=memory") {
      memory = true;
    } else if (!option.empty() && option != "cache=private" && option != "mode=rwc" && option != "mode=rw") {
      return false;
    }
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  return memory;
}

}  // namespace libsql::local
