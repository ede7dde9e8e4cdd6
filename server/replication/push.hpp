// Applying the frames that a client pushes with the second protocol.
#pragma once

#include <cstddef>
#include <span>

#include "replication/log/log.hpp"
#include "replication/v2_messages.hpp"
#include "server/replication/generations.hpp"
#include "server/replication/held_frames.hpp"
#include "server/run/context.hpp"

namespace libsql::server {

/// Applies what is complete, as one write in the line of writers; keeps the beginning of a transaction for the next
/// request. An answer `ok` tells what is there durably, or kept. Throws RequestRefused for what is no push of frames of
/// this database, Error.
replication::v2::SyncAnswer apply_push(const Context& context, const Generations& generations, replication::Log& log,
                                       HeldPushes& held, const replication::v2::SyncRoute& route,
                                       std::span<const std::byte> body);

}  // namespace libsql::server
