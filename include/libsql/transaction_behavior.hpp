/// \file
/// How a transaction begins.
#pragma once

#include <cstdint>

namespace libsql {

/// When a transaction takes its locks (https://www.sqlite.org/lang_transaction.html).
enum class TransactionBehavior : std::uint8_t {
  Deferred,   ///< at its first read and at its first write
  Immediate,  ///< the write lock at once: the way to avoid Busy in the middle
  Exclusive,  ///< as Immediate, and outside WAL mode nobody else may read
  ReadOnly,   ///< as Deferred; every write in it throws ReadOnly
};

}  // namespace libsql
