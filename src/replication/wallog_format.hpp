// The file `wallog` in which sqld keeps the log of a primary: 64 bytes of header, then frames. Read only: what we keep
// ourselves has another form.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "replication/frame.hpp"
#include "replication/uuid.hpp"

namespace libsql::replication {

inline constexpr std::size_t kWallogHeaderSize = 64;

struct WallogHeader {
  std::uint64_t start_checksum = 0;  // what the first frame's checksum is chained to
  Uuid log_id;
  std::uint64_t start_frame_no = 0;
  std::uint64_t frame_count = 0;  // committed ones; what follows them does not count
  std::array<std::uint16_t, 4> sqld_version{};

  friend bool operator==(const WallogHeader&, const WallogHeader&) = default;
};

/// What is wrong with a log.
enum class WallogFault : std::uint8_t {
  Short,     // less than a header, or fewer frames than it says
  Magic,     // another kind of file
  Version,   // an unknown version of the format; 2 is the only one known
  PageSize,  // other than 4096
  Range,     // frame numbers beyond 64 bits
  Frame      // a committed frame is invalid or out of place, or the last one does not end a transaction
};

/// In words, such as "the log is cut off".
std::string_view to_string(WallogFault fault) noexcept;

std::variant<WallogHeader, WallogFault> decode_wallog_header(std::span<const std::byte> bytes) noexcept;

/// Where the frame of that index (from 0) begins in the file. Requires: it is one of the header's.
std::uint64_t wallog_offset(std::uint64_t index) noexcept;

/// Reads a whole file. Each committed frame is checked against the chain.
std::variant<WallogHeader, WallogFault> check_wallog(std::span<const std::byte> file) noexcept;

}  // namespace libsql::replication
