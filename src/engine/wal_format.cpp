#include "engine/wal_format.hpp"

#include <bit>
#include <cstring>
#include <limits>

namespace libsql::engine::wal {
namespace {

std::uint32_t swap32(std::uint32_t value) noexcept {
  return ((value & 0x000000ffU) << 24) | ((value & 0x0000ff00U) << 8) | ((value & 0x00ff0000U) >> 8) |
         ((value & 0xff000000U) >> 24);
}

template <bool Swap>
void add_words(const std::byte* bytes, std::size_t size, std::uint32_t& first, std::uint32_t& second) noexcept {
  std::uint32_t s1 = first;
  std::uint32_t s2 = second;
  for (std::size_t at = 0; at + 8 <= size; at += 8) {
    std::uint32_t words[2];
    std::memcpy(words, bytes + at, 8);
    s1 += (Swap ? swap32(words[0]) : words[0]) + s2;
    s2 += (Swap ? swap32(words[1]) : words[1]) + s1;
  }
  first = s1;
  second = s2;
}

}  // namespace

std::uint32_t load_be32(const std::byte* bytes) noexcept {
  return (std::to_integer<std::uint32_t>(bytes[0]) << 24) | (std::to_integer<std::uint32_t>(bytes[1]) << 16) |
         (std::to_integer<std::uint32_t>(bytes[2]) << 8) | std::to_integer<std::uint32_t>(bytes[3]);
}

void store_be32(std::byte* bytes, std::uint32_t value) noexcept {
  bytes[0] = static_cast<std::byte>(value >> 24);
  bytes[1] = static_cast<std::byte>(value >> 16);
  bytes[2] = static_cast<std::byte>(value >> 8);
  bytes[3] = static_cast<std::byte>(value);
}

bool is_page_size(std::uint32_t size) noexcept {
  return size >= kMinPageSize && size <= kMaxPageSize && std::has_single_bit(size);
}

void Checksum::add(std::span<const std::byte> bytes, bool big_endian) noexcept {
  if (big_endian == (std::endian::native == std::endian::big)) {
    add_words<false>(bytes.data(), bytes.size(), first, second);
  } else {
    add_words<true>(bytes.data(), bytes.size(), first, second);
  }
}

std::optional<Header> parse_header(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < kHeaderSize) return std::nullopt;
  const std::uint32_t magic = load_be32(&bytes[0]);
  if ((magic & ~1U) != kMagic || load_be32(&bytes[4]) != kVersion) return std::nullopt;
  Header header;
  header.big_endian = (magic & 1U) != 0;
  header.page_size = load_be32(&bytes[8]);
  if (!is_page_size(header.page_size)) return std::nullopt;
  header.checkpoint_sequence = load_be32(&bytes[12]);
  header.salt1 = load_be32(&bytes[16]);
  header.salt2 = load_be32(&bytes[20]);
  header.checksum.add(bytes.first(24), header.big_endian);
  if (header.checksum != Checksum{load_be32(&bytes[24]), load_be32(&bytes[28])}) return std::nullopt;
  return header;
}

void write_header(Header& header, std::span<std::byte, kHeaderSize> out) noexcept {
  store_be32(&out[0], kMagic | (header.big_endian ? 1U : 0U));
  store_be32(&out[4], kVersion);
  store_be32(&out[8], header.page_size);
  store_be32(&out[12], header.checkpoint_sequence);
  store_be32(&out[16], header.salt1);
  store_be32(&out[20], header.salt2);
  header.checksum = {};
  header.checksum.add(out.first<24>(), header.big_endian);
  store_be32(&out[24], header.checksum.first);
  store_be32(&out[28], header.checksum.second);
}

std::optional<FrameHeader> parse_frame_header(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < kFrameHeaderSize) return std::nullopt;
  return FrameHeader{load_be32(&bytes[0]),
                     load_be32(&bytes[4]),
                     load_be32(&bytes[8]),
                     load_be32(&bytes[12]),
                     {load_be32(&bytes[16]), load_be32(&bytes[20])}};
}

void write_frame_header(const Header& log, std::uint32_t page, std::uint32_t commit_size,
                        std::span<const std::byte> body, Checksum& running,
                        std::span<std::byte, kFrameHeaderSize> out) noexcept {
  store_be32(&out[0], page);
  store_be32(&out[4], commit_size);
  store_be32(&out[8], log.salt1);
  store_be32(&out[12], log.salt2);
  running.add(out.first<8>(), log.big_endian);
  running.add(body, log.big_endian);
  store_be32(&out[16], running.first);
  store_be32(&out[20], running.second);
}

bool check_frame(const Header& log, std::span<const std::byte> frame, Checksum& running) noexcept {
  if (frame.size() != kFrameHeaderSize + log.page_size) return false;
  const FrameHeader header = *parse_frame_header(frame);
  if (header.page == 0 || header.salt1 != log.salt1 || header.salt2 != log.salt2) return false;
  Checksum next = running;
  next.add(frame.first(8), log.big_endian);
  next.add(frame.subspan(kFrameHeaderSize), log.big_endian);
  if (next != header.checksum) return false;
  running = next;
  return true;
}

std::optional<Extent> scan(std::span<const std::byte> file) noexcept {
  const std::optional<Header> header = parse_header(file);
  if (!header) return std::nullopt;
  Extent extent;
  extent.header = *header;
  extent.committed_checksum = header->checksum;
  Checksum running = header->checksum;
  const std::size_t size = kFrameHeaderSize + header->page_size;
  for (std::span<const std::byte> rest = file.subspan(kHeaderSize);
       rest.size() >= size && extent.valid_frames != std::numeric_limits<std::uint32_t>::max();
       rest = rest.subspan(size)) {
    if (!check_frame(*header, rest.first(size), running)) break;
    ++extent.valid_frames;
    const std::uint32_t commit_size = load_be32(&rest[4]);
    if (commit_size != 0) {
      extent.committed_frames = extent.valid_frames;
      extent.database_pages = commit_size;
      extent.committed_checksum = running;
    }
  }
  return extent;
}

}  // namespace libsql::engine::wal
