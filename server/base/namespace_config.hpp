// What can be configured for each namespace, and the file that holds it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace libsql::server {

/// How much of the latest commits a power cut may lose: PRAGMA synchronous OFF, NORMAL, FULL, EXTRA.
enum class Durability : std::uint8_t { Off, Relaxed, Strong, Extra };

/// "off", "relaxed", "strong", "extra".
std::string_view to_string(Durability durability) noexcept;
std::optional<Durability> durability_of(std::string_view name) noexcept;

struct NamespaceConfig {
  bool block_reads = false;
  bool block_writes = false;
  std::optional<std::string> block_reason;
  std::optional<std::uint64_t> max_db_size;  // in bytes
  std::optional<std::chrono::seconds>
      txn_timeout;            // how long a transaction may keep the write lock while another writer waits
  bool allow_attach = false;  // whether other namespaces may attach this one
  std::string jwt_key;        // empty: the server's key applies
  std::optional<Durability> durability;
  std::optional<std::size_t> max_row_size;  // in bytes
  std::optional<bool> offline_sync;         // whether clients with offline writes may sync; none: as the server says

  friend bool operator==(const NamespaceConfig&, const NamespaceConfig&) = default;
};

/// The configuration in `file`, or the default if there is no such file. Throws Configuration if it cannot be read.
NamespaceConfig read_namespace_config(const std::filesystem::path& file);
/// Makes the creation, renaming and deletion of files in a directory durable. Throws Io.
void sync_directory(const std::filesystem::path& directory);
/// Replaces the file as a whole: after a crash it has either the old configuration or the new one.
void write_namespace_config(const std::filesystem::path& file, const NamespaceConfig& config);

}  // namespace libsql::server
