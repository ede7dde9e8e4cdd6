#include "server/log/log.hpp"

#include <array>
#include <chrono>
#include <stdexcept>

#include "core/clock.hpp"
#include "server/log/json_line.hpp"

namespace libsql::server {
namespace {

constexpr std::array<std::pair<std::string_view, LogLevel>, 6> kLevels = {{{"off", LogLevel::Off},
                                                                           {"error", LogLevel::Error},
                                                                           {"warn", LogLevel::Warn},
                                                                           {"info", LogLevel::Info},
                                                                           {"debug", LogLevel::Debug},
                                                                           {"trace", LogLevel::Debug}}};

LogLevel level_named(std::string_view name) {
  for (const auto& [known, level] : kLevels) {
    if (known == name) return level;
  }
  throw std::invalid_argument("\"" + std::string(name) + "\" is not a log level (off, error, warn, info, debug)");
}

// Line breaks and other control characters could make a message look like several, or send commands to a terminal.
void append_printable(std::string& out, std::string_view message) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char character : message) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && byte != 0x7f) {
      out += character;
    } else {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
}

}  // namespace

std::string_view to_string(LogLevel level) noexcept {
  for (const auto& [name, known] : kLevels) {
    if (known == level) return name;
  }
  return "off";
}

LogFilter LogFilter::parse(std::string_view text) {
  LogFilter filter;
  if (text.empty()) throw std::invalid_argument("the log filter is empty");
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view entry = text.substr(0, comma);
    if (const std::size_t equals = entry.find('='); equals != std::string_view::npos) {
      if (equals == 0) throw std::invalid_argument("\"" + std::string(entry) + "\" names no part of the server");
      filter.parts_.emplace_back(entry.substr(0, equals), level_named(entry.substr(equals + 1)));
    } else {
      filter.level_ = level_named(entry);
    }
    if (comma == std::string_view::npos) return filter;
    text.remove_prefix(comma + 1);
  }
}

LogLevel LogFilter::level_of(std::string_view part) const noexcept {
  for (const auto& [name, level] : parts_) {
    if (name == part) return level;
  }
  return level_;
}

LogLevel LogFilter::highest() const noexcept {
  LogLevel highest = level_;
  for (const auto& part : parts_) highest = std::max(highest, part.second);
  return highest;
}

Log::Log(const std::string& path, LogFormat format, LogFilter filter)
    : file_(path, LineFile::Buffering::None), format_(format), highest_(filter.highest()), filter_(std::move(filter)) {}

void Log::write(LogLevel level, std::string_view part, std::string_view message) noexcept {
  if (level > highest_.load(std::memory_order_relaxed)) return;
  {
    const std::lock_guard lock(mutex_);
    if (level > filter_.level_of(part)) return;
  }
  const auto now = core::WallClock::now();
  if (format_ == LogFormat::Json) {
    JsonLine line;
    line.add("time", now).add("level", to_string(level)).add("part", part).add("message", message);
    file_.append(line.finish());
    return;
  }
  std::string line;
  append_time(line, now);
  line.append(" ").append(to_string(level)).append(" ").append(part).append(": ");
  append_printable(line, message);
  line += '\n';
  file_.append(line);
}

void Log::set_filter(LogFilter filter) {
  const std::lock_guard lock(mutex_);
  highest_.store(filter.highest(), std::memory_order_relaxed);
  filter_ = std::move(filter);
}

}  // namespace libsql::server
