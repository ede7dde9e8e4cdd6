// What the session needs of a transport: streams that run requests and open cursors. HTTP and WebSocket are two of
// them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "core/decoded.hpp"
#include "hrana/messages.hpp"
#include "net/interrupt.hpp"

namespace libsql::remote {

/// What a transport must know of the user's call: how long it may wait, and what is at stake if it fails on the way.
struct Call {
  net::Wait wait;
  std::string_view sql;     // for errors
  bool repeatable = false;  // it only reads, outside a transaction, so it may be sent again at any time
  bool commits = false;     // it ends a transaction by making it lasting
  // Until when its statements may wait for a lock that others hold; none: as long as the server likes.
  std::optional<std::chrono::steady_clock::time_point> busy_until = std::nullopt;
  bool proved = false;   // the server is known to take its text, so a cursor over it is sure to be opened
  bool outside = false;  // no transaction is open on the stream, though it is not a new one
};

/// What of that is left, in milliseconds, as it travels.
std::optional<std::uint32_t> busy_timeout_of(const Call& call) noexcept;
/// Until when an answer to a request that waits for a lock may come, from a server that took so long to answer when it
/// had nothing to wait for.
net::Deadline lock_deadline_after(const Call& call, std::chrono::nanoseconds on_the_way) noexcept;

/// What becomes of the stream after the requests.
enum class After : std::uint8_t { Keep, Close };

/// The answer to one request.
struct Answer {
  const hrana::Response* response = nullptr;
  const hrana::WireError* error = nullptr;

  /// The response of that type. Throws Protocol if it is another one.
  template <class T>
  const T& as() const {
    if (response != nullptr) {
      if (const T* const wanted = std::get_if<T>(response)) return *wanted;
    }
    throw_unexpected();
  }

 private:
  [[noreturn]] void throw_unexpected() const;
};

/// The answers to the requests of one call, in their order, with the memory of their views.
class Answers {
 public:
  explicit Answers(core::Decoded<hrana::PipelineResponse> pipeline) : pipeline_(std::move(pipeline)) {}
  explicit Answers(std::vector<core::Decoded<hrana::ServerMessage>> messages) : messages_(std::move(messages)) {}

  /// Throws Protocol if there is no such answer.
  Answer at(std::size_t i) const;
  /// The highest replication index that they have, if one has any.
  std::optional<std::uint64_t> replication_index() const noexcept;

 private:
  std::optional<core::Decoded<hrana::PipelineResponse>> pipeline_;
  std::vector<core::Decoded<hrana::ServerMessage>> messages_;
};

/// The entries of a batch whose rows are read as they come. Its end leaves what was not read.
class Cursor {
 public:
  virtual ~Cursor() = default;
  /// The next entry, none at the end. Its views end with the next call. Throws Network, Timeout, Interrupted, Protocol.
  virtual std::optional<hrana::CursorEntry> next(const Call& call) = 0;
};

/// A stream: one connection of the server's to its database, as the client sees it. Opened by its first request. Its
/// end closes it at the server, without waiting for that.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Sends the requests together and waits for all answers. Throws what keeps them from coming; then the stream is
  /// closed. Errors of single requests are part of the answers.
  virtual Answers run(std::span<const hrana::Request> requests, After after, const Call& call) = 0;
  /// Runs a batch whose rows are read through the cursor. Needs version 3. The stream must outlive the cursor.
  virtual std::unique_ptr<Cursor> open_cursor(const hrana::Batch& batch, const Call& call) = 0;
  /// Whether the server holds it.
  virtual bool is_open() const noexcept = 0;
};

/// The way to the server. Used by one thread at a time, or by several where a class says so.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual std::shared_ptr<Stream> stream() = 0;
  /// The protocol's version, 2 or 3: which cursors and get_autocommit need. Asks the server if nobody has yet.
  virtual int version(const Call& call) = 0;
  /// Until when the client itself waits for the answer to a request that only waits for a lock: what the call allows,
  /// and the time on the way. None if the server keeps to what the call allows. Asks the server if nobody has yet.
  virtual std::optional<net::Deadline> lock_deadline(const Call& call) = 0;
  virtual hrana::Encoding encoding() const noexcept = 0;
};

}  // namespace libsql::remote
