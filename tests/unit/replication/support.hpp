// Short ways to write bytes down, and what was recorded.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace libsql::replication::test {

/// The bytes that pairs of hexadecimal digits stand for. Spaces may be anywhere; "00*12" stands for twelve zeros.
inline std::string bytes(std::string_view hex) {
  std::string result;
  int high = -1;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    if (c == ' ' || c == '\n') continue;
    if (c == '*') {
      std::size_t count = 0;
      while (i + 1 < hex.size() && hex[i + 1] >= '0' && hex[i + 1] <= '9') {
        count = count * 10 + static_cast<std::size_t>(hex[++i] - '0');
      }
      result.append(count - 1, result.back());
      continue;
    }
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      result += static_cast<char>(high * 16 + digit);
      high = -1;
    }
  }
  return result;
}

inline std::string hex(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    result += "0123456789abcdef"[byte >> 4U];
    result += "0123456789abcdef"[byte & 15U];
  }
  return result;
}

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The lines of a file in data/ but its comments.
inline std::vector<std::string> lines_of(const std::string& name) {
  std::ifstream file(std::string(LIBSQL_REPLICATION_DATA "/").append(name));
  if (!file) throw std::runtime_error("no such file: " + name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.front() != '#') lines.push_back(line);
  }
  return lines;
}

/// The bytes of a file in data/ that holds nothing else.
inline std::string file_of(const std::string& name) {
  std::string content;
  for (const std::string& line : lines_of(name)) content += line;
  return bytes(content);
}

struct Recorded {
  std::string type;
  std::string bytes;
};

/// Messages as they were on the wire.
inline std::vector<Recorded> recorded_messages() {
  std::vector<Recorded> messages;
  for (const std::string& line : lines_of("messages.txt")) {
    const std::size_t space = std::min(line.find(' '), line.size());
    messages.push_back({line.substr(0, space), bytes(std::string_view(line).substr(space))});
  }
  return messages;
}

/// A Protobuf field with bytes: what a message, a string or bytes are.
inline std::string field(std::uint32_t number, std::string_view content) {
  std::string result;
  const auto varint = [&](std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) result += static_cast<char>(value | 0x80U);
    result += static_cast<char>(value);
  };
  varint(number << 3U | 2U);
  varint(content.size());
  return result.append(content);
}

}  // namespace libsql::replication::test
