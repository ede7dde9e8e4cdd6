#include "server/replication/v2_handler.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "replication/frame.hpp"
#include "server/base/failure.hpp"
#include "server/http/http_answer.hpp"
#include "server/replication/frame_bodies.hpp"
#include "server/replication/push.hpp"

namespace libsql::server {
namespace {

using replication::FrameNo;
using replication::kFrameHeaderSize;
using replication::kFrameSize;
using replication::kPageSize;
using replication::Log;
using replication::v2::ExportRoute;
using replication::v2::InfoRoute;
using replication::v2::SyncAnswer;
using replication::v2::SyncRoute;
using replication::v2::SyncStatus;

constexpr std::chrono::milliseconds kHeldFor{30'000};
constexpr std::uint32_t kMostFrames = 1024;  // of one answer
constexpr std::size_t kPiece = std::size_t{256} << 10U;
constexpr std::string_view kEncryptionKey = "x-turso-encryption-key";

[[noreturn]] void throw_gone() {
  throw RequestRefused(410, "GENERATION_GONE",
                       "the frames that this copy needs are not kept any more; it has to begin again with an export");
}

void require(const Context& context, StatementClass kind) {
  StatementTraits traits;
  traits.kind = kind;
  context.require(traits);
}

// The image of a generation, which stays the same while it is sent even if its name is taken away.
class ImageBody final : public net::BodySource {
 public:
  ImageBody(std::ifstream file, BudgetShare share, std::unique_ptr<BodyRecord> record)
      : file_(std::move(file)), share_(std::move(share)), record_(std::move(record)) {
    if (record_ != nullptr) record_->begin();
  }
  Next pull(std::string& to) override {
    to.resize(kPiece);
    file_.read(to.data(), static_cast<std::streamsize>(to.size()));
    if (file_.bad()) return Next::Broken;
    to.resize(static_cast<std::size_t>(file_.gcount()));
    if (record_ != nullptr) record_->bytes += to.size();
    return file_.eof() ? Next::End : Next::More;
  }

 private:
  std::ifstream file_;
  BudgetShare share_;
  std::unique_ptr<BodyRecord> record_;
};

}  // namespace

V2Handler::V2Handler(ServerState& state)
    : state_(state),
      held_(kHeldFor, state.options.limits.total_temporary_bytes, state.options.limits.temporary_bytes) {}

bool V2Handler::is_on(const NamespaceConfig& config) const noexcept {
  return state_.options.replication.log && config.offline_sync.value_or(state_.options.replication.offline_sync);
}

void V2Handler::handle(net::Exchange& exchange, std::string_view path, const std::string& name, const Scope& scope) {
  const net::Request& request = exchange.request();
  const auto config = state_.namespaces.config_if_there(name);
  if (config == nullptr || !is_on(*config)) return answer(exchange, 404, {}, {});
  const auto route = *replication::v2::parse_route(path);
  const bool is_push = std::holds_alternative<SyncRoute>(route) && request.method == "POST";
  if (!is_push && request.method != "GET") return answer(exchange, 405, {}, {});
  Context context = context_for(state_, ScopeHeaders(request).credentials, name);
  exchange.set_known(memory_of(state_, context.identity()));
  if (!is_on(context.config())) return answer(exchange, 404, {}, {});
  Places::Place place;
  if (!scope.take_place(context, place)) return;
  if (request.header(kEncryptionKey)) {
    throw RequestRefused(501, "UNSUPPORTED", "this server keeps no databases under keys of their clients");
  }
  require(context, is_push ? StatementClass::Ddl : StatementClass::Read);
  const std::shared_ptr<Log> log = context.name_space().log();
  if (log == nullptr) return answer(exchange, 404, {}, {});
  if (state_.options.encryption) {
    throw RequestRefused(501, "UNSUPPORTED", "databases that the server encrypts cannot be synchronised like this");
  }
  const std::shared_ptr<Generations> generations = generations_of(context, log);
  if (std::holds_alternative<InfoRoute>(route)) return info(exchange, *generations, *log);
  if (const auto* const image = std::get_if<ExportRoute>(&route)) {
    return send_image(exchange, context, *generations, image->generation, scope.record());
  }
  const auto& sync = std::get<SyncRoute>(route);
  if (is_push) return push(exchange, context, *generations, *log, sync);
  if (sync.baton) return answer(exchange, 405, {}, {});
  pull(exchange, context, *generations, *log, sync);
}

std::shared_ptr<Generations> V2Handler::generations_of(const Context& context, const std::shared_ptr<Log>& log) {
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [](const auto& entry) { return entry.second.log.expired(); });
  Known& known = known_[context.name_space().name()];
  if (known.generations == nullptr || known.log.lock() != log) {
    known = {log, std::make_shared<Generations>(context.name_space().file().string() + "-log")};
  }
  return known.generations;
}

void V2Handler::info(net::Exchange& exchange, Generations& generations, Log& log) {
  answer(exchange, 200, kJson, replication::v2::encode_info(generations.open_newest(log).number));
}

void V2Handler::send_image(net::Exchange& exchange, const Context& context, const Generations& generations,
                           std::uint32_t generation, std::unique_ptr<BodyRecord> record) {
  BudgetShare share(state_.budgets.dumps, context.takers());
  if (const Whose whose = share.take(1); whose != Whose::Nobody) {
    throw RequestRefused(
        503, "TOO_MANY_DUMPS",
        "images and dumps that are being sent have reached " + std::string(to_string(whose)) + " limit");
  }
  std::ifstream file;
  if (const auto image = generations.image_of(generation)) file.open(*image, std::ios::binary);
  if (!file.is_open()) {
    throw RequestRefused(
        404, "GENERATION_UNKNOWN",
        "there is no image of generation " + std::to_string(generation) + "; ask /info for the newest");
  }
  context.name_space().counters().snapshots.fetch_add(1, std::memory_order_relaxed);
  exchange.answer_from(200, {kAnyOrigin, {"content-type", kBytes}},
                       std::make_unique<ImageBody>(std::move(file), std::move(share), std::move(record)));
}

void V2Handler::pull(net::Exchange& exchange, const Context& context, const Generations& generations, Log& log,
                     const SyncRoute& route) {
  NamespaceCounters& counters = context.name_space().counters();
  counters.pulls.fetch_add(1, std::memory_order_relaxed);
  const auto newest = generations.newest(log);
  if (route.generation > generations.highest()) {
    throw RequestRefused(409, "GENERATION_UNKNOWN",
                         "the newest generation is " + std::to_string(generations.highest()));
  }
  const auto generation = generations.find(log, route.generation);
  if (!newest || !generation) throw_gone();
  const FrameNo from = generation->first + (route.start - 1);
  FrameNo end = generation->first + (route.end - 1);
  if (generation->next) end = std::min(end, *generation->next);
  ResponseShare share(state_.budgets.responses, context);
  std::string body;
  std::uint32_t count = 0;
  const Log::State state = log.catch_up();
  end = std::min({end, state.end, from + kMostFrames});
  if (from < end) {
    const Log::Reading reading = log.read(state.id, from, [&](const replication::LoggedFrame& frame) {
      if (frame.page.size() != kPageSize) {
        throw RequestRefused(501, "UNSUPPORTED", "only databases with pages of 4096 bytes can be synchronised");
      }
      const std::size_t at = body.size();
      if (const Whose whose = share.grow_to(at + kFrameSize); whose != Whose::Nobody) {
        if (count > 0) return false;  // there is room for these
        context.throw_too_large(whose);
      }
      body.resize(at + kFrameSize);
      const auto bytes = std::as_writable_bytes(std::span(body)).subspan(at);
      replication::WalFrameHeader header;
      header.page_no = frame.page_no;
      header.size_after = frame.size_after;
      replication::encode_wal_frame_header(header, bytes.first<kFrameHeaderSize>());
      std::memcpy(bytes.data() + kFrameHeaderSize, frame.page.data(), kPageSize);
      ++count;
      return frame.number + 1 < end;
    });
    if (reading != Log::Reading::Done || count == 0) throw_gone();
    counters.frames_replicated.fetch_add(count, std::memory_order_relaxed);
    context.name_space().followers()->note(replica_of(exchange, context), from + count);
    return answer(exchange, 200, kBytes, body);
  }
  context.name_space().followers()->note(replica_of(exchange, context), std::min(from, state.end));
  const SyncAnswer none{SyncStatus::CheckpointNeeded, newest->number,
                        static_cast<std::uint32_t>(state.end - newest->first), std::nullopt};
  answer(exchange, 400, kJson, replication::v2::encode_sync_answer(none));
}

void V2Handler::push(net::Exchange& exchange, const Context& context, const Generations& generations, Log& log,
                     const SyncRoute& route) {
  const std::string_view body = exchange.request().body;
  const SyncAnswer result = apply_push(context, generations, log, held_, route, std::as_bytes(std::span(body)));
  if (result.status == SyncStatus::Ok && result.max_frame_no >= route.end - 1) {
    context.name_space().counters().pushes.fetch_add(1, std::memory_order_relaxed);
  }
  answer(exchange, 200, kJson, replication::v2::encode_sync_answer(result));
}

}  // namespace libsql::server
