#include "server/hrana/hrana_http.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
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
#include "server/run/pipeline.hpp"
#include "server/run/request_run.hpp"
#include "server/run/writer_wait.hpp"

namespace libsql::server {
namespace {

constexpr net::Header kStateless{hrana::kStreamHeader, hrana::kStatelessStream};

net::FieldLines fields_of_pipeline(hrana::Encoding encoding, bool is_stateless) noexcept {
  using net::FieldLines;
  if (encoding == hrana::Encoding::Json) {
    return is_stateless ? FieldLines::of<kTypeJson, kAnyOrigin, kStateless>() : FieldLines::of<kTypeJson, kAnyOrigin>();
  }
  return is_stateless ? FieldLines::of<kTypeProtobuf, kAnyOrigin, kStateless>()
                      : FieldLines::of<kTypeProtobuf, kAnyOrigin>();
}

std::optional<std::string_view> base_url_of(const Options& options) noexcept {
  if (options.self_url.empty()) return std::nullopt;
  return options.self_url;
}

BatonStreams::Effect effect_of(const BatonStream& stream, SqlTexts texts) {
  using enum BatonStreams::Effect;
  if (!stream.is_replaceable()) return Session;
  BatonStreams::Effect effect = None;
  for (const std::string_view text : texts) {
    const StatementTraits traits = traits_of(text);
    if (traits.may_begin() || traits.changes_session) return Session;
    if (traits.kind != StatementClass::Read) effect = Database;
  }
  return effect;
}

// The stream of a version 1 request, which begins and ends with it.
class PassingStream final : public StreamHost {
 public:
  PassingStream(const Context& context, Cancellation& cancellation) noexcept
      : context_(context), cancellation_(cancellation) {}
  ~PassingStream() { cancellation_.watch(nullptr); }

  DatabaseSession& session() override {
    if (!lease_) {
      lease_ = context_.lease();
      cancellation_.watch(lease_->interrupt_state());
    }
    return *lease_;
  }
  engine::Connection::ChangeCounters* counters_without_session() override { return &counters_; }

