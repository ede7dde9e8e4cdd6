// What a follower asks its primary: the calls of libSQL's first replication protocol, whatever carries them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "net/interrupt.hpp"
#include "replication/uuid.hpp"

namespace libsql::replica {

/// Threads: one at a time.
class Primary {
 public:
  virtual ~Primary() = default;

  struct Greeting {
    replication::Uuid log_id;
    std::optional<std::uint64_t> last_frame;  // that is committed; none: nothing was ever
  };
  /// Begins a session, which the calls below belong to. Throws Network, Timeout, Interrupted, Auth, Protocol and what
  /// else the primary's status means, as all calls do; retryable() says whether it may be tried again.
  virtual Greeting hello(const net::Wait& wait) = 0;

  enum class Outcome : std::uint8_t {
    Done,
    NoHello,      // the session is over; nothing was taken
    NeedSnapshot  // the log does not go back so far; what was taken, if anything, is worth nothing
  };
  /// Takes the bytes of a frame, which nobody has looked at yet. May throw, which ends the call.
  using Take = std::function<void(std::span<const std::byte>)>;
  /// Frames from `from` on, up to the end of a transaction: all, or at least some; none if there are none. If it
  /// throws, what was taken is a part of them.
  virtual Outcome frames(std::uint64_t from, const Take& take, const net::Wait& wait) = 0;
  /// What brings somebody who has everything below `from` up to the number of the first frame taken. If it throws, what
  /// was taken is worth nothing.
  virtual Outcome snapshot(std::uint64_t from, const Take& take, const net::Wait& wait) = 0;

  /// Called before the frames of a message of joined commits (replication/extensions.hpp), with the checksum of the
  /// frame that they continue, if the primary knows it. May throw, which ends the call.
  std::function<void(std::optional<std::uint64_t> previous_checksum)> on_joined;

  /// So far.
  virtual std::uint64_t bytes_received() const noexcept = 0;
};

}  // namespace libsql::replica
