// Copies of whole databases, page by page or as bytes.
#pragma once

#include <libsql/backup.hpp>
#include <memory>
#include <string>

#include "engine/connection.hpp"

namespace libsql::engine {

[[noreturn]] void throw_unknown_schema(const std::string& schema);
/// Throws that if no database is attached by that name; Misuse if the connection is closed.
void require_schema(Connection& connection, const std::string& schema);

BackupOutcome backup(Connection& source, Connection& target, const BackupOptions& options);
BackupOutcome backup(Connection& source, const std::filesystem::path& target, const BackupOptions& options);

struct EngineMemory {
  std::byte* data = nullptr;
  std::size_t size = 0;
};
/// Memory of the engine's allocator; free_memory() gives it back.
EngineMemory serialize(Connection& connection, const std::string& schema, SerializeEncrypted encrypted);
void free_memory(void* memory) noexcept;

void deserialize(Connection& connection, BlobView bytes, const DeserializeOptions& options);
void restore(Connection& target, BlobView bytes, const std::string& schema);

}  // namespace libsql::engine
