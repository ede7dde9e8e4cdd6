#include "server/replication/grpc_answer.hpp"

#include <array>
#include <span>

#include "core/decode_error.hpp"
#include "replication/extensions.hpp"
#include "replication/zstd.hpp"
#include "server/base/auth.hpp"
#include "server/base/failure.hpp"
#include "server/databases/namespaces.hpp"
#include "server/http/http_answer.hpp"

namespace libsql::server {
namespace {

constexpr net::Header kExposed{"access-control-expose-headers", "grpc-status,grpc-message,grpc-status-details-bin"};

// The header fields of an answer with messages.
class Fields {
 public:
  explicit Fields(const AnswerForm& form) noexcept {
    add({"content-type", grpc::content_type_of(form.form)});
    add(kAnyOrigin);
    add(kExposed);
    if (form.compressed) add({replication::kEncodingHeader, replication::zstd::kName});
    if (form.joined) add({replication::kFramesHeader, replication::kJoinedFrames});
  }
  std::span<const net::Header> span() const noexcept { return std::span(fields_).first(count_); }

 private:
  void add(const net::Header& field) noexcept { fields_[count_++] = field; }
  std::array<net::Header, 5> fields_;
  std::size_t count_ = 0;
};

grpc::Status status_of_http(int status, std::string_view code, std::string message) {
  if (code == "NAMESPACE_NOT_FOUND") return {grpc::Code::FailedPrecondition, "NAMESPACE_DOESNT_EXIST"};
  switch (status) {
    case 400:
      return {grpc::Code::InvalidArgument, std::move(message)};
    case 401:
      return {grpc::Code::Unauthenticated, std::move(message)};
    case 403:
      return {grpc::Code::PermissionDenied, std::move(message)};
    case 413:
      return {grpc::Code::OutOfRange, std::move(message)};
    case 429:
      return {grpc::Code::ResourceExhausted, std::move(message)};
    case 503:
      return {grpc::Code::Unavailable, std::move(message)};
    default:
      return {grpc::Code::Internal, std::move(message)};
  }
}

}  // namespace

void answer_status(net::Exchange& exchange, const grpc::Status& status) {
  const std::string number = std::to_string(static_cast<int>(status.code));
  const std::string message = grpc::encode_message(status.message);
  exchange.answer(200,
                  {{"content-type", grpc::content_type_of(grpc::Form::Binary)},
                   {"grpc-status", number},
                   {"grpc-message", message},
                   kAnyOrigin,
                   kExposed},
                  {});
}

void AnswerForm::append(std::string_view message, std::string& to) const {
  if (compressed) {
    grpc::append_compressed_message(message, form, to);
  } else {
    grpc::append_message(message, form, to);
  }
}

AnswerForm answer_form_of(const net::Request& request, grpc::Form form) noexcept {
  AnswerForm wanted{form};
  if (const auto encodings = request.header(replication::kAcceptEncodingHeader)) {
    wanted.compressed = grpc::accepts_zstd(*encodings);
  }
  wanted.joined = request.header(replication::kFramesHeader) == replication::kJoinedFrames;
  return wanted;
}

void answer_message(net::Exchange& exchange, const AnswerForm& form, std::string_view message) {
  std::string& body = exchange.buffer();
  form.append(message, body);
  grpc::append_trailers({}, form.form, body);
  const Fields fields(form);
  exchange.answer(200, fields.span(), body);
}

void answer_stream(net::Exchange& exchange, const AnswerForm& form, std::unique_ptr<net::BodySource> body) {
  const Fields fields(form);
  exchange.answer_from(200, fields.span(), std::move(body));
}

grpc::Status status_of_exception(const std::exception_ptr& thrown, bool has_credentials) {
  try {
    std::rethrow_exception(thrown);
  } catch (const CallFailed& error) {
    return error.status();
  } catch (const core::DecodeError& error) {
    return {grpc::Code::Internal, std::string("failed to decode Protobuf message: ") + error.what()};
  } catch (const AuthError& error) {
    if (!has_credentials) {
      return {grpc::Code::Internal, "Error parsing auth header: Expected authorization header but none given"};
    }
    return {grpc::Code::Unauthenticated, std::string("AuthError: ") + error.what()};
  } catch (const RequestRefused& error) {
    return status_of_http(error.status(), error.code(), error.what());
  } catch (const NamespaceError& error) {
    return status_of_http(error.status(), error.code(), error.what());
  } catch (const ProtocolViolation& error) {
    return {grpc::Code::InvalidArgument, error.what()};
  } catch (const StatementFailure& error) {
    return status_of_http(status_of(error), error.code(), error.what());
  } catch (const Error& error) {
    const StatementFailure failure = failure_of(error);
    return status_of_http(status_of(failure), failure.code(), failure.what());
  } catch (const std::exception&) {
    return {grpc::Code::Internal, "Internal error"};
  }
}

}  // namespace libsql::server
