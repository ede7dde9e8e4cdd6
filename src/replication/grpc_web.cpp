#include "replication/grpc_web.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <stdexcept>

#include "core/base64.hpp"
#include "replication/bytes.hpp"
#include "replication/zstd.hpp"

namespace libsql::replication::grpc {

using core::DecodeError;

namespace {

enum Flag : std::uint8_t { kMessage = 0, kCompressed = 1, kTrailers = 0x80, kCompressedTrailers = 0x81 };

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

void append_frame(Flag flag, std::string_view content, Form form, std::string& out) {
  if (content.size() > std::numeric_limits<std::uint32_t>::max()) throw std::length_error("a message of 4 GiB or more");
  std::array<std::byte, kFrameHeadSize> head{};
  head[0] = static_cast<std::byte>(flag);
  store_be(head.data() + 1, static_cast<std::uint32_t>(content.size()));
  const std::string_view head_text(reinterpret_cast<const char*>(head.data()), head.size());
  if (form == Form::Binary) {
    out.append(head_text).append(content);
  } else {
    out += core::padded_base64(std::string(head_text).append(content));
  }
}

// The trailers' lines, of which only two mean something to us. The first of a name counts.
Status parse_trailers(std::string_view lines) {
  std::optional<std::string_view> code;
  std::optional<std::string_view> message;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trimmed(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (!code && equal_ignoring_case(name, "grpc-status")) code = value;
    if (!message && equal_ignoring_case(name, "grpc-message")) message = value;
  }
  if (!code) return {Code::Unknown, "the trailers have no grpc-status"};
  return {parse_code(*code), decode_message(message.value_or(std::string_view()))};
}

}  // namespace

std::optional<Form> form_of(std::string_view content_type) noexcept {
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  for (const std::string_view binary : {"application/grpc-web", "application/grpc-web+proto"}) {
    if (equal_ignoring_case(type, binary)) return Form::Binary;
  }
  for (const std::string_view text : {"application/grpc-web-text", "application/grpc-web-text+proto"}) {
    if (equal_ignoring_case(type, text)) return Form::Text;
  }
  return std::nullopt;
}

std::string_view content_type_of(Form form) noexcept {
  return form == Form::Binary ? "application/grpc-web+proto" : "application/grpc-web-text+proto";
}

void append_message_head(std::uint32_t length, std::string& out) {
  std::array<std::byte, kFrameHeadSize> head{};
  store_be(head.data() + 1, length);
  out.append(reinterpret_cast<const char*>(head.data()), head.size());
}

void append_message(std::string_view message, Form form, std::string& out) {
  append_frame(kMessage, message, form, out);
}

void append_compressed_message(std::string_view message, Form form, std::string& out) {
  // Whose head alone is not worth it: the answers to those who ask and get nothing are the most frequent ones.
  constexpr std::size_t kShort = 64;
  if (message.size() < kShort) return append_message(message, form, out);
  std::string compressed;
  zstd::compress(message, compressed);
  if (compressed.size() >= message.size()) return append_message(message, form, out);
  append_frame(kCompressed, compressed, form, out);
}

bool accepts_zstd(std::string_view accept_encoding) noexcept {
  while (!accept_encoding.empty()) {
    const std::size_t end = std::min(accept_encoding.find(','), accept_encoding.size());
    if (equal_ignoring_case(trimmed(accept_encoding.substr(0, end)), zstd::kName)) return true;
    accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
  }
  return false;
}

void append_trailers(const Status& status, Form form, std::string& out) {
  std::string lines = "grpc-status:";
  lines.append(std::to_string(static_cast<unsigned>(status.code))).append("\r\n");
  if (!status.message.empty()) {
    lines += "grpc-message:";
    for (const char c : encode_message(status.message)) {
      if (c == ':') {
        lines += "%3A";
      } else {
        lines += c;
      }
    }
    lines += "\r\n";
  }
  append_frame(kTrailers, lines, form, out);
}

Reader::Reader(Form form, ReaderLimits limits) : form_(form), limits_(limits) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;

void Reader::fail(DecodeError::Kind kind, std::string_view what) const {
  throw DecodeError(kind, static_cast<std::size_t>(position_),
                    std::string("gRPC-web, byte ").append(std::to_string(position_)).append(": ").append(what));
}

void Reader::feed(std::string_view bytes) {
  if (form_ == Form::Binary) {
    input_ = bytes;
    return;
  }
  decode_text(bytes);
  input_ = decoded_;
}

// Base64 in groups of four. A group with padding ends a piece, and not always the body.
void Reader::decode_text(std::string_view text) {
  decoded_.clear();
  const auto decode = [&](std::string_view groups) {
    const std::size_t before = decoded_.size();
    decoded_.resize(before + core::base64_capacity(groups.size()));
    const auto size = core::decode_base64(groups, reinterpret_cast<std::byte*>(decoded_.data() + before));
    if (!size || (*size == 0 && !groups.empty())) fail(DecodeError::Kind::Malformed, "invalid base64");
    decoded_.resize(before + *size);
  };
  while (!text.empty()) {
    if (!text_rest_.empty() || text.size() < 4) {
      const std::size_t count = std::min(4 - text_rest_.size(), text.size());
      text_rest_.append(text.substr(0, count));
      text.remove_prefix(count);
      if (text_rest_.size() < 4) return;
      decode(text_rest_);
      text_rest_.clear();
      continue;
    }
    const std::size_t padding = std::min(text.find('='), text.size());
    const std::size_t plain = padding / 4 * 4;
    decode(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.size() < 4) continue;
    decode(text.substr(0, 4));
    text.remove_prefix(4);
  }
}

std::string_view Reader::take(std::size_t most) noexcept {
  const std::string_view taken = input_.substr(0, most);
  input_.remove_prefix(taken.size());
  position_ += taken.size();
  return taken;
}

Reader::Event Reader::read_head() {
  head_ += take(kFrameHeadSize - head_.size());
  if (head_.size() < kFrameHeadSize) return Event::NeedMore;
  const auto flag = static_cast<std::uint8_t>(head_.front());
  length_ = load_be<std::uint32_t>(reinterpret_cast<const std::byte*>(head_.data()) + 1);
  left_ = length_;
  head_.clear();
  compressed_ = flag == kCompressed;
  switch (flag) {
    case kCompressed:
      if (!limits_.max_decompressed) {
        fail(DecodeError::Kind::UnknownType, "a compressed message, which was not asked for");
      }
      if (decompressor_ == nullptr) {
        decompressor_ = std::make_unique<zstd::Decompressor>(*limits_.max_decompressed);
      } else {
        decompressor_->restart();
      }
      [[fallthrough]];
    case kMessage:
      if (length_ > limits_.max_message) fail(DecodeError::Kind::TooLarge, "the message is too long");
      state_ = State::Message;
      return Event::Begin;
    case kTrailers:
      if (length_ > limits_.max_trailers) fail(DecodeError::Kind::TooLarge, "the trailers are too long");
      state_ = State::Trailers;
      return Event::Trailers;
    case kCompressedTrailers:
      fail(DecodeError::Kind::UnknownType, "compressed trailers, which were not asked for");
    default:
      fail(DecodeError::Kind::Malformed, "a frame with an unknown flag");
  }
}

Reader::Event Reader::next_of_message() {
  if (left_ == 0) {
    state_ = State::Head;
    return Event::End;
  }
  piece_ = take(left_);
  left_ -= static_cast<std::uint32_t>(piece_.size());
  return piece_.empty() ? Event::NeedMore : Event::Piece;
}

Reader::Event Reader::next_of_compressed() {
  for (;;) {
    piece_ = decompressor_->next();
    if (!piece_.empty()) return Event::Piece;
    if (left_ == 0) {
      decompressor_->finish();
      state_ = State::Head;
      return Event::End;
    }
    const std::string_view part = take(left_);
    if (part.empty()) return Event::NeedMore;
    left_ -= static_cast<std::uint32_t>(part.size());
    decompressor_->feed(part);
  }
}

Reader::Event Reader::next() {
  piece_ = {};
  if (state_ == State::Head) {
    const Event event = read_head();
    if (event != Event::Trailers) return event;
  }
  switch (state_) {
    case State::Message:
      return compressed_ ? next_of_compressed() : next_of_message();
    case State::Trailers: {
      const std::string_view part = take(left_);
      trailers_ += part;
      left_ -= static_cast<std::uint32_t>(part.size());
      if (left_ != 0) return Event::NeedMore;
      status_ = parse_trailers(trailers_);
      state_ = State::Done;
      return Event::Trailers;
    }
    case State::Head:
    case State::Done:
      break;
  }
  if (!input_.empty()) fail(DecodeError::Kind::Malformed, "data after the trailers");
  return Event::NeedMore;
}

void Reader::finish() const {
  const bool between = (state_ == State::Head && head_.empty()) || state_ == State::Done;
  if (!between || !text_rest_.empty()) fail(DecodeError::Kind::Malformed, "the body ends within a frame");
}

std::optional<std::string_view> MessageReader::next() {
  while (true) {
    switch (reader_.next()) {
      case Reader::Event::Begin:
        held_.clear();
        break;
      case Reader::Event::Piece:
        if (!reader_.is_compressed() && held_.empty() && reader_.piece().size() == reader_.length()) {
          const std::string_view whole = reader_.piece();
          static_cast<void>(reader_.next());  // End, which needs no further bytes
          return whole;
        }
        held_ += reader_.piece();
        break;
      case Reader::Event::End:
        return held_;
      case Reader::Event::NeedMore:
      case Reader::Event::Trailers:
        return std::nullopt;
    }
  }
}

std::variant<std::string_view, Status> read_unary_request(std::string_view body, Form form, std::uint32_t max_message,
                                                          std::string& storage) {
  if (body.empty()) return Status{Code::Internal, "Missing request message."};
  MessageReader reader(form, {max_message, ReaderLimits().max_trailers});
  try {
    reader.feed(body);
    if (const auto message = reader.next()) {
      if (message->empty()) return std::string_view();
      if (form == Form::Binary) return *message;
      storage.assign(*message);
      return std::string_view(storage);
    }
    if (reader.status()) return Status{Code::Internal, "Missing request message."};
  } catch (const DecodeError& error) {
    switch (error.kind()) {
      case DecodeError::Kind::TooLarge:
        return Status{Code::OutOfRange, std::string("Error, message length too large: the limit is: ")
                                            .append(std::to_string(max_message))
                                            .append(" bytes")};
      case DecodeError::Kind::UnknownType:
        return Status{Code::Internal,
                      "protocol error: received message with compressed-flag but no grpc-encoding was specified"};
      case DecodeError::Kind::Malformed:
        return Status{Code::Internal, std::string("protocol error: ") + error.what()};
    }
  }
  return Status{Code::Internal, "Unexpected EOF decoding stream."};
}

}  // namespace libsql::replication::grpc
