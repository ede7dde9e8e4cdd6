// The framing of gRPC-web over HTTP/1.1 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md): a body is a row
// of messages, each behind a flag and its length, and at the end of an answer a frame with the trailers. In the text
// form the same is in base64, piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/decode_error.hpp"
#include "replication/grpc_status.hpp"

namespace libsql::replication::zstd {
class Decompressor;
}

namespace libsql::replication::grpc {

enum class Form : std::uint8_t { Binary, Text };

/// The form that a content type of gRPC-web names; nothing for another type. Parameters behind it do not matter.
std::optional<Form> form_of(std::string_view content_type) noexcept;
/// What an answer in that form says it is.
std::string_view content_type_of(Form form) noexcept;

inline constexpr std::size_t kFrameHeadSize = 5;  // the flag and the length

// ---- Writing -------------------------------------------------------------------------------------------------------

/// Appends what stands before a message of that length, in the binary form: for one that is sent in pieces.
void append_message_head(std::uint32_t length, std::string& out);
/// Appends a message. Throws std::length_error for one of 4 GiB or more.
void append_message(std::string_view message, Form form, std::string& out);
/// The same, compressed by zstd where that makes it shorter: for a peer that takes that (see accepts_zstd()).
void append_compressed_message(std::string_view message, Form form, std::string& out);
/// Whether a grpc-accept-encoding names zstd (https://github.com/grpc/grpc/blob/master/doc/compression.md).
bool accepts_zstd(std::string_view accept_encoding) noexcept;
/// Appends the trailers, which have to be sent in one piece: clients that are in use read them from one
/// (observed: tonic-web 0.11). They are written as those clients can read them: no space behind a name, and a colon in
/// the message as %3A, for they would cut it off there.
void append_trailers(const Status& status, Form form, std::string& out);

// ---- Reading -------------------------------------------------------------------------------------------------------

struct ReaderLimits {
  /// Of one message. Senders choose the length, and a transaction is one message.
  std::uint32_t max_message = 64U << 20U;
  std::uint32_t max_trailers = 16384;
  /// What a compressed message may hold, by zstd. None: compressed ones are refused, as of a peer that was not asked.
  std::optional<std::uint64_t> max_decompressed = std::nullopt;
};

/// Reads a body as it comes in, split anywhere. A message is handed out in the pieces that come, so that nothing of it
/// has to be held; MessageReader puts it together. Those of a compressed message have been decompressed.
///
/// Throws core::DecodeError, after which the reader is of no use: TooLarge beyond a limit, UnknownType for what is
/// compressed and should not be, Malformed for anything else.
class Reader {
 public:
  enum class Event : std::uint8_t {
    NeedMore,  // feed() is next, or finish()
    Begin,     // of a message: length()
    Piece,     // of it, not empty: piece()
    End,       // of it
    Trailers   // status(); nothing may follow
  };

  explicit Reader(Form form = Form::Binary, ReaderLimits limits = {});
  ~Reader();
  Reader(Reader&&) noexcept;

  /// The next bytes of the body, which stay as they are until next() has returned NeedMore. Requires: it has.
  void feed(std::string_view bytes);
  Event next();
  /// The body ends here. Throws if that is within a frame. An answer may end without trailers; see status().
  void finish() const;

  /// Of the message as it travels.
  std::uint32_t length() const noexcept { return length_; }
  bool is_compressed() const noexcept { return compressed_; }
  /// Valid until the next call of this object.
  std::string_view piece() const noexcept { return piece_; }
  /// What the trailers said; nothing if there are none yet.
  const std::optional<Status>& status() const noexcept { return status_; }

 private:
  enum class State : std::uint8_t { Head, Message, Trailers, Done };

  void decode_text(std::string_view text);
  Event next_of_message();
  Event next_of_compressed();
  Event read_head();
  void read_trailers();
  std::string_view take(std::size_t most) noexcept;
  [[noreturn]] void fail(core::DecodeError::Kind kind, std::string_view what) const;

  Form form_;
  ReaderLimits limits_;
  State state_ = State::Head;
  std::string_view input_;
  std::string decoded_;    // in the text form, what was fed
  std::string text_rest_;  // less than four characters
  std::string head_;
  std::string trailers_;
  std::uint32_t length_ = 0;
  std::uint32_t left_ = 0;
  bool compressed_ = false;
  std::unique_ptr<zstd::Decompressor> decompressor_;  // made for the first message that needs it
  std::uint64_t position_ = 0;                        // in the binary form
  std::string_view piece_;
  std::optional<Status> status_;
};

/// A Reader that gives whole messages. Copies only those that come in pieces.
class MessageReader {
 public:
  explicit MessageReader(Form form = Form::Binary, ReaderLimits limits = {}) : reader_(form, limits) {}

  void feed(std::string_view bytes) { reader_.feed(bytes); }
  /// The next message, valid until the next call of this object; nothing if more bytes are needed or the trailers came.
  std::optional<std::string_view> next();
  void finish() const { reader_.finish(); }
  const std::optional<Status>& status() const noexcept { return reader_.status(); }

 private:
  Reader reader_;
  std::string held_;
};

/// The message in the body of a call with one, or the status that refuses the call, in the words of sqld. What follows
/// the first message is ignored, as sqld does. In the text form the message lies in `storage`, else in `body`.
std::variant<std::string_view, Status> read_unary_request(std::string_view body, Form form, std::uint32_t max_message,
                                                          std::string& storage);

}  // namespace libsql::replication::grpc
