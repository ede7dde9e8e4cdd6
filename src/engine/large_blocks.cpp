#include "engine/large_blocks.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>

#include "core/errors.hpp"

namespace libsql::engine {
namespace {

struct Bound {
  sqlite3_mem_methods below{};
  std::size_t total = 0;
  std::size_t for_one = 0;
  std::atomic<std::size_t> held{0};
};
Bound& bound() noexcept {
  static Bound* const instance = new Bound;  // the engine frees memory after the end of main(), too
  return *instance;
}
thread_local std::size_t of_thread = 0;

// What a block of that size counts as.
std::size_t counted(int size) noexcept {
  return size >= static_cast<int>(kLargeBlock) ? static_cast<std::size_t>(size) : 0;
}
std::size_t counted(void* block) noexcept { return counted(bound().below.xSize(block)); }

void add(std::size_t bytes) noexcept {
  if (bytes == 0) return;
  bound().held.fetch_add(bytes, std::memory_order_relaxed);
  of_thread += bytes;
}
void give_back(std::size_t bytes) noexcept {
  if (bytes == 0) return;
  bound().held.fetch_sub(bytes, std::memory_order_relaxed);
  of_thread -= std::min(of_thread, bytes);  // others may have taken it
}
bool take(std::size_t bytes) noexcept {
  if (bytes == 0) return true;
  add(bytes);
  if (of_thread <= bound().for_one && bound().held.load(std::memory_order_relaxed) <= bound().total) return true;
  give_back(bytes);
  return false;
}

void* allocate(int size) noexcept {
  void* const block = bound().below.xMalloc(size);
  if (block == nullptr || take(counted(block))) return block;
  bound().below.xFree(block);  // nobody has touched it, so it has cost nothing yet
  return nullptr;
}

void release(void* block) noexcept {
  give_back(counted(block));
  bound().below.xFree(block);
}

void* reallocate(void* block, int size) noexcept {
  const std::size_t before = counted(block);
  const std::size_t wanted = counted(size);
  const std::size_t more = wanted > before ? wanted - before : 0;
  if (!take(more)) return nullptr;
  void* const moved = bound().below.xRealloc(block, size);
  if (moved == nullptr) {
    give_back(more);
    return nullptr;
  }
  const std::size_t after = counted(moved);
  if (after > before + more) {
    add(after - before - more);
  } else {
    give_back(before + more - after);
  }
  return moved;
}

}  // namespace

void bound_large_blocks(std::size_t total, std::size_t for_one) {
  Bound& own = bound();
  sqlite3_mem_methods methods{};
  int rc = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &methods);
  if (rc == SQLITE_OK && methods.xMalloc != &allocate) own.below = methods;
  own.total = total;
  own.for_one = for_one;
  methods = own.below;
  methods.xMalloc = &allocate;
  methods.xFree = &release;
  methods.xRealloc = &reallocate;
  if (rc == SQLITE_OK) rc = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
  if (rc != SQLITE_OK)
    core::throw_error(ErrorCode::Misuse, "the engine is already in use: its memory cannot be bounded");
}

void begin_large_work() noexcept { of_thread = 0; }

std::size_t large_bytes() noexcept { return bound().held.load(std::memory_order_relaxed); }

}  // namespace libsql::engine
