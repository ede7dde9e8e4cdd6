#include "replication/wallog_format.hpp"

#include <cstring>
#include <limits>

#include "replication/bytes.hpp"

namespace libsql::replication {

namespace {

constexpr std::string_view kMagic("SQLDWAL\0", 8);
constexpr std::uint32_t kVersion = 2;

}  // namespace

std::string_view to_string(WallogFault fault) noexcept {
  switch (fault) {
    case WallogFault::Short:
      return "the log is cut off";
    case WallogFault::Magic:
      return "the file is not a sqld log";
    case WallogFault::Version:
      return "the version of the log is unknown";
    case WallogFault::PageSize:
      return "the page size is not 4096";
    case WallogFault::Range:
      return "its frame numbers are impossible";
    case WallogFault::Frame:
      return "a frame is invalid or out of place";
  }
  return "";
}

std::variant<WallogHeader, WallogFault> decode_wallog_header(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < kWallogHeaderSize) return WallogFault::Short;
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) return WallogFault::Magic;
  if (load_le<std::uint32_t>(bytes.data() + 48) != kVersion) return WallogFault::Version;
  if (load_le<std::uint32_t>(bytes.data() + 52) != kPageSize) return WallogFault::PageSize;
  WallogHeader header{load_le<std::uint64_t>(bytes.data() + 8),
                      load_uuid(bytes.subspan<16, 16>()),
                      load_le<std::uint64_t>(bytes.data() + 32),
                      load_le<std::uint64_t>(bytes.data() + 40),
                      {}};
  for (std::size_t i = 0; i < header.sqld_version.size(); ++i) {
    header.sqld_version[i] = load_le<std::uint16_t>(bytes.data() + 56 + 2 * i);
  }
  constexpr std::uint64_t kMost = (std::numeric_limits<std::uint64_t>::max() - kWallogHeaderSize) / kFrameSize;
  if (header.frame_count > kMost ||
      header.frame_count > std::numeric_limits<std::uint64_t>::max() - header.start_frame_no) {
    return WallogFault::Range;
  }
  return header;
}

std::uint64_t wallog_offset(std::uint64_t index) noexcept { return kWallogHeaderSize + index * kFrameSize; }

std::variant<WallogHeader, WallogFault> check_wallog(std::span<const std::byte> file) noexcept {
  const auto decoded = decode_wallog_header(file);
  const auto* header = std::get_if<WallogHeader>(&decoded);
  if (header == nullptr) return decoded;
  if ((file.size() - kWallogHeaderSize) / kFrameSize < header->frame_count) return WallogFault::Short;
  FrameChain chain(header->start_frame_no, header->start_checksum);
  for (std::uint64_t i = 0; i < header->frame_count; ++i) {
    if (chain.add(file.subspan(static_cast<std::size_t>(wallog_offset(i)), kFrameSize))) return WallogFault::Frame;
  }
  if (!chain.is_at_commit()) return WallogFault::Frame;
  return *header;
}

}  // namespace libsql::replication
