#include <libsql/backup.hpp>

#include <string>
#include <utility>

#include "api/access.hpp"
#include "engine/backup.hpp"

namespace libsql {
namespace {

engine::Connection& engine_of(const Connection& connection, core::Feature feature) {
  engine::Connection& engine = detail::Access::engine(connection, feature);
  engine.require_open();
  return engine;
}

}  // namespace

BackupOutcome backup(const Connection& source, const Connection& target, const BackupOptions& options) {
  return engine::backup(engine_of(source, core::Feature::Backup), engine_of(target, core::Feature::BackupInto),
                        options);
}

BackupOutcome backup(const Connection& source, const std::filesystem::path& target, const BackupOptions& options) {
  return engine::backup(engine_of(source, core::Feature::Backup), target, options);
}

SerializedDatabase::SerializedDatabase(SerializedDatabase&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
SerializedDatabase& SerializedDatabase::operator=(SerializedDatabase&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}
SerializedDatabase::~SerializedDatabase() { engine::free_memory(data_); }

SerializedDatabase serialize(const Connection& connection, std::string_view schema, SerializeEncrypted encrypted) {
  const auto [data, size] =
      engine::serialize(engine_of(connection, core::Feature::Serialize), std::string(schema), encrypted);
  return detail::Access::serialized(data, size);
}

void deserialize(Connection& connection, BlobView bytes, const DeserializeOptions& options) {
  engine::deserialize(engine_of(connection, core::Feature::Deserialize), bytes, options);
}

void restore(const Connection& target, BlobView bytes, std::string_view schema) {
  engine::restore(engine_of(target, core::Feature::Restore), bytes, std::string(schema));
}

}  // namespace libsql
