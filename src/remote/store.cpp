#include "remote/store.hpp"

#include <utility>

#include "core/errors.hpp"
#include "remote/http_stream.hpp"
#include "remote/session.hpp"
#include "remote/socket_wire.hpp"

namespace libsql::remote {
namespace {

void check(const Options& options) {
  const auto refuse = [](const char* why) { core::throw_error(ErrorCode::Configuration, why); };
  const std::chrono::milliseconds zero(0);
  if (options.connect_timeout <= zero) refuse("the connect timeout must be positive");
  if (options.default_deadline && *options.default_deadline <= zero) {
    refuse("the default deadline must be positive");
  }
  if (options.busy_timeout < zero) refuse("the busy timeout cannot be negative");
  if (options.keep_alive < zero) refuse("the time after which transactions are kept alive cannot be negative");
  if (options.batch_statements == 0 || options.batch_bytes == 0) refuse("a request holds at least one statement");
}

}  // namespace

Store::Store(Options options) : options_(std::move(options)), location_(locate(options_)) {
  check(options_);
  if (location_.websocket) {
    static_cast<void>(socket_options(options_, location_));  // throws now what would be wrong later
    return;
  }
  http_ = std::make_shared<HttpClient>(options_, location_);
  upkeep_ = std::make_shared<Upkeep>(http_, options_.keep_alive);
}

Store::Store(Options options, std::function<std::shared_ptr<Wire>()> wires)
    : options_(std::move(options)), location_(locate(options_)), wires_(std::move(wires)) {
  check(options_);
}

std::shared_ptr<Wire> Store::wire() {
  if (wires_) return wires_();
  if (http_ != nullptr) return std::make_shared<HttpWire>(http_, upkeep_);
  return std::make_shared<SocketWire>(socket_options(options_, location_));
}

std::shared_ptr<core::Session> Store::connect() { return std::make_shared<Session>(shared_from_this()); }

}  // namespace libsql::remote
