// The beginning of transactions that clients push in several requests: kept aside, in files without a name, until their
// commits come. The database is not locked meanwhile; whether somebody else has written is seen when they are applied.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace libsql::server {

/// Frames in a file that vanishes with the object. Threads: one at a time.
class HeldFrames {
 public:
  /// In that folder. Throws Io, Full.
  explicit HeldFrames(const std::string& folder);
  ~HeldFrames();
  HeldFrames(const HeldFrames&) = delete;
  HeldFrames& operator=(const HeldFrames&) = delete;

  /// Throws Io, Full.
  void append(std::span<const std::byte> bytes);
  /// Reads what was appended. Throws Io.
  void read(std::uint64_t offset, std::span<std::byte> out) const;
  std::uint64_t size() const noexcept { return size_; }

 private:
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

/// Whose frames they are and where they stand.
struct HeldPush {
  std::string name_space;
  std::string binding;  // of the identity
  std::uint32_t generation = 1;
  std::uint32_t start = 1;  // the position of the first
  std::unique_ptr<HeldFrames> frames;
};

/// The pushes that wait for their next request, by their batons. Threads: all members may be called by several at once.
class HeldPushes {
 public:
  /// Each waits that long at most. `max_bytes` of all together, `max_of_one` of one namespace.
  HeldPushes(std::chrono::milliseconds wait, std::uint64_t max_bytes, std::uint64_t max_of_one)
      : wait_(wait), max_bytes_(max_bytes), max_of_one_(max_of_one) {}

  /// Returns the baton, which is good once. The oldest of the same namespace and identity go if there are many. Throws
  /// RequestRefused 503 if there is no room.
  std::string keep(HeldPush push);
  /// Nothing if it is not there, or somebody else's.
  std::optional<HeldPush> take(std::string_view baton, std::string_view name_space, std::string_view binding);
  /// Throws RequestRefused 413 if one push may not have so many.
  void check_size(std::uint64_t bytes) const;
  /// Drops those that have waited too long.
  void tidy();
  std::size_t size() const;

 private:
  static constexpr std::size_t kMostOfOne = 8;
  struct Kept {
    std::string baton;
    HeldPush push;
    std::chrono::steady_clock::time_point until;
  };
  void drop_expired();

  const std::chrono::milliseconds wait_;
  const std::uint64_t max_bytes_, max_of_one_;
  mutable std::mutex mutex_;
  std::list<Kept> kept_;  // oldest first
};

}  // namespace libsql::server
