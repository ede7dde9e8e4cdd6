#include "engine/interrupt.hpp"

#include <sqlite3.h>

namespace libsql::engine {

void Interrupt::interrupt() noexcept {
  const std::lock_guard lock(mutex_);
  if (db_ != nullptr) sqlite3_interrupt(db_);
  // Last: who begins a call clears the engine's flag and then looks here, so that one of both is seen.
  count_.fetch_add(1, std::memory_order_release);
}

void Interrupt::stop() noexcept {
  stops_.fetch_add(1, std::memory_order_relaxed);
  interrupt();
}

void Interrupt::attach(sqlite3* db) noexcept {
  const std::lock_guard lock(mutex_);
  db_ = db;
}

}  // namespace libsql::engine
