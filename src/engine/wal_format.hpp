// The format of a write-ahead log file (https://www.sqlite.org/fileformat2.html#walformat): bytes in, plain values out.
// Knows no engine; every function takes bytes that may be hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace libsql::engine::wal {

constexpr std::size_t kHeaderSize = 32;
constexpr std::size_t kFrameHeaderSize = 24;
constexpr std::uint32_t kMagic = 0x377f0682;  // the lowest bit says that checksums read big-endian words
constexpr std::uint32_t kVersion = 3007000;
constexpr std::uint32_t kMinPageSize = 512;
constexpr std::uint32_t kMaxPageSize = 65536;

std::uint32_t load_be32(const std::byte* bytes) noexcept;
void store_be32(std::byte* bytes, std::uint32_t value) noexcept;

bool is_page_size(std::uint32_t size) noexcept;

/// The running checksum of a log: it starts at {0, 0}, covers the header, and runs on over every frame.
struct Checksum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;

  /// Adds `bytes`, whose size is a multiple of 8, read as words of the given byte order.
  void add(std::span<const std::byte> bytes, bool big_endian) noexcept;
  bool operator==(const Checksum&) const = default;
};

struct Header {
  std::uint32_t page_size = 0;
  std::uint32_t checkpoint_sequence = 0;
  std::uint32_t salt1 = 0;
  std::uint32_t salt2 = 0;
  Checksum checksum;  // over the header itself: where the first frame continues
  bool big_endian = false;
};

struct FrameHeader {
  std::uint32_t page = 0;
  std::uint32_t commit_size = 0;  // 0, or the pages of the database after the transaction that this frame ends
  std::uint32_t salt1 = 0;
  std::uint32_t salt2 = 0;
  Checksum checksum;
};

/// Where frame `number` (from 1) begins in the file.
constexpr std::int64_t frame_offset(std::uint32_t number, std::uint32_t page_size) noexcept {
  return static_cast<std::int64_t>(kHeaderSize) +
         (static_cast<std::int64_t>(number) - 1) * (static_cast<std::int64_t>(page_size) + kFrameHeaderSize);
}

/// The header in the first 32 bytes; nothing if they are fewer, or magic, version, page size or checksum are wrong.
std::optional<Header> parse_header(std::span<const std::byte> bytes) noexcept;

/// Writes the header's 32 bytes and sets header.checksum to what they carry.
void write_header(Header& header, std::span<std::byte, kHeaderSize> out) noexcept;

/// The fields of a frame header, unchecked; nothing if there are fewer than 24 bytes.
std::optional<FrameHeader> parse_frame_header(std::span<const std::byte> bytes) noexcept;

/// Writes a frame header that continues `running`, and moves `running` past this frame.
void write_frame_header(const Header& log, std::uint32_t page, std::uint32_t commit_size,
                        std::span<const std::byte> body, Checksum& running,
                        std::span<std::byte, kFrameHeaderSize> out) noexcept;

/// Whether the frame (header and page) belongs to this log and continues `running`; moves `running` on if so.
bool check_frame(const Header& log, std::span<const std::byte> frame, Checksum& running) noexcept;

/// What a log file holds.
struct Extent {
  Header header;
  std::uint32_t valid_frames = 0;      // frames up to the first invalid one
  std::uint32_t committed_frames = 0;  // frames up to the last commit: the log as a reader sees it
  std::uint32_t database_pages = 0;    // as the last commit says; 0 without one
  Checksum committed_checksum;         // where the next frame continues
};

/// Reads a whole log image; nothing if its header is invalid. Never reads outside `file`.
std::optional<Extent> scan(std::span<const std::byte> file) noexcept;

}  // namespace libsql::engine::wal
