// Savepoints that handles have set, in their order: what is set inside another one ends with it.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/backend.hpp"

namespace libsql::detail {

/// Sets a savepoint and returns what tells it from others of the same name.
std::uint64_t set_mark(core::Session& session, std::string_view name);

}  // namespace libsql::detail
