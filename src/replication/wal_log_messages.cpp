#include "replication/wal_log_messages.hpp"

#include <algorithm>
#include <utility>

#include "core/protobuf_reader.hpp"
#include "core/protobuf_writer.hpp"
#include "replication/extensions.hpp"
#include "replication/protobuf.hpp"

namespace libsql::replication {

namespace proto = core::proto;
using core::DecodeError;
using proto::Context;
using proto::Reader;

namespace {

HelloRequest read_hello_request(Context& context, std::string_view message) {
  HelloRequest hello;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      hello.handshake_version = reader.varint();
    } else {
      reader.skip();
    }
  }
  return hello;
}

DatabaseConfig read_config(Context& context, std::string_view message) {
  DatabaseConfig config;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        config.block_reads = reader.boolean();
        break;
      case 2:
        config.block_writes = reader.boolean();
        break;
      case 3:
        config.block_reason = reader.text();
        break;
      case 4:
        config.max_db_pages = reader.varint();
        break;
      case 5:
        config.heartbeat_url = reader.text();
        break;
      case 6:
        config.bottomless_db_id = reader.text();
        break;
      case 7:
        config.jwt_key = reader.text();
        break;
      case 8:
        config.txn_timeout_s = reader.varint();
        break;
      case 9:
        config.allow_attach = reader.boolean();
        break;
      case 10:
        config.max_row_size = reader.varint();
        break;
      case 11:
        config.shared_schema = reader.boolean();
        break;
      case 12:
        config.shared_schema_name = reader.text();
        break;
      case 13:
        config.durability_mode = static_cast<DurabilityMode>(reader.int32());
        break;
      default:
        reader.skip();
    }
  }
  return config;
}

HelloResponse read_hello_response(Context& context, std::string_view message) {
  HelloResponse hello;
  proto::Part config(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        hello.generation_id = reader.text();
        break;
      case 2:
        hello.generation_start_index = reader.varint();
        break;
      case 3:
        hello.log_id = reader.text();
        break;
      case 4:
        hello.session_token = reader.bytes();
        break;
      case 5:
        hello.current_replication_index = reader.varint();
        break;
      case 6:
        config.add(reader.bytes());
        break;
      default:
        reader.skip();
    }
  }
  if (config.is_there()) hello.config = read_config(context, config.bytes());
  return hello;
}

LogOffset read_log_offset(Context& context, std::string_view message) {
  LogOffset offset;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      offset.next_offset = reader.varint();
    } else if (field == 2) {
      offset.wal_flavor = static_cast<WalFlavor>(reader.int32());
    } else {
      reader.skip();
    }
  }
  return offset;
}

void append_config(const DatabaseConfig& config, std::string& out) {
  put_bool(1, config.block_reads, out);
  put_bool(2, config.block_writes, out);
  put_text(3, config.block_reason, out);
  put_uint(4, config.max_db_pages, out);
  put_text(5, config.heartbeat_url, out);
  put_text(6, config.bottomless_db_id, out);
  put_text(7, config.jwt_key, out);
  put_uint(8, config.txn_timeout_s, out);
  put_bool(9, config.allow_attach, out);
  put_uint(10, config.max_row_size, out);
  if (config.shared_schema) proto::append_bool(11, *config.shared_schema, out);
  put_text(12, config.shared_schema_name, out);
  if (config.durability_mode) proto::append_int(13, static_cast<std::int32_t>(*config.durability_mode), out);
}

// The message of a frame without its length, which is why nothing has to be moved.
std::size_t frame_message_size(const FrameMessage& frame) noexcept {
  std::size_t size = 0;
  if (!frame.data.empty()) size += 1 + proto::varint_size(frame.data.size()) + frame.data.size();
  if (frame.timestamp) size += 1 + proto::varint_size(static_cast<std::uint64_t>(*frame.timestamp));
  if (frame.durable_frame_no) size += 1 + proto::varint_size(*frame.durable_frame_no);
  return size;
}

}  // namespace

core::Decoded<HelloRequest> decode_hello_request(core::Source bytes) {
  return decode_with(std::move(bytes), read_hello_request);
}

core::Decoded<HelloResponse> decode_hello_response(core::Source bytes) {
  return decode_with(std::move(bytes), read_hello_response);
}

core::Decoded<LogOffset> decode_log_offset(core::Source bytes) {
  return decode_with(std::move(bytes), read_log_offset);
}

FrameMessage decode_frame_message(std::string_view bytes) {
  FrameMessage frame;
  core::Arena arena;
  Context context(bytes, arena, true);
  Reader reader(context, bytes);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        frame.data = reader.bytes();
        break;
      case 2:
        frame.timestamp = static_cast<std::int64_t>(reader.varint());
        break;
      case 3:
        frame.durable_frame_no = reader.varint();
        break;
      default:
        reader.skip();
    }
  }
  return frame;
}

