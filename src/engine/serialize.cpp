// Whole databases as bytes.
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "core/errors.hpp"
#include "engine/backup.hpp"
#include "sql/quote.hpp"

namespace libsql::engine {
namespace {

constexpr std::size_t kHeaderSize = 100;

void check_image(BlobView bytes) {
  if (bytes.size() < kHeaderSize || std::memcmp(bytes.data(), "SQLite format 3", 16) != 0) {
    core::throw_error(ErrorCode::NotADatabase, "the bytes are not a database: they do not begin like one");
  }
  const auto byte = [&](std::size_t at) { return std::to_integer<std::uint32_t>(bytes[at]); };
  std::uint32_t page_size = byte(16) << 8 | byte(17);
  if (page_size == 1) page_size = 65536;
  if (page_size < 512 || (page_size & (page_size - 1)) != 0) {
    core::throw_error(ErrorCode::NotADatabase, "the bytes are not a database: the page size is invalid");
  }
  if (bytes.size() % page_size != 0) {
    core::throw_error(ErrorCode::Corrupt, "the bytes are truncated: " + std::to_string(bytes.size()) +
                                              " is not a multiple of the page size " + std::to_string(page_size));
  }
}

struct FreeMemory {
  void operator()(unsigned char* memory) const noexcept { sqlite3_free(memory); }
};
using Image = std::unique_ptr<unsigned char, FreeMemory>;

// A copy in the engine's memory that a database in memory can be made of: it cannot be in WAL mode.
Image copy_image(BlobView bytes) {
  check_image(bytes);
  Image image(static_cast<unsigned char*>(sqlite3_malloc64(bytes.size())));
  if (image == nullptr) core::throw_error(ErrorCode::NoMemory, "no memory for the bytes of a database");
  std::memcpy(image.get(), bytes.data(), bytes.size());
  for (const std::size_t version : {18, 19}) image.get()[version] = std::min<unsigned char>(image.get()[version], 1);
  return image;
}

// A connection of its own to the image, which it only reads.
std::unique_ptr<Connection> open_image(unsigned char* image, std::size_t size) {
  auto connection =
      Connection::open({":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, {}});
  const auto bytes = static_cast<sqlite3_int64>(size);
  connection->check(
      sqlite3_deserialize(connection->handle(), "main", image, bytes, bytes, SQLITE_DESERIALIZE_READONLY));
  connection->query_text("SELECT count(*) FROM sqlite_master");  // what is wrong shows here
  return connection;
}

}  // namespace

EngineMemory serialize(Connection& connection, const std::string& schema, SerializeEncrypted encrypted) {
  require_schema(connection, schema);
  if (encrypted == SerializeEncrypted::Refuse && connection.is_encrypted(schema)) {
    core::throw_unsupported("the bytes of an encrypted database", "engine",
                            "they would be decrypted; pass SerializeEncrypted::Decrypt if that is intended");
  }
  connection.patience().start_deadline();
  connection.query_text("SELECT 1 FROM " + sql::quote_identifier(schema) + ".sqlite_master LIMIT 1");
  sqlite3_int64 size = 0;
  unsigned char* const data = sqlite3_serialize(connection.handle(), schema.c_str(), &size, 0);
  if (data == nullptr && size > 0) {
    core::throw_error(ErrorCode::NoMemory, "no memory for the " + std::to_string(size) + " bytes of the database");
  }
  if (data == nullptr && sqlite3_errcode(connection.handle()) != SQLITE_OK) {
    connection.fail(sqlite3_extended_errcode(connection.handle()));
  }
  return {reinterpret_cast<std::byte*>(data), static_cast<std::size_t>(std::max<sqlite3_int64>(size, 0))};
}

void free_memory(void* memory) noexcept { sqlite3_free(memory); }

void deserialize(Connection& connection, BlobView bytes, const DeserializeOptions& options) {
  require_schema(connection, options.schema);
  if (options.schema == "temp") throw_unknown_schema(options.schema);
  if (options.mode == DeserializeMode::Resizable && bytes.size() > options.max_bytes) {
    core::throw_error(ErrorCode::Full, "the database is larger than DeserializeOptions::max_bytes");
  }
  Image image = copy_image(bytes);
  open_image(image.get(), bytes.size())->close();
  const auto size = static_cast<sqlite3_int64>(bytes.size());
  const unsigned flags =
      SQLITE_DESERIALIZE_FREEONCLOSE |
      (options.mode == DeserializeMode::ReadOnly ? SQLITE_DESERIALIZE_READONLY : SQLITE_DESERIALIZE_RESIZEABLE);
  connection.check(
      sqlite3_deserialize(connection.handle(), options.schema.c_str(), image.release(), size, size, flags));
  auto limit = static_cast<sqlite3_int64>(std::min<std::uint64_t>(options.max_bytes, INT64_MAX));
  sqlite3_file_control(connection.handle(), options.schema.c_str(), SQLITE_FCNTL_SIZE_LIMIT, &limit);
  if (options.schema != "main") return;
  connection.on_reset([&connection] {
    connection.abandon("the connection was reset after deserialize(), which cannot be undone: open another one");
  });
}

void restore(Connection& target, BlobView bytes, const std::string& schema) {
  require_schema(target, schema);
  const Image image = copy_image(bytes);
  const auto source = open_image(image.get(), bytes.size());
  source->patience().set_busy_timeout(target.patience().busy_timeout());
  BackupOptions options;
  options.target_schema = schema;
  backup(*source, target, options);
}

}  // namespace libsql::engine
