/// \file
/// A file system that fails on purpose, to test what a program does when its disk fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <libsql/vfs.hpp>

namespace libsql::testing {

namespace detail {
struct FaultState;
}

/// Which operations a fault counts.
enum class FaultOn : std::uint8_t {
  Any,
  Change,  ///< Write, Truncate, Sync or Delete: all that a power cut can tell apart
  Open,
  Read,
  Write,
  Truncate,
  Sync,
  Size,
  Lock,
  Delete,
  Exists,
  ShmMap,
  ShmLock,
  Map,
};

/// What happens to an operation that is hit.
enum class FaultKind : std::uint8_t {
  Error,       ///< it does nothing and fails with the error of its kind, such as SQLITE_IOERR_WRITE
  ShortRead,   ///< a read gets the first half of the bytes only; elsewhere as Error
  ShortWrite,  ///< a write writes the first half of the bytes and fails; elsewhere as Error
  Full,        ///< it does nothing and fails with SQLITE_FULL
  NoMemory,    ///< it does nothing and fails for lack of memory
  Busy,        ///< the lock is taken; elsewhere SQLITE_BUSY
  PowerCut,    ///< it and all later operations fail until restart(); unsynced writes may be lost
};

/// One planned failure.
struct Fault {
  static constexpr std::uint64_t kForever = ~std::uint64_t{0};

  FaultOn on = FaultOn::Any;
  FaultKind kind = FaultKind::Error;
  std::uint64_t nth = 1;          ///< the first operation that is hit, counted from inject() on, from 1
  std::uint64_t times = 1;        ///< how many operations are hit in a row
  VfsOpen files = VfsOpen::None;  ///< only files opened with one of these flags, such as VfsOpen::Wal; None: all
};

/// What happens to unsynced writes when the power fails.
enum class Unsynced : std::uint8_t {
  Random,  ///< each sector is lost, kept or torn by chance, in any order; so are truncations, new files and deletions
  Lost,    ///< all are lost
  Kept,    ///< all are kept, as when only the program dies
};

/// The disk that FaultVfs simulates.
struct FaultDevice {
  int sector_size = 512;
  /// Without VfsDevice::PowersafeOverwrite a torn sector is garbage as a whole.
  VfsDevice characteristics = VfsDevice::PowersafeOverwrite;
};

/// A file system for tests, registered with register_vfs() as any other. It either simulates a disk in memory, and
/// knows which bytes a power cut would leave, or wraps a registered VFS.
///
/// A sync makes a file's bytes durable. The first sync of a new file, and a deletion that asks for it, make the
/// directory durable: the names of files that were made or deleted until then.
/// Threads: any.
class LIBSQL_EXPORT FaultVfs final : public Vfs {
 public:
  /// Simulates a disk in memory.
  explicit FaultVfs(FaultDevice device = {});
  /// Wraps the VFS `base` (empty: the operating system's). power_cut() and restart() then throw Misuse.
  /// Throws Configuration if there is none of that name.
  explicit FaultVfs(std::string_view base);
  ~FaultVfs() override;

  /// Plans a failure; several may be planned.
  void inject(const Fault& fault);
  /// Forgets what is planned.
  void clear();
  /// How many operations were hit since the last clear() or restart().
  std::uint64_t hits() const;
  /// How many operations of that kind there were since the construction.
  std::uint64_t count(FaultOn on) const;

  /// Whether a fault cut the power and restart() has not been called since.
  bool power_is_off() const;
  /// Restarts the machine with what the disk holds: the same for the same operations and `seed`. Open files stay dead;
  /// their connections can only be closed. Forgets what is planned.
  void restart(std::uint64_t seed, Unsynced unsynced = Unsynced::Random);
  /// Cuts the power now and restarts.
  void power_cut(std::uint64_t seed, Unsynced unsynced = Unsynced::Random);

  /// The bytes of a file as programs see them; empty if there is none. In memory only.
  std::vector<std::byte> contents(std::string_view path) const;
  /// The bytes that a power cut with Unsynced::Lost would leave of a file.
  std::vector<std::byte> durable_contents(std::string_view path) const;

  std::unique_ptr<VfsFile> open(const VfsFileName& name, VfsOpen flags) override;
  void remove(std::string_view path, VfsSyncDirectory sync) override;
  bool exists(std::string_view path) override;
  bool writable(std::string_view path) override;
  VfsPath full_path(std::string_view path) override;
  int max_path() override;

 private:
  std::shared_ptr<detail::FaultState> state_;
};

}  // namespace libsql::testing
