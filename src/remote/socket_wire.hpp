// Streams and cursors over a WebSocket, one for each session.
#pragma once

#include <memory>
#include <optional>

#include "remote/socket.hpp"
#include "remote/wire.hpp"

namespace libsql::remote {

class SocketWire final : public Wire {
 public:
  explicit SocketWire(SocketOptions options) : socket_(std::make_shared<Socket>(std::move(options))) {}
  std::shared_ptr<Stream> stream() override;
  int version(const Call& call) override;
  std::optional<net::Deadline> lock_deadline(const Call& call) override;
  hrana::Encoding encoding() const noexcept override { return socket_->encoding(); }

 private:
  void ensure_asked(const Call& call);

  std::shared_ptr<Socket> socket_;
};

}  // namespace libsql::remote
