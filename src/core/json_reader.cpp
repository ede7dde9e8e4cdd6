#include "core/json_reader.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "core/plain_text.hpp"
#include "core/utf8.hpp"

namespace libsql::core {

namespace {

// Small messages are not worth a limit of what is read twice.
constexpr std::size_t kLookAhead = 65536;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

template <class T>
std::optional<T> parse_integer(std::string_view text) noexcept {
  if (!text.empty() && text.front() == '+') {  // std::from_chars knows no plus sign.
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return std::nullopt;
  }
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::int64_t> parse_int64(std::string_view text) noexcept { return parse_integer<std::int64_t>(text); }
std::optional<std::uint64_t> parse_uint64(std::string_view text) noexcept { return parse_integer<std::uint64_t>(text); }

std::optional<double> parse_real(std::string_view text) noexcept {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    // Too large or too small: which of the two, std::from_chars does not tell.
    try {
      value = std::strtod(std::string(text).c_str(), nullptr);
    } catch (const std::bad_alloc&) {
      return std::nullopt;
    }
    if (std::isinf(value)) return std::nullopt;
    return value;
  }
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void JsonReader::fail(DecodeError::Kind kind, std::string_view what) const {
  const auto offset = static_cast<std::size_t>(at_ - start_);
  throw DecodeError(kind, offset, "JSON, byte " + std::to_string(offset) + ": " + std::string(what));
}

char JsonReader::peek() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  if (at_ == end_) fail("the text ends too early");
  return *at_;
}

void JsonReader::end() {
  while (at_ != end_) {
    if (*at_ != ' ' && *at_ != '\n' && *at_ != '\r' && *at_ != '\t') fail("more text after the end of the message");
    ++at_;
  }
}

void JsonReader::enter(char open) {
  if (peek() != open) fail(open == '{' ? "an object is expected" : "an array is expected");
  if (depth_ >= max_depth_) fail("nested too deeply");
  ++depth_;
  ++at_;
}

void JsonReader::leave(char close) {
  if (peek() != close)
    fail(close == '}' ? "a comma or the end of the object is expected" : "a comma or the end of the array is expected");
  --depth_;
  ++at_;
}

std::string_view JsonReader::string() {
  if (peek() != '"') fail("a string is expected");
  const char* const start = ++at_;
  while (true) {
    at_ = skip_plain(at_, end_);
    if (at_ == end_) fail("the text ends within a string");
    if (*at_ == '"') return {start, static_cast<std::size_t>(at_++ - start)};
    if (*at_ == '\\') return string_with_escapes(start);
    const std::size_t length = utf8_sequence(at_, end_);
    if (length == 0) fail(static_cast<unsigned char>(*at_) < 0x20 ? "a control character" : "a text that is not UTF-8");
    at_ += length;
  }
}

std::string_view JsonReader::string_with_escapes(const char* start) {
  ArrayBuilder<char> text(*arena_);
  while (true) {
    text.append({start, static_cast<std::size_t>(at_ - start)});
    if (*at_ == '"') {
      ++at_;
      const auto done = text.finish();
      return {done.data(), done.size()};
    }
    append_escape(text);
    start = at_;
    while (true) {
      at_ = skip_plain(at_, end_);
      if (at_ == end_) fail("the text ends within a string");
      if (*at_ == '"' || *at_ == '\\') break;
      const std::size_t length = utf8_sequence(at_, end_);
      if (length == 0) {
        fail(static_cast<unsigned char>(*at_) < 0x20 ? "a control character" : "a text that is not UTF-8");
      }
      at_ += length;
    }
  }
}

void JsonReader::append_escape(ArrayBuilder<char>& to) {
  ++at_;  // the backslash
  if (at_ == end_) fail("the text ends within a string");
  const char kind = *at_++;
  switch (kind) {
    case '"':
    case '\\':
    case '/':
      to.push_back(kind);
      return;
    case 'b':
      to.push_back('\b');
      return;
    case 'f':
      to.push_back('\f');
      return;
    case 'n':
      to.push_back('\n');
      return;
    case 'r':
      to.push_back('\r');
      return;
    case 't':
      to.push_back('\t');
      return;
    case 'u':
      break;
    default:
      fail("no such escape");
  }
  std::uint32_t code = hex4();
  if (code >= 0xd800 && code < 0xe000) {
    if (code >= 0xdc00 || !take("\\u")) fail("half of a surrogate pair");
    const std::uint32_t low = hex4();
    if (low < 0xdc00 || low >= 0xe000) fail("half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10U) + (low - 0xdc00);
  }
  if (code < 0x80) {
    to.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    to.push_back(static_cast<char>(0xc0U | code >> 6U));
    to.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
  } else if (code < 0x10000) {
    to.push_back(static_cast<char>(0xe0U | code >> 12U));
    to.push_back(static_cast<char>(0x80U | (code >> 6U & 0x3fU)));
    to.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
  } else {
    to.push_back(static_cast<char>(0xf0U | code >> 18U));
    to.push_back(static_cast<char>(0x80U | (code >> 12U & 0x3fU)));
    to.push_back(static_cast<char>(0x80U | (code >> 6U & 0x3fU)));
    to.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
  }
}

std::uint32_t JsonReader::hex4() {
  if (end_ - at_ < 4) fail("the text ends within a string");
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = *at_;
    if (is_digit(c)) {
      value = value << 4U | static_cast<std::uint32_t>(c - '0');
    } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
      value = value << 4U | static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
    } else {
      fail("not a hexadecimal digit");
    }
  }
  return value;
}

void JsonReader::digits() {
  if (at_ == end_ || !is_digit(*at_)) fail("a digit is expected");
  while (at_ != end_ && is_digit(*at_)) ++at_;
}

std::string_view JsonReader::number() {
  const char first = peek();
  const char* const start = at_;
  if (first != '-' && !is_digit(first)) fail("a number is expected");
  if (first == '-') ++at_;
  if (at_ != end_ && *at_ == '0') {
    ++at_;
    if (at_ != end_ && is_digit(*at_)) fail("a number with leading zeros");
  } else {
    digits();
  }
  if (at_ != end_ && *at_ == '.') {
    ++at_;
    digits();
  }
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    digits();
  }
  return {start, static_cast<std::size_t>(at_ - start)};
}

