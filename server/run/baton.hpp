// The token by which the client of an HTTP stream names the stream and its position in it.
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
  /// Nothing is lost with the stream but changes() and last_insert_rowid(): a baton of one that has ended begins anew.
  bool is_replaceable = false;
  /// Another process has signed it: it stands for no stream here. Replaceable ones only.
  bool is_foreign = false;
};

/// Signs batons with a key that lives as long as the process. A baton is good for one namespace and one identity.
/// Replaceable ones carry a second code without a secret, by which any other server, or this one after it was started
/// anew, knows them: such a baton lets its bearer do what a request without any baton may do.
/// Threads: all members may be called by several at once.
class BatonSigner {
 public:
  BatonSigner();

  std::string sign(const Baton& baton, std::string_view name_space, std::string_view binding) const;
  /// None for anything that sign() did not make with the same arguments.
  std::optional<Baton> verify(std::string_view text, std::string_view name_space, std::string_view binding) const;

  /// Of a stream that nobody knows yet. A number is given out once; that nobody can make a baton of it is the code's
  /// work.
  Baton new_place() const noexcept { return {first_ + taken_.fetch_add(1, std::memory_order_relaxed), 0}; }

 private:
  explicit BatonSigner(const Hmac::Key& key);

  const Hmac hmac_;
  const std::uint64_t first_;
  mutable std::atomic<std::uint64_t> taken_ = 0;
};

}  // namespace libsql::server
