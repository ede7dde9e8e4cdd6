// What Hrana's requests mean, whichever route they come by.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/connection.hpp"
#include "hrana/requests.hpp"
#include "hrana/response_writer.hpp"
#include "server/databases/database_session.hpp"
#include "server/run/context.hpp"
#include "server/run/executor.hpp"

namespace libsql::server {

/// The batch of a request that has one, else null.
inline const hrana::Batch* batch_of(const hrana::Request& request) noexcept {
  if (const auto* const batch = std::get_if<hrana::BatchRequest>(&request)) return &batch->batch;
  if (const auto* const cursor = std::get_if<hrana::OpenCursorRequest>(&request)) return &cursor->batch;
  return nullptr;
}

/// The SQL of a request that has a single text, else null.
inline const hrana::Sql* single_sql_of(const hrana::Request& request) noexcept {
  if (const auto* const execute = std::get_if<hrana::ExecuteRequest>(&request)) return &execute->stmt.sql;
  if (const auto* const sequence = std::get_if<hrana::SequenceRequest>(&request)) return &sequence->sql;
  if (const auto* const describe = std::get_if<hrana::DescribeRequest>(&request)) return &describe->sql;
  return nullptr;
}

/// Whether requests of that type run their SQL, and so may have to wait for their turn to write.
constexpr bool runs_sql(hrana::RequestType type) noexcept {
  using Type = hrana::RequestType;
  return type == Type::Execute || type == Type::Batch || type == Type::Sequence || type == Type::OpenCursor;
}

/// The SQL texts of one request, in the order of its statements.
class RequestTexts {
 public:
  RequestTexts() noexcept = default;
  /// `resolve` returns the text for a hrana::Sql; it is viewed, not copied. Throws ProtocolViolation if a condition
  /// refers to a later step, and what `resolve` throws.
  template <class Resolve>
  RequestTexts(const hrana::Request& request, Resolve&& resolve) {
    if (const hrana::Sql* const sql = single_sql_of(request)) {
      single_ = resolve(*sql);
      has_single_ = true;
    } else if (const hrana::Batch* const batch = batch_of(request)) {
      *this = RequestTexts(*batch, resolve);
    }
  }
  template <class Resolve>
  RequestTexts(const hrana::Batch& batch, Resolve&& resolve) {
    check_conditions(batch);
    steps_.reserve(batch.steps.size());
    for (const hrana::BatchStep& step : batch.steps) steps_.push_back(resolve(step.stmt.sql));
  }

  SqlTexts all() const noexcept { return has_single_ ? SqlTexts(&single_, 1) : SqlTexts(steps_); }

 private:
  std::string_view single_;  // most requests have one text, which needs no allocation
  bool has_single_ = false;
  std::vector<std::string_view> steps_;
};

/// What a route provides for the requests of one stream. It overrides the functions for requests that exist on it; the
/// others throw ProtocolViolation. Threads: one at a time.
class StreamHost {
 public:
  StreamHost() = default;
  StreamHost(const StreamHost&) = delete;
  StreamHost& operator=(const StreamHost&) = delete;

  /// The stream's session, leased now if it has none yet.
  virtual DatabaseSession& session() { refuse(); }
  /// Null while the stream has no session.
  virtual DatabaseSession* existing_session() { refuse(); }
  /// Where a single write that shares the commit of others leaves the stream's changes() and last_insert_rowid(). Null
  /// if the stream's writes must run on its own session.
  virtual engine::Connection::ChangeCounters* counters_without_session() { return nullptr; }
  /// Ends the stream.
  virtual void close() { refuse(); }

  virtual void store_sql(const hrana::StoreSqlRequest&) { refuse(); }
  virtual void close_sql(std::int32_t /*id*/) { refuse(); }
  virtual void open_stream() { refuse(); }

  /// Opens a cursor over the batch of the current request, which has been validated.
  virtual void open_cursor() { refuse(); }
  struct Fetched {
    std::string_view entries;  // as CursorEntryWriter encodes them for fetch_cursor; valid until the next call
    bool done = false;
  };
  virtual Fetched fetch_cursor(const hrana::FetchCursorRequest&) { refuse(); }
  virtual void close_cursor() { refuse(); }

 protected:
  ~StreamHost() = default;

 private:
  [[noreturn]] static void refuse();
};

/// Runs requests of one stream and writes their answers. Threads: one at a time.
class RequestRun {
 public:
  RequestRun(StreamHost& stream, const Context& context, Cancellation& cancellation, ResponseShare& share) noexcept
      : stream_(stream), context_(context), cancellation_(cancellation), share_(share) {}

  /// `texts` are those of the request; the writer has begun its answer. Throws StatementFailure for errors that belong
  /// in the answer, RequestRefused, ProtocolViolation, and whatever opening a database throws. The writer then holds an
  /// unfinished answer.
  void answer(const hrana::Request& request, SqlTexts texts, hrana::ResponseWriter& writer);

 private:
  // Both return the replication index for the answer.
  template <class Run>
  std::optional<std::uint64_t> on_session(Run&& run);
  template <class Run>
  std::optional<std::uint64_t> in_group_or_alone(std::string_view sql, hrana::ResponseWriter& writer, Run&& run);

  StreamHost& stream_;
  const Context& context_;
  Cancellation& cancellation_;
  ResponseShare& share_;
};

}  // namespace libsql::server