void JsonReader::literal(std::string_view word) {
  if (!take(word)) fail("no such word");
}

bool JsonReader::boolean() {
  switch (peek()) {
    case 't':
      literal("true");
      return true;
    case 'f':
      literal("false");
      return false;
    default:
      fail("true or false is expected");
  }
}

bool JsonReader::null() {
  if (peek() != 'n') return false;
  literal("null");
  return true;
}

void JsonReader::skip() {
  switch (peek()) {
    case '"':
      string();
      return;
    case '{':
      JsonObject(*this).next({});
      return;
    case '[':
      for (JsonArray array(*this); array.next();) skip();
      return;
    case 't':
    case 'f':
      boolean();
      return;
    case 'n':
      literal("null");
      return;
    default:
      number();
  }
}

namespace {

template <class T>
T integer(JsonReader& reader) {
  T value{};
  const std::string_view text = reader.number();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    reader.fail("the number is not an integer, or out of range");
  return value;
}

}  // namespace

std::int32_t JsonReader::int32() { return integer<std::int32_t>(*this); }
std::uint32_t JsonReader::uint32() { return integer<std::uint32_t>(*this); }
std::uint64_t JsonReader::uint64() { return integer<std::uint64_t>(*this); }

double JsonReader::real() {
  const auto value = parse_real(number());
  if (!value) fail("the number is out of range");
  return *value;
}

bool JsonArray::next() {
  if (std::exchange(first_, false)) {
    if (reader_.peek() != ']') return true;
  } else if (reader_.peek() == ',') {
    ++reader_.at_;
    return true;
  }
  reader_.leave(']');
  return false;
}

