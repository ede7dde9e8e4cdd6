// The memory that one request takes beside its text while it is decoded and run. A few bytes on the wire may need a
// hundred times as many here.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "core/arena.hpp"
#include "server/base/budget.hpp"
#include "server/run/context.hpp"

namespace libsql::server {

/// The first 64 KiB are free, so small requests cost nothing. Threads: one at a time.
class DecodingShare final : public core::MemoryLimit {
 public:
  /// For an authenticated client. Everything passed must outlive this object.
  DecodingShare(Budget& budget, const Identity& identity, const Namespace& name_space, const Options& options) noexcept
      : budget_(budget), identity_(&identity), name_space_(&name_space), options_(&options) {}
  DecodingShare(Budget& budget, const Context& context) noexcept
      : DecodingShare(budget, context.identity(), context.name_space(), context.options()) {}
  /// For a client that has not authenticated yet: more than the free part is refused.
  explicit DecodingShare(Budget& budget) noexcept : budget_(budget) {}
  DecodingShare(const DecodingShare&) = delete;
  DecodingShare& operator=(const DecodingShare&) = delete;

  /// Adds memory beyond the decoded parts. Throws RequestRefused 413, 429, 503.
  void add(std::size_t bytes) {
    others_ += bytes;
    hold(decoded_);
  }
  void hold(std::size_t bytes) override {
    constexpr std::size_t kFree = std::size_t{64} << 10;
    decoded_ = bytes;
    const std::size_t wanted = others_ + bytes;
    if (wanted > kFree && (!share_ || share_->held() < wanted)) grow(wanted);
  }
  /// Hands over the reservation, for a request that outlives this object.
  std::optional<BudgetShare> take() noexcept { return std::move(share_); }

 private:
  void grow(std::size_t wanted);

  Budget& budget_;
  const Identity* identity_ = nullptr;
  const Namespace* name_space_ = nullptr;
  const Options* options_ = nullptr;
  std::size_t decoded_ = 0, others_ = 0;
  std::optional<BudgetShare> share_;
};

}  // namespace libsql::server
