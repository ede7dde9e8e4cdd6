#include "remote/failures.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/errors.hpp"
#include "core/server_errors.hpp"
#include "hrana/decode.hpp"
#include "sql/quote.hpp"

namespace libsql::remote {
namespace {

// What is known of the effect of a call that got no answer, although its request may have arrived.
void set_outcome(detail::ErrorData& data, const Call& call, Standing standing, bool sent) {
  // A statement in a transaction is undone with it, whatever it did; only the commit leaves doubt.
  const bool in_doubt = standing == Standing::InTransaction ? call.commits : !call.repeatable;
  data.outcome_known = !(sent && in_doubt);
  data.sql = call.sql;
  if (!data.outcome_known) {
    data.message += "; it is unknown whether the statement took effect";
    data.retryable = false;
  }
}

void lose_transaction(detail::ErrorData& data) {
  data.code = ErrorCode::TransactionLost;
  data.message = "the transaction is lost: " + data.message;
  data.retryable = false;
  data.transaction_open = false;
}

}  // namespace

bool is_passing(int status) noexcept { return status == 429 || status == 502 || status == 503 || status == 504; }

bool is_too_long(const net::NetError& error) noexcept {
  constexpr int kMessageTooBig = 1009;  // RFC 6455 7.4.1
  return error.kind() == net::ErrorKind::Closed && error.close_code == kMessageTooBig;
}

void throw_network(const net::NetError& error, const Call& call, Standing standing) {
  if (call.outside) standing = Standing::Alone;
  detail::ErrorData data;
  data.origin = ErrorOrigin::Network;
  data.message = error.what();
  bool loses = true;
  switch (error.kind()) {
    case net::ErrorKind::Timeout:
      data.code = ErrorCode::Timeout;
      data.retryable = true;
      loses = false;
      break;
    case net::ErrorKind::Interrupted:
      data.code = ErrorCode::Interrupted;
      loses = false;
      break;
    case net::ErrorKind::Protocol:
      data.code = ErrorCode::Protocol;
      break;
    case net::ErrorKind::TooLarge:
      data.code = ErrorCode::TooBig;
      break;
    case net::ErrorKind::Tls:
      data.code = ErrorCode::Network;
      break;
    case net::ErrorKind::Connect:
    case net::ErrorKind::Closed:
    case net::ErrorKind::Refused:
      data.code = ErrorCode::Network;
      data.retryable = true;
      break;
  }
  if (error.kind() == net::ErrorKind::Connect && error.status != 0) {
    data.retryable = is_passing(error.status);
    if (error.status == 407) data.code = ErrorCode::Auth;  // of the proxy
  }
  const bool refused = is_too_long(error);
  if (refused) {
    data.code = ErrorCode::TooBig;
    data.retryable = false;
    data.message = "the request exceeds the server's limit";
  }
  set_outcome(data, call, standing, error.sent() && !refused);
  if (standing == Standing::InTransaction && loses && data.outcome_known) lose_transaction(data);
  if (standing == Standing::InTransaction) data.transaction_open = false;
  core::throw_error(std::move(data));
}

void throw_status(int status, std::string_view body, hrana::Encoding encoding, const Call& call, Standing standing) {
  if (call.outside) standing = Standing::Alone;
  detail::ErrorData data;
  std::optional<core::Decoded<hrana::WireError>> told;
  try {
    told = hrana::decode_error_body(encoding, core::Source::borrowed(body));
  } catch (const hrana::DecodeError&) {  // then it is shown as it is
  }
  constexpr std::size_t kShown = 500;
  const std::string_view text = told ? (*told)->message : body.substr(0, kShown);
  if (told && (*told)->code && !(*told)->code->empty()) {
    data = core::server_error(*(*told)->code, text, (*told)->extended_code.value_or(std::string_view()));
    if (data.code == ErrorCode::SqlError && status >= 400 && data.sqlite_code == 0)
      data = core::http_error(status, text);
  } else if (status >= 300 && status < 400) {
    data = core::http_error(status, "redirects are not followed: use the address that they point to");
  } else {
    data = core::http_error(status, text);
  }
  data.sql = call.sql;
  if (standing == Standing::InTransaction) {
    // The server's stream is gone with any status but 200.
    data.transaction_open = false;
    if (status >= 500 && call.commits) {
      set_outcome(data, call, standing, true);
    } else if (data.code != ErrorCode::Auth && data.code != ErrorCode::TransactionLost) {
      lose_transaction(data);
    }
  } else if (status >= 500 && status != 503) {
    set_outcome(data, call, standing, true);
  }
  core::throw_error(std::move(data));
}

void throw_undecodable(const hrana::DecodeError& error, const Call& call, Standing standing) {
  if (call.outside) standing = Standing::Alone;
  detail::ErrorData data;
  data.code = ErrorCode::Protocol;
  data.origin = ErrorOrigin::Server;
  data.message = std::string("the server's answer cannot be understood: ") + error.what();
  set_outcome(data, call, standing, true);
  if (standing == Standing::InTransaction) data.transaction_open = false;
  core::throw_error(std::move(data));
}

detail::ErrorData error_of(const hrana::WireError& error) {
  return core::server_error(error.code.value_or(std::string_view()), error.message,
                            error.extended_code.value_or(std::string_view()));
}

namespace {

// "... syntax error around L2:8: ..." as sqld says it: line and column, both from 1.
std::optional<std::size_t> place_in(std::string_view message, std::string_view sql) noexcept {
  constexpr std::string_view kAround = " around L";
  const auto at = message.find(kAround);
  if (at == std::string_view::npos) return std::nullopt;
  const char* const end = message.data() + message.size();
  std::size_t line = 0;
  std::size_t column = 0;
  auto parsed = std::from_chars(message.data() + at + kAround.size(), end, line);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != ':') return std::nullopt;
  parsed = std::from_chars(parsed.ptr + 1, end, column);
  if (parsed.ec != std::errc() || line == 0 || column == 0) return std::nullopt;
  std::size_t start = 0;
  for (; line > 1; --line) {
    start = sql.find('\n', start);
    if (start == std::string_view::npos) return std::nullopt;
    ++start;
  }
  const std::size_t offset = start + column - 1;
  return offset <= sql.size() ? std::optional(offset) : std::nullopt;
}

}  // namespace

