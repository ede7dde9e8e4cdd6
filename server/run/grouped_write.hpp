// Which requests may share the commit of other clients, and how they are run then.
#pragma once

#include "engine/connection.hpp"
#include "hrana/requests.hpp"
#include "hrana/response_writer.hpp"
#include "server/run/context.hpp"
#include "server/run/executor.hpp"

namespace libsql::server {

/// One request on a stream that has nothing open. A single write on it, as `execute` or as the only step of a batch, is
/// answered as if it had been run alone: with its own rowid and counts, its own failure, and on disk. What the group
/// cannot do that way is left to the caller.
class GroupedWrite {
 public:
  GroupedWrite(const Context& context, Cancellation& cancellation, ResponseShare& share) noexcept
      : context_(context), cancellation_(cancellation), share_(share) {}

  /// False if the request is to be run on a session of its own: nothing has been done or written then. `counters` are
  /// what the stream has to say of its last write, before and after. Throws what Executor throws.
  bool run(const hrana::Request& request, SqlTexts texts, engine::Connection::ChangeCounters& counters,
           hrana::ResponseWriter& writer);

 private:
  bool is_allowed(const StatementTraits& traits) const;
  std::chrono::milliseconds wait() const noexcept;

  const Context& context_;
  Cancellation& cancellation_;
  ResponseShare& share_;
};

}  // namespace libsql::server
