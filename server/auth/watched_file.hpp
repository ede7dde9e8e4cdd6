// A small file that its owner replaces from time to time: keys, passwords, certificates.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

namespace libsql::server {

/// The content of a file of at most 1 MiB. Throws std::system_error, which names the file.
std::string read_small_file(const std::filesystem::path& path);

/// Notices when a file has changed. Threads: any number at once.
class WatchedFile final {
 public:
  explicit WatchedFile(std::filesystem::path path);
  const std::filesystem::path& path() const noexcept { return path_; }
  /// Whether the file was replaced, or has another time or size, since the last call or the construction.
  bool has_changed();

 private:
  struct Stamp {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  static std::optional<Stamp> stamp_of(const std::filesystem::path& path);

  std::filesystem::path path_;
  std::mutex mutex_;
  std::optional<Stamp> stamp_;
};

}  // namespace libsql::server
