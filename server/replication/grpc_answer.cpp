#include "server/replication/grpc_answer.hpp"

#include "core/decode_error.hpp"
#include "server/base/auth.hpp"
#include "server/base/failure.hpp"
#include "server/databases/namespaces.hpp"
#include "server/http/http_answer.hpp"

namespace libsql::server {
namespace {

constexpr net::Header kExposed{"access-control-expose-headers", "grpc-status,grpc-message,grpc-status-details-bin"};

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

void answer_message(net::Exchange& exchange, grpc::Form form, std::string_view message) {
  std::string& body = exchange.buffer();
  grpc::append_message(message, form, body);
  grpc::append_trailers({}, form, body);
  exchange.answer(200, {{"content-type", grpc::content_type_of(form)}, kAnyOrigin, kExposed}, body);
}

void answer_stream(net::Exchange& exchange, grpc::Form form, std::unique_ptr<net::BodySource> body) {
  exchange.answer_from(200, {{"content-type", grpc::content_type_of(form)}, kAnyOrigin, kExposed}, std::move(body));
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
