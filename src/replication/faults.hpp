// From what is wrong with bytes to the error that a user gets. The codecs themselves return faults or throw
// core::DecodeError: who calls them knows better than they do whether that ends a request, a sync or nothing at all.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/decode_error.hpp"

namespace libsql::replication {

/// Where bytes came from says which class their faults have: Protocol for those of a peer, Corrupt for those of a file.
enum class BytesFrom : std::uint8_t { Peer, File };

/// Throws Protocol or Corrupt, whose message is "`what`: `fault`".
[[noreturn]] void throw_fault(BytesFrom from, std::string_view what, std::string_view fault);
[[noreturn]] void throw_fault(BytesFrom from, std::string_view what, const core::DecodeError& error);

}  // namespace libsql::replication
