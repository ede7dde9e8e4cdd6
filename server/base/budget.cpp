#include "server/base/budget.hpp"

namespace libsql::server {
namespace {

bool try_add(std::atomic<std::size_t>& to, std::size_t amount, std::size_t most) noexcept {
  const std::size_t before = to.fetch_add(amount);
  if (amount <= most && before <= most - amount) return true;
  to.fetch_sub(amount);
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
    if (bearer != nullptr) bearer->of(resource_).fetch_sub(amount);
    return Whose::Namespace;
  }
  if (try_add(held_, amount, total_)) return Whose::Nobody;
  if (bearer != nullptr) bearer->of(resource_).fetch_sub(amount);
  if (name_space != nullptr) name_space->of(resource_).fetch_sub(amount);
  return Whose::Server;
}

void Budget::give(std::size_t amount, Taken* bearer, Taken* name_space) noexcept {
  held_.fetch_sub(amount);
  if (bearer != nullptr) bearer->of(resource_).fetch_sub(amount);
  if (name_space != nullptr) name_space->of(resource_).fetch_sub(amount);
}

bool Budget::has_room(Taken* bearer, Taken* name_space) const noexcept {
  const auto is_below = [&](Taken* of) { return of == nullptr || of->of(resource_).load() < most_for_one_; };
  return held_.load() < total_ && is_below(bearer) && is_below(name_space);
}

}  // namespace libsql::server
