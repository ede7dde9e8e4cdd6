// What comes into a database past its connections: a replica's change streams are told of it here.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <libsql/change_stream.hpp>

namespace libsql::detail {
class ChangeStreamState;
}

namespace libsql::engine {

/// Of one connection. Queues are filled at once, by whoever tells; callbacks are called by the connection's thread.
class ChangeFeed {
 public:
  using Stream = detail::ChangeStreamState;

  /// `schema` is the schema's version now. Threads: the connection's.
  void add(std::shared_ptr<Stream> stream, std::int64_t schema);
  /// Whether anybody wants to know. Threads: any.
  bool is_wanted() const noexcept { return wanted_.load(std::memory_order_acquire); }
  /// Threads: any.
  void tell(std::optional<std::uint64_t> frame_no, std::uint64_t frames, std::int64_t schema) noexcept;
  /// Whether deliver() has something to do. Threads: any.
  bool has_waiting() const noexcept { return waiting_.load(std::memory_order_acquire); }
  /// Calls the callbacks. One that throws has ended its stream. Threads: the connection's.
  void deliver() noexcept;

 private:
  struct Listener {
    std::weak_ptr<Stream> stream;
    std::optional<SyncedChanges> waits;  // for deliver(): several become one
  };

  std::mutex mutex_;
  std::vector<Listener> listeners_;
  std::optional<std::int64_t> schema_;  // its version when it was told last
  std::atomic<bool> wanted_ = false;
  std::atomic<bool> waiting_ = false;
};

}  // namespace libsql::engine
