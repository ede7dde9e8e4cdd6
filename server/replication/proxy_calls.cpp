#include "server/replication/proxy_calls.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "core/server_errors.hpp"
#include "hrana/decode.hpp"
#include "hrana/response_writer.hpp"
#include "replication/log/log.hpp"
#include "replication/proxy_messages.hpp"
#include "replication/uuid.hpp"
#include "server/base/failure.hpp"
#include "server/http/peer_watch.hpp"
#include "server/replication/grpc_answer.hpp"
#include "server/run/decoding_share.hpp"
#include "server/run/pipeline.hpp"
#include "server/run/writer_wait.hpp"

namespace libsql::server {
namespace {

namespace proxy = replication::proxy;

constexpr std::size_t kMostClients = 100'000;

[[noreturn]] void invalid(std::string message) { throw CallFailed(grpc::Code::InvalidArgument, std::move(message)); }

void require_client_id(std::string_view id) {
  if (!replication::parse_uuid(id)) invalid("the client_id is no UUID");
}

// Conditions that name a step which is not there yet are false with an error in sqld; here the whole call is refused.
using Conds = std::deque<std::vector<hrana::BatchCond>>;  // which stay where they are

hrana::BatchCond cond_of(const proxy::Cond& cond, Conds& kept) {
  hrana::BatchCond result;
  result.kind = static_cast<hrana::BatchCond::Kind>(cond.kind);
  if (cond.kind == proxy::Cond::Kind::Ok || cond.kind == proxy::Cond::Kind::Err) {
    if (cond.step < 0 || cond.step > INT32_MAX) invalid("Invalid batch step: " + std::to_string(cond.step));
    result.step = static_cast<std::uint32_t>(cond.step);
  }
  std::vector<hrana::BatchCond> conds;
  conds.reserve(cond.conds.size());
  for (const proxy::Cond& each : cond.conds) conds.push_back(cond_of(each, kept));
  result.conds = kept.emplace_back(std::move(conds));
  return result;
}
static_assert(static_cast<int>(proxy::Cond::Kind::Ok) == static_cast<int>(hrana::BatchCond::Kind::Ok));
static_assert(static_cast<int>(proxy::Cond::Kind::Err) == static_cast<int>(hrana::BatchCond::Kind::Error));
static_assert(static_cast<int>(proxy::Cond::Kind::Not) == static_cast<int>(hrana::BatchCond::Kind::Not));
static_assert(static_cast<int>(proxy::Cond::Kind::And) == static_cast<int>(hrana::BatchCond::Kind::And));
static_assert(static_cast<int>(proxy::Cond::Kind::Or) == static_cast<int>(hrana::BatchCond::Kind::Or));
static_assert(static_cast<int>(proxy::Cond::Kind::IsAutocommit) ==
              static_cast<int>(hrana::BatchCond::Kind::IsAutocommit));

struct ProgramText {
  std::vector<hrana::BatchStep> steps;
  Conds conds;
  std::vector<std::string_view> texts;
};

ProgramText text_of(const proxy::Program& program) {
  ProgramText text;
  text.steps.reserve(program.steps.size());
  for (const proxy::Step& step : program.steps) {
    if (!step.query) invalid("missing query in step");
    if (step.query->params == proxy::Query::Params::Missing) invalid("missing params in query");
    hrana::BatchStep& made = text.steps.emplace_back();
    if (step.cond != nullptr) {
      std::vector<hrana::BatchCond> cond = {cond_of(*step.cond, text.conds)};
      made.condition = text.conds.emplace_back(std::move(cond)).data();
    }
    made.stmt.sql.text = step.query->stmt;
    made.stmt.args = step.query->args;
    made.stmt.want_rows = true;
    text.texts.push_back(step.query->stmt);
  }
  return text;
}

proxy::Error error_of(const hrana::WireError& error, int engine_code) {
  proxy::Error result;
  result.message = error.message;
  if (result.message.starts_with(kEnginePrefix)) result.message.remove_prefix(kEnginePrefix.size());
  const std::string_view code = error.code.value_or("");
  if (code == "TRANSACTION_TIMEOUT") {
    result.code = proxy::ErrorCode::TxTimeout;
  } else if (code == "TOO_MANY_REQUESTS") {
    result.code = proxy::ErrorCode::TxBusy;
  } else if (code.starts_with("ARGS_")) {
    result.code = proxy::ErrorCode::SqlError;
  } else {
    result.code = proxy::ErrorCode::Internal;
    result.extended_code = engine_code != 0 ? engine_code : core::server_error(code, error.message).sqlite_code;
  }
  return result;
}

std::vector<proxy::Column> columns_of(std::span<const hrana::Col> cols) {
  std::vector<proxy::Column> columns;
  columns.reserve(cols.size());
  for (const hrana::Col& col : cols) columns.push_back({col.name.value_or(""), col.decltype_name});
  return columns;
}

// The answers to the requests of one call, which ran as those of a pipeline do.
class Ran {
 public:
  explicit Ran(std::string body)
      : answers_(hrana::decode_pipeline_response(hrana::Encoding::Protobuf, core::Source(std::move(body)))) {}

