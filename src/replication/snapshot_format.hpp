// A snapshot: the newest image of each page that changed in a stretch of the log, from the last frame to the first. As
// the file of a libSQL server, and as a stream of frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "replication/frame.hpp"
#include "replication/uuid.hpp"

namespace libsql::replication {

inline constexpr std::size_t kSnapshotHeaderSize = 48;

struct SnapshotHeader {
  Uuid log_id;
  std::uint64_t start_frame_no = 0;  // the first and the last frame of the stretch
  std::uint64_t end_frame_no = 0;
  std::uint64_t frame_count = 0;  // of the snapshot
  std::uint32_t size_after = 0;   // pages of the database after the last frame

  friend bool operator==(const SnapshotHeader&, const SnapshotHeader&) = default;
};

/// What is wrong with a snapshot.
enum class SnapshotFault : std::uint8_t {
  Short,      // less than a header, or fewer frames than it says
  Long,       // more frames than the header says, or part of one
  Padding,    // reserved bytes are not zero
  Range,      // it ends before it starts, or has more frames than the stretch
  SizeAfter,  // the database size is missing
  Frame       // see frame_error()
};

/// In words, such as "the snapshot is cut off".
std::string_view to_string(SnapshotFault fault) noexcept;

std::variant<SnapshotHeader, SnapshotFault> decode_snapshot_header(std::span<const std::byte> bytes) noexcept;
void encode_snapshot_header(const SnapshotHeader& header, std::span<std::byte, kSnapshotHeaderSize> out) noexcept;

/// "fb570ae7-d7df-4bb2-80cf-d1016883785e-0-5.snap": what a file of that header is called.
std::string snapshot_file_name(const SnapshotHeader& header);
struct SnapshotFileName {
  Uuid log_id;
  std::uint64_t start_frame_no = 0;
  std::uint64_t end_frame_no = 0;
};
/// Nothing for another name.
std::optional<SnapshotFileName> parse_snapshot_file_name(std::string_view name) noexcept;

/// Follows the frames of a snapshot and says whether they are one: numbers strictly descending, each page once, the
/// size of the database in its place. The page images themselves have no checksum that could be checked: that of a
/// frame is chained to the frames which the snapshot leaves out. Holds four bytes for each frame.
class SnapshotCheck {
 public:
  /// The frames of a file behind that header.
  explicit SnapshotCheck(const SnapshotHeader& header) noexcept : header_(header) {}
  /// The frames that a primary streams to who has everything below `next_offset`; the last one has the size.
  explicit SnapshotCheck(std::uint64_t next_offset) noexcept : next_offset_(next_offset) {}

  /// Nothing if the frame may come next. Else what is wrong, and the snapshot is of no use.
  std::optional<FrameError> add(const FrameView& frame);
  /// All frames came. Nothing if they are a whole snapshot.
  std::optional<SnapshotFault> finish();

  std::uint64_t frame_count() const noexcept { return pages_.size(); }
  /// Of the first frame, up to which a replica has everything afterwards. Requires: there is one.
  std::uint64_t end_frame_no() const noexcept { return end_frame_no_; }
  /// Pages of the database afterwards. Requires: finish() returned nothing.
  std::uint32_t size_after() const noexcept { return size_after_; }

 private:
  std::optional<SnapshotHeader> header_;
  std::uint64_t next_offset_ = 0;
  std::uint64_t last_frame_no_ = 0;
  std::uint64_t end_frame_no_ = 0;
  std::uint32_t size_after_ = 0;
  std::vector<std::uint32_t> pages_;
};

/// The same for a whole file.
std::variant<SnapshotHeader, SnapshotFault> check_snapshot_file(std::span<const std::byte> file);

}  // namespace libsql::replication
