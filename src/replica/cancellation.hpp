// The flag behind a Cancellation.
#pragma once

#include <libsql/replica.hpp>

#include "net/interrupt.hpp"

namespace libsql {

struct Cancellation::State {
  net::Interrupt interrupt;
};

}  // namespace libsql
