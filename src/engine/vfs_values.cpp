// The values that a file system written in C++ works with, and what it does unless it says otherwise.
#include <sqlite3.h>

#include <thread>
#include <utility>

#include "core/errors.hpp"
#include "engine/vfs.hpp"

namespace libsql {

// ---- the defaults of Vfs

bool Vfs::writable(std::string_view path) { return exists(path); }
VfsPath Vfs::full_path(std::string_view path) { return std::string(path); }
int Vfs::max_path() { return 1024; }
void Vfs::randomness(std::span<std::byte> out) {
  sqlite3_vfs* const system = engine::system_vfs();
  system->xRandomness(system, static_cast<int>(out.size()), reinterpret_cast<char*>(out.data()));
}
void Vfs::sleep(std::chrono::microseconds time) { std::this_thread::sleep_for(time); }
std::chrono::system_clock::time_point Vfs::now() { return std::chrono::system_clock::now(); }

// ---- names and errors

std::optional<std::string_view> VfsFileName::uri_parameter(const char* key) const {
  if (name_ == nullptr) return std::nullopt;
  const char* const value = sqlite3_uri_parameter(name_, key);
  if (value == nullptr) return std::nullopt;
  return value;
}

std::string_view VfsFileName::database() const {
  if (name_ == nullptr) return {};
  return sqlite3_filename_database(name_);
}

namespace {

int code_for(VfsFailure failure) noexcept {
  switch (failure) {
    case VfsFailure::Io:
      return SQLITE_IOERR;
    case VfsFailure::Read:
      return SQLITE_IOERR_READ;
    case VfsFailure::Write:
      return SQLITE_IOERR_WRITE;
    case VfsFailure::Sync:
      return SQLITE_IOERR_FSYNC;
    case VfsFailure::Truncate:
      return SQLITE_IOERR_TRUNCATE;
    case VfsFailure::Size:
      return SQLITE_IOERR_FSTAT;
    case VfsFailure::Lock:
      return SQLITE_IOERR_LOCK;
    case VfsFailure::Unlock:
      return SQLITE_IOERR_UNLOCK;
    case VfsFailure::Delete:
      return SQLITE_IOERR_DELETE;
    case VfsFailure::DeleteMissing:
      return SQLITE_IOERR_DELETE_NOENT;
    case VfsFailure::Access:
      return SQLITE_IOERR_ACCESS;
    case VfsFailure::SharedMemory:
      return SQLITE_IOERR_SHMMAP;
    case VfsFailure::Mapping:
      return SQLITE_IOERR_MMAP;
    case VfsFailure::FileSystemCorrupt:
      return SQLITE_IOERR_CORRUPTFS;
    case VfsFailure::DataChecksum:
      return SQLITE_IOERR_DATA;
    case VfsFailure::Full:
      return SQLITE_FULL;
    case VfsFailure::NoMemory:
      return SQLITE_IOERR_NOMEM;
    case VfsFailure::ReadOnly:
      return SQLITE_READONLY;
    case VfsFailure::CannotOpen:
      return SQLITE_CANTOPEN;
    case VfsFailure::Busy:
      return SQLITE_BUSY;
  }
  return SQLITE_IOERR;
}

detail::ErrorData error_data(int sqlite_code, std::string message) {
  detail::ErrorData data;
  data.code = core::error_code_of(sqlite_code);
  data.sqlite_code = sqlite_code;
  data.message = std::move(message);
  data.retryable = core::is_retryable(sqlite_code);
  return data;
}

}  // namespace

VfsError::VfsError(VfsFailure failure, std::string message)
    : Error(error_data(code_for(failure), std::move(message))) {}
VfsError::VfsError(detail::ErrorData data) : Error(std::move(data)) {}
VfsError VfsError::with_code(int sqlite_code, std::string message) {
  return VfsError(error_data(sqlite_code, std::move(message)));
}

}  // namespace libsql
