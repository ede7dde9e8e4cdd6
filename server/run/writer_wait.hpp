// Requests that would write, while too many threads wait for their turn to write to that database already.
#pragma once

#include <chrono>
#include <optional>

#include "net/server.hpp"
#include "server/databases/writers_room.hpp"
#include "server/run/context.hpp"
#include "server/run/executor.hpp"

namespace libsql::server {

/// Whether one of these may have to wait for the turn to write.
bool may_write(SqlTexts texts);

/// When somebody who has waited since then without a thread has waited long enough.
std::chrono::steady_clock::time_point end_of_wait(const Context& context,
                                                  std::chrono::steady_clock::time_point since) noexcept;
/// What was waited without a thread counts for the statements that follow.
void wait_until(Context& context, std::chrono::steady_clock::time_point until) noexcept;

/// Whether take_seat() would do anything, whatever the texts.
inline bool may_need_seat(const net::Exchange& exchange, const Context& context) {
  return context.name_space().writers_room().is_full() || exchange.parked_since();
}
/// False: the request is parked, and is handed to its handler again. Else it may go on, with the seat if it has waited:
/// its end calls the next one. To be asked before anything is done for a request that has no stream yet.
bool take_seat(net::Exchange& exchange, Context& context, SqlTexts texts, WritersRoom::Seat& seat);

}  // namespace libsql::server
