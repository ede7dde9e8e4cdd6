// The messages of package proxy: SQL that a replica has run by its primary, and the results. Read and written for both
// sides, in Protobuf.
//
// Decoded messages are views; see core/decoded.hpp. Decoders throw core::DecodeError. What they hold is bounded by
// core::Source::within(), how deep conditions nest by the reader, and how long a message may be by who read it
// (grpc_web.hpp). Texts that are written have to be UTF-8; what is not becomes U+FFFD.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <libsql/params.hpp>
#include <libsql/value.hpp>

#include "core/decode_error.hpp"
#include "core/decoded.hpp"

namespace libsql::replication::proxy {

// ---- Programs ------------------------------------------------------------------------------------------------------

/// When a step runs.
struct Cond {
  enum class Kind : std::uint8_t { Ok, Err, Not, And, Or, IsAutocommit };
  Kind kind = Kind::Ok;
  std::int64_t step = 0;        // of Ok and Err, as it came: whether there is one is for the server to check
  std::span<const Cond> conds;  // of And and Or; the one of Not
};

struct Query {
  enum class Params : std::uint8_t { Missing, Positional, Named };
  std::string_view stmt;
  Params params = Params::Missing;  // sqld refuses a query without any, be they empty
  libsql::detail::ParamsView args;  // of those the kind that `params` says
  bool skip_rows = false;
};

struct Step {
  const Cond* cond = nullptr;  // null: always
  std::optional<Query> query;
};

struct Program {
  std::span<const Step> steps;
};

struct ProgramReq {
  std::string_view client_id;  // a UUID; a connection of the primary belongs to it
  std::optional<Program> pgm;
};

// ---- Results -------------------------------------------------------------------------------------------------------

/// Numbers of newer peers are kept.
enum class ErrorCode : std::int32_t { SqlError = 0, TxBusy = 1, TxTimeout = 2, Internal = 3 };

struct Error {
  ErrorCode code = ErrorCode::SqlError;
  std::string_view message;
  std::int32_t extended_code = 0;  // the engine's

  friend bool operator==(const Error&, const Error&) = default;
};

struct Column {
  std::string_view name;
  std::optional<std::string_view> decltype_name;

  friend bool operator==(const Column&, const Column&) = default;
};

struct ResultRows {
  std::span<const Column> columns;
  std::span<const ValueRef> cells;  // row after row, each as long as `columns`
  std::size_t row_count = 0;
  std::uint64_t affected_row_count = 0;
  std::optional<std::int64_t> last_insert_rowid;
};

using QueryResult = std::variant<Error, ResultRows>;

/// Whether a transaction is open. Numbers of newer peers are kept.
enum class State : std::int32_t { Init = 0, Invalid = 1, Txn = 2 };

struct ExecuteResults {
  std::span<const QueryResult> results;  // one for each step, those that did not run with no rows
  State state = State::Init;
  std::optional<std::uint64_t> current_frame_no;
};

// ---- Descriptions --------------------------------------------------------------------------------------------------

struct DescribeRequest {
  std::string_view client_id;
  std::string_view stmt;

  friend bool operator==(const DescribeRequest&, const DescribeRequest&) = default;
};

struct Description {
  std::span<const Column> columns;
  std::span<const std::string_view> param_names;  // with their prefixes
  std::uint64_t param_count = 0;
};

using DescribeResult = std::variant<Error, Description>;

// ---- The end of a client -------------------------------------------------------------------------------------------

struct DisconnectMessage {
  std::string_view client_id;

  friend bool operator==(const DisconnectMessage&, const DisconnectMessage&) = default;
};

struct Ack {};

// ---- StreamExec: what followers send, as a stream of requests and one of answers ------------------------------------

struct StreamDescribe {
  std::string_view stmt;
};

struct ExecReq {
  std::uint32_t request_id = 0;  // only grows
  std::variant<Program, StreamDescribe> request;
};

struct DescribeParam {
  std::optional<std::string_view> name;

  friend bool operator==(const DescribeParam&, const DescribeParam&) = default;
};

struct DescribeResp {
  std::span<const DescribeParam> params;
  std::span<const Column> columns;
  bool is_explain = false;
  bool is_readonly = false;
};

/// What happens as a program runs, in the order in which it does.
struct RespStep {
  enum class Kind : std::uint8_t {
    Init,
    BeginStep,
    FinishStep,  // affected_row_count, last_insert_rowid
    StepError,   // error
    Columns,     // columns
    BeginRows,
    BeginRow,
    AddValue,  // value
    FinishRow,
    FinishRows,
    Finish  // last_frame_no, is_autocommit
  };
  Kind kind = Kind::Init;
  bool is_autocommit = false;
  std::uint64_t affected_row_count = 0;
  std::optional<std::int64_t> last_insert_rowid;
  std::optional<std::uint64_t> last_frame_no;
  Error error;
  std::span<const Column> columns;
  ValueRef value;
};

struct ProgramResp {
  std::span<const RespStep> steps;
};

struct ExecResp {
  std::uint32_t request_id = 0;
  std::variant<ProgramResp, DescribeResp, Error> response;
};

// ---- Reading and writing -------------------------------------------------------------------------------------------

core::Decoded<ProgramReq> decode_program_req(core::Source bytes);
core::Decoded<ExecuteResults> decode_execute_results(core::Source bytes);
core::Decoded<DescribeRequest> decode_describe_request(core::Source bytes);
core::Decoded<DescribeResult> decode_describe_result(core::Source bytes);
core::Decoded<DisconnectMessage> decode_disconnect_message(core::Source bytes);
core::Decoded<Ack> decode_ack(core::Source bytes);
core::Decoded<ExecReq> decode_exec_req(core::Source bytes);
core::Decoded<ExecResp> decode_exec_resp(core::Source bytes);

void encode(const ProgramReq& message, std::string& out);
void encode(const ExecuteResults& message, std::string& out);
void encode(const DescribeRequest& message, std::string& out);
void encode(const DescribeResult& message, std::string& out);
void encode(const DisconnectMessage& message, std::string& out);
void encode(const Ack& message, std::string& out);
void encode(const ExecReq& message, std::string& out);
void encode(const ExecResp& message, std::string& out);

/// A value as Rust's bincode 1 writes it (https://docs.rs/bincode/1): what `data` of the message Value holds.
void append_bincode(ValueRef value, std::string& out);
/// The value in `bytes`, of which what follows it is ignored. Nothing if they end too early, for a kind that is not
/// known, and for text that is not UTF-8.
std::optional<ValueRef> decode_bincode(std::string_view bytes) noexcept;

}  // namespace libsql::replication::proxy
