// Decides which statements may share a commit with those of other clients, and runs them so.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/connection.hpp"
#include "hrana/response_writer.hpp"
#include "server/run/context.hpp"
#include "server/run/executor.hpp"

namespace libsql::server {

/// Runs a request that consists of a single statement, on a stream with nothing open. A write is answered as if it had
/// run alone: with its own rowid, counts and failure, and only once it is on disk. What the group cannot do that way is
/// left to the caller.
class GroupedWrite {
 public:
  GroupedWrite(const Context& context, Cancellation& cancellation, ResponseShare& share) noexcept
      : context_(context), cancellation_(cancellation), share_(share) {}

  /// False if the statement has to be run on a session of its own; nothing has been done or written then. `program`
  /// runs it on an Executor and writes its answer without the end. `counters` are the stream's changes() and
  /// last_insert_rowid(), read before and set after. `index` gets the number of the commit if the database has a log.
  /// Throws what `program` throws.
  template <class Program>
  bool run(std::string_view sql, engine::Connection::ChangeCounters& counters, hrana::ResponseWriter& writer,
           std::optional<std::uint64_t>& index, const Program& program) {
    const auto call = [](const void* it, Executor& executor) { (*static_cast<const Program*>(it))(executor); };
    return run_program(sql, counters, writer, index, {&program, call});
  }

 private:
  struct Runnable {
    const void* program;
    void (*run)(const void* program, Executor& executor);
  };
  bool run_program(std::string_view sql, engine::Connection::ChangeCounters& counters, hrana::ResponseWriter& writer,
                   std::optional<std::uint64_t>& index, Runnable runnable);
  bool is_allowed(const StatementTraits& traits) const;
  std::chrono::milliseconds wait() const noexcept;

  const Context& context_;
  Cancellation& cancellation_;
  ResponseShare& share_;
};

}  // namespace libsql::server