  /// Throws CallFailed if the request has failed.
  template <class Response>
  const Response& get(std::size_t index) const {
    const hrana::StreamResult& result = answers_->results[index];
    if (const auto* const error = std::get_if<hrana::WireError>(&result)) {
      throw CallFailed(grpc::Code::PermissionDenied, std::string(error->message));
    }
    return std::get<Response>(std::get<hrana::Response>(result));
  }

 private:
  core::Decoded<hrana::PipelineResponse> answers_;
};

}  // namespace

// The same number in another namespace or from another identity is another client: sqld runs what it sends on the
// first one's connection.
std::string ProxyCalls::key_of(std::string_view client_id, const Context& context) {
  std::string key(client_id);
  key.append(1, '\0').append(context.name_space().name()).append(1, '\0').append(context.identity().binding());
  return key;
}

bool ProxyCalls::is_known(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return clients_.contains(key);
}

// Those whose streams have ended long ago, and beyond any number of transactions that there can be, the oldest.
void ProxyCalls::tidy(Clock::time_point now) {
  while (!by_age_.empty()) {
    const auto oldest = clients_.find(by_age_.front());
    if (clients_.size() < kMostClients && now - oldest->second.since < state_.options.timeouts.stream_tombstone) break;
    clients_.erase(oldest);
    by_age_.pop_front();
  }
}

// What the client was, which runs from now on.
ProxyCalls::Client ProxyCalls::take(const std::string& key) {
  const Clock::time_point now = Clock::now();
  const std::lock_guard lock(mutex_);
  tidy(now);
  const auto [entry, is_new] = clients_.try_emplace(key);
  Client& client = entry->second;
  if (is_new) {
    client = {Client::Is::Running, {}, now, by_age_.insert(by_age_.end(), key)};
    return {};
  }
  return {std::exchange(client.is, Client::Is::Running), std::exchange(client.baton, {}), client.since, client.place};
}

void ProxyCalls::keep(const std::string& key, Client::Is is, std::string baton) {
  const Clock::time_point now = Clock::now();
  const std::lock_guard lock(mutex_);
  const auto [entry, is_new] = clients_.try_emplace(key);
  if (!is_new) by_age_.erase(entry->second.place);
  entry->second = {is, std::move(baton), now, by_age_.insert(by_age_.end(), key)};
}

void ProxyCalls::forget(const std::string& key) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(key);
  if (found == clients_.end()) return;
  by_age_.erase(found->second.place);
  clients_.erase(found);
}

