// How the shell opens a database.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <libsql/database.hpp>

namespace libsql::cli {

struct DatabaseSettings {
  std::string path = ":memory:";
  bool read_only = false;
  bool no_follow = false;
  std::string vfs;
  std::string cipher;
  std::string key_file;
  std::vector<std::pair<std::string, std::string>> pragmas;
  std::optional<std::chrono::milliseconds> timeout;
};

/// Opens it. Throws libsql::Error, among them Unsupported for a URL, and CommandError if the key cannot be read.
Database open_database(const DatabaseSettings& settings);

/// The key in a file, without the line break that ends it. Throws CommandError.
std::string read_key_file(const std::string& path);

/// The environment variable that holds the key if there is no key file.
inline constexpr const char* kKeyVariable = "LIBSQL_ENCRYPTION_KEY";

/// Whether `path` names a remote database.
bool is_url(std::string_view path) noexcept;

}  // namespace libsql::cli
