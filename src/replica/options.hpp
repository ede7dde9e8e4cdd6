// What ReplicaBuilder and LocalReplicaBuilder collect.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <libsql/replica_builder.hpp>

#include "core/backend.hpp"
#include "local/options.hpp"
#include "remote/options.hpp"

namespace libsql::detail {

struct ReplicaOptions {
  LocalOptions local;
  std::optional<RemoteOptions> remote;  // none: fed by hand
  bool read_your_writes = true;
  FirstSync first_sync = FirstSync::IfNeeded;
  std::optional<std::chrono::milliseconds> sync_interval;
  std::optional<std::chrono::milliseconds> sync_deadline{60'000};
  std::function<void(const SyncEvent&)> on_sync;
  SyncProtocol protocol = SyncProtocol::Auto;
};

}  // namespace libsql::detail

namespace libsql::replica {
using Options = libsql::detail::ReplicaOptions;
/// Opens the copy and its follower, and syncs if it has to. Throws as ReplicaBuilder::build().
std::shared_ptr<core::Store> open(const Options& options);
}  // namespace libsql::replica
