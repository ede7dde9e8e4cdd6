/// \file
/// Database files in memory, shared by all connections of the process, with WAL mode and real locks.
#pragma once

#include <libsql/vfs.hpp>

namespace libsql {

namespace detail {
struct MemoryVfsState;
}

/// Keeps one database of a MemoryVfs alive while no connection has it open.
/// Threads: any, one at a time. Outlives the MemoryVfs.
class LIBSQL_EXPORT MemoryHold final {
 public:
  MemoryHold() noexcept;
  MemoryHold(MemoryHold&&) noexcept;
  MemoryHold& operator=(MemoryHold&&) noexcept;
  ~MemoryHold();

 private:
  friend class MemoryVfs;
  MemoryHold(std::shared_ptr<detail::MemoryVfsState> state, std::string name) noexcept;
  std::shared_ptr<detail::MemoryVfsState> state_;
  std::string name_;
};

/// A file system in memory. Files of the same name are the same file for every connection that uses this object. A
/// database is gone, with its journal and WAL, when its last connection closes, unless hold() keeps it; a file that is
/// no database stays until it is deleted. Up to 64 GiB per file; if memory runs out, writes fail as Full.
///
/// Reading and writing take no lock and make no system call, so WAL readers do not wait for each other or the writer.
class LIBSQL_EXPORT MemoryVfs final : public Vfs {
 public:
  MemoryVfs();
  ~MemoryVfs() override;

  /// Keeps the database `name`, which need not exist yet, until the returned object ends.
  [[nodiscard]] MemoryHold hold(std::string_view name);
  /// The memory its files use, in bytes.
  std::uint64_t bytes_used() const noexcept;

  std::unique_ptr<VfsFile> open(const VfsFileName& name, VfsOpen flags) override;
  void remove(std::string_view path, VfsSyncDirectory sync) override;
  bool exists(std::string_view path) override;

 private:
  std::shared_ptr<detail::MemoryVfsState> state_;
};

/// The process's MemoryVfs, registered as "libsql-memory" by the first call and until the program ends.
LIBSQL_EXPORT std::shared_ptr<MemoryVfs> memory_vfs();

}  // namespace libsql
