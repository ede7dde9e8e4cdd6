// Waiting for a socket, a deadline and an interrupt at once.
#pragma once

#include "net/error.hpp"
#include "net/interrupt.hpp"

namespace libsql::net {

/// Waits until `descriptor` is ready for one of `events` (of poll()) or has failed: true; false when the deadline has
/// passed. Throws NetError Interrupted with `sent`. A descriptor of -1 is never ready.
bool wait_for(int descriptor, short events, const Wait& wait, bool sent);

/// The same, but throws NetError Timeout "the deadline passed while `what`".
void wait_or_throw(int descriptor, short events, const Wait& wait, bool sent, const char* what);

}  // namespace libsql::net
