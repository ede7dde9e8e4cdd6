#include "server/auth/token_cache.hpp"

#include <openssl/evp.h>

#include <cstring>
#include <new>

#include "core/clock.hpp"

namespace libsql::server {
namespace {

// One context per thread: creating one and looking up the algorithm cost more than hashing a token.
class Sha256 {
 public:
  Sha256() : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
    if (algorithm_ == nullptr || context_ == nullptr) throw std::bad_alloc();
  }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(algorithm_);
  }

  std::array<unsigned char, 32> operator()(std::string_view text) {
    std::array<unsigned char, 32> digest;
    if (EVP_DigestInit_ex2(context_, algorithm_, nullptr) != 1 ||
        EVP_DigestUpdate(context_, text.data(), text.size()) != 1 ||
        EVP_DigestFinal_ex(context_, digest.data(), nullptr) != 1) {
      throw std::bad_alloc();
    }
    return digest;
  }

 private:
  EVP_MD* algorithm_;
  EVP_MD_CTX* context_;
};

}  // namespace

Permissions TokenIdentity::permissions(std::string_view name_space) const {
  const TokenRights rights = claims_.rights(name_space, group_);
  return {rights.read, rights.write, rights.attach, rights.ddl};
}

std::optional<std::chrono::system_clock::time_point> TokenIdentity::good_until() const noexcept {
  using Clock = core::WallClock;
  constexpr auto kLast = std::chrono::floor<std::chrono::seconds>(Clock::time_point::max()) - 2 * kTokenLeeway;
  if (!claims_.expires || *claims_.expires >= kLast.time_since_epoch().count()) return std::nullopt;
  return Clock::time_point(std::chrono::seconds(*claims_.expires) + kTokenLeeway);
}

TokenVerifier::TokenVerifier(PublicKeys keys, std::string group) : keys_(std::move(keys)), group_(std::move(group)) {}

TokenVerifier::Result TokenVerifier::verify(std::string_view token, TokenTime now) {
  thread_local Sha256 sha256;
  const Digest digest = sha256(token);
  std::shared_ptr<const TokenIdentity> identity = find(digest);
  if (identity == nullptr) {
    checked_.fetch_add(1, std::memory_order_relaxed);
    std::optional<TokenClaims> claims = read_token(token, keys_);
    if (!claims) return {nullptr, TokenProblem::Invalid};
    if (has_expired(*claims, now)) return {nullptr, TokenProblem::Expired};
    if (is_immature(*claims, now)) return {nullptr, TokenProblem::Immature};
    // The server has no audience configured, so a token that names one is for somebody else (RFC 7519, section 4.1.3).
    if (claims->has_audience) return {nullptr, TokenProblem::Rejected};
    std::shared_ptr<Bearer> bearer = bearer_of(claims->binding);
    identity = std::make_shared<const TokenIdentity>(std::move(*claims), group_, std::move(bearer));
    remember(digest, identity);
  } else if (has_expired(identity->claims(), now)) {
    return {nullptr, TokenProblem::Expired};
  } else if (is_immature(identity->claims(), now)) {  // the clock was set back
    return {nullptr, TokenProblem::Immature};
  }
  return {std::move(identity), TokenProblem::Invalid};
}

std::size_t TokenVerifier::DigestHash::operator()(const Digest& digest) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

std::shared_ptr<const TokenIdentity> TokenVerifier::find(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  if (const auto found = young_.find(digest); found != young_.end()) return found->second;
  const auto found = old_.find(digest);
  if (found == old_.end()) return nullptr;
  std::shared_ptr<const TokenIdentity> identity = found->second;
  if (young_.size() < kCapacity / 2) young_.emplace(digest, identity);
  return identity;
}

// All tokens of one bearer share an account, so a second token does not double what the bearer may use.
std::shared_ptr<Bearer> TokenVerifier::bearer_of(const std::string& binding) {
  const std::lock_guard lock(mutex_);
  if (bearers_.size() >= 2 * kCapacity) std::erase_if(bearers_, [](const auto& each) { return each.second.expired(); });
  std::weak_ptr<Bearer>& known = bearers_[binding];
  std::shared_ptr<Bearer> bearer = known.lock();
  if (bearer == nullptr) known = bearer = std::make_shared<Bearer>();
  return bearer;
}

void TokenVerifier::remember(const Digest& digest, std::shared_ptr<const TokenIdentity> identity) {
  const std::lock_guard lock(mutex_);
  if (young_.size() >= kCapacity / 2) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_.emplace(digest, std::move(identity));
}

}  // namespace libsql::server
