// What all requests of a server share, and how a request finds its namespace and its rights.
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
  BatonStreams streams;  // which have shares of the budgets
  Places places;
  Dumps dumps;
  std::atomic<std::size_t> websockets = 0;
  std::atomic<bool> stopping = false;               // answers without an end end now
  std::function<void(std::function<void()>)> post;  // runs a task on a worker, soon
};

/// A path may begin with the namespace: /dev/NAME/v3/pipeline, and /dev/NAME/ for a WebSocket.
struct Target {
  std::optional<std::string_view> name_space;
  std::string_view path;  // without it
};
Target target_of(std::string_view path) noexcept;

/// The name of the namespace that a request is for: from its path, `x-namespace-bin`, `x-namespace` or the first label
/// of the host. Throws RequestRefused 400.
std::string namespace_of(const net::Request& request, const Options& options);

/// What the headers of a request say of how it is run.
struct ScopeHeaders {
  explicit ScopeHeaders(const net::Request& request) noexcept;

  /// `Authorization`, else `x-authorization`.
  Credentials credentials;
  /// How long the client wants the statements of this request to wait for locks, if it says so. Throws RequestRefused
  /// 400.
  std::optional<std::chrono::milliseconds> busy_timeout() const;

 private:
  std::optional<std::string_view> busy_timeout_;
};

/// Checks the credentials before anything is read or opened for them. The same failures as those of context_for().
std::shared_ptr<const Identity> identity_for(ServerState& state, const Credentials& credentials, std::string_view name);

/// Where the memory is counted that requests and answers of that bearer wait in; null if bearers are not told apart.
const std::shared_ptr<net::MemoryAccount>& memory_of(const ServerState& state, const Identity& identity) noexcept;

/// Checks the credentials and finds the namespace. Throws AuthError; RequestRefused 404 also if the namespace is there
/// but not for this identity.
Context context_for(ServerState& state, const Credentials& credentials, std::string_view name);

}  // namespace libsql::server
