#include "server/replication/grpc_handler.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <span>
#include <utility>

#include "replication/extensions.hpp"
#include "replication/uuid.hpp"
#include "replication/wal_log_messages.hpp"
#include "server/base/failure.hpp"
#include "server/http/http_answer.hpp"
#include "server/replication/frame_bodies.hpp"
#include "server/run/decoding_share.hpp"

namespace libsql::server {
namespace {

using replication::Uuid;

Hmac random_signer() {
  std::random_device random;
  Hmac::Key key{};
  for (std::byte& byte : key) byte = static_cast<std::byte>(random());
  return Hmac(key);
}

void require_reading(const Context& context) {
  StatementTraits read;
  read.kind = StatementClass::Read;
  context.require(read);
}

}  // namespace

GrpcHandler::GrpcHandler(ServerState& state) : state_(state), signer_(random_signer()), proxy_(state) {}

GrpcHandler::Call GrpcHandler::call_of(std::string_view path) noexcept {
  constexpr std::string_view kLog = "/wal_log.ReplicationLog/";
  constexpr std::string_view kProxy = "/proxy.Proxy/";
  struct Known {
    std::string_view name;
    Call call;
  };
  const auto among = [](std::string_view name, std::span<const Known> calls) {
    for (const Known& known : calls) {
      if (known.name == name) return known.call;
    }
    return Call::Unknown;
  };
  if (path.starts_with(kLog)) {
    static constexpr std::array<Known, 4> kCalls = {{{"Hello", Call::Hello},
                                                     {"LogEntries", Call::LogEntries},
                                                     {"BatchLogEntries", Call::BatchLogEntries},
                                                     {"Snapshot", Call::Snapshot}}};
    return among(path.substr(kLog.size()), kCalls);
  }
  if (path.starts_with(kProxy)) {
    static constexpr std::array<Known, 3> kCalls = {
        {{"Execute", Call::Execute}, {"Describe", Call::Describe}, {"Disconnect", Call::Disconnect}}};
    return among(path.substr(kProxy.size()), kCalls);
  }
  return Call::None;
}

void GrpcHandler::handle(net::Exchange& exchange, Call call, const Scope& scope) {
  const net::Request& request = exchange.request();
  const std::optional<grpc::Form> form = grpc::form_of(request.header("content-type").value_or(""));
  if (!form) return answer(exchange, 400, {}, {});
  try {
    if (call == Call::Unknown) throw CallFailed(grpc::Code::Unimplemented, {});
    std::string storage;
    const auto read = grpc::read_unary_request(
        request.body, *form,
        static_cast<std::uint32_t>(std::min<std::uint64_t>(state_.options.limits.request_bytes, UINT32_MAX)), storage);
    if (const auto* const status = std::get_if<grpc::Status>(&read)) throw CallFailed(*status);
    run(exchange, call, *form, std::get<std::string_view>(read), scope);
  } catch (...) {
    if (exchange.answered()) throw;
    const bool has_credentials = ScopeHeaders(request).credentials.value.has_value();
    answer_status(exchange, status_of_exception(std::current_exception(), has_credentials));
  }
}

void GrpcHandler::run(net::Exchange& exchange, Call call, grpc::Form form, std::string_view message,
                      const Scope& scope) {
  const net::Request& request = exchange.request();
  // In the order in which sqld looks.
  std::uint64_t from = 0;
  if (call == Call::LogEntries || call == Call::BatchLogEntries || call == Call::Snapshot) {
    const auto offset = replication::decode_log_offset(core::Source::borrowed(message));
    if (offset->wal_flavor.value_or(replication::WalFlavor::Sqlite) != replication::WalFlavor::Sqlite) {
      throw CallFailed(grpc::Code::InvalidArgument, "libsql wal not supported");
    }
    from = offset->next_offset;
  }
  if (state_.options.namespaces) {
    const auto name = request.header("x-namespace-bin");
    if (!name) throw CallFailed(grpc::Code::InvalidArgument, "Missing x-namespace-bin metadata");
    if (name->empty()) throw CallFailed(grpc::Code::InvalidArgument, "Invalid namespace name");
  }
  std::string name;
  try {
    name = namespace_of(request, state_.options);
  } catch (const RequestRefused&) {
    throw CallFailed(grpc::Code::InvalidArgument, "Metadata can't be converted into Bytes");
  }
  Context context = context_for(state_, ScopeHeaders(request).credentials, name);
  exchange.set_known(memory_of(state_, context.identity()));
  Places::Place place;
  if (call != Call::Hello && call != Call::Disconnect && !scope.take_place(context, place)) return;
  context.count_into(scope.rows);
  switch (call) {
    case Call::Execute:
      return proxy_.execute(exchange, form, message, context);
    case Call::Describe:
      return proxy_.describe(exchange, form, message, context);
    case Call::Disconnect:
      return proxy_.disconnect(exchange, form, message, context);
    default:
      break;
  }
  require_reading(context);
  const std::shared_ptr<replication::Log> log = context.name_space().log();
  if (log == nullptr) {
    throw CallFailed(grpc::Code::Unimplemented, "this server keeps no replication log (--replication-log)");
  }
  if (call == Call::Hello) return hello(exchange, form, message, context, *log);
  const Uuid id = log->state().id;
  if (request.header("x-session-token") != session_token(context, id)) {
    throw CallFailed(grpc::Code::FailedPrecondition, "NO_HELLO");
  }
  NamespaceCounters& counters = context.name_space().counters();
  (call == Call::Snapshot ? counters.snapshots : counters.pulls).fetch_add(1, std::memory_order_relaxed);
  switch (call) {
    case Call::BatchLogEntries:
      return batch(exchange, answer_form_of(request, form), from, context, *log, id);
    case Call::LogEntries:
      return answer_stream(
          exchange, answer_form_of(request, form),
          std::make_unique<LogBody>(state_.stopping, context.shared_namespace(), context.shared_identity(), id, from,
                                    answer_form_of(request, form), replica_of(exchange, context), exchange.waker(),
                                    scope.record(name)));
    default: {
      BudgetShare share(state_.budgets.dumps, context.takers());
      if (const Whose whose = share.take(1); whose != Whose::Nobody) {
        throw CallFailed(grpc::Code::Unavailable, "snapshots and dumps that are being sent have reached " +
                                                      std::string(to_string(whose)) + " limit");
      }
      return answer_stream(
          exchange, answer_form_of(request, form),
          std::make_unique<SnapshotBody>(context.shared_namespace(), id, from, answer_form_of(request, form),
                                         std::move(share), scope.record(name)));
    }
  }
}

void GrpcHandler::hello(net::Exchange& exchange, grpc::Form form, std::string_view message, const Context& context,
                        replication::Log& log) {
  replication::decode_hello_request(core::Source::borrowed(message));
  const replication::Log::State state = log.state();
  const std::string id = replication::to_string(state.id);
  const std::string token = session_token(context, state.id);
  replication::HelloResponse response;
  response.generation_id = id;
  response.log_id = id;
  response.session_token = token;
  response.current_replication_index = state.last();
  std::string answer;
  replication::encode(response, answer);
  answer_message(exchange, {form}, answer);
}

void GrpcHandler::batch(net::Exchange& exchange, const AnswerForm& form, replication::FrameNo from,
                        const Context& context, replication::Log& log, const Uuid& id) {
  ResponseShare share(state_.budgets.responses, context);
  std::string frames;
  std::uint64_t count = 0;
  const auto grow = [&](std::size_t bytes) {
    if (const Whose whose = share.grow_to(bytes); whose != Whose::Nobody) context.throw_too_large(whose);
  };
  if (form.joined) {
    const JoinedBatch batch = append_joined_batch(log, id, from, {}, grow, frames);
    if (batch.reading == replication::Log::Reading::OtherLog) {
      throw CallFailed(grpc::Code::FailedPrecondition, "NO_HELLO");
    }
    if (batch.reading == replication::Log::Reading::TooOld) {
      throw CallFailed(grpc::Code::FailedPrecondition, "NEED_SNAPSHOT");
    }
    count = batch.frames;
  } else {
    count = append_batch(log, id, from, kMostCommitBytes, grow, frames);
  }
  context.name_space().counters().frames_replicated.fetch_add(count, std::memory_order_relaxed);
  context.name_space().followers()->note(replica_of(exchange, context), from + count);
  answer_message(exchange, form, frames);
}

// Changes with the process, with the namespace's configuration and with its log, after each of which a replica has to
// say Hello again. Not a secret: it permits nothing.
std::string GrpcHandler::session_token(const Context& context, const Uuid& log_id) const {
  const std::string version = std::to_string(context.name_space().config_version());
  const Hmac::Code code = signer_({context.name_space().name(), std::string_view("\0", 1), version,
                                   std::string_view("\0", 1), replication::to_string(log_id)});
  Uuid token;
  std::copy_n(code.begin(), token.bytes.size(), token.bytes.begin());
  return replication::to_string(token);
}

}  // namespace libsql::server
