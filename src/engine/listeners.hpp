// Lists of listeners that may be attached to and detached from while they are being called.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace libsql::detail {

/// Who holds the listeners that a Subscription stands for.
class ListenerOwner {
 public:
  virtual ~ListenerOwner() = default;
  virtual void remove(std::uint64_t id) noexcept = 0;
  virtual bool contains(std::uint64_t id) const noexcept = 0;
};

}  // namespace libsql::detail

namespace libsql::engine {

template <class Listener>
class ListenerList {
 public:
  void add(std::uint64_t id, Listener listener) {
    entries_.push_back(std::make_unique<Entry>(Entry{id, true, std::move(listener)}));
    ++size_;
  }

  bool remove(std::uint64_t id) noexcept {
    for (const auto& entry : entries_) {
      if (entry->id != id || !entry->attached) continue;
      entry->attached = false;
      --size_;
      sweep();
      return true;
    }
    return false;
  }

  void clear() noexcept {
    for (const auto& entry : entries_) entry->attached = false;
    size_ = 0;
    sweep();
  }

  bool contains(std::uint64_t id) const noexcept {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const auto& entry) { return entry->id == id && entry->attached; });
  }
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  /// Calls `visit` with each listener that was attached before the call and still is.
  template <class Visit>
  void each(Visit&& visit) {
    struct Depth {
      ListenerList& list;
      explicit Depth(ListenerList& of) noexcept : list(of) { ++list.depth_; }
      ~Depth() {
        --list.depth_;
        list.sweep();
      }
    } const depth(*this);
    const std::size_t count = entries_.size();
    for (std::size_t i = 0; i < count; ++i) {
      Entry& entry = *entries_[i];  // stays where it is, whatever a listener does to the list
      if (entry.attached) visit(entry.listener);
    }
  }

 private:
  struct Entry {
    std::uint64_t id;
    bool attached;
    Listener listener;
  };

  void sweep() noexcept {
    if (depth_ == 0) std::erase_if(entries_, [](const auto& entry) { return !entry->attached; });
  }

  std::vector<std::unique_ptr<Entry>> entries_;
  std::size_t size_ = 0;
  int depth_ = 0;
};

}  // namespace libsql::engine
