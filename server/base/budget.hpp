// Limits on what clients use: all of them together, and any one bearer or namespace, so that some is left for the
// others.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace libsql::server {

/// What there are budgets for.
enum class Resource : std::uint8_t {
  ResponseBytes,     // answers under construction
  StoredSqlBytes,    // texts that clients have stored on the server
  HttpStreams,       // HTTP streams that hold stored texts
  WebSocketStreams,  // open streams of WebSockets
  WebSockets,        // WebSockets whose hello was accepted
  Places,            // requests and cursors that run
  Connections,       // connections to databases
  Dumps,             // dumps in progress
  DecodedBytes,      // decoded requests, without their text; and texts that are kept after their message is gone
};
inline constexpr std::size_t kResources = static_cast<std::size_t>(Resource::DecodedBytes) + 1;

/// What one bearer or one namespace has taken of each resource. Threads: any number at once.
class Taken {
 public:
  std::atomic<std::size_t>& of(Resource resource) noexcept { return taken_[static_cast<std::size_t>(resource)]; }

 private:
  std::array<std::atomic<std::size_t>, kResources> taken_{};
};

/// On whose account something is taken. Null: bearers, or namespaces, are not told apart.
struct Takers {
  std::shared_ptr<Taken> bearer, name_space;
};

/// Whose limit has been reached.
enum class Whose : std::uint8_t { Nobody, Bearer, Namespace, Server };

/// "this bearer's", "this namespace's" or "the server's", for messages.
std::string_view to_string(Whose whose) noexcept;

/// Threads: any number at once.
class Budget {
 public:
  /// `most_for_one` limits what one bearer may take, and what one namespace may take.
  Budget(Resource resource, std::size_t total, std::size_t most_for_one) noexcept
      : resource_(resource), total_(total), most_for_one_(most_for_one) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;
  std::size_t held() const noexcept { return held_.load(std::memory_order_relaxed); }
  std::size_t total() const noexcept { return total_; }
  std::size_t most_for_one() const noexcept { return most_for_one_; }
  std::size_t most_of(Whose whose) const noexcept { return whose == Whose::Server ? total_ : most_for_one_; }

  /// Takes the whole amount, or nothing; then it returns whose limit prevents it. Null: bearers, or namespaces, are not
  /// told apart.
  /// All threads see calls of take(), give() and has_room() in one order.
  Whose take(std::size_t amount, Taken* bearer, Taken* name_space) noexcept;
  void give(std::size_t amount, Taken* bearer, Taken* name_space) noexcept;
  /// Whether one unit could be taken now.
  bool has_room(Taken* bearer, Taken* name_space) const noexcept;

 private:
  const Resource resource_;
  const std::size_t total_;
  const std::size_t most_for_one_;
  std::atomic<std::size_t> held_ = 0;
};

/// What one holder has taken from a budget. The destructor gives it back.
class BudgetShare {
 public:
  BudgetShare(Budget& budget, Takers takers) noexcept
      : budget_(&budget), bearer_(std::move(takers.bearer)), name_space_(std::move(takers.name_space)) {}
  ~BudgetShare() { give(held_); }
  BudgetShare(BudgetShare&& other) noexcept
      : budget_(other.budget_),
        bearer_(std::move(other.bearer_)),
        name_space_(std::move(other.name_space_)),
        held_(std::exchange(other.held_, 0)) {}
  BudgetShare& operator=(BudgetShare&&) = delete;

  Whose take(std::size_t amount) noexcept {
    const Whose whose = budget_->take(amount, bearer_.get(), name_space_.get());
    if (whose == Whose::Nobody) held_ += amount;
    return whose;
  }
  void give(std::size_t amount) noexcept {
    if (amount == 0) return;
    budget_->give(amount, bearer_.get(), name_space_.get());
    held_ -= amount;
  }
  std::size_t held() const noexcept { return held_; }

 private:
  Budget* budget_;
  std::shared_ptr<Taken> bearer_, name_space_;
  std::size_t held_ = 0;
};

}  // namespace libsql::server
