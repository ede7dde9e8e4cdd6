// Writes the answers of a server while their statements run: columns, rows and totals go straight into one string,
// without a tree of them in between. What fails half-way is taken back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/value.hpp>

#include "hrana/encoding.hpp"
#include "hrana/proto_writer.hpp"
#include "hrana/responses.hpp"

namespace libsql::hrana {

/// Writes one pipeline answer, or one WebSocket message a request, or one v1 answer, into `out`.
///
///     ResponseWriter writer = ResponseWriter::pipeline(encoding, body);
///     for each request:
///       writer.begin();
///       writer.begin_execute();
///       writer.columns(cols);
///       while (rows) if (!writer.row(cells)) { writer.fail(...); break; }   // or any other error, at any moment
///       writer.end_execute(totals);
///     writer.end_pipeline(baton, base_url);
///
/// fail() and fail_step() may be called whenever something goes wrong: they take back what the request, or the step,
/// has written so far.
class ResponseWriter {
 public:
  /// Answers to a pipeline; end_pipeline() ends it.
  static ResponseWriter pipeline(Encoding encoding, std::string& out);
  /// Answers to requests over a WebSocket. Each is a message of its own: take it out of `out` before the next begin().
  static ResponseWriter web_socket(Encoding encoding, std::string& out);
  /// The answer of POST /v1/execute or /v1/batch: {"result":...}, or the error alone.
  static ResponseWriter v1(std::string& out);

  Encoding encoding() const noexcept { return encoding_; }

  /// Begins the answer to one request.
  void begin(std::int32_t request_id = 0);
  /// The answer is this error instead of whatever was written since begin(). Ends it.
  void fail(const WireError& error);
  /// Takes back what was written since begin(), for another attempt at the answer.
  void restart();
  /// The bytes written since begin().
  std::size_t request_bytes() const noexcept { return out_->size() + failure_bytes_ - request_start_; }
  /// The bytes written in all.
  std::size_t total_bytes() const noexcept { return out_->size() + failure_bytes_ - start_; }

  // Answers in one call.

  /// That of a type which has no members: close, sequence, store_sql, close_sql, open_stream, open_cursor,
  /// close_cursor.
  void done(RequestType type);
  void autocommit(bool is_autocommit);
  void describe(const DescribeResult& result);
  /// Entries that a CursorEntryWriter has written with the framing for fetch_cursor.
  void fetched(std::string_view entries, bool done);
  /// Any answer, from its struct. Throws EncodeError for text that is not UTF-8.
  void response(const Response& response);

  // The answer to execute: begin_execute(), columns(), row()..., end_execute().

  void begin_execute();
  void end_execute(const StmtTotals& totals);

  // The answer to batch: begin_batch(), for each step skip_step() or begin_step(), columns(), row()..., end_step() or,
  // at any moment after begin_step(), fail_step(); end_batch().

  void begin_batch();
  void begin_step();
  void end_step(const StmtTotals& totals);
  /// The step has failed: forgets what was written since begin_step().
  void fail_step(const WireError& error);
  void skip_step();
  void end_batch(std::optional<std::uint64_t> replication_index = {});

  // Within execute or a step.

  /// The columns, before any row. A statement without columns may leave it out.
  void columns(std::span<const Col> cols);
  /// What columns() has written, for the next answer to the same statement in this encoding: call it right after.
  std::string_view written_columns() const noexcept { return std::string_view(*out_).substr(columns_start_); }
  /// The columns, as written_columns() gave them.
  void repeat_columns(std::string_view written);
  /// Writes a row. False if a text in it is not UTF-8: then nothing of the row is written.
  [[nodiscard]] bool row(std::span<const ValueRef> cells);

  void end_pipeline(std::optional<std::string_view> baton, std::optional<std::string_view> base_url);

 private:
  enum class Envelope : std::uint8_t { Pipeline, WebSocket, V1 };
  ResponseWriter(Encoding encoding, Envelope envelope, std::string& out);

  bool is_json() const noexcept { return encoding_ == Encoding::Json; }
  void begin_response(RequestType type);
  void end_response();
  void begin_result();
  void end_result(const StmtTotals& totals);
  void open(std::uint32_t field, std::size_t expected = 0);
  void close_to(std::size_t depth);
  void write(const StmtResult& result);
  void write(const BatchResult& result);

  struct StepFailure {
    std::uint32_t step;
    std::string json;
  };

  std::string* out_;
  std::size_t start_;
  std::size_t request_start_;
  std::size_t step_start_ = 0;
  std::size_t columns_start_ = 0;
  std::array<proto::Gap, 8> gaps_{};  // Protobuf: the messages that are open, the outermost first
  std::size_t depth_ = 0;
  std::size_t step_depth_ = 0;
  std::size_t failure_bytes_ = 0;
  std::vector<StepFailure> failures_;  // JSON: for `step_errors`, which comes after all results
  std::int32_t request_id_ = 0;
  std::uint32_t step_ = 0;
  bool answers_before_ = false;
  bool first_request_ = true;
  bool has_columns_ = false;
  bool first_row_ = true;
  Encoding encoding_;
  Envelope envelope_;
};

}  // namespace libsql::hrana
