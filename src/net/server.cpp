#include "net/server.hpp"

#include "net/server_core.hpp"

namespace libsql::net {

struct Server::State {
  explicit State(ServerOptions options) : core(std::move(options)) {}
  ServerCore core;
};

Server::Server(ServerOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Server::~Server() = default;

std::uint16_t Server::listen(const Listener& listener, std::shared_ptr<Handler> handler) {
  return state_->core.listen(listener, std::move(handler));
}

void Server::set_tls(std::uint16_t port, std::shared_ptr<const TlsContext> tls) {
  state_->core.set_tls(port, std::move(tls));
}

void Server::post(std::function<void()> task) { state_->core.post(std::move(task)); }

ServerStatistics Server::statistics() const { return state_->core.statistics(); }

bool Server::stop(Deadline deadline) { return state_->core.stop(deadline); }

}  // namespace libsql::net
