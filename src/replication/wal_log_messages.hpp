// The messages of package wal_log: what a replica asks the log of a primary, and the answers. Read and written for both
// sides, in Protobuf.
//
// Decoded messages are views into the bytes; see core/decoded.hpp. Decoders throw core::DecodeError. What they hold is
// bounded by core::Source::within(), how deep they go by the reader, and how long a message may be by who read it
// (grpc_web.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/decode_error.hpp"
#include "core/decoded.hpp"

namespace libsql::replication {

struct HelloRequest {
  std::optional<std::uint64_t> handshake_version;  // 1; who sends none knows no session tokens

  friend bool operator==(const HelloRequest&, const HelloRequest&) = default;
};

/// How sure a commit of the primary is. Numbers of newer peers are kept.
enum class DurabilityMode : std::int32_t { Relaxed = 0, Strong = 1, Extra = 2, Off = 3 };

/// The configuration of a namespace, for followers of its primary. Some of it is secret.
struct DatabaseConfig {
  bool block_reads = false;
  bool block_writes = false;
  std::optional<std::string_view> block_reason;
  std::uint64_t max_db_pages = 0;
  std::optional<std::string_view> heartbeat_url;
  std::optional<std::string_view> bottomless_db_id;
  std::optional<std::string_view> jwt_key;
  std::optional<std::uint64_t> txn_timeout_s;
  bool allow_attach = false;
  std::optional<std::uint64_t> max_row_size;
  std::optional<bool> shared_schema;
  std::optional<std::string_view> shared_schema_name;
  std::optional<DurabilityMode> durability_mode;

  friend bool operator==(const DatabaseConfig&, const DatabaseConfig&) = default;
};

struct HelloResponse {
  std::string_view generation_id;                          // of no use today
  std::uint64_t generation_start_index = 0;                // of no use today
  std::string_view log_id;                                 // a UUID
  std::string_view session_token;                          // bytes; published clients want a UUID
  std::optional<std::uint64_t> current_replication_index;  // the last committed frame; none while the log is empty
  std::optional<DatabaseConfig> config;

  friend bool operator==(const HelloResponse&, const HelloResponse&) = default;
};

/// Numbers of newer peers are kept.
enum class WalFlavor : std::int32_t { Sqlite = 0, Libsql = 1 };

/// From where on frames are wanted.
struct LogOffset {
  std::uint64_t next_offset = 0;
  std::optional<WalFlavor> wal_flavor;

  friend bool operator==(const LogOffset&, const LogOffset&) = default;
};

/// A frame, and what is known of its commit.
struct FrameMessage {
  std::string_view data;                  // the bytes of a frame; see frame.hpp
  std::optional<std::int64_t> timestamp;  // of the commit, in milliseconds since 1970 (UTC)
  std::optional<std::uint64_t> durable_frame_no;

  friend bool operator==(const FrameMessage&, const FrameMessage&) = default;
};

core::Decoded<HelloRequest> decode_hello_request(core::Source bytes);
core::Decoded<HelloResponse> decode_hello_response(core::Source bytes);
core::Decoded<LogOffset> decode_log_offset(core::Source bytes);
/// One message of LogEntries or Snapshot. Its views point into `bytes`.
FrameMessage decode_frame_message(std::string_view bytes);

// Appended to `out`. Texts have to be UTF-8; what is not becomes U+FFFD.

void encode(const HelloRequest& message, std::string& out);
void encode(const HelloResponse& message, std::string& out);
void encode(const LogOffset& message, std::string& out);
void encode(const FrameMessage& message, std::string& out);

/// Appends one more frame to a Frames message, which is nothing but its frames one after the other.
void append_to_frames(const FrameMessage& frame, std::string& out);
/// How many bytes that appends: the length of a Frames message has to be known before its first byte is sent.
std::size_t size_in_frames(const FrameMessage& frame) noexcept;
/// Begins a Frames message of joined commits, which continue the frame with this checksum.
void append_previous_checksum(std::uint64_t checksum, std::string& out);

/// Reads a Frames message, which may be of any size, as its bytes come in, and gives its frames one by one. Holds at
/// most one frame: only what comes in pieces is copied.
///
///     frames.feed(piece);
///     while (const auto frame = frames.next()) apply(*frame);
///     ...
///     frames.finish();
class FramesReader {
 public:
  /// A frame's message may not be longer: a frame, two numbers, and unknown fields.
  static constexpr std::size_t kMaxFrameMessage = 8192;

  /// The next bytes of the message, which stay as they are until next() has returned nothing. Requires: it has.
  void feed(std::string_view piece) noexcept { piece_ = piece; }
  /// The next frame, valid until the next call of this object; nothing if more bytes are needed. Throws DecodeError,
  /// and may not be called again then.
  std::optional<FrameMessage> next();
  /// The message ends here. Throws DecodeError if that is within a field.
  void finish() const;

  /// Of the frame before those of the message, if the message said so before its first frame; see extensions.hpp.
  const std::optional<std::uint64_t>& previous_checksum() const noexcept { return previous_checksum_; }

  /// Bytes that were read.
  std::uint64_t position() const noexcept { return position_; }

 private:
  enum class State : std::uint8_t { Tag, Length, Number, Bytes, Frame };

  bool read_varint();
  void read_tag();
  std::string_view take(std::uint64_t most) noexcept;
  [[noreturn]] void fail(core::DecodeError::Kind kind, std::string_view what) const;

  std::string_view piece_;
  std::string held_;          // what has come of a frame's message, if that came in pieces
  std::uint64_t number_ = 0;  // the varint that is being read
  unsigned shift_ = 0;        // the bits of it that have come
  std::uint64_t left_ = 0;    // bytes of the field that have not come yet
  std::uint64_t position_ = 0;
  State state_ = State::Tag;
  bool is_frame_ = false;
  bool is_previous_checksum_ = false;
  std::optional<std::uint64_t> previous_checksum_;
};

}  // namespace libsql::replication
