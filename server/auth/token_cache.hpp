// Remembers tokens whose signature has been verified. Verifying one takes about 50 us, longer than a point select.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "server/auth/token.hpp"
#include "server/base/auth.hpp"

namespace libsql::server {

/// The bearer of a valid token.
class TokenIdentity final : public Identity {
 public:
  TokenIdentity(TokenClaims claims, std::string group, std::shared_ptr<Bearer> bearer)
      : Identity(std::move(bearer)), claims_(std::move(claims)), group_(std::move(group)) {}
  Permissions permissions(std::string_view name_space) const override;
  /// The same for two tokens with the same rights for the same bearer, so that one can be replaced by a newer one.
  std::string_view binding() const noexcept override { return claims_.binding; }
  std::optional<std::chrono::system_clock::time_point> good_until() const noexcept override;
  const TokenClaims& claims() const noexcept { return claims_; }

 private:
  TokenClaims claims_;
  std::string group_;
};

/// Verifies tokens with one set of keys, and remembers a limited number of valid ones. When keys change a new verifier
/// is made, so no token signed with the old keys is remembered. Threads: any number at once.
class TokenVerifier final {
 public:
  /// `group` is this server's tag; empty if it has none.
  TokenVerifier(PublicKeys keys, std::string group);

  struct Result {
    std::shared_ptr<const TokenIdentity> identity;  // null: see `problem`
    TokenProblem problem = TokenProblem::Invalid;
  };
  Result verify(std::string_view token, TokenTime now);

  /// How many signatures have been verified, for tests and metrics.
  std::uint64_t signatures_checked() const noexcept { return checked_.load(std::memory_order_relaxed); }

  static constexpr std::size_t kCapacity = 4096;

 private:
  using Digest = std::array<unsigned char, 32>;
  struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept;
  };

  std::shared_ptr<const TokenIdentity> find(const Digest& digest);
  void remember(const Digest& digest, std::shared_ptr<const TokenIdentity> identity);
  std::shared_ptr<Bearer> bearer_of(const std::string& binding);

  PublicKeys keys_;
  std::string group_;
  std::atomic<std::uint64_t> checked_ = 0;
  // Two generations: when the younger is full, it becomes the older, and entries not used since are gone. Keyed by
  // SHA-256, so that a look-up does not compare secrets.
  std::mutex mutex_;
  std::unordered_map<Digest, std::shared_ptr<const TokenIdentity>, DigestHash> young_, old_;
  std::unordered_map<std::string, std::weak_ptr<Bearer>> bearers_;  // by binding
};

}  // namespace libsql::server
