#include "server/http/http_answer.hpp"

#include <string>

#include "hrana/encode.hpp"
#include "server/base/auth.hpp"
#include "server/base/failure.hpp"
#include "server/databases/namespaces.hpp"

namespace libsql::server {

void answer(net::Exchange& exchange, int status, std::string_view content_type, std::string_view body) {
  if (content_type.empty()) return exchange.answer(status, {kAnyOrigin}, body);
  exchange.answer(status, {{"content-type", content_type}, kAnyOrigin}, body);
}

void answer_error(net::Exchange& exchange, int status, std::string_view message, std::string_view code) {
  std::string body;
  hrana::encode_http_error(message, code, body);
  answer(exchange, status, kJson, body);
}

void answer_exception(net::Exchange& exchange, std::exception_ptr thrown) noexcept {
  if (exchange.answered()) return;
  try {
    try {
      std::rethrow_exception(thrown);
    } catch (const hrana::DecodeError& error) {
      answer_error(exchange, 400, error.what(), "MALFORMED_REQUEST");
    } catch (const ProtocolViolation& error) {
      answer_error(exchange, 400, error.what(), "PROTOCOL_ERROR");
    } catch (const RequestRefused& error) {
      answer_error(exchange, error.status(), error.what(), error.code());
    } catch (const AuthError& error) {
      const std::string text = "Unauthorized: `" + std::string(error.what()) + "`";
      answer_error(exchange, error.status(), text, error.code());
    } catch (const NamespaceError& error) {
      answer_error(exchange, error.status(), error.what(), error.code());
    } catch (const StatementFailure& error) {
      answer_error(exchange, status_of(error), error.what(), error.code());
    } catch (const Error& error) {
      const StatementFailure failure = failure_of(error);
      answer_error(exchange, status_of(failure), failure.what(), failure.code());
    } catch (const std::exception&) {
      answer_error(exchange, 500, "Internal error", "INTERNAL_ERROR");
    }
  } catch (const std::exception&) {  // the connection is cut instead
  }
}

}  // namespace libsql::server
