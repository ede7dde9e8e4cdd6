#include "server/databases/writers_room.hpp"

namespace libsql::server {

// Calls the first `most` waiters, and all whose time has come.
void WritersRoom::call(std::size_t most, Clock::time_point now) noexcept {
  using Choice = WaitingLine<Clock::time_point>::Choice;
  line_.call([&](Clock::time_point until) {
    if (until <= now) return Choice::Call;
    if (most == 0) return now == Clock::time_point::min() ? Choice::Stop : Choice::Keep;
    --most;
    return Choice::Call;
  });
}

void WritersRoom::tidy(Clock::time_point now) noexcept {
  if (line_.is_empty()) return;
  const std::size_t taken = taken_.load();
  call(taken < seats_ ? seats_ - taken : 0, now);
}

}  // namespace libsql::server
