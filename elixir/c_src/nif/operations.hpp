// What a client can ask of a connection: one function for each name.
#pragma once

#include <cstdint>
#include <span>

#include <erl_nif.h>

#include "elixir/c_src/core/session.hpp"

namespace libsql::beam {

/// One operation being run, on the connection's thread.
struct Operation {
  ErlNifEnv* env;
  std::span<const ERL_NIF_TERM> arguments;
  Session& session;
  std::uint64_t connection;  ///< the connection's number
};

using OperationFunction = ERL_NIF_TERM (*)(Operation&);

struct OperationEntry {
  const char* name;
  std::size_t arity;
  OperationFunction run;
  bool any_handle = false;  ///< can be asked with the handle of a statement, transaction or cursor alone
};

/// All operations. Each returns its answer, or throws what error_term() understands.
std::span<const OperationEntry> operations() noexcept;

/// Whether a transaction is open, for answers. Never throws.
bool in_transaction(const Session& session) noexcept;

}  // namespace libsql::beam
