#include "server/hrana_http.hpp"

#include <array>
#include <exception>
#include <string>
#include <vector>

#include "hrana/cursor_writer.hpp"
#include "hrana/decode.hpp"
#include "hrana/extensions.hpp"
#include "hrana/response_writer.hpp"
#include "server/cursor_run.hpp"
#include "server/executor.hpp"
#include "server/failure.hpp"
#include "server/http_answer.hpp"
#include "server/peer_watch.hpp"
#include "server/pipeline.hpp"

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

// Sends the rows in pieces of some size, each as soon as it is full.
class BodyPace final : public CursorPace {
 public:
  BodyPace(net::Exchange& exchange, std::string& piece) noexcept : exchange_(exchange), piece_(piece) {}
  bool go_on() override {
    constexpr std::size_t kPiece = 16 * 1024;
    if (piece_.size() < kPiece) return true;
    alive_ = exchange_.write(piece_);
    piece_.clear();
    return alive_;
  }
  bool is_alive() const noexcept { return alive_; }

 private:
  net::Exchange& exchange_;
  std::string& piece_;
  bool alive_ = true;
};

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
void v1_request(net::Exchange& exchange, ServerState& state, const Context& context, Run&& run) {
  Cancellation cancellation;
  SessionLease session = context.shared_namespace()->lease();
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

std::string_view text_of(const hrana::Sql& sql) {
  if (sql.id || !sql.text) throw ProtocolViolation("Version 1 has no stored SQL: `sql` is needed");
  return *sql.text;
}

}  // namespace

void HranaHttp::pipeline(net::Exchange& exchange, hrana::Encoding encoding, const Context& context) {
  const auto request = hrana::decode_pipeline_request(encoding, core::Source::borrowed(exchange.request().body));
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
  HeldStream stream(state_.streams, state_.streams.acquire(request->baton, context));
  Cancellation cancellation;
  {
    const PeerWatch watch(exchange, cancellation);
    Pipeline pipeline(*stream, context, cancellation, state_.budgets);
    pipeline.run(request->requests, writer);
  }
  const HttpStreams::Released released = state_.streams.release(stream.take(), context);
  answer_pipeline(released.baton, released.is_stateless);
}

void HranaHttp::cursor(net::Exchange& exchange, hrana::Encoding encoding, const Context& context) {
  const auto request = hrana::decode_cursor_request(encoding, core::Source::borrowed(exchange.request().body));
  HeldStream stream(state_.streams, state_.streams.acquire(request->baton, context));
  check_conditions(request->batch);
  std::vector<std::string_view> texts;
  for (const hrana::BatchStep& step : request->batch.steps) texts.push_back(stream->stored.resolve(step.stmt.sql));
  for (const std::string_view text : texts) context.authorise(traits_of(text));
  if (!stream->session) stream->session = context.shared_namespace()->lease();
  const std::string baton = state_.streams.promise(*stream, effect_of(*stream, texts), context);

  Cancellation cancellation;
  cancellation.watch(stream->session->interrupt_state());
  PeerWatch watch(exchange, cancellation);
  std::string& piece = exchange.buffer();
  hrana::CursorEntryWriter writer(encoding, hrana::CursorEntryWriter::Framing::Body, piece);
  writer.head(baton, base_url_of(state_.options));
  exchange.begin(200, {{"content-type", encoding == hrana::Encoding::Json ? kPlainText : kBytes}, kAnyOrigin});
  BodyPace pace(exchange, piece);
  try {
    const DatabaseSession::Use use(*stream->session);
    CursorRun run(*stream->session, context, cancellation, request->batch, texts);
    if (run.run(writer, pace)) writer.replication_index(std::nullopt);
  } catch (const std::exception& error) {
    writer.error({error.what(), "INTERNAL_ERROR", {}});
  }
  watch.stop();
  // Before the end is sent, because then the next request of the stream may come.
  state_.streams.settle(stream.take());
  if (!pace.is_alive()) return;
  if (!piece.empty() && !exchange.write(piece)) return;
  exchange.end();
}

void HranaHttp::v1_execute(net::Exchange& exchange, const Context& context) {
  const auto stmt = hrana::decode_v1_execute_request(core::Source::borrowed(exchange.request().body));
  const std::string_view sql = text_of(stmt->sql);
  v1_request(exchange, state_, context,
             [&](Executor& executor, hrana::ResponseWriter& writer) { executor.execute(sql, stmt->args, writer); });
}

void HranaHttp::v1_batch(net::Exchange& exchange, const Context& context) {
  const auto batch = hrana::decode_v1_batch_request(core::Source::borrowed(exchange.request().body));
  check_conditions(*batch);
  std::vector<std::string_view> texts;
  for (const hrana::BatchStep& step : batch->steps) texts.push_back(text_of(step.stmt.sql));
  v1_request(exchange, state_, context,
             [&](Executor& executor, hrana::ResponseWriter& writer) { executor.batch(*batch, texts, writer); });
}

}  // namespace libsql::server
