// Limits how much runs at once. Whatever clients ask for runs on a thread that has a place. Threads that read and write
// sockets need none, so some are always left for that.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/base/budget.hpp"
#include "server/base/waiting_line.hpp"

namespace libsql::server {

/// Threads: all members may be called by several at once.
class Places {
 public:
  /// A place, given back by the destructor.
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
    Place(Places& places, Takers owner) noexcept : places_(&places), owner_(std::move(owner)) {}
    Places* places_ = nullptr;
    Takers owner_;
  };

  /// `most_for_one` limits what one bearer may take, and what one namespace may take.
  Places(std::size_t total, std::size_t most_for_one) noexcept : budget_(Resource::Places, total, most_for_one) {}
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  /// Empty if the owner can have no place now; `whose` then says which limit was reached.
  Place try_take(Takers owner, Whose* whose = nullptr) noexcept {
    const Whose limit = budget_.take(1, owner.bearer.get(), owner.name_space.get());
    if (whose != nullptr) *whose = limit;
    if (limit != Whose::Nobody) return Place();
    return Place(*this, std::move(owner));
  }
  /// Calls `go_on` once, on any thread, when there may be a place for the owner, unless `ticket` has expired. Try again
  /// after calling wait(): a place may have come free meanwhile.
  void wait(Takers owner, const std::shared_ptr<void>& ticket, std::function<void()> go_on) {
    line_.wait(ticket, std::move(owner), std::move(go_on));
  }
  /// Calls as many of those who wait as may have a place, in case one that was called did not take its own: its client
  /// may have gone at that moment.
  void tidy() noexcept;
  /// Whether others wait, so that a caller with more to run should queue again.
  bool is_wanted() const noexcept { return waiting() != 0; }

  std::size_t taken() const noexcept { return budget_.held(); }
  std::size_t waiting() const noexcept { return line_.waiting(); }
  /// The error message for a client that got none.
  std::string message(Whose whose) const;

 private:
  void give(const Takers& owner) noexcept;
  void call_next() noexcept;

  Budget budget_;
  WaitingLine<Takers> line_;
};

}  // namespace libsql::server