 private:
  const Context& context_;
  Cancellation& cancellation_;
  SessionLease lease_;
  engine::Connection::ChangeCounters counters_;
};

std::string_view text_of(const hrana::Sql& sql) {
  if (sql.id || !sql.text) throw ProtocolViolation("Version 1 has no stored SQL: `sql` is needed");
  return *sql.text;
}

void v1_request(net::Exchange& exchange, ServerState& state, Context& context, const hrana::Request& request) {
  const RequestTexts texts(request, text_of);
  WritersRoom::Seat seat;
  if (!take_seat(exchange, context, texts.all(), seat)) return;
  std::string& body = exchange.buffer();
  hrana::ResponseWriter writer = hrana::ResponseWriter::v1(body);
  int status = 200;
  writer.begin();
  Cancellation cancellation;
  {
    PassingStream stream(context, cancellation);
    const PeerWatch watch(exchange, cancellation);
    ResponseShare share(state.budgets.responses, context);
    try {
      RequestRun(stream, context, cancellation, share).answer(request, texts.all(), writer);
    } catch (const StatementFailure& failure) {
      writer.fail({failure.what(), failure.code(), {}});
      status = status_of(failure);
    }
  }
  answer(exchange, status, kJson, body);
}

// The SQL that these requests may run. Texts called by number count when they are stored: without a baton, that happens
// in the same pipeline.
std::vector<std::string_view> texts_of(std::span<const hrana::Request> requests) {
  std::vector<std::string_view> texts;
  const auto append = [&](const hrana::Sql& sql) {
    if (sql.text) texts.push_back(*sql.text);
  };
  for (const hrana::Request& request : requests) {
    if (const auto* const store = std::get_if<hrana::StoreSqlRequest>(&request)) texts.push_back(store->sql);
    if (!runs_sql(hrana::type_of(request))) continue;
    if (const hrana::Sql* const sql = single_sql_of(request)) append(*sql);
    if (const hrana::Batch* const batch = batch_of(request)) {
      for (const hrana::BatchStep& step : batch->steps) append(step.stmt.sql);
    }
  }
  return texts;
}

}  // namespace

// Null if the stream is still running a cursor: the request is then parked until the cursor has ended.
std::unique_ptr<BatonStream> HranaHttp::stream_for(net::Exchange& exchange, std::optional<std::string_view> baton,
                                                   const Context& context) {
  // How long a request may wait for its stream's cursor to end.
  constexpr std::chrono::seconds kWaitForCursor{30};
  if (!baton) return state_.streams.acquire(baton, context, {});
  const auto now = core::SteadyClock::now();
  const auto until = exchange.parked_since().value_or(now) + kWaitForCursor;
  BatonStreams::Waiting waiting;
  if (now < until) waiting = {std::make_shared<int>(0), exchange.waker()};
  std::unique_ptr<BatonStream> stream = state_.streams.acquire(baton, context, waiting);
  if (stream == nullptr) exchange.park(until, std::move(waiting.ticket));
  return stream;
}

void HranaHttp::pipeline(net::Exchange& exchange, hrana::Encoding encoding, Context& context) {
  DecodingShare memory(state_.budgets.decoded, context);
  const auto request = hrana::decode_pipeline_request(
      encoding, core::Source::borrowed(exchange.request().body).within(memory), state_.options.limits.json_depth);
  // Even a request that does nothing has an answer.
  constexpr std::size_t kAnswer = 256;
  memory.add(request->requests.size() * kAnswer);
  std::string& body = exchange.buffer();
  hrana::ResponseWriter writer = hrana::ResponseWriter::pipeline(encoding, body);
  const auto answer_pipeline = [&](std::optional<std::string_view> baton, bool is_stateless) {
    writer.end_pipeline(baton, base_url_of(state_.options));
    exchange.answer(200, fields_of_pipeline(encoding, is_stateless), body);
  };
  // The client is keeping its stream alive while it reads a cursor's rows. It would not wait for the cursor to end, and
  // could not use a new baton, so the one it has is returned.
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
  const BatonStreams::Released released = state_.streams.release(stream.take(), context);
  answer_pipeline(released.baton, released.is_stateless);
}

void HranaHttp::cursor(net::Exchange& exchange, hrana::Encoding encoding, Context& context, Places::Place place,
                       std::unique_ptr<BodyRecord> record) {
  // The answer is produced after the request's body is gone, so the body is copied and counted.
  DecodingShare memory(state_.budgets.decoded, context);
  memory.add(exchange.request().body.size());
  auto request = hrana::decode_cursor_request(
      encoding, core::Source(std::string(exchange.request().body)).within(memory), state_.options.limits.json_depth);
  WritersRoom::Seat seat;
  if (!request->baton && may_need_seat(exchange, context)) {
    const hrana::Request opening = hrana::OpenCursorRequest{0, request->batch};
    if (!take_seat(exchange, context, texts_of({&opening, 1}), seat)) return;
  }
  HeldStream stream(state_.streams, stream_for(exchange, request->baton, context));
  if (!stream) return;
  RequestTexts texts(request->batch, [&](const hrana::Sql& sql) { return stream->stored.resolve(sql); });
  for (const std::string_view text : texts.all()) context.authorise(traits_of(text));
  if (!stream->session) stream->session = context.lease();
  std::string baton = state_.streams.promise(*stream, effect_of(*stream, texts.all()), context);
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
  v1_request(exchange, state_, context, hrana::ExecuteRequest{*stmt});
}

void HranaHttp::v1_batch(net::Exchange& exchange, Context& context) {
  DecodingShare memory(state_.budgets.decoded, context);
  const auto batch = hrana::decode_v1_batch_request(core::Source::borrowed(exchange.request().body).within(memory),
                                                    state_.options.limits.json_depth);
  v1_request(exchange, state_, context, hrana::BatchRequest{*batch});
}

}  // namespace libsql::server
