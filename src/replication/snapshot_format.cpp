#include "replication/snapshot_format.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "replication/bytes.hpp"

namespace libsql::replication {

namespace {

constexpr std::string_view kSuffix = ".snap";
constexpr std::size_t kUuidLength = 36;

// A number as it is written in a file's name: digits alone, and no zero in front.
std::optional<std::uint64_t> number_of(std::string_view text) noexcept {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string_view to_string(SnapshotFault fault) noexcept {
  switch (fault) {
    case SnapshotFault::Short:
      return "the snapshot is cut off";
    case SnapshotFault::Long:
      return "the snapshot is longer than it says";
    case SnapshotFault::Padding:
      return "reserved bytes are not zero";
    case SnapshotFault::Range:
      return "its frame numbers are impossible";
    case SnapshotFault::SizeAfter:
      return "the database size is missing";
    case SnapshotFault::Frame:
      return "a frame is invalid or out of place";
  }
  return "";
}

std::variant<SnapshotHeader, SnapshotFault> decode_snapshot_header(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < kSnapshotHeaderSize) return SnapshotFault::Short;
  const SnapshotHeader header{load_uuid(bytes.first<16>()), load_le<std::uint64_t>(bytes.data() + 16),
                              load_le<std::uint64_t>(bytes.data() + 24), load_le<std::uint64_t>(bytes.data() + 32),
                              load_le<std::uint32_t>(bytes.data() + 40)};
  if (load_le<std::uint32_t>(bytes.data() + 44) != 0) return SnapshotFault::Padding;
  if (header.end_frame_no < header.start_frame_no || header.frame_count == 0 ||
      header.frame_count - 1 > header.end_frame_no - header.start_frame_no) {
    return SnapshotFault::Range;
  }
  if (header.size_after == 0) return SnapshotFault::SizeAfter;
  return header;
}

void encode_snapshot_header(const SnapshotHeader& header, std::span<std::byte, kSnapshotHeaderSize> out) noexcept {
  store_uuid(header.log_id, out.first<16>());
  store_le(out.data() + 16, header.start_frame_no);
  store_le(out.data() + 24, header.end_frame_no);
  store_le(out.data() + 32, header.frame_count);
  store_le(out.data() + 40, header.size_after);
  store_le(out.data() + 44, std::uint32_t{0});
}

std::string snapshot_file_name(const SnapshotHeader& header) {
  return to_string(header.log_id)
      .append("-")
      .append(std::to_string(header.start_frame_no))
      .append("-")
      .append(std::to_string(header.end_frame_no))
      .append(kSuffix);
}

std::optional<SnapshotFileName> parse_snapshot_file_name(std::string_view name) noexcept {
  if (name.size() < kUuidLength + 1 || name[kUuidLength] != '-' || !name.ends_with(kSuffix)) return std::nullopt;
  const auto log_id = parse_uuid(name.substr(0, kUuidLength));
  name.remove_suffix(kSuffix.size());
  if (!log_id || name.size() <= kUuidLength) return std::nullopt;
  name.remove_prefix(kUuidLength + 1);
  const std::size_t hyphen = name.find('-');
  if (hyphen == std::string_view::npos) return std::nullopt;
  const auto start = number_of(name.substr(0, hyphen));
  const auto end = number_of(name.substr(hyphen + 1));
  if (!start || !end || *end < *start) return std::nullopt;
  return SnapshotFileName{*log_id, *start, *end};
}

std::optional<FrameError> SnapshotCheck::add(const FrameView& frame) {
  const FrameHeader& header = frame.header;
  const auto wrong = [&](FrameFault fault) { return FrameError{fault, header.frame_no}; };
  if (header.page_no == 0) return wrong(FrameFault::PageNumber);
  // Only the last frame of a stream has the size, so nothing may follow one that has it.
  if (size_after_ != 0 || (header_ && header.size_after != 0)) return wrong(FrameFault::SizeAfter);
  if (pages_.empty()) {
    end_frame_no_ = header.frame_no;
  } else if (header.frame_no >= last_frame_no_) {
    return wrong(FrameFault::FrameNumber);
  }
  const std::uint64_t first = header_ ? header_->start_frame_no : next_offset_;
  if (header.frame_no < first || (header_ && header.frame_no > header_->end_frame_no)) {
    return wrong(FrameFault::FrameNumber);
  }
  last_frame_no_ = header.frame_no;
  size_after_ = header.size_after;
  pages_.push_back(header.page_no);
  return std::nullopt;
}

std::optional<SnapshotFault> SnapshotCheck::finish() {
  if (header_) {
    if (pages_.size() < header_->frame_count) return SnapshotFault::Short;
    if (pages_.size() > header_->frame_count) return SnapshotFault::Long;
    size_after_ = header_->size_after;
  }
  if (pages_.empty()) return SnapshotFault::Short;
  if (size_after_ == 0) return SnapshotFault::SizeAfter;
  std::sort(pages_.begin(), pages_.end());
  if (std::adjacent_find(pages_.begin(), pages_.end()) != pages_.end()) return SnapshotFault::Frame;
  return std::nullopt;
}

std::variant<SnapshotHeader, SnapshotFault> check_snapshot_file(std::span<const std::byte> file) {
  const auto decoded = decode_snapshot_header(file);
  const auto* header = std::get_if<SnapshotHeader>(&decoded);
  if (header == nullptr) return decoded;
  SnapshotCheck check(*header);
  for (auto rest = file.subspan(kSnapshotHeaderSize); !rest.empty();) {
    const auto frame = decode_frame(rest.first(std::min(rest.size(), kFrameSize)));
    if (!frame) return check.frame_count() < header->frame_count ? SnapshotFault::Short : SnapshotFault::Long;
    if (check.add(*frame)) return SnapshotFault::Frame;
    rest = rest.subspan(kFrameSize);
  }
  if (const auto fault = check.finish()) return *fault;
  return *header;
}

}  // namespace libsql::replication
