/// \file
/// File systems that wrap another one: derive and override what should differ; the rest is passed through.
#pragma once

#include <libsql/vfs.hpp>

namespace libsql {

namespace detail {
struct VfsBase;
}

/// A Vfs that forwards everything to a registered one, including WAL shared memory, mapping and file controls. To
/// change what files do, override open() and wrap what VfsWrapper::open() returns in a VfsFileWrapper.
class LIBSQL_EXPORT VfsWrapper : public Vfs {
 public:
  /// `base` is the name of a registered VFS; empty takes the operating system's. Throws Configuration if there is none.
  explicit VfsWrapper(std::string_view base = {});
  ~VfsWrapper() override;

  std::unique_ptr<VfsFile> open(const VfsFileName& name, VfsOpen flags) override;
  void remove(std::string_view path, VfsSyncDirectory sync) override;
  bool exists(std::string_view path) override;
  bool writable(std::string_view path) override;
  VfsPath full_path(std::string_view path) override;
  int max_path() override;
  void randomness(std::span<std::byte> out) override;
  void sleep(std::chrono::microseconds time) override;
  std::chrono::system_clock::time_point now() override;

 private:
  std::unique_ptr<detail::VfsBase> base_;
};

/// A file that forwards everything to another.
class LIBSQL_EXPORT VfsFileWrapper : public VfsFile {
 public:
  /// `file` must not be null.
  explicit VfsFileWrapper(std::unique_ptr<VfsFile> file);
  ~VfsFileWrapper() override;

  std::size_t read(std::span<std::byte> out, std::uint64_t offset) override;
  void write(std::span<const std::byte> data, std::uint64_t offset) override;
  void truncate(std::uint64_t size) override;
  void sync(VfsSync how) override;
  std::uint64_t size() override;
  bool lock(VfsLock level) override;
  void unlock(VfsLock level) override;
  bool reserved_lock_held() override;
  std::optional<std::string> pragma(std::string_view name, std::optional<std::string_view> value) override;
  bool file_control(int op, void* argument) override;
  int sector_size() override;
  VfsDevice device_characteristics() override;
  bool read_only() override;
  VfsFeatures features() override;
  VfsShmRegion shm_map(int region, int size, VfsShmCreate create) override;
  bool shm_lock(int first, int count, VfsShmLock how) override;
  void shm_barrier() override;
  void shm_unmap(VfsShmDelete how) override;
  const std::byte* fetch(std::uint64_t offset, std::size_t size) override;
  void unfetch(std::uint64_t offset, const std::byte* address) override;

 protected:
  VfsFile& inner() noexcept { return *file_; }

 private:
  friend struct detail::VfsAccess;
  std::unique_ptr<VfsFile> file_;
};

}  // namespace libsql
