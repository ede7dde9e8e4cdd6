#include "server/request_scope.hpp"

#include <array>
#include <charconv>

#include "core/base64.hpp"
#include "hrana/extensions.hpp"
#include "server/failure.hpp"

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
      slots(std::make_shared<ConnectionSlots>(options.limits.connections, options.limits.connections_waiting,
                                              options.timeouts.connection_wait)),
      namespaces(options, slots),
      budgets(options.limits),
      streams(options) {
  slots->on_shortage([this] { streams.relieve(); });
}

std::string namespace_of(const net::Request& request, const Options& options) {
  if (!options.namespaces) return std::string(kDefaultNamespace);
  if (const auto encoded = request.header("x-namespace-bin")) return from_base64(*encoded);
  if (const auto plain = request.header("x-namespace")) return std::string(*plain);
  const std::size_t dot = request.host.find('.');
  if (dot != std::string_view::npos && dot != 0) return std::string(request.host.substr(0, dot));
  if (!options.default_namespace || dot == 0) throw_no_host(request.host);
  return std::string(kDefaultNamespace);
}

std::optional<std::chrono::milliseconds> busy_timeout_of(const net::Request& request) {
  const auto text = request.header(hrana::kBusyTimeoutHeader);
  if (!text) return std::nullopt;
  std::uint32_t milliseconds = 0;
  const char* const end = text->data() + text->size();
  const auto [stopped, error] = std::from_chars(text->data(), end, milliseconds);
  if (error != std::errc() || stopped != end) {
    throw RequestRefused(400, "BUSY_TIMEOUT_INVALID",
                         std::string(hrana::kBusyTimeoutHeader) + " is not a number of milliseconds");
  }
  return std::chrono::milliseconds(milliseconds);
}

Credentials credentials_of(const net::Request& request) noexcept {
  auto value = request.header("authorization");
  if (!value) value = request.header("x-authorization");
  return {Credentials::Source::HttpHeader, value};
}

Context context_for(ServerState& state, const Credentials& credentials, std::string_view name) {
  // A namespace with a key of its own decides itself who is let in; whether it is there, nobody learns who is not.
  std::shared_ptr<Namespace> found;
  try {
    found = state.namespaces.get(name);
  } catch (const NamespaceError& error) {
    if (error.kind() == NamespaceError::Kind::TooMany) throw;
  }
  std::shared_ptr<const NamespaceConfig> config = found != nullptr ? found->config() : nullptr;
  auto identity = state.options.authenticator->authenticate(
      credentials, name, config != nullptr ? std::string_view(config->jwt_key) : std::string_view());
  const auto refuse = [&] {
    throw RequestRefused(404, "NAMESPACE_NOT_FOUND", "Namespace `" + std::string(name) + "` doesn't exist");
  };
  if (found == nullptr) refuse();
  Context context(std::move(found), std::move(config), std::move(identity), state.namespaces, state.options);
  if (context.permissions().none()) refuse();
  return context;
}

}  // namespace libsql::server