std::string_view JsonObject::key() {
  const std::string_view key = reader_.string();
  if (reader_.peek() != ':') reader_.fail("a colon is expected");
  ++reader_.at_;
  return key;
}

// Goes to the value of the next member, or over the end of the object.
bool JsonObject::next_key() {
  if (std::exchange(first_, false)) {
    if (reader_.peek() == '}') {
      reader_.leave('}');
      return false;
    }
  } else if (reader_.peek() == ',') {
    ++reader_.at_;
  } else {
    reader_.leave('}');
    return false;
  }
  key_ = key();
  return true;
}

// Goes to the value of the next member if it has this name and is written without escapes, and without white space
// but for the blank that some writers put behind a comma.
bool JsonObject::take_key(std::string_view name) noexcept {
  const char* at = reader_.at_;
  const char* const end = reader_.end_;
  if (!first_) {
    if (at == end || *at != ',') return false;
    ++at;
    if (at != end && *at == ' ') ++at;
  }
  const std::size_t size = name.size() + 3;
  if (static_cast<std::size_t>(end - at) < size || at[0] != '"' || at[1] != name.front() ||
      std::memcmp(at + 1, name.data(), name.size()) != 0 || at[size - 2] != '"' || at[size - 1] != ':') {
    return false;
  }
  reader_.at_ = at + size;
  first_ = false;
  return true;
}

std::string_view JsonObject::type() {
  wants_type_ = true;
  if (take_key("type")) {
    seen_type_ = true;
    return reader_.string();
  }
  const char* const start = reader_.at_;
  if (reader_.peek() == '"' && key() == "type") {
    seen_type_ = true;
    first_ = false;
    return reader_.string();
  }
  reader_.rewind(start);
  return type_further_on();
}

// Reads ahead for the type and comes back. What lies before it is read twice; nested objects that all have their type
// at the end would be read once for each level, so there is a limit, which no writer comes near to.
std::string_view JsonObject::type_further_on() {
  const char* const start = reader_.at_;
  const int depth = reader_.depth_;
  while (next_key()) {
    if (key_ != "type") {
      reader_.skip();
      continue;
    }
    const std::string_view type = reader_.string();
    reader_.looked_ahead_ += static_cast<std::size_t>(reader_.at_ - start);
    if (reader_.looked_ahead_ / 16 > static_cast<std::size_t>(reader_.end_ - reader_.start_) + kLookAhead) {
      reader_.fail("too many nested objects whose type is at their end");
    }
    reader_.rewind(start);
    reader_.depth_ = depth;
    first_ = true;
    return type;
  }
  reader_.fail("an object without a type");
}

int JsonObject::next(std::span<const std::string_view> names) {
  // Nearly all writers put the members in the order of `names`.
  const bool another = first_ || (reader_.at_ != reader_.end_ && *reader_.at_ == ',');
  for (std::size_t i = expected_; another && i < names.size(); ++i) {
    if (names[i].empty() || has(static_cast<int>(i)) || !take_key(names[i])) continue;
    seen_ |= 1U << i;
    expected_ = static_cast<std::uint32_t>(i) + 1;
    return static_cast<int>(i);
  }
  while (next_key()) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (key_ != names[i] || key_.empty()) continue;  // Empty in `names`: a place that no member has.
      if (has(static_cast<int>(i))) reader_.fail("the member `" + std::string(key_) + "` occurs twice");
      seen_ |= 1U << i;
      return static_cast<int>(i);
    }
    if (wants_type_ && key_ == "type" && std::exchange(seen_type_, true)) {
      reader_.fail("the member `type` occurs twice");
    }
    reader_.skip();
  }
  return -1;
}

void JsonObject::require(std::span<const std::string_view> names, int member) const {
  if (!has(member)) {
    reader_.fail("the member `" + std::string(names[static_cast<std::size_t>(member)]) + "` is missing");
  }
}

}  // namespace libsql::core
