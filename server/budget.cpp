#include "server/budget.hpp"

namespace libsql::server {
namespace {

bool try_add(std::atomic<std::size_t>& to, std::size_t amount, std::size_t most) noexcept {
  const std::size_t before = to.fetch_add(amount, std::memory_order_relaxed);
  if (amount <= most && before <= most - amount) return true;
  to.fetch_sub(amount, std::memory_order_relaxed);
  return false;
}

}  // namespace

std::string_view to_string(Whose whose) noexcept {
  switch (whose) {
    case Whose::Bearer:
      return "this bearer's";
    case Whose::Namespace:
      return "this namespace's";
    case Whose::Server:
      return "the server's";
    case Whose::Nobody:
      break;
  }
  return "nobody's";
}

Whose Budget::take(std::size_t amount, Taken* bearer, Taken* name_space) noexcept {
  if (bearer != nullptr && !try_add(bearer->of(resource_), amount, most_for_one_)) return Whose::Bearer;
  if (name_space != nullptr && !try_add(name_space->of(resource_), amount, most_for_one_)) {
    if (bearer != nullptr) bearer->of(resource_).fetch_sub(amount, std::memory_order_relaxed);
    return Whose::Namespace;
  }
  if (try_add(held_, amount, total_)) return Whose::Nobody;
  if (bearer != nullptr) bearer->of(resource_).fetch_sub(amount, std::memory_order_relaxed);
  if (name_space != nullptr) name_space->of(resource_).fetch_sub(amount, std::memory_order_relaxed);
  return Whose::Server;
}

void Budget::give(std::size_t amount, Taken* bearer, Taken* name_space) noexcept {
  held_.fetch_sub(amount, std::memory_order_relaxed);
  if (bearer != nullptr) bearer->of(resource_).fetch_sub(amount, std::memory_order_relaxed);
  if (name_space != nullptr) name_space->of(resource_).fetch_sub(amount, std::memory_order_relaxed);
}

}  // namespace libsql::server
