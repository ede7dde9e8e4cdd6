// Where a statement of a replica's session runs, as its text shows.
#pragma once

#include <cstdint>
#include <string_view>

namespace libsql::replica {

enum class Route : std::uint8_t {
  Copy,        // it reads
  CopyIfRead,  // it looks as if it reads: the engine, which compiles it, has the last word
  Here,        // it is about this connection alone, or ends a transaction
  Control,     // it begins a transaction that may write, or sets a savepoint
  Primary,     // it writes; compiling it does nothing, so the copy can tell its columns and parameters
  Elsewhere,   // it writes, or is not known: it must not even be compiled on the copy
  Both,        // a setting that both read and write by
  Refused,     // it is about the file, which belongs to the primary's frames, or would send a key away
};

/// Whether it may run on the copy in a transaction there.
constexpr bool runs_on_copy(Route route) noexcept { return route <= Route::Control; }

/// Whether the primary may have something new after it, once no transaction is open there.
constexpr bool may_write(Route route) noexcept { return route != Route::Copy && route != Route::CopyIfRead; }

/// Of one statement. Whatever is not known to be harmless does not run on the copy.
Route route_of(std::string_view sql) noexcept;

}  // namespace libsql::replica
