#include "engine/change_feed.hpp"

#include <exception>
#include <utility>

#include "engine/change_log.hpp"

namespace libsql::engine {
namespace {

constexpr std::size_t kBytes = sizeof(ChangeSet);

void join(SyncedChanges& earlier, const SyncedChanges& later) noexcept {
  earlier.frame_no = later.frame_no;
  earlier.frames += later.frames;
  earlier.schema_changed |= later.schema_changed;
}

void queue(detail::ChangeStreamState& stream, const SyncedChanges& changes) {
  {
    const std::lock_guard lock(stream.mutex);
    // Nobody reads: one such entry says as much as many.
    if (!stream.queue.empty() && stream.queued_bytes + kBytes > stream.options.max_bytes) {
      ChangeSet& last = stream.queue.back().first;
      if (last.synced) return join(*last.synced, changes);
    }
    ChangeSet set;
    set.number = ++stream.last_number;
    set.synced = changes;
    stream.queue.emplace_back(std::move(set), kBytes);
    stream.queued_bytes += kBytes;
  }
  stream.changed.notify_one();
}

void end(detail::ChangeStreamState& stream, std::exception_ptr failure) noexcept {
  {
    const std::lock_guard lock(stream.mutex);
    stream.failure = std::move(failure);
    stream.attached = false;
  }
  stream.changed.notify_all();
}

}  // namespace

void ChangeFeed::add(std::shared_ptr<Stream> stream, std::int64_t schema) {
  const std::lock_guard lock(mutex_);
  std::erase_if(listeners_, [](const Listener& listener) { return listener.stream.expired(); });
  if (listeners_.empty()) schema_ = schema;
  listeners_.push_back({stream, std::nullopt});
  wanted_.store(true, std::memory_order_release);
}

void ChangeFeed::tell(std::optional<std::uint64_t> frame_no, std::uint64_t frames, std::int64_t schema) noexcept {
  const std::lock_guard lock(mutex_);
  const SyncedChanges changes{frame_no, frames, schema_ != schema};
  schema_ = schema;
  std::erase_if(listeners_, [](const Listener& listener) {
    const std::shared_ptr<Stream> stream = listener.stream.lock();
    return stream == nullptr || !stream->attached;
  });
  wanted_.store(!listeners_.empty(), std::memory_order_release);
  for (Listener& listener : listeners_) {
    const std::shared_ptr<Stream> stream = listener.stream.lock();
    if (stream == nullptr) continue;
    try {
      if (!stream->callback) {
        queue(*stream, changes);
        continue;
      }
    } catch (...) {
      end(*stream, std::current_exception());
      continue;
    }
    if (listener.waits) {
      join(*listener.waits, changes);
    } else {
      listener.waits = changes;
    }
    waiting_.store(true, std::memory_order_release);
  }
}

void ChangeFeed::deliver() noexcept {
  std::vector<std::pair<std::shared_ptr<Stream>, ChangeSet>> sets;
  {
    const std::lock_guard lock(mutex_);
    waiting_.store(false, std::memory_order_release);
    for (Listener& listener : listeners_) {
      const std::shared_ptr<Stream> stream = listener.stream.lock();
      const std::optional<SyncedChanges> changes = std::exchange(listener.waits, std::nullopt);
      if (stream == nullptr || !changes) continue;
      ChangeSet set;
      set.number = ++stream->last_number;
      set.synced = changes;
      sets.emplace_back(stream, std::move(set));
    }
  }
  // A callback may use the connection, and end its stream or another one.
  for (const auto& [stream, set] : sets) {
    if (!stream->attached) continue;
    try {
      stream->callback(set);
    } catch (...) {
      end(*stream, std::current_exception());
    }
  }
}

}  // namespace libsql::engine
