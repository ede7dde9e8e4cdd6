// The small files in which a replica keeps how far it has come: DATABASE-client_wal_index of the first protocol, and
// DATABASE-info of the second. Bytes only: who writes them takes care that they are whole on disk.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "replication/uuid.hpp"

namespace libsql::replication {

/// Why a file holds no state of a replica.
enum class MetadataFault : std::uint8_t {
  Empty,      // 0 bytes: a replica that was opened and never synced
  Short,      // cut off
  Long,       // longer than the file can be
  Padding,    // reserved bytes are not zero
  Json,       // not the expected JSON
  Hash,       // the hash does not match
  Version,    // an unknown version of the format
  Generation  // 0; generations count from 1
};

/// In words, such as "the file is cut off".
std::string_view to_string(MetadataFault fault) noexcept;

// ---- First protocol: 32 bytes
// ----------------------------------------------------------------------------------------

inline constexpr std::size_t kClientWalIndexSize = 32;

struct ClientWalIndex {
  Uuid log_id;                                      // all zeros in a replica that is fed by hand
  std::optional<std::uint64_t> committed_frame_no;  // none if nothing is committed yet

  friend bool operator==(const ClientWalIndex&, const ClientWalIndex&) = default;
};

std::variant<ClientWalIndex, MetadataFault> decode_client_wal_index(std::span<const std::byte> file) noexcept;
std::array<std::byte, kClientWalIndexSize> encode_client_wal_index(const ClientWalIndex& index) noexcept;

// ---- Second protocol: an object of JSON
// -------------------------------------------------------------------------------

/// A longer file is refused.
inline constexpr std::size_t kMaxInfoSize = 4096;

struct SyncInfo {
  std::uint32_t durable_frame_num = 0;  // frames of the generation that server and replica share
  std::uint32_t generation = 1;         // from 1

  friend bool operator==(const SyncInfo&, const SyncInfo&) = default;
};

/// CRC-32 of version 0 and the two numbers, each of four bytes in little-endian order.
std::uint32_t hash_of(const SyncInfo& info) noexcept;

/// Unknown members are skipped.
std::variant<SyncInfo, MetadataFault> decode_sync_info(std::string_view file);
/// Byte for byte as libSQL's clients write it.
std::string encode_sync_info(const SyncInfo& info);

/// CRC-32 as zlib has it.
std::uint32_t crc32(std::span<const std::byte> bytes) noexcept;

}  // namespace libsql::replication
