#include "replication/frame.hpp"

#include <array>

#include "replication/bytes.hpp"
#include "replication/crc64.hpp"

namespace libsql::replication {

namespace {

constexpr std::uint64_t reverse_bits(std::uint64_t value) noexcept {
  value = (value >> 1U & 0x5555555555555555U) | (value & 0x5555555555555555U) << 1U;
  value = (value >> 2U & 0x3333333333333333U) | (value & 0x3333333333333333U) << 2U;
  value = (value >> 4U & 0x0f0f0f0f0f0f0f0fU) | (value & 0x0f0f0f0f0f0f0f0fU) << 4U;
  value = (value >> 8U & 0x00ff00ff00ff00ffU) | (value & 0x00ff00ff00ff00ffU) << 8U;
  value = (value >> 16U & 0x0000ffff0000ffffU) | (value & 0x0000ffff0000ffffU) << 16U;
  return value >> 32U | value << 32U;
}

std::span<const std::byte, kFrameHeaderSize> header_of(std::span<const std::byte> frame) noexcept {
  return frame.first<kFrameHeaderSize>();
}

}  // namespace

std::string_view to_string(FrameFault fault) noexcept {
  switch (fault) {
    case FrameFault::Size:
      return "it is not 4120 bytes long";
    case FrameFault::PageNumber:
      return "its page number is 0";
    case FrameFault::FrameNumber:
      return "it is not the next frame";
    case FrameFault::Checksum:
      return "the checksum does not match";
    case FrameFault::SizeAfter:
      return "the database size is missing or misplaced";
  }
  return "";
}

std::string to_string(const FrameError& error) {
  return std::string("frame ").append(std::to_string(error.frame_no)).append(": ").append(to_string(error.fault));
}

std::uint64_t chain_checksum(std::uint64_t previous, std::span<const std::byte> page) noexcept {
  return ~crc64(reverse_bits(previous), page);
}

FrameHeader decode_frame_header(std::span<const std::byte, kFrameHeaderSize> bytes) noexcept {
  return {load_le<std::uint64_t>(bytes.data()), load_le<std::uint64_t>(bytes.data() + 8),
          load_le<std::uint32_t>(bytes.data() + 16), load_le<std::uint32_t>(bytes.data() + 20)};
}

void encode_frame_header(const FrameHeader& header, std::span<std::byte, kFrameHeaderSize> out) noexcept {
  store_le(out.data(), header.frame_no);
  store_le(out.data() + 8, header.checksum);
  store_le(out.data() + 16, header.page_no);
  store_le(out.data() + 20, header.size_after);
}

std::optional<FrameView> decode_frame(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() != kFrameSize) return std::nullopt;
  return FrameView{decode_frame_header(header_of(bytes)), bytes.subspan<kFrameHeaderSize, kPageSize>()};
}

std::optional<FrameError> FrameChain::add(const FrameView& frame) noexcept {
  if (frame.header.frame_no != next_) return FrameError{FrameFault::FrameNumber, next_};
  if (frame.header.page_no == 0) return FrameError{FrameFault::PageNumber, next_};
  if (checksums_ == Checksums::Check && chain_checksum(checksum_, frame.page) != frame.header.checksum) {
    return FrameError{FrameFault::Checksum, next_};
  }
  checksum_ = frame.header.checksum;
  at_commit_ = frame.header.is_commit();
  ++next_;
  return std::nullopt;
}

std::optional<FrameError> FrameChain::add(std::span<const std::byte> bytes) noexcept {
  const auto frame = decode_frame(bytes);
  if (!frame) return FrameError{FrameFault::Size, next_};
  return add(*frame);
}

FrameHeader FrameChain::append(std::uint32_t page_no, std::uint32_t size_after, PageView page) noexcept {
  checksum_ = chain_checksum(checksum_, page);
  at_commit_ = size_after != 0;
  return {next_++, checksum_, page_no, size_after};
}

WalFrameHeader decode_wal_frame_header(std::span<const std::byte, kFrameHeaderSize> bytes) noexcept {
  const auto word = [&](std::size_t i) { return load_be<std::uint32_t>(bytes.data() + 4 * i); };
  return {word(0), word(1), word(2), word(3), word(4), word(5)};
}

void encode_wal_frame_header(const WalFrameHeader& header, std::span<std::byte, kFrameHeaderSize> out) noexcept {
  const std::array words = {header.page_no, header.size_after, header.salt1,
                            header.salt2,   header.checksum1,  header.checksum2};
  for (std::size_t i = 0; i < words.size(); ++i) store_be(out.data() + 4 * i, words[i]);
}

std::optional<WalFrames> WalFrames::of(std::span<const std::byte> body) noexcept {
  if (body.empty() || body.size() % kFrameSize != 0) return std::nullopt;
  return WalFrames(body);
}

WalFrameView WalFrames::operator[](std::size_t i) const noexcept {
  const auto frame = body_.subspan(i * kFrameSize, kFrameSize);
  return {decode_wal_frame_header(header_of(frame)), frame.subspan<kFrameHeaderSize, kPageSize>()};
}

std::optional<std::size_t> WalFrames::first_without_page() const noexcept {
  for (std::size_t i = 0; i < size(); ++i) {
    if (load_be<std::uint32_t>(body_.data() + i * kFrameSize) == 0) return i;
  }
  return std::nullopt;
}

}  // namespace libsql::replication
