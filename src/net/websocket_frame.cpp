#include "net/websocket_frame.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/utf8.hpp"

namespace libsql::net {

bool is_valid_close_code(int code) noexcept {
  // 1004 to 1006 and 1015 are reserved; 1012 to 1014 came later (https://www.iana.org/assignments/websocket).
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}

FrameHeader make_frame_header(Opcode opcode, std::size_t length, const char* mask) noexcept {
  FrameHeader header;
  char* to = header.bytes;
  *to++ = static_cast<char>(0x80 | static_cast<unsigned>(opcode));
  const unsigned masked = mask != nullptr ? 0x80 : 0;
  int extra = 0;
  if (length < 126) {
    *to++ = static_cast<char>(masked | length);
  } else if (length < 65536) {
    *to++ = static_cast<char>(masked | 126);
    extra = 2;
  } else {
    *to++ = static_cast<char>(masked | 127);
    extra = 8;
  }
  while (extra > 0) *to++ = static_cast<char>(std::uint64_t{length} >> (8 * --extra) & 0xff);
  if (mask != nullptr) {
    std::memcpy(to, mask, 4);
    to += 4;
  }
  header.size = static_cast<std::size_t>(to - header.bytes);
  return header;
}

void apply_mask(char* data, std::size_t size, const char mask[4], std::size_t at) noexcept {
  char turned[8];
  for (std::size_t i = 0; i < 8; ++i) turned[i] = mask[(at + i) & 3];
  std::uint64_t word = 0;
  std::memcpy(&word, turned, 8);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t value = 0;
    std::memcpy(&value, data + i, 8);
    value ^= word;
    std::memcpy(data + i, &value, 8);
  }
  for (; i < size; ++i) data[i] = static_cast<char>(data[i] ^ turned[i & 7]);
}

std::string close_payload(int code, std::string_view reason) {
  std::string payload;
  if (code == 0) return payload;
  payload += static_cast<char>(code >> 8);
  payload += static_cast<char>(code & 0xff);
  if (reason.size() > 123) {
    std::size_t length = 123;
    while (length > 0 && (static_cast<unsigned char>(reason[length]) & 0xc0) == 0x80) --length;
    reason = reason.substr(0, length);
  }
  payload += reason;
  return payload;
}

MessageReader::Event MessageReader::error(int code, std::string_view why) noexcept {
  return {Kind::Error, MessageType::Text, why, code};
}

MessageReader::Event MessageReader::control(Opcode opcode, std::string_view payload) const noexcept {
  if (opcode == Opcode::Ping) return {Kind::Ping, MessageType::Binary, payload, 0};
  if (opcode == Opcode::Pong) return {Kind::Pong, MessageType::Binary, payload, 0};
  if (payload.empty()) return {Kind::Close, MessageType::Text, {}, close_code::kNone};
  if (payload.size() == 1) return error(close_code::kProtocolError, "a Close frame with half a code");
  const int code = static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
  if (!is_valid_close_code(code)) return error(close_code::kProtocolError, "a Close frame with an invalid code");
  if (!core::is_utf8(payload.substr(2))) return error(close_code::kInvalidData, "a Close reason that is not UTF-8");
  return {Kind::Close, MessageType::Text, payload.substr(2), code};
}

MessageReader::Event MessageReader::finish(std::string_view payload) const {
  if (type_ == MessageType::Text && !core::is_utf8(payload)) {
    return error(close_code::kInvalidData, "a text message that is not UTF-8");
  }
  return {Kind::Message, type_, payload, 0};
}

void MessageReader::release(ByteBuffer& in) noexcept {
  if (taken_ != 0) in.consume(taken_);
  taken_ = 0;
  if (parts_used_) {
    parts_used_ = false;
    parts_.release();
  }
}

MessageReader::Event MessageReader::next(ByteBuffer& in) {
  release(in);
  for (;;) {
    missing_ = 0;
    const std::string_view data = in.view();
    if (data.size() < 2) return {};
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(data[i]); };
    const bool last = (byte(0) & 0x80) != 0;
    const auto opcode = static_cast<Opcode>(byte(0) & 0x0f);
    const bool is_control = (byte(0) & 0x08) != 0;
    if ((byte(0) & 0x70) != 0)
      return error(close_code::kProtocolError, "a frame of an extension that was not agreed on");
    if ((byte(0) & 0x07) > 2) return error(close_code::kProtocolError, "a frame of an unknown kind");
    if ((byte(1) & 0x80) == 0) return error(close_code::kProtocolError, "a frame without a mask");
    std::uint64_t length = byte(1) & 0x7f;
    if (is_control && (!last || length > 125)) {
      return error(close_code::kProtocolError, "a control frame that is fragmented or too long");
    }
    const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
    const std::size_t header = 2 + extra + 4;
    if (data.size() < header) return {};
    if (extra != 0) {
      length = 0;
      for (std::size_t i = 0; i < extra; ++i) length = length << 8 | byte(2 + i);
      if (length < (extra == 2 ? 126u : 65536u) || length >> 63 != 0) {
        return error(close_code::kProtocolError, "a length that is not written as short as it could be");
      }
    }
    if (!is_control) {
      if ((opcode == Opcode::Continuation) != in_message_) {
        return error(close_code::kProtocolError,
                     in_message_ ? "a message within a message" : "a continuation of nothing");
      }
      if (length > limit_ || parts_.size() > limit_ - length) {
        return error(close_code::kTooBig, "the message is too long");
      }
    }
    const auto size = static_cast<std::size_t>(length);
    if (data.size() - header < size) {
      missing_ = size - (data.size() - header);
      return {};
    }
    char* payload = in.data() + header;
    apply_mask(payload, size, payload - 4);
    const std::string_view view(payload, size);
    taken_ = header + size;
    if (is_control) return control(opcode, view);
    if (!in_message_) type_ = opcode == Opcode::Text ? MessageType::Text : MessageType::Binary;
    if (last && !in_message_) return finish(view);
    parts_.append(view);
    in.consume(std::exchange(taken_, 0));
    in_message_ = !last;
    if (last) {
      parts_used_ = true;
      return finish(parts_.view());
    }
  }
}

}  // namespace libsql::net
