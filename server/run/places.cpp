#include "server/run/places.hpp"

#include <algorithm>

namespace libsql::server {

void Places::give(const Takers& owner) noexcept {
  budget_.give(1, owner.bearer.get(), owner.name_space.get());
  if (!line_.is_empty()) call_next();
}

// Calls the first waiter whose limits permit a place now.
void Places::call_next() noexcept {
  using Choice = WaitingLine<Takers>::Choice;
  bool called = false;
  line_.call([&](const Takers& owner) {
    if (called) return Choice::Stop;
    called = budget_.has_room(owner.bearer.get(), owner.name_space.get());
    return called ? Choice::Call : Choice::Keep;
  });
}

void Places::tidy() noexcept {
  using Choice = WaitingLine<Takers>::Choice;
  if (line_.is_empty()) return;
  const std::size_t taken = budget_.held();
  std::size_t free = budget_.total() - std::min(taken, budget_.total());
  line_.call([&](const Takers& owner) {
    if (free == 0) return Choice::Stop;
    if (!budget_.has_room(owner.bearer.get(), owner.name_space.get())) return Choice::Keep;
    --free;
    return Choice::Call;
  });
}

std::string Places::message(Whose whose) const {
  const std::string most = std::to_string(budget_.most_of(whose));
  switch (whose) {
    case Whose::Bearer:
      return "Too many concurrent requests of this bearer, who may run " + most + " at once";
    case Whose::Namespace:
      return "Too many concurrent requests to this namespace, in which " + most + " may run at once";
    default:
      return "Too many concurrent requests to this server, on which " + most + " may run at once";
  }
}

}  // namespace libsql::server
