// Parks requests that would write while too many threads already queue to write to the same database.
#pragma once

#include <chrono>
#include <optional>

#include "net/server.hpp"
#include "server/databases/writers_room.hpp"
#include "server/run/context.hpp"
#include "server/run/executor.hpp"

namespace libsql::server {

/// Whether any of these statements may have to wait for its turn to write.
bool may_write(SqlTexts texts);

/// Until when a request may wait for its turn in all, if it has been parked since `since`.
std::chrono::steady_clock::time_point end_of_wait(const Context& context,
                                                  std::chrono::steady_clock::time_point since) noexcept;
/// Deducts the time spent parked from what the request's statements may still wait for locks.
void wait_until(Context& context, std::chrono::steady_clock::time_point until) noexcept;

/// Whether take_seat() has anything to do, whatever the texts are.
inline bool may_need_seat(const net::Exchange& exchange, const Context& context) {
  return context.name_space().writers_room().is_full() || exchange.parked_since();
}
/// False: the request is parked and will be handed to its handler again. Otherwise it may go on; if it was parked, it
/// holds `seat`, and giving that up wakes the next one. Call this before doing anything else for a request that has no
/// stream yet.
bool take_seat(net::Exchange& exchange, Context& context, SqlTexts texts, WritersRoom::Seat& seat);

}  // namespace libsql::server
