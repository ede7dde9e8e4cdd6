// How calls of gRPC end (https://grpc.github.io/grpc/core/md_doc_statuscodes.html), and how that is written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <libsql/error.hpp>

namespace libsql::replication::grpc {

enum class Code : std::uint8_t {
  Ok,
  Cancelled,
  Unknown,
  InvalidArgument,
  DeadlineExceeded,
  NotFound,
  AlreadyExists,
  PermissionDenied,
  ResourceExhausted,
  FailedPrecondition,
  Aborted,
  OutOfRange,
  Unimplemented,
  Internal,
  Unavailable,
  DataLoss,
  Unauthenticated
};

/// "FAILED_PRECONDITION". Valid for the program's lifetime.
std::string_view to_string(Code code) noexcept;

struct Status {
  Code code = Code::Ok;
  std::string message;

  bool ok() const noexcept { return code == Code::Ok; }
  friend bool operator==(const Status&, const Status&) = default;
};

/// What `grpc-status` says; Unknown for what is no number of a code.
Code parse_code(std::string_view text) noexcept;

/// What an answer without `grpc-status` means whose HTTP status is not 200.
Code code_of_http(int http_status) noexcept;

/// The status that the headers of an answer say, if they do: a `grpc-status` among them, or an HTTP status other than
/// 200. Nothing if the body has to be read.
std::optional<Status> status_of_headers(int http_status, std::optional<std::string_view> grpc_status,
                                        std::optional<std::string_view> grpc_message);

/// A message as `grpc-message` has it: what no header may hold, and `%` itself, as %XX.
std::string encode_message(std::string_view message);
/// The message that `text` stands for, in UTF-8. A `%` without two digits behind it stands for itself.
std::string decode_message(std::string_view text);

/// The error of a call that ended with `status`: the class that the same failure has elsewhere. Requires: it is not Ok.
libsql::detail::ErrorData error_of(const Status& status);

}  // namespace libsql::replication::grpc
