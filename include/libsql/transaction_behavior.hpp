/// \file
/// How a transaction begins.
#pragma once

#include <cstdint>

namespace libsql {

/// When a transaction takes its locks (https://www.sqlite.org/lang_transaction.html).
enum class TransactionBehavior : std::uint8_t {
  Deferred,   ///< at its first read, and at its first write
  Immediate,  ///< the write lock at once, so Busy can only come at the start
  Exclusive,  ///< as Immediate; outside WAL mode it also keeps others from reading
  ReadOnly,   ///< as Deferred; every write in it throws ReadOnly
};

}  // namespace libsql
