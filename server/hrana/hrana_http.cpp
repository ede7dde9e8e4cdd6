#include "server/hrana/hrana_http.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "hrana/decode.hpp"
#include "hrana/extensions.hpp"
#include "hrana/response_writer.hpp"
#include "server/base/failure.hpp"
#include "server/hrana/cursor_body.hpp"
#include "server/http/http_answer.hpp"
#include "server/http/peer_watch.hpp"
#include "server/run/decoding_share.hpp"
#include "server/run/executor.hpp"
#include "server/run/pipeline.hpp"
#include "server/run/writer_wait.hpp"

namespace libsql::server {
namespace {

// A stream that is gone unless it was given back.
class HeldStream {
 public:
  HeldStream(HttpStreams& streams, std::unique_ptr<HttpStream> stream) noexcept
      : streams_(streams), stream_(std::move(stream)) {}
  ~HeldStream() {
    if (stream_ != nullptr) streams_.abandon(std::move(stream_));
  }
  HeldStream(const HeldStream&) = delete;
  HeldStream& operator=(const HeldStream&) = delete;
  explicit operator bool() const noexcept { return stream_ != nullptr; }
  HttpStream& operator*() const noexcept { return *stream_; }
  HttpStream* operator->() const noexcept { return stream_.get(); }
  std::unique_ptr<HttpStream> take() noexcept { return std::move(stream_); }

