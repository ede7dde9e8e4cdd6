// The temporary files of a database: sorts, statement journals, temporary tables, VACUUM. They have a bound, and hold
// no plain text once one of the database's connections has a key.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace libsql::engine {

// Room for temporary files, shared by all that take from it. Threads: any.
class TemporarySpace final {
 public:
  static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

  // `owner` names in errors whose bound it is; `whole` is the larger space that this one is a part of, or null.
  TemporarySpace(std::uint64_t limit, std::string owner, std::shared_ptr<TemporarySpace> whole = nullptr)
      : limit_(limit), owner_(std::move(owner)), whole_(std::move(whole)) {}

  // Returns the space that has no room for `bytes` more, or null if they were taken.
  const TemporarySpace* take(std::uint64_t bytes) noexcept;
  void give_back(std::uint64_t bytes) noexcept;

  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  std::uint64_t limit() const noexcept { return limit_; }
  const std::string& owner() const noexcept { return owner_; }

 private:
  const std::uint64_t limit_;
  const std::string owner_;
  const std::shared_ptr<TemporarySpace> whole_;
  std::atomic<std::uint64_t> used_{0};
};

// A VFS that stands on another one and differs from it in temporary files only: all others are those of the VFS below,
// at no cost. Its name is registered as long as this object lives.
class TemporaryFiles final {
 public:
  // `below` as a user names it: empty for the default, with or without the prefix of the encrypting VFSes. Throws
  // Configuration if there is no such VFS.
  TemporaryFiles(std::string_view below, std::shared_ptr<TemporarySpace> space);
  TemporaryFiles(const TemporaryFiles&) = delete;
  TemporaryFiles& operator=(const TemporaryFiles&) = delete;
  ~TemporaryFiles();

  // The name to open connections with, which serves encrypted files too.
  const std::string& vfs() const noexcept { return vfs_; }
  // From now on nothing is written as plain text. Happens by itself when a connection gets a key.
  void encrypt() noexcept;

  struct Slot;

 private:
  Slot* slot_;
  std::string vfs_;
};

}  // namespace libsql::engine
