// A database on a server: its options, and what its sessions share.
#pragma once

#include <functional>
#include <memory>

#include "core/backend.hpp"
#include "remote/http_client.hpp"
#include "remote/location.hpp"
#include "remote/options.hpp"
#include "remote/upkeep.hpp"
#include "remote/wire.hpp"

namespace libsql::remote {

class Store final : public core::Store, public std::enable_shared_from_this<Store> {
 public:
  /// Checks the options; asks the server nothing. Throws Configuration.
  explicit Store(Options options);
  /// The same, with another way to the server than the network, one for each session.
  Store(Options options, std::function<std::shared_ptr<Wire>()> wires);

  Mode mode() const noexcept override { return Mode::Remote; }
  std::shared_ptr<core::Session> connect() override;

  std::optional<std::chrono::milliseconds> default_deadline() const noexcept override {
    return options_.default_deadline;
  }

  const Options& options() const noexcept { return options_; }
  /// A session's way to the server.
  std::shared_ptr<Wire> wire();

 private:
  Options options_;
  Location location_;
  std::function<std::shared_ptr<Wire>()> wires_;  // if not over the network
  std::shared_ptr<HttpClient> http_;              // none over WebSocket
  std::shared_ptr<Upkeep> upkeep_;
};

}  // namespace libsql::remote
