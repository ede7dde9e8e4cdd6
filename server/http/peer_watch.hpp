// Interrupts what a request is running when its client goes away.
#pragma once

#include <utility>

#include "net/server.hpp"
#include "server/run/context.hpp"

namespace libsql::server {

class PeerWatch {
 public:
  PeerWatch(net::Exchange& exchange, Cancellation& cancellation) : exchange_(exchange) {
    exchange_.on_peer_gone([to = &cancellation] { to->cancel(); });
  }
  ~PeerWatch() { stop(); }
  PeerWatch(const PeerWatch&) = delete;
  PeerWatch& operator=(const PeerWatch&) = delete;
  /// From then on the session may be used by others.
  void stop() {
    if (!std::exchange(stopped_, true)) exchange_.on_peer_gone({});
  }

 private:
  net::Exchange& exchange_;
  bool stopped_ = false;
};

}  // namespace libsql::server
