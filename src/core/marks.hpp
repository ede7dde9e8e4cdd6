// Savepoints of handles, in their order: what is set inside another one ends with it.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/backend.hpp"

namespace libsql::core {

/// Sets a savepoint and returns what tells it from others of the same name. Throws Misuse for an empty name.
std::uint64_t set_mark(Session& session, std::string_view name);
/// Throws Misuse if it has ended with one around it; `what` is the handle's kind.
void require_mark(const Session& session, std::uint64_t id, const char* what);

// Those inside it end with it. It must be there.

/// Keeps what was done since.
void release_mark(Session& session, std::uint64_t id);
/// Undoes what was done since, and keeps the savepoint.
void roll_back_to_mark(Session& session, std::uint64_t id);
/// Undoes, and removes it. What the engine has lost, with its whole transaction, needs no undoing.
void remove_mark(Session& session, std::uint64_t id);

}  // namespace libsql::core
