#include "local/spares.hpp"

#include <exception>

#include "local/store.hpp"

namespace libsql::local {
namespace {

constexpr std::chrono::milliseconds kRests{60'000};

}  // namespace

BorrowedConnection::~BorrowedConnection() {
  if (spare_ != nullptr) store_->spares().give(std::move(spare_));
}

std::unique_ptr<Spare> Spares::take() {
  const std::lock_guard lock(mutex_);
  return all_.take();
}

void Spares::add(Spare& fresh) {
  const std::lock_guard lock(mutex_);
  all_.add(fresh);
}

void Spares::give(std::unique_ptr<Spare> spare) noexcept {
  bool fit = false;
  try {
    engine::Connection& connection = *spare->connection;
    if (connection.standing().is_good()) {
      connection.end_cursors();
      if (!connection.is_autocommit()) connection.execute_script("ROLLBACK");
      fit = true;
    }
  } catch (const std::exception&) {  // it is closed, which also ends its transaction
  }
  Runners<Spare>::List gone;
  const std::lock_guard lock(mutex_);
  if (fit && all_.resting() < kKept) all_.rest(spare, Kept::Clock::now());
  if (spare != nullptr) all_.remove(*spare);
  gone = all_.take_expired({.max_idle = kRests}, Kept::Clock::now());
}

void Spares::close(std::chrono::milliseconds rested) noexcept {
  Runners<Spare>::List gone;
  const std::lock_guard lock(mutex_);
  gone = all_.take_expired({.max_idle = rested}, Kept::Clock::now());
}

}  // namespace libsql::local
