// Loading shared libraries of SQL functions.
#include <algorithm>
#include <system_error>

#include <sqlite3.h>

#include "core/errors.hpp"
#include "engine/connection.hpp"

namespace libsql::engine {
namespace {

bool lies_in(const std::filesystem::path& file, const std::filesystem::path& directory) {
  std::error_code error;
  const auto base = std::filesystem::canonical(directory, error);
  if (error) return false;  // what cannot be resolved allows nothing
  return std::mismatch(base.begin(), base.end(), file.begin(), file.end()).first == base.end();
}

// The file that the engine would load, which adds the suffix itself, with all symbolic links followed.
std::filesystem::path resolve(const std::filesystem::path& file) {
#if defined(__APPLE__)
  constexpr const char* kSuffix = ".dylib";
#elif defined(_WIN32)
  constexpr const char* kSuffix = ".dll";
#else
  constexpr const char* kSuffix = ".so";
#endif
  std::error_code error;
  auto path = std::filesystem::canonical(file, error);
  if (error) path = std::filesystem::canonical(std::filesystem::path(file) += kSuffix, error);
  if (error) path = std::filesystem::weakly_canonical(file, error);
  return error ? file : path;
}

}  // namespace

void Connection::set_extension_directories(std::vector<std::filesystem::path> directories) {
  extension_directories_ = std::move(directories);
}

void Connection::load_extension(const std::filesystem::path& file, std::string_view entry_point) {
  require_open();
  if (extension_permissions_ <= 0) {
    core::throw_error(ErrorCode::Auth,
                      "extensions may be loaded only while a guard of enable_load_extension() is alive");
  }
  if (extension_directories_.empty()) return load_trusted_extension(file, entry_point);
  const std::filesystem::path resolved = resolve(file);
  if (std::none_of(extension_directories_.begin(), extension_directories_.end(),
                   [&](const auto& directory) { return lies_in(resolved, directory); })) {
    core::throw_error(ErrorCode::Auth,
                      "'" + file.string() + "' is not in a directory from which extensions may be loaded");
  }
  load_trusted_extension(resolved, entry_point);  // what was looked at, wherever a link leads by now
}

void Connection::load_trusted_extension(const std::filesystem::path& file, std::string_view entry_point) {
  require_open();
  const std::string entry(entry_point);
  // Permits the C call, not the SQL function load_extension(), and only for as long as it takes.
  if (sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr) != SQLITE_OK) {
    core::throw_unsupported("loading extensions", "engine");
  }
  char* message = nullptr;
  const int rc = sqlite3_load_extension(db_, file.string().c_str(), entry.empty() ? nullptr : entry.c_str(), &message);
  const std::unique_ptr<char, void (*)(void*)> owner(message, &sqlite3_free);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  if (rc != SQLITE_OK) {
    rethrow_kept_exception();
    detail::ErrorData data;
    data.code = core::error_code_of(rc);
    data.origin = ErrorOrigin::Engine;
    data.sqlite_code = rc;
    data.message = "the extension '" + file.string() +
                   "' cannot be loaded: " + (message != nullptr ? message : sqlite3_errstr(rc));
    core::throw_error(std::move(data));
  }
}

}  // namespace libsql::engine
