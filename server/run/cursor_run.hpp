// A batch whose results are handed out piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "hrana/cursor_writer.hpp"
#include "hrana/requests.hpp"
#include "server/databases/database_session.hpp"
#include "server/run/client_statement.hpp"
#include "server/run/context.hpp"
#include "server/run/executor.hpp"

namespace libsql::server {

/// Decides when a cursor has produced enough for now.
class CursorPace {
 public:
  virtual ~CursorPace() = default;
  /// Called after each entry. False pauses the cursor, which can continue later.
  virtual bool go_on() = 0;
};

/// Keeps its position between calls of run(), so a batch of any size needs memory for one row only. `batch`, `texts`
/// and what they view must outlive it.
/// Threads: one at a time, run() within a DatabaseSession::Use.
class CursorRun {
 public:
  CursorRun(DatabaseSession& session, const Context& context, const Cancellation& cancellation,
            const hrana::Batch& batch, SqlTexts texts);

  /// Writes entries until `pace` stops it. True at the end of the batch. Throws RequestRefused.
  bool run(hrana::CursorEntryWriter& writer, CursorPace& pace);
  /// After the end of the batch, with the same Use.
  std::optional<std::uint64_t> replication_index() const {
    return context_.name_space().replication_index(session_, may_have_written_);
  }

 private:
  bool start_step(hrana::CursorEntryWriter& writer);
  void fail_step(hrana::CursorEntryWriter& writer, const StatementFailure& failure);
  void require_going_on() const;

  DatabaseSession& session_;
  const Context& context_;
  const Cancellation& cancellation_;
  const hrana::Batch& batch_;
  SqlTexts texts_;
  StepStates states_;
  std::size_t step_ = 0;
  std::optional<ClientStatement> running_;
  std::uint64_t rows_ = 0;  // of the running step so far
  bool may_have_written_ = false;
};

}  // namespace libsql::server