// One call of a client. Where it fails as a whole, its transaction is gone with its stream; what the client sends next
// must not be committed statement by statement, so that is remembered until it has been told.
class ProxyCalls::Turn {
 public:
  Turn(ProxyCalls& calls, std::string key) : calls_(calls), key_(std::move(key)), before_(calls.take(key_)) {}
  ~Turn() {
    if (is_busy() || is_settled_) return;
    try {
      if (is_lost() || baton()) {
        calls_.keep(key_, Client::Is::Lost, {});
      } else {
        calls_.forget(key_);
      }
    } catch (const std::bad_alloc&) {  // then it seems to run for ever, and is refused
    }
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  bool is_busy() const noexcept { return before_.is == Client::Is::Running; }
  bool is_lost() const noexcept { return before_.is == Client::Is::Lost; }
  /// Of the open transaction, if there is one.
  std::optional<std::string_view> baton() const noexcept {
    return before_.baton.empty() ? std::nullopt : std::optional<std::string_view>(before_.baton);
  }

  /// The stream has done its part. Outside a transaction a client has nothing that it could miss. Whether it is in one
  /// for all that it knows: a waiting writer may have rolled it back since its last statement.
  bool release(std::unique_ptr<BatonStream> stream, const Context& context) {
    stream->closed = true;
    if (stream->session) {
      const DatabaseSession::Use use(*stream->session);
      stream->closed = stream->session->is_autocommit() && !stream->session->has_untold_loss();
    }
    BatonStreams::Released released = calls_.state_.streams.release(std::move(stream), context);
    if (!released.baton) {
      settle();
      return false;
    }
    calls_.keep(key_, Client::Is::InTransaction, std::move(*released.baton));
    is_settled_ = true;
    return true;
  }
  /// The client has no transaction, and knows it.
  void settle() noexcept {
    calls_.forget(key_);
    is_settled_ = true;
  }

 private:
  ProxyCalls& calls_;
  const std::string key_;
  const Client before_;
  bool is_settled_ = false;
};

void ProxyCalls::execute(net::Exchange& exchange, grpc::Form form, std::string_view request, Context& context) {
  DecodingShare decoding(state_.budgets.decoded, context);
  const auto program = proxy::decode_program_req(core::Source::borrowed(request).within(decoding));
  require_client_id(program->client_id);
  if (!program->pgm) invalid("program is missing");
  const ProgramText text = text_of(*program->pgm);
  hrana::BatchRequest batch;
  batch.batch.steps = text.steps;

  const std::string key = key_of(program->client_id, context);
  WritersRoom::Seat seat;
  // Who is in a transaction has the turn already, or asks for it inside of it.
  if (!is_known(key) && !take_seat(exchange, context, text.texts, seat)) return;

  if (may_write(text.texts)) context.name_space().counters().writes_delegated.fetch_add(1, std::memory_order_relaxed);
  Turn turn(*this, key);
  std::string body;
  proxy::ExecuteResults results;
  std::unique_ptr<BatonStream> stream;
  std::vector<proxy::QueryResult> of_steps;
  const auto refuse = [&](proxy::ErrorCode code, std::string_view message) {
    proxy::Error error;
    error.code = code;
    error.message = message;
    of_steps.assign(text.steps.size(), error);
  };
  if (turn.is_busy()) {
    refuse(proxy::ErrorCode::TxBusy, "another call of this client is running");
    results.state = proxy::State::Txn;  // for all that this one knows
  } else {
    try {
      if (!turn.is_lost()) stream = state_.streams.acquire(turn.baton(), context, {});
    } catch (const RequestRefused&) {  // it was idle for too long
    }
    if (stream == nullptr) {
      refuse(proxy::ErrorCode::TxTimeout, "Transaction timed-out");
      turn.settle();
    }
  }
  std::optional<Ran> ran;
  std::vector<int> codes(text.steps.size());
  std::vector<std::vector<proxy::Column>> columns;
  if (stream != nullptr) {
    HeldStream held(state_.streams, std::move(stream));
    const hrana::Request requests[] = {batch};
    hrana::ResponseWriter writer = hrana::ResponseWriter::pipeline(hrana::Encoding::Protobuf, body);
    Cancellation cancellation;
    context.write_codes_to(&codes);
    {
      const PeerWatch watch(exchange, cancellation);
      Pipeline(*held, context, cancellation, state_.budgets).run(requests, writer);
    }
    if (turn.release(held.take(), context)) results.state = proxy::State::Txn;
    writer.end_pipeline(std::nullopt, std::nullopt);
    ran.emplace(std::move(body));
    const hrana::BatchResult& done = ran->get<hrana::BatchResponse>(0).result;
    columns.reserve(text.steps.size());
    for (std::uint32_t i = 0; i < text.steps.size(); ++i) {
      proxy::ResultRows rows;  // of a step that did not run there are none
      const hrana::StepOutcome* const outcome = done.find(i);
      if (outcome != nullptr && outcome->error() != nullptr) {
        of_steps.emplace_back(error_of(*outcome->error(), codes[i]));
        continue;
      }
      if (outcome != nullptr) {
        const hrana::StmtResult& result = *outcome->result();
        rows.columns = columns.emplace_back(columns_of(result.cols));
        rows.cells = result.cells;
        rows.row_count = result.row_count;
        rows.affected_row_count = result.totals.affected_row_count;
        rows.last_insert_rowid = result.totals.last_insert_rowid;
      }
      of_steps.emplace_back(rows);
    }
  }
  results.results = of_steps;
  if (const auto log = context.name_space().log()) results.current_frame_no = log->last_frame();
  std::string message;
  proxy::encode(results, message);
  answer_message(exchange, {form}, message);
}

void ProxyCalls::describe(net::Exchange& exchange, grpc::Form form, std::string_view request, Context& context) {
  DecodingShare decoding(state_.budgets.decoded, context);
  const auto wanted = proxy::decode_describe_request(core::Source::borrowed(request).within(decoding));
  require_client_id(wanted->client_id);
  hrana::DescribeRequest describe;
  describe.sql.text = wanted->stmt;
  const hrana::Request requests[] = {describe};
  std::string body;
  hrana::ResponseWriter writer = hrana::ResponseWriter::pipeline(hrana::Encoding::Protobuf, body);
  // In the client's transaction, whose tables nobody else sees.
  Turn turn(*this, key_of(wanted->client_id, context));
  if (turn.is_busy()) throw CallFailed(grpc::Code::Unavailable, "another call of this client is running");
  if (turn.is_lost()) throw CallFailed(grpc::Code::Aborted, "Transaction timed-out");
  HeldStream held(state_.streams, state_.streams.acquire(turn.baton(), context, {}));
  Cancellation cancellation;
  {
    const PeerWatch watch(exchange, cancellation);
    Pipeline(*held, context, cancellation, state_.budgets).run(requests, writer);
  }
  turn.release(held.take(), context);
  writer.end_pipeline(std::nullopt, std::nullopt);
  const Ran ran(std::move(body));
  const hrana::DescribeResult& result = ran.get<hrana::DescribeResponse>(0).result;

  const std::vector<proxy::Column> columns = columns_of(result.cols);
  // The published client (libsql 0.5.29 on npm) asks for the name of parameter 1 and takes the one at that place, so
  // that it ends its process where the names begin at 0. Nobody else reads them.
  std::vector<std::string_view> names = {""};
  for (const hrana::DescribeParam& param : result.params) {
    if (param.name) names.push_back(*param.name);
  }
  if (names.size() == 1) names.clear();
  proxy::Description description;
  description.columns = columns;
  description.param_names = names;
  description.param_count = result.params.size();
  std::string message;
  proxy::encode(proxy::DescribeResult(description), message);
  answer_message(exchange, {form}, message);
}

void ProxyCalls::disconnect(net::Exchange& exchange, grpc::Form form, std::string_view request,
                            const Context& context) {
  const auto message = proxy::decode_disconnect_message(core::Source::borrowed(request));
  require_client_id(message->client_id);
  Turn turn(*this, key_of(message->client_id, context));
  if (turn.is_busy()) throw CallFailed(grpc::Code::Unavailable, "another call of this client is running");
  if (const auto baton = turn.baton()) {
    try {
      state_.streams.abandon(state_.streams.acquire(*baton, context, {}));
    } catch (const RequestRefused&) {  // it has ended already
    }
  }
  turn.settle();
  std::string ack;
  proxy::encode(proxy::Ack{}, ack);
  answer_message(exchange, {form}, ack);
}

}  // namespace libsql::server
