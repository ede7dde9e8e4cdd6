// The token with which an HTTP client names its stream and its position in it.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/base/hmac.hpp"

namespace libsql::server {

struct Baton {
  std::uint64_t stream = 0;
  std::uint64_t sequence = 0;
  /// The stream holds nothing that its client would miss except changes() and last_insert_rowid(): if it has ended, a
  /// baton for it begins a new one.
  bool is_replaceable = false;
  /// Signed by another process, so it names no stream of this one. Only replaceable batons are accepted from others.
  bool is_foreign = false;
};

/// Signs batons with a key that lives as long as the process. A baton is valid for one namespace and one identity.
/// A replaceable baton carries a second code, made without a secret key, by which other servers, or this one after a
/// restart, recognise it. That is safe: such a baton permits nothing that a request without a baton may not do.
/// Threads: all members may be called by several at once.
class BatonSigner {
 public:
  BatonSigner();

  std::string sign(const Baton& baton, std::string_view name_space, std::string_view binding) const;
  /// None for anything but a result of sign() with the same namespace and binding, or a replaceable baton that another
  /// process made for them.
  std::optional<Baton> verify(std::string_view text, std::string_view name_space, std::string_view binding) const;

  /// The baton of a stream that no client knows yet. Numbers are never reused within a process. They may be guessed:
  /// what keeps clients from forging a baton is its signature.
  Baton new_place() const noexcept { return {first_ + taken_.fetch_add(1, std::memory_order_relaxed), 0}; }

 private:
  explicit BatonSigner(const Hmac::Key& key);

  const Hmac hmac_;
  const std::uint64_t first_;
  mutable std::atomic<std::uint64_t> taken_ = 0;
};

}  // namespace libsql::server
