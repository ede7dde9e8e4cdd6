// What one connection holds, in the accounts of all who are concerned.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "net/memory_account.hpp"

namespace libsql::net {

/// Threads: one at a time. The account of all outlives it, or it is at zero before.
class Charge {
 public:
  explicit Charge(MemoryAccount& all) noexcept : all_(all) {}
  ~Charge() { set(0); }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;

  void set(std::size_t bytes) noexcept {
    if (bytes == amount_) return;
    all_.add(bytes - amount_);  // Modulo 2^64: also less.
    if (own_) own_->add(bytes - amount_);
    amount_ = bytes;
  }
  /// From now on counted there; null: only in the account of all.
  void move_to(std::shared_ptr<MemoryAccount> account) noexcept {
    if (own_) own_->take(amount_);
    own_ = std::move(account);
    if (own_) own_->add(amount_);
  }
  const MemoryAccount* owner() const noexcept { return own_.get(); }
  std::size_t amount() const noexcept { return amount_; }
  /// The owner's account is over its limit.
  bool is_own_over() const noexcept { return own_ != nullptr && own_->is_over(); }
  bool is_over() const noexcept { return is_own_over() || all_.is_over(); }

 private:
  MemoryAccount& all_;
  std::shared_ptr<MemoryAccount> own_;
  std::size_t amount_ = 0;
};

}  // namespace libsql::net
