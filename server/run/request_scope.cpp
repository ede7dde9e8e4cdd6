#include "server/run/request_scope.hpp"

#include <array>
#include <charconv>

#include "core/base64.hpp"
#include "hrana/extensions.hpp"
#include "server/base/descriptors.hpp"
#include "server/base/failure.hpp"

namespace libsql::server {
namespace {

Options completed(Options options) {
  if (options.authenticator == nullptr) options.authenticator = open_authenticator();
  return options;
}

std::string from_base64(std::string_view text) {
  std::string name(core::base64_capacity(text.size()), '\0');
  const auto length = core::decode_base64(text, reinterpret_cast<std::byte*>(name.data()));
  if (!length) throw RequestRefused(400, "NAMESPACE_INVALID", "Invalid namespace: x-namespace-bin is no base64");
  name.resize(*length);
  return name;
}

[[noreturn]] void throw_no_host(std::string_view host) {
  throw RequestRefused(400, "NAMESPACE_INVALID", "Invalid host header: `" + std::string(host) + "`");
}

}  // namespace

ServerState::ServerState(Options settings)
    : options(completed(std::move(settings))),
      slots(std::make_shared<ConnectionSlots>(options.limits.connections,
                                              options.limits.share_of(options.limits.connections),
                                              options.limits.connections_waiting, options.timeouts.connection_wait)),
      namespaces(options, slots),
      budgets(options.limits, most_clients(options)),
      streams(options),
      places(places_of(options), options.limits.share_of(places_of(options))),
      dumps(budgets.dumps) {
  slots->on_shortage([this] { streams.relieve(); });
  slots->on_refusal([this] {
    if (options.observer != nullptr) options.observer->happened(Event::TooManyConnections, {});
  });
}

Target target_of(std::string_view path) noexcept {
  constexpr std::string_view kDevelopment = "/dev/";
  if (!path.starts_with(kDevelopment)) return {std::nullopt, path};
  const std::string_view rest = path.substr(kDevelopment.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return {rest, "/"};
  return {rest.substr(0, slash), rest.substr(slash)};
}

std::string namespace_of(const net::Request& request, const Options& options) {
  if (!options.namespaces) return std::string(kDefaultNamespace);
  if (const auto in_path = target_of(request.path).name_space) return std::string(*in_path);
  if (const auto encoded = request.header("x-namespace-bin")) return from_base64(*encoded);
  if (const auto plain = request.header("x-namespace")) return std::string(*plain);
  const std::size_t dot = request.host.find('.');
  if (dot != std::string_view::npos && dot != 0) return std::string(request.host.substr(0, dot));
  if (!options.default_namespace || dot == 0) throw_no_host(request.host);
  return std::string(kDefaultNamespace);
}

// One pass, because every request needs all of them. If a header is repeated, the first one counts.
ScopeHeaders::ScopeHeaders(const net::Request& request) noexcept {
  constexpr std::string_view kAuthorization = "authorization";
  constexpr std::string_view kOther = "x-authorization";
  std::optional<std::string_view> authorization, other;
  for (const net::Header& header : request.headers) {
    const auto take = [&](std::string_view name, std::optional<std::string_view>& to) {
      if (!to && net::equals_ignoring_case(header.name, name)) to = header.value;
    };
    switch (header.name.size()) {
      case kAuthorization.size():
        take(kAuthorization, authorization);
        break;
      case kOther.size():
        take(kOther, other);
        break;
      case hrana::kBusyTimeoutHeader.size():
        take(hrana::kBusyTimeoutHeader, busy_timeout_);
        break;
      default:
        break;
    }
  }
  credentials = {Credentials::Source::HttpHeader, authorization ? authorization : other};
}

std::optional<std::chrono::milliseconds> ScopeHeaders::busy_timeout() const {
  if (!busy_timeout_) return std::nullopt;
  std::uint32_t milliseconds = 0;
  const char* const end = busy_timeout_->data() + busy_timeout_->size();
  const auto [stopped, error] = std::from_chars(busy_timeout_->data(), end, milliseconds);
  if (error != std::errc() || stopped != end) {
    throw RequestRefused(400, "BUSY_TIMEOUT_INVALID",
                         std::string(hrana::kBusyTimeoutHeader) + " is not a number of milliseconds");
  }
  return std::chrono::milliseconds(milliseconds);
}

namespace {

[[noreturn]] void throw_no_namespace(std::string_view name) {
  throw RequestRefused(404, "NAMESPACE_NOT_FOUND", "Namespace `" + std::string(name) + "` doesn't exist");
}

std::shared_ptr<const Identity> authenticate(ServerState& state, const Credentials& credentials, std::string_view name,
                                             const NamespaceConfig* config) {
  // A namespace with its own key decides itself who is let in. A client that it does not let in cannot learn whether
  // the namespace exists.
  return state.options.authenticator->authenticate(
      credentials, name, config != nullptr ? std::string_view(config->jwt_key) : std::string_view());
}

}  // namespace

const std::shared_ptr<net::MemoryAccount>& memory_of(const ServerState& state, const Identity& identity) noexcept {
  static const std::shared_ptr<net::MemoryAccount> none;
  if (identity.binding().empty()) return none;
  const std::shared_ptr<net::MemoryAccount>& memory = identity.bearer()->memory;
  memory->set_limit(state.options.limits.share_of(state.options.limits.request_memory()));
  return memory;
}

std::shared_ptr<const Identity> identity_for(ServerState& state, const Credentials& credentials,
                                             std::string_view name) {
  const std::shared_ptr<const NamespaceConfig> config = state.namespaces.config_if_there(name);
  auto identity = authenticate(state, credentials, name, config.get());
  if (config == nullptr || identity->permissions(name).none()) throw_no_namespace(name);
  return identity;
}

Context context_for(ServerState& state, const Credentials& credentials, std::string_view name) {
  if (std::shared_ptr<Namespace> found = state.namespaces.find_loaded(name)) {
    std::shared_ptr<const NamespaceConfig> config = found->config();
    auto identity = authenticate(state, credentials, name, config.get());
    Context context(std::move(found), std::move(config), std::move(identity), state.namespaces, state.options);
    if (context.permissions().none()) throw_no_namespace(name);
    return context;
  }
  // Open the database only after the client is known to have rights in it.
  auto identity = identity_for(state, credentials, name);
  try {
    return Context(state.namespaces.get(name), std::move(identity), state.namespaces, state.options);
  } catch (const NamespaceError& error) {
    if (error.kind() == NamespaceError::Kind::NotFound) throw_no_namespace(name);
    throw;
  }
}

}  // namespace libsql::server
