// When a request that failed on the way is sent again.
#pragma once

#include <optional>

#include "core/backoff.hpp"
#include "net/error.hpp"
#include "remote/failures.hpp"

namespace libsql::remote {

/// The attempts of one call. It is sent again only where that cannot run anything twice: no byte of it has left, or it
/// only reads, outside a transaction.
class Repetition {
 public:
  explicit Repetition(unsigned repeats) noexcept : left_(repeats) {}

  bool allows(const net::NetError& error, const Call& call, Standing standing) const noexcept {
    using enum net::ErrorKind;
    if (left_ == 0 || is_too_long(error)) return false;
    if (error.kind() == Connect && error.status != 0 && !is_passing(error.status)) return false;
    if (error.kind() != Connect && error.kind() != Closed && error.kind() != Refused) return false;
    return !error.sent() || (call.repeatable && standing == Standing::Alone);
  }
  bool allows(int status, const Call& call, Standing standing) const noexcept {
    return left_ != 0 && is_passing(status) && call.repeatable && standing == Standing::Alone;
  }
  /// Before the next attempt. Throws NetError Timeout, Interrupted.
  void wait(const net::Wait& wait) {
    --left_;
    if (!backoff_) backoff_.emplace();
    net::sleep_for(backoff_->next(), wait);
  }

 private:
  unsigned left_;
  std::optional<core::Backoff> backoff_;
};

}  // namespace libsql::remote
