// The options that LocalBuilder collects.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <libsql/builder.hpp>

#include "engine/temporary_files.hpp"
#include "local/checkpoint_policy.hpp"

namespace libsql::detail {

struct LocalOptions {
  std::string path;
  OpenMode open_mode = OpenMode::ReadWriteCreate;
  bool no_follow = false;
  bool exclusive = false;
  MutexMode mutex_mode = MutexMode::None;
  std::string vfs;
  std::optional<Encryption> encryption;
  std::chrono::milliseconds busy_timeout{5000};
  std::vector<std::pair<std::string, Value>> pragmas;
  std::vector<std::pair<std::filesystem::path, std::string>> extensions;
  std::vector<std::filesystem::path> extension_directories;
  std::size_t statement_cache_bytes = std::size_t{4} << 20;
  std::uint64_t max_temporary_bytes = engine::TemporarySpace::kUnlimited;
  std::uint64_t max_connection_temporary_bytes = engine::TemporarySpace::kUnlimited;  // per connection
  std::string temporary_owner = "this database";            // named in errors as the owner of that limit
  std::shared_ptr<engine::TemporarySpace> temporary_whole;  // shared by several databases, or null
  std::optional<std::chrono::milliseconds> default_deadline;
  bool uuid_blobs = false;
  std::optional<std::string> server_database_name;  // of libsql_server_database_name(); none: no such function
  std::vector<QueryLog> query_logs;
  bool writers_in_line = false;
  local::CheckpointPolicy checkpoints;
  DoubleQuotedStrings double_quoted_strings = DoubleQuotedStrings::Schema;
};

}  // namespace libsql::detail

namespace libsql::local {
using Options = libsql::detail::LocalOptions;
}
