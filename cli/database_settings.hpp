// How the shell opens a database.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <libsql/builder.hpp>
#include <libsql/database.hpp>

namespace libsql::cli {

struct DatabaseSettings {
  std::string path = ":memory:";
  bool read_only = false;
  bool no_follow = false;
  std::string vfs;
  std::string cipher;
  std::string key_file;
  std::string auth_token_file;
  std::string replica_file;  // that follows the server of `path`; empty: there is none
  std::string name_space;
  std::vector<std::pair<std::string, std::string>> pragmas;
  std::optional<std::chrono::milliseconds> timeout;
  std::string double_quoted_strings;  // off, schema, on; empty: the library's default
  bool decrypted = false;             // its key was taken away since
};

/// Opens it. Throws libsql::Error, and CommandError if a key or token cannot be read
/// or an option does not go with the path.
Database open_database(const DatabaseSettings& settings);

/// As far as they are the same for all that a replica is opened for. Throws as open_database() does.
ReplicaBuilder replica_builder(const DatabaseSettings& settings);

/// How it is encrypted, if it is. Throws CommandError as open_database() does.
std::optional<Encryption> encryption_of(const DatabaseSettings& settings);

/// Whether files that are made from that database, such as copies, would be plain although the environment holds a key.
bool makes_unwanted_plain_files(const DatabaseSettings& source);
/// Throws CommandError if they would.
void require_encrypted_copy(const DatabaseSettings& source);
/// Throws CommandError if `statement` opens or makes a file that gets no key.
void require_key_for_files(std::string_view statement);

/// The key in a file, without the line break that ends it. Throws CommandError.
std::string read_key_file(const std::string& path);

/// The environment variable that holds the key if there is no key file.
inline constexpr const char* kKeyVariable = "LIBSQL_ENCRYPTION_KEY";

/// The environment variable that holds the token if there is no token file.
inline constexpr const char* kTokenVariable = "LIBSQL_AUTH_TOKEN";

/// The setting of that name. Throws UsageError.
DoubleQuotedStrings double_quoted_strings_of(std::string_view name);

/// Whether `path` names a remote database.
bool is_url(std::string_view path) noexcept;

}  // namespace libsql::cli
