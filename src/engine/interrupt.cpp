#include "engine/interrupt.hpp"

#include <sqlite3.h>

namespace libsql::engine {

void Interrupt::interrupt() noexcept {
  count_.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  if (db_ != nullptr) sqlite3_interrupt(db_);
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
