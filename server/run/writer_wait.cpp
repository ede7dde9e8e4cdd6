#include "server/run/writer_wait.hpp"

#include <algorithm>
#include <memory>

#include "server/databases/namespace.hpp"
#include "server/databases/statement_class.hpp"
#include "sql/split.hpp"

namespace libsql::server {

using Clock = std::chrono::steady_clock;

bool may_write(SqlTexts texts) {
  return std::any_of(texts.begin(), texts.end(), [](std::string_view text) {
    sql::Splitter splitter(text);  // a sequence has several statements in one text
    while (const auto statement = splitter.next()) {
      const StatementTraits traits = traits_of(statement->text);
      if (traits.needs_write() || traits.locks_out_writers()) return true;
    }
    return false;
  });
}

Clock::time_point end_of_wait(const Context& context, Clock::time_point since) noexcept {
  return since + std::min(context.lock_wait(), context.options().timeouts.statement.value_or(context.lock_wait()));
}

void wait_until(Context& context, Clock::time_point until) noexcept {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  context.wait_at_most(std::max(left, std::chrono::milliseconds(0)));
}

bool take_seat(net::Exchange& exchange, Context& context, SqlTexts texts, WritersRoom::Seat& seat) {
  WritersRoom& room = context.name_space().writers_room();
  if (!may_need_seat(exchange, context) || !may_write(texts)) return true;
  const auto since = exchange.parked_since();
  const auto now = Clock::now();
  const auto until = end_of_wait(context, since.value_or(now));
  if (room.is_full() && now < until) {
    auto ticket = std::make_shared<int>(0);
    room.wait(ticket, until, exchange.waker());
    if (room.is_full()) {
      exchange.park(until, std::move(ticket));
      return false;
    }
  }
  if (since) {
    wait_until(context, until);
    seat = WritersRoom::Seat(room);
  }
  return true;
}

}  // namespace libsql::server