 private:
  HttpStreams& streams_;
  std::unique_ptr<HttpStream> stream_;
};

std::optional<std::string_view> base_url_of(const Options& options) noexcept {
  if (options.self_url.empty()) return std::nullopt;
  return options.self_url;
}

HttpStreams::Effect effect_of(const HttpStream& stream, SqlTexts texts) {
  using enum HttpStreams::Effect;
  if (!stream.is_replaceable()) return Session;
  HttpStreams::Effect effect = None;
  for (const std::string_view text : texts) {
    const StatementTraits traits = traits_of(text);
    if (traits.may_begin() || traits.changes_session) return Session;
    if (traits.kind != StatementClass::Read) effect = Database;
  }
  return effect;
}

template <class Run>
void v1_request(net::Exchange& exchange, ServerState& state, Context& context, SqlTexts texts, Run&& run) {
  WritersRoom::Seat seat;
  if (!take_seat(exchange, context, texts, seat)) return;
  Cancellation cancellation;
  SessionLease session = context.lease();
  cancellation.watch(session->interrupt_state());
  PeerWatch watch(exchange, cancellation);
  std::string& body = exchange.buffer();
  hrana::ResponseWriter writer = hrana::ResponseWriter::v1(body);
  ResponseShare share(state.budgets.responses, context);
  int status = 200;
  writer.begin();
  try {
    const DatabaseSession::Use use(*session);
    Executor executor(*session, context, cancellation, share);
    run(executor, writer);
  } catch (const StatementFailure& failure) {
    writer.fail({failure.what(), failure.code(), {}});
    status = status_of(failure);
  }
  watch.stop();
  answer(exchange, status, kJson, body);
}

void append_texts(const hrana::Batch& batch, std::vector<std::string_view>& to) {
  for (const hrana::BatchStep& step : batch.steps) {
    if (step.stmt.sql.text) to.push_back(*step.stmt.sql.text);
  }
}

// All SQL that a request brings along; what it calls by a number is among it.
std::vector<std::string_view> texts_of(std::span<const hrana::Request> requests) {
  std::vector<std::string_view> texts;
  const auto append = [&](const hrana::Sql& sql) {
    if (sql.text) texts.push_back(*sql.text);
  };
  for (const hrana::Request& request : requests) {
    if (const auto* const execute = std::get_if<hrana::ExecuteRequest>(&request)) append(execute->stmt.sql);
    if (const auto* const sequence = std::get_if<hrana::SequenceRequest>(&request)) append(sequence->sql);
    if (const auto* const store = std::get_if<hrana::StoreSqlRequest>(&request)) texts.push_back(store->sql);
    if (const auto* const batch = std::get_if<hrana::BatchRequest>(&request)) append_texts(batch->batch, texts);
  }
  return texts;
}

std::string_view text_of(const hrana::Sql& sql) {
  if (sql.id || !sql.text) throw ProtocolViolation("Version 1 has no stored SQL: `sql` is needed");
  return *sql.text;
}

}  // namespace

// Null: the stream still runs a cursor, and the request is parked until that has ended.
std::unique_ptr<HttpStream> HranaHttp::stream_for(net::Exchange& exchange, std::optional<std::string_view> baton,
                                                  const Context& context) {
  // For the end of a cursor by a request that goes on with its stream.
  constexpr std::chrono::seconds kWaitForCursor{30};
  if (!baton) return state_.streams.acquire(baton, context, {});
  const auto now = core::SteadyClock::now();
  const auto until = exchange.parked_since().value_or(now) + kWaitForCursor;
  HttpStreams::Waiting waiting;
  if (now < until) waiting = {std::make_shared<int>(0), exchange.waker()};
  std::unique_ptr<HttpStream> stream = state_.streams.acquire(baton, context, waiting);
  if (stream == nullptr) exchange.park(until, std::move(waiting.ticket));
  return stream;
}

void HranaHttp::pipeline(net::Exchange& exchange, hrana::Encoding encoding, Context& context) {
  DecodingShare memory(state_.budgets.decoded, context);
  const auto request = hrana::decode_pipeline_request(
      encoding, core::Source::borrowed(exchange.request().body).within(memory), state_.options.limits.json_depth);
  // However little each of them does, it has an answer.
  constexpr std::size_t kAnswer = 256;
  memory.add(request->requests.size() * kAnswer);
  std::string& body = exchange.buffer();
  hrana::ResponseWriter writer = hrana::ResponseWriter::pipeline(encoding, body);
  const auto answer_pipeline = [&](std::optional<std::string_view> baton, bool is_stateless) {
    writer.end_pipeline(baton, base_url_of(state_.options));
    const net::Header type{"content-type", encoding == hrana::Encoding::Json ? kJson : kProtobuf};
    if (!is_stateless) return exchange.answer(200, {type, kAnyOrigin}, body);
    exchange.answer(200, {type, kAnyOrigin, {hrana::kStreamHeader, hrana::kStatelessStream}}, body);
  };
  // A client that only shows its stream while it reads the rows of a cursor. It would not wait for their end, and the
  // baton that it was then given would not reach it.
  if (request->requests.empty() && request->baton && state_.streams.is_running(*request->baton, context)) {
    return answer_pipeline(request->baton, false);
  }
  WritersRoom::Seat seat;
  if (!request->baton && may_need_seat(exchange, context) &&
      !take_seat(exchange, context, texts_of(request->requests), seat)) {
    return;
  }
  HeldStream stream(state_.streams, stream_for(exchange, request->baton, context));
  if (!stream) return;
  Cancellation cancellation;
  {
    const PeerWatch watch(exchange, cancellation);
    Pipeline pipeline(*stream, context, cancellation, state_.budgets);
    pipeline.run(request->requests, writer);
  }
  const HttpStreams::Released released = state_.streams.release(stream.take(), context);
  answer_pipeline(released.baton, released.is_stateless);
}

void HranaHttp::cursor(net::Exchange& exchange, hrana::Encoding encoding, Context& context, Places::Place place,
                       std::unique_ptr<BodyRecord> record) {
  // It is answered while the body of the request is long gone.
  DecodingShare memory(state_.budgets.decoded, context);
  memory.add(exchange.request().body.size());
  auto request = hrana::decode_cursor_request(
      encoding, core::Source(std::string(exchange.request().body)).within(memory), state_.options.limits.json_depth);
  WritersRoom::Seat seat;
  if (!request->baton && may_need_seat(exchange, context)) {
    std::vector<std::string_view> texts;
    append_texts(request->batch, texts);
    if (!take_seat(exchange, context, texts, seat)) return;
  }
  HeldStream stream(state_.streams, stream_for(exchange, request->baton, context));
  if (!stream) return;
  check_conditions(request->batch);
  std::vector<std::string_view> texts;
  for (const hrana::BatchStep& step : request->batch.steps) texts.push_back(stream->stored.resolve(step.stmt.sql));
  for (const std::string_view text : texts) context.authorise(traits_of(text));
  if (!stream->session) stream->session = context.lease();
  std::string baton = state_.streams.promise(*stream, effect_of(*stream, texts), context);
  auto body = std::make_unique<CursorBody>(
      state_.streams, context, encoding, state_.options.self_url.empty() ? nullptr : &state_.options.self_url,
      CursorBody::Parts{std::move(request), memory.take(), std::move(texts), stream.take(), std::move(baton),
                        std::move(place), std::move(record)});
  exchange.answer_from(200, {{"content-type", encoding == hrana::Encoding::Json ? kPlainText : kBytes}, kAnyOrigin},
                       std::move(body));
}

void HranaHttp::v1_execute(net::Exchange& exchange, Context& context) {
  DecodingShare memory(state_.budgets.decoded, context);
  const auto stmt = hrana::decode_v1_execute_request(core::Source::borrowed(exchange.request().body).within(memory),
                                                     state_.options.limits.json_depth);
  const std::string_view sql = text_of(stmt->sql);
  v1_request(exchange, state_, context, {&sql, 1},
             [&](Executor& executor, hrana::ResponseWriter& writer) { executor.execute(sql, stmt->args, writer); });
}

void HranaHttp::v1_batch(net::Exchange& exchange, Context& context) {
  DecodingShare memory(state_.budgets.decoded, context);
  const auto batch = hrana::decode_v1_batch_request(core::Source::borrowed(exchange.request().body).within(memory),
                                                    state_.options.limits.json_depth);
  check_conditions(*batch);
  std::vector<std::string_view> texts;
  for (const hrana::BatchStep& step : batch->steps) texts.push_back(text_of(step.stmt.sql));
  v1_request(exchange, state_, context, texts,
             [&](Executor& executor, hrana::ResponseWriter& writer) { executor.batch(*batch, texts, writer); });
}

}  // namespace libsql::server