void encode(const HelloRequest& message, std::string& out) { put_uint(1, message.handshake_version, out); }

void encode(const HelloResponse& message, std::string& out) {
  put_text(1, message.generation_id, out);
  put_uint(2, message.generation_start_index, out);
  put_text(3, message.log_id, out);
  if (!message.session_token.empty()) proto::append_bytes(4, message.session_token, out);
  put_uint(5, message.current_replication_index, out);
  if (message.config) {
    const proto::Gap gap = proto::open(6, out);
    append_config(*message.config, out);
    proto::close(gap, out);
  }
}

void encode(const LogOffset& message, std::string& out) {
  put_uint(1, message.next_offset, out);
  if (message.wal_flavor) proto::append_int(2, static_cast<std::int32_t>(*message.wal_flavor), out);
}

void encode(const FrameMessage& message, std::string& out) {
  if (!message.data.empty()) proto::append_bytes(1, message.data, out);
  if (message.timestamp) proto::append_int(2, *message.timestamp, out);
  put_uint(3, message.durable_frame_no, out);
}

void append_to_frames(const FrameMessage& frame, std::string& out) {
  proto::append_tag(1, proto::kBytes, out);
  proto::append_varint(frame_message_size(frame), out);
  encode(frame, out);
}

std::size_t size_in_frames(const FrameMessage& frame) noexcept {
  const std::size_t size = frame_message_size(frame);
  return 1 + proto::varint_size(size) + size;
}

void append_previous_checksum(std::uint64_t checksum, std::string& out) {
  proto::append_uint(kPreviousChecksumField, checksum, out);
}

void FramesReader::fail(DecodeError::Kind kind, std::string_view what) const {
  throw DecodeError(kind, static_cast<std::size_t>(position_),
                    std::string("Protobuf, byte ").append(std::to_string(position_)).append(": ").append(what));
}

std::string_view FramesReader::take(std::uint64_t most) noexcept {
  const std::string_view taken =
      piece_.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(most, piece_.size())));
  piece_.remove_prefix(taken.size());
  position_ += taken.size();
  return taken;
}

// Reads on in a varint. True if `number_` is all of it.
bool FramesReader::read_varint() {
  while (!piece_.empty()) {
    const auto byte = static_cast<unsigned char>(take(1).front());
    if (shift_ == 0) number_ = 0;
    if (shift_ < 64) number_ |= std::uint64_t{byte & 0x7fU} << shift_;
    shift_ += 7;
    if (byte < 0x80) {
      shift_ = 0;
      return true;
    }
    if (shift_ == 70) fail(DecodeError::Kind::Malformed, "a number of more than ten bytes");
  }
  return false;
}

// Takes `number_` as the tag of a field.
void FramesReader::read_tag() {
  const std::uint64_t field = number_ >> 3U;
  const std::uint64_t wire = number_ & 7U;
  if (field == 0 || field >= (1U << 29U)) fail(DecodeError::Kind::Malformed, "no such field number");
  is_frame_ = field == 1;
  is_previous_checksum_ = field == kPreviousChecksumField;
  if (is_frame_ && wire != 2) fail(DecodeError::Kind::Malformed, "a field of another wire type");
  switch (wire) {
    case 0:
      state_ = State::Number;
      return;
    case 1:
    case 5:
      left_ = wire == 1 ? 8 : 4;
      state_ = State::Bytes;
      return;
    case 2:
      state_ = State::Length;
      return;
    default:
      fail(DecodeError::Kind::Malformed, "a field of a wire type that is not used");
  }
}

std::optional<FrameMessage> FramesReader::next() {
  while (true) {
    switch (state_) {
      case State::Tag:
        if (!read_varint()) return std::nullopt;
        read_tag();
        break;
      case State::Length:
        if (!read_varint()) return std::nullopt;
        left_ = number_;
        if (is_frame_ && left_ > kMaxFrameMessage) fail(DecodeError::Kind::TooLarge, "the frame is too long");
        held_.clear();
        state_ = is_frame_ ? State::Frame : State::Bytes;
        break;
      case State::Number:
        if (!read_varint()) return std::nullopt;
        if (is_previous_checksum_) previous_checksum_ = number_;
        state_ = State::Tag;
        break;
      case State::Bytes:
        left_ -= take(left_).size();
        if (left_ != 0) return std::nullopt;
        state_ = State::Tag;
        break;
      case State::Frame: {
        std::string_view message = take(left_);
        left_ -= message.size();
        if (left_ != 0 || !held_.empty()) message = held_.append(message);
        if (left_ != 0) return std::nullopt;
        state_ = State::Tag;
        try {
          return decode_frame_message(message);
        } catch (const DecodeError& error) {
          fail(error.kind(), error.what());
        }
      }
    }
  }
}

void FramesReader::finish() const {
  if (state_ != State::Tag || shift_ != 0) fail(DecodeError::Kind::Malformed, "the message ends within a field");
}

}  // namespace libsql::replication
