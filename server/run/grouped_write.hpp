// Which statements may share the commit of other clients, and how they are run then.
#pragma once

#include <chrono>
#include <string_view>

#include "engine/connection.hpp"
#include "hrana/response_writer.hpp"
#include "server/run/context.hpp"
#include "server/run/executor.hpp"

namespace libsql::server {

/// One statement that is all of a request, on a stream that has nothing open. A write is answered as if it had been run
/// alone: with its own rowid and counts, its own failure, and on disk. What the group cannot do that way is left to the
/// caller.
class GroupedWrite {
 public:
  GroupedWrite(const Context& context, Cancellation& cancellation, ResponseShare& share) noexcept
      : context_(context), cancellation_(cancellation), share_(share) {}

  /// False if the statement is to be run on a session of its own: nothing has been done or written then. `program` runs
  /// it on an Executor and writes its answer. `counters` are what the stream has to say of its last write, before and
  /// after. Throws what the program throws.
  template <class Program>
  bool run(std::string_view sql, engine::Connection::ChangeCounters& counters, hrana::ResponseWriter& writer,
           const Program& program) {
    const auto call = [](const void* it, Executor& executor) { (*static_cast<const Program*>(it))(executor); };
    return run_program(sql, counters, writer, {&program, call});
  }

 private:
  struct Runnable {
    const void* program;
    void (*run)(const void* program, Executor& executor);
  };
  bool run_program(std::string_view sql, engine::Connection::ChangeCounters& counters, hrana::ResponseWriter& writer,
                   Runnable runnable);
  bool is_allowed(const StatementTraits& traits) const;
  std::chrono::milliseconds wait() const noexcept;

  const Context& context_;
  Cancellation& cancellation_;
  ResponseShare& share_;
};

}  // namespace libsql::server
