// Who may run something now. Everything that a client asks for runs on a thread with a place; the threads that read and
// write sockets need none, so they are never all taken.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "server/bearer.hpp"
#include "server/metrics.hpp"

namespace libsql::server {

/// For whom something runs. Null: nobody of that kind is told apart.
struct PlaceOwner {
  std::shared_ptr<Bearer> bearer;
  std::shared_ptr<NamespaceCounters> name_space;
};

/// What one bearer, or one namespace, may take of `total`: three quarters, so that there is always something left for
/// the others; of very little, everything.
constexpr std::size_t share_for_one(std::size_t total) noexcept { return total - total / 4; }

/// Threads: all members may be called by several at once.
class Places {
 public:
  enum class Whose : std::uint8_t { Nobody, Server, Bearer, Namespace };

  /// Given back at its end.
  class Place {
   public:
    Place() noexcept = default;
    Place(Place&& other) noexcept : places_(std::exchange(other.places_, nullptr)), owner_(std::move(other.owner_)) {}
    Place& operator=(Place&& other) noexcept {
      release();
      places_ = std::exchange(other.places_, nullptr);
      owner_ = std::move(other.owner_);
      return *this;
    }
    ~Place() { release(); }
    explicit operator bool() const noexcept { return places_ != nullptr; }
    void release() noexcept {
      if (Places* const places = std::exchange(places_, nullptr)) places->give(owner_);
    }

   private:
    friend class Places;
    Place(Places& places, PlaceOwner owner) noexcept : places_(&places), owner_(std::move(owner)) {}
    Places* places_ = nullptr;
    PlaceOwner owner_;
  };

  explicit Places(std::size_t total) noexcept : total_(total), for_one_(share_for_one(total)) {}
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  /// None if there is none for this owner; `whose` limit it was. If there is one, it takes the owner.
  Place try_take(PlaceOwner& owner, Whose* whose = nullptr) noexcept;
  /// `go_on` is called, once and by any thread, when there may be a place for the owner, unless `ticket` has expired.
  /// Whoever calls this has to try again afterwards, as a place may have come free meanwhile.
  void wait(PlaceOwner owner, const std::shared_ptr<void>& ticket, std::function<void()> go_on);
  /// Whether somebody waits, so that who runs one thing after the other had better get into the line again.
  bool is_wanted() const noexcept { return waiting_.load(std::memory_order_relaxed) != 0; }

  std::size_t taken() const noexcept { return running_.load(std::memory_order_relaxed); }
  std::size_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }
  /// What to tell somebody who got none.
  std::string message(Whose whose) const;

 private:
  struct Waiter {
    PlaceOwner owner;
    std::weak_ptr<void> ticket;
    std::function<void()> go_on;
  };
  void give(const PlaceOwner& owner) noexcept;
  void call_next() noexcept;
  bool has_room(const PlaceOwner& owner) const noexcept;

  const std::size_t total_;
  const std::size_t for_one_;
  std::atomic<std::size_t> running_ = 0;
  // Who waits raises this before trying again, and who gives looks here after giving: one of the two sees the other.
  std::atomic<std::size_t> waiting_ = 0;
  std::mutex mutex_;  // of what follows
  std::list<Waiter> waiters_;
};

}  // namespace libsql::server