detail::ErrorData error_of(const hrana::WireError& error, const Text& text) {
  detail::ErrorData data = error_of(error);
  data.sql = text.source;
  if (data.code == ErrorCode::Constraint) core::name_constraint_columns(data, sql::unquote(text.what.name));
  if (text.style == ArgumentStyle::Mixed) {
    data.offset.reset();  // another text was sent
    return data;
  }
  if (!data.offset && data.code == ErrorCode::SqlError) data.offset = place_in(error.message, text.sent());
  if (data.offset) *data.offset += text.offset;
  return data;
}

void Answer::throw_unexpected() const {
  core::throw_error(ErrorCode::Protocol, "the server answered a request with an answer of another kind");
}

std::optional<std::uint32_t> busy_timeout_of(const Call& call) noexcept {
  using std::chrono::milliseconds;
  if (!call.busy_until) return std::nullopt;
  const auto left = std::chrono::ceil<milliseconds>(*call.busy_until - core::SteadyClock::now());
  return static_cast<std::uint32_t>(std::clamp<milliseconds::rep>(left.count(), 0, UINT32_MAX));
}

net::Deadline lock_deadline_after(const Call& call, std::chrono::nanoseconds on_the_way) noexcept {
  if (!call.busy_until) return {};
  constexpr std::chrono::milliseconds kSlack{50};  // for a server that has other things to do, too
  return net::Deadline::at(*call.busy_until + kSlack + on_the_way);
}

Answer Answers::at(std::size_t i) const {
  Answer answer;
  if (pipeline_) {
    if (i >= (*pipeline_)->results.size()) {
      core::throw_error(ErrorCode::Protocol, "the server left a request without an answer");
    }
    const hrana::StreamResult& result = (*pipeline_)->results[i];
    answer.response = std::get_if<hrana::Response>(&result);
    answer.error = std::get_if<hrana::WireError>(&result);
    return answer;
  }
  if (i >= messages_.size()) core::throw_error(ErrorCode::Protocol, "the server left a request without an answer");
  if (const auto* const ok = std::get_if<hrana::ResponseOk>(&*messages_[i])) {
    answer.response = &ok->response;
  } else if (const auto* const failed = std::get_if<hrana::ResponseError>(&*messages_[i])) {
    answer.error = &failed->error;
  }
  return answer;
}

std::optional<std::uint64_t> Answers::replication_index() const noexcept {
  std::optional<std::uint64_t> highest;
  const auto note = [&](const std::optional<std::uint64_t>& index) {
    if (index && (!highest || *highest < *index)) highest = index;
  };
  const auto look_at = [&](const hrana::Response& response) {
    if (const auto* const execute = std::get_if<hrana::ExecuteResponse>(&response)) {
      note(execute->result.totals.replication_index);
    } else if (const auto* const batch = std::get_if<hrana::BatchResponse>(&response)) {
      note(batch->result.replication_index);
    }
  };
  if (pipeline_) {
    for (const hrana::StreamResult& result : (*pipeline_)->results) {
      if (const auto* const response = std::get_if<hrana::Response>(&result)) look_at(*response);
    }
  }
  for (const auto& message : messages_) {
    if (const auto* const ok = std::get_if<hrana::ResponseOk>(&*message)) look_at(ok->response);
  }
  return highest;
}

}  // namespace libsql::remote
