// The flag behind a Cancellation.
#pragma once

#include <libsql/replica.hpp>

#include "core/backend.hpp"
#include "net/interrupt.hpp"

namespace libsql {

struct Cancellation::State final : core::InterruptState {
  void interrupt() noexcept override { waits.trigger(); }
  net::Interrupt waits;
};

}  // namespace libsql
