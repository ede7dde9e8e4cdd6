#include <algorithm>

#include "net/http_parser.hpp"

namespace libsql::net {
namespace {

constexpr std::size_t kMaxLine = 4096;           // a size with its extensions, or a trailer field
constexpr std::size_t kMaxOverhead = 64 * 1024;  // all extensions and trailers of one body

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = static_cast<char>(c | 0x20);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

}  // namespace

// Handles one line without its CR LF. False if it is malformed.
bool ChunkDecoder::take_line(std::string_view line) {
  if (part_ == Part::DataEnd) {
    part_ = Part::Size;
    return line.empty();
  }
  if (part_ == Part::Trailer) {
    if (line.empty()) {
      state_ = State::Done;
      return true;
    }
    overhead_ += line.size();
    const std::size_t colon = line.find(':');
    return colon != std::string_view::npos && is_token(line.substr(0, colon)) && is_field_value(line.substr(colon + 1));
  }
  std::size_t digits = 0;
  left_ = 0;
  while (digits < line.size() && hex_value(line[digits]) >= 0) {
    if (digits == 15) return false;
    left_ = left_ * 16 + static_cast<std::uint64_t>(hex_value(line[digits++]));
  }
  std::string_view extension = line.substr(digits);
  overhead_ += extension.size();
  while (!extension.empty() && (extension.front() == ' ' || extension.front() == '\t')) extension.remove_prefix(1);
  if (digits == 0 || (!extension.empty() && extension.front() != ';') || !is_field_value(extension)) return false;
  // Blanks alone behind the size are no extension, and readers disagree about them.
  if (extension.empty() && line.size() != digits) return false;
  part_ = left_ == 0 ? Part::Trailer : Part::Data;
  return true;
}

ChunkDecoder::Step ChunkDecoder::next(std::string_view input) {
  std::size_t at = 0;
  while (state_ == State::More && at < input.size()) {
    if (part_ == Part::Data) {
      const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - at));
      left_ -= length;
      if (left_ == 0) part_ = Part::DataEnd;
      return {at + length, input.substr(at, length)};
    }
    const std::size_t end = input.find('\n', at);
    const std::string_view piece = input.substr(at, end == std::string_view::npos ? end : end + 1 - at);
    at += piece.size();
    if (line_.size() + piece.size() > kMaxLine) {
      state_ = State::Bad;
      break;
    }
    if (end == std::string_view::npos) {
      line_ += piece;
      // A lone carriage return or garbage in the place of an end need not be waited for.
      if (part_ == Part::DataEnd && line_ != "\r") state_ = State::Bad;
      break;
    }
    std::string_view line = piece;
    if (!line_.empty()) line = line_ += piece;
    if (line.size() < 2 || line[line.size() - 2] != '\r' || !take_line(line.substr(0, line.size() - 2)) ||
        overhead_ > kMaxOverhead) {
      state_ = State::Bad;
    }
    line_.clear();
  }
  return {at, {}};
}

}  // namespace libsql::net
