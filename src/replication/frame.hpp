// A page on its way from a primary to its replicas: the frames of libSQL's replication log, and those of SQLite's own
// log as the second protocol sends them. Both have 24 bytes of header and a page of 4096 bytes; nothing else is the
// same.
//
// Bytes in, plain values out; nothing is allocated, and every function takes bytes that may be hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace libsql::replication {

inline constexpr std::size_t kPageSize = 4096;  // the only one that replication has
inline constexpr std::size_t kFrameHeaderSize = 24;
inline constexpr std::size_t kFrameSize = kFrameHeaderSize + kPageSize;

using PageView = std::span<const std::byte, kPageSize>;

// ---- Frames of a replication log -----------------------------------------------------------------------------------

struct FrameHeader {
  std::uint64_t frame_no = 0;    // counts from 0 and only grows
  std::uint64_t checksum = 0;    // of this page and all before it; see chain_checksum()
  std::uint32_t page_no = 0;     // from 1
  std::uint32_t size_after = 0;  // on the last frame of a transaction the pages of the database after it, else 0

  bool is_commit() const noexcept { return size_after != 0; }
  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

/// A frame that somebody else owns.
struct FrameView {
  FrameHeader header;
  PageView page;
};

/// What is wrong with a frame.
enum class FrameFault : std::uint8_t {
  Size,         // it is not 4120 bytes long
  PageNumber,   // page 0
  FrameNumber,  // not the next number
  Checksum,     // the page is not the one that was written, or a frame before it is missing
  SizeAfter     // the database size is missing or misplaced
};

/// In words, such as "the checksum does not match".
std::string_view to_string(FrameFault fault) noexcept;

/// Which check failed, and at which frame.
struct FrameError {
  FrameFault fault = FrameFault::Size;
  std::uint64_t frame_no = 0;  // the expected number if there is one, else the frame's own

  friend bool operator==(const FrameError&, const FrameError&) = default;
};

/// "frame 12: the checksum does not match".
std::string to_string(const FrameError& error);

/// The checksum of a log that goes on with `page`: CRC-64/GO-ISO of the page alone, whose register begins with the bits
/// of the checksum before it in reverse order (for the first frame of a log: of the checksum in its header).
std::uint64_t chain_checksum(std::uint64_t previous, std::span<const std::byte> page) noexcept;

FrameHeader decode_frame_header(std::span<const std::byte, kFrameHeaderSize> bytes) noexcept;
void encode_frame_header(const FrameHeader& header, std::span<std::byte, kFrameHeaderSize> out) noexcept;

/// The frame in `bytes`, which have to be exactly those of one and outlive it; nothing for another number of bytes.
std::optional<FrameView> decode_frame(std::span<const std::byte> bytes) noexcept;

/// Follows a log frame by frame and says which of them does not belong where it stands.
class FrameChain {
 public:
  enum class Checksums : std::uint8_t {
    Check,
    Ignore  // those of a peer: what makes frames by hand leaves them 0, and the published clients never look
  };

  /// A log whose next frame has this number, and whose last one (or header) has this checksum.
  FrameChain(std::uint64_t next_frame_no, std::uint64_t checksum, Checksums checksums = Checksums::Check) noexcept
      : next_(next_frame_no), checksum_(checksum), checksums_(checksums) {}

  /// Nothing if the frame is the next one, which the log then ends with. Else the log stays where it was.
  std::optional<FrameError> add(const FrameView& frame) noexcept;
  /// The same for its bytes.
  std::optional<FrameError> add(std::span<const std::byte> bytes) noexcept;

  /// The header of a frame for `page`, which the log then ends with.
  FrameHeader append(std::uint32_t page_no, std::uint32_t size_after, PageView page) noexcept;

  std::uint64_t next_frame_no() const noexcept { return next_; }
  std::uint64_t checksum() const noexcept { return checksum_; }
  /// Whether no transaction is half there.
  bool is_at_commit() const noexcept { return at_commit_; }

 private:
  std::uint64_t next_;
  std::uint64_t checksum_;
  Checksums checksums_;
  bool at_commit_ = true;
};

// ---- Frames of SQLite's log (https://www.sqlite.org/fileformat2.html#walformat) -------------------------------------

/// Numbers are big-endian. Salts and checksums are those of the sender's log and mean nothing to anybody else.
struct WalFrameHeader {
  std::uint32_t page_no = 0;
  std::uint32_t size_after = 0;  // as in FrameHeader
  std::uint32_t salt1 = 0;
  std::uint32_t salt2 = 0;
  std::uint32_t checksum1 = 0;
  std::uint32_t checksum2 = 0;

  bool is_commit() const noexcept { return size_after != 0; }
  friend bool operator==(const WalFrameHeader&, const WalFrameHeader&) = default;
};

struct WalFrameView {
  WalFrameHeader header;
  PageView page;
};

WalFrameHeader decode_wal_frame_header(std::span<const std::byte, kFrameHeaderSize> bytes) noexcept;
void encode_wal_frame_header(const WalFrameHeader& header, std::span<std::byte, kFrameHeaderSize> out) noexcept;

/// The body of a push or a pull: frames one after the other, at least one. Borrows the body's bytes.
class WalFrames {
 public:
  /// Nothing if the body is empty or ends within a frame.
  static std::optional<WalFrames> of(std::span<const std::byte> body) noexcept;

  std::size_t size() const noexcept { return body_.size() / kFrameSize; }
  /// Requires: i < size().
  WalFrameView operator[](std::size_t i) const noexcept;
  /// The first frame that names page 0, which nothing can apply; nothing if all are in order.
  std::optional<std::size_t> first_without_page() const noexcept;

 private:
  explicit WalFrames(std::span<const std::byte> body) noexcept : body_(body) {}
  std::span<const std::byte> body_;
};

}  // namespace libsql::replication
