// What is kept for reuse between its users: sessions and connections, and what a pool knows about them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace libsql::local {

/// What a set records about each of its runners.
class Kept {
 public:
  using Clock = std::chrono::steady_clock;
  Clock::time_point made_at{};
  Clock::time_point rests_since{};
  bool is_trimmed = false;  // has given up what memory it can since it came to rest

 private:
  template <class Runner>
  friend class Runners;
  std::size_t place_ = 0;  // index in used_
};

/// When a resting runner is closed.
struct RestLimits {
  std::optional<std::chrono::milliseconds> max_age = std::nullopt;
  std::optional<std::chrono::milliseconds> max_idle = std::nullopt;
  std::size_t kept = 0;  // how many may stay, however long they rest

  bool is_too_old(const Kept& one, Kept::Clock::time_point now) const noexcept {
    return max_age && now - one.made_at >= *max_age;
  }
  bool has_rested_too_long(const Kept& one, Kept::Clock::time_point now) const noexcept {
    return max_idle && now - one.rests_since >= *max_idle;
  }
};

/// A set of runners of one kind (classes derived from Kept), each in use or at rest. It neither opens nor closes any:
/// those that must go are handed to the caller, to be destroyed without the lock. Threads: the caller's lock guards all
/// calls.
template <class Runner>
class Runners {
 public:
  using Clock = Kept::Clock;
  using Ptr = std::unique_ptr<Runner>;
  using List = std::vector<Ptr>;

  Runners() = default;
  Runners(const Runners&) = delete;
  Runners& operator=(const Runners&) = delete;

  /// The runner that was used last, whose pages are the most likely to be cached. Null if none rests.
  Ptr take() {
    if (resting_.empty()) return nullptr;
    add(*resting_.back());
    Ptr one = std::move(resting_.back());
    resting_.pop_back();
    return one;
  }
  /// Adds a new runner, in use from now on.
  void add(Runner& one) {
    used_.push_back(&one);
    one.place_ = used_.size() - 1;
  }
  /// Removes a runner that was in use and is about to be closed.
  void remove(Runner& one) noexcept {
    used_.back()->place_ = one.place_;
    used_[one.place_] = used_.back();
    used_.pop_back();
  }
  /// Puts a runner in use to rest. If there is no memory for that, it stays in `one` and counts as in use.
  void rest(Ptr& one, Clock::time_point now) noexcept {
    one->rests_since = now;
    one->is_trimmed = false;
    put_back(one);
  }

  /// The resting runners that exceed the limits, those unused longest first. They leave the set.
  List take_expired(const RestLimits& limits, Clock::time_point now) {
    std::size_t size = this->size();
    return take_if([&](const Runner& one) {
      const bool goes = limits.is_too_old(one, now) || (limits.has_rested_too_long(one, now) && size > limits.kept);
      size -= goes ? 1 : 0;
      return goes;
    });
  }
  List take_resting() noexcept { return std::exchange(resting_, {}); }
  /// The runners at rest since `since` or longer that have not been trimmed. Until take_back() they count as neither in
  /// use nor at rest.
  List lend(Clock::time_point since) {
    used_.reserve(size());
    List lent = take_if([&](const Runner& one) { return one.rests_since <= since && !one.is_trimmed; });
    for (const Ptr& one : lent) {
      one->is_trimmed = true;
      add(*one);
    }
    lent_ += lent.size();
    return lent;
  }
  /// Puts a runner lent by lend() back to rest, or with `keep` false removes it.
  void take_back(Ptr& one, bool keep) noexcept {
    --lent_;
    if (keep) {
      put_back(one);
    } else {
      remove(*one);
    }
  }

  /// Calls `visit(runner)` for each, in use or at rest. The caller's lock keeps them alive.
  template <class Visit>
  void each(Visit&& visit) const {
    for (Runner* const one : used_) visit(*one);
    for (const Ptr& one : resting_) visit(*one);
  }
  template <class Visit>
  void each_in_use(Visit&& visit) const {
    for (Runner* const one : used_) visit(*one);
  }
  bool rests(const Runner& one) const noexcept { return one.place_ >= used_.size() || used_[one.place_] != &one; }

  std::size_t size() const noexcept { return used_.size() + resting_.size(); }
  std::size_t in_use() const noexcept { return used_.size() - lent_; }
  std::size_t resting() const noexcept { return resting_.size(); }

 private:
  template <class Goes>
  List take_if(Goes&& goes) {
    List taken;
    std::erase_if(resting_, [&](Ptr& one) {
      if (!goes(*one)) return false;
      if (taken.empty()) taken.reserve(resting_.size());  // may throw, but only before anything has moved
      taken.push_back(std::move(one));
      return true;
    });
    return taken;
  }

  // Keeps resting_ sorted by when they came to rest. The place is nearly always the end.
  void put_back(Ptr& one) noexcept {
    Runner& known = *one;
    try {
      const auto place = std::find_if(resting_.rbegin(), resting_.rend(),
                                      [&](const Ptr& other) { return other->rests_since <= known.rests_since; });
      resting_.insert(place.base(), std::move(one));
    } catch (const std::bad_alloc&) {
      return;
    }
    remove(known);
  }

  List resting_;  // last used at the end
  std::vector<Runner*> used_;
  std::size_t lent_ = 0;
};

}  // namespace libsql::local
