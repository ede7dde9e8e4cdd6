// What all requests of a server share, and how a request finds its namespace and rights.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/server.hpp"
#include "server/base/budgets.hpp"
#include "server/base/options.hpp"
#include "server/databases/connection_slots.hpp"
#include "server/databases/namespaces.hpp"
#include "server/run/baton_streams.hpp"
#include "server/run/context.hpp"
#include "server/run/dumps.hpp"
#include "server/run/places.hpp"

namespace libsql::server {

struct ServerState {
  explicit ServerState(Options settings);

  Options options;
  std::shared_ptr<ConnectionSlots> slots;
  Namespaces namespaces;
  Budgets budgets;
  BatonStreams streams;  // uses the budgets, so it must be declared after them
  Places places;
  Dumps dumps;
  std::atomic<std::size_t> websockets = 0;
  std::atomic<bool> stopping = false;               // endless answers must end now
  std::function<void(std::function<void()>)> post;  // runs a task on a worker soon
};

/// The parts of a path that may begin with a namespace: /dev/NAME/v3/pipeline, or /dev/NAME/ for a WebSocket.
struct Target {
  std::optional<std::string_view> name_space;
  std::string_view path;  // without the namespace
};
Target target_of(std::string_view path) noexcept;

/// The namespace that a request names, in this order: in its path, in `x-namespace-bin`, in `x-namespace`, or as the
/// first label of the host. Throws RequestRefused 400.
std::string namespace_of(const net::Request& request, const Options& options);

/// What a request's headers say about how to run it.
struct ScopeHeaders {
  explicit ScopeHeaders(const net::Request& request) noexcept;

  /// `Authorization`, else `x-authorization`.
  Credentials credentials;
  /// How long the client is willing to let this request's statements wait for locks, if it says so. Throws
  /// RequestRefused 400.
  std::optional<std::chrono::milliseconds> busy_timeout() const;

 private:
  std::optional<std::string_view> busy_timeout_;
};

/// Checks the credentials before anything is read or opened on their behalf. Throws as context_for() does.
std::shared_ptr<const Identity> identity_for(ServerState& state, const Credentials& credentials, std::string_view name);

/// The account for the memory of this bearer's waiting requests and answers. Null if bearers cannot be told apart.
const std::shared_ptr<net::MemoryAccount>& memory_of(const ServerState& state, const Identity& identity) noexcept;

/// Checks the credentials and finds the namespace. Throws AuthError; RequestRefused 404 if there is no such namespace,
/// or the identity has no rights in it.
Context context_for(ServerState& state, const Credentials& credentials, std::string_view name);

}  // namespace libsql::server
