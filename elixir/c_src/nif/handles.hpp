// Handles as Erlang terms: strings that nobody can guess, and whose last copy's end ends what they name.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <erl_nif.h>

#include "elixir/c_src/core/worker.hpp"

namespace libsql::beam {

enum class HandleKind : std::uint8_t { Connection, Transaction, Statement, Cursor };

/// What a handle says. It need not exist any more.
struct Handle {
  HandleKind kind = HandleKind::Connection;
  std::uint64_t connection = 0;
  std::uint64_t id = 0;  // within its connection; 0 for the connection itself
};

/// Opens the type of the objects behind handles. Called once, when the library is loaded.
bool open_handle_type(ErlNifEnv* env);
/// The handle as a binary of more than 64 bytes, which the VM never copies: when the garbage collector has freed its
/// last reference, what it names is dropped, without waiting.
ERL_NIF_TERM make_handle(ErlNifEnv* env, const Handle& handle);
/// nullopt for any string that make_handle() has not made.
std::optional<Handle> read_handle(std::string_view text);

}  // namespace libsql::beam
