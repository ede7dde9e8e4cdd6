// Encryption of the file by SQLite3 Multiple Ciphers (https://utelle.github.io/SQLite3MultipleCiphers/).
#include <sqlite3.h>

#include <array>
#include <cstring>

#include "core/errors.hpp"
#include "engine/connection.hpp"

namespace libsql::engine {

#ifdef SQLITE3MC_VERSION_STRING

bool Connection::has_encryption() noexcept { return true; }

void Connection::choose_cipher() {
  const int index = sqlite3mc_cipher_index(cipher_.c_str());
  if (index <= 0) core::throw_error(ErrorCode::Configuration, "there is no cipher named '" + cipher_ + "'");
  if (sqlite3mc_config(db_, "cipher", index) < 0) {
    core::throw_error(ErrorCode::Configuration, "the cipher '" + cipher_ + "' cannot be chosen");
  }
  for (const auto& [parameter, value] : cipher_parameters_) {
    if (value < 0 || value > 0x7fffffff ||
        sqlite3mc_config_cipher(db_, cipher_.c_str(), parameter.c_str(), static_cast<int>(value)) != value) {
      core::throw_error(ErrorCode::Configuration, "the cipher '" + cipher_ + "' has no parameter '" + parameter +
                                                      "' that can be " + std::to_string(value));
    }
  }
}

void Connection::set_key(std::string_view cipher, const std::vector<std::pair<std::string, std::int64_t>>& parameters,
                         std::span<const std::byte> key) {
  require_open();
  cipher_ = cipher;
  cipher_parameters_ = parameters;
  choose_cipher();
  if (key.empty()) core::throw_error(ErrorCode::Configuration, "an encryption key cannot be empty");
  check(sqlite3_key_v2(db_, "main", key.data(), static_cast<int>(key.size())));
  key_.assign(key.begin(), key.end());
}

void Connection::rekey(std::span<const std::byte> key) {
  require_open();
  if (!is_autocommit()) core::throw_error(ErrorCode::Misuse, "the key cannot change inside a transaction");
  // The cipher extension rewrites pages through a rollback journal and refuses to in WAL mode.
  const std::string mode = query_text("PRAGMA journal_mode").value_or("");
  const bool wal = mode == "wal";
  if (wal) {
    // The engine does not tell when it cannot delete the log: one with frames of the old key would be read again later.
    const bool emptied = query_integer("PRAGMA wal_checkpoint(TRUNCATE)") == 0;
    if (!emptied || query_text("PRAGMA journal_mode=DELETE").value_or("") != "delete") {
      core::throw_error(ErrorCode::Busy, "the key can change only while no other connection uses the database");
    }
  }
  choose_cipher();  // the choice holds for one key only; without it the new key would come with the default cipher
  const int rc = sqlite3_rekey_v2(db_, "main", key.data(), static_cast<int>(key.size()));
  if (rc != SQLITE_OK) {
    // A failure at the very end may come after the change is done, and this connection would go on with the old key.
    abandon(
        "changing the key failed: open the database again, with the old key, or with the new one if that is refused");
    fail(rc);
  }
  key_.assign(key.begin(), key.end());
  if (!wal) return;
  try {
    query_text("PRAGMA journal_mode=WAL");
  } catch (const Error&) {  // The key has changed. Who opens the file next finds it with a rollback journal, which is
                            // as safe.
  }
}

bool Connection::is_encrypted(const std::string& schema) const {
  if (!key_.empty() && schema == "main") return true;
  unsigned char* const salt = sqlite3mc_codec_data(require_open(), schema.c_str(), "cipher_salt");
  sqlite3_free(salt);
  if (salt != nullptr) return true;
  // A cipher without salt. Its layer passes a read of the first 16 bytes through.
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db_, schema.c_str(), SQLITE_FCNTL_FILE_POINTER, &file);
  std::array<char, 16> start{};
  return file != nullptr && file->pMethods != nullptr &&
         file->pMethods->xRead(file, start.data(), static_cast<int>(start.size()), 0) == SQLITE_OK &&
         std::memcmp(start.data(), "SQLite format 3", start.size()) != 0;
}

bool Connection::share_key(Connection& other) const {
  if (key_.empty()) return false;
  other.set_key(cipher_, cipher_parameters_, key_);
  return true;
}

#else

bool Connection::is_encrypted(const std::string&) const { return false; }
bool Connection::share_key(Connection&) const { return false; }
bool Connection::has_encryption() noexcept { return false; }

void Connection::set_key(std::string_view, const std::vector<std::pair<std::string, std::int64_t>>&,
                         std::span<const std::byte>) {
  core::throw_unsupported("encryption", "engine");
}

void Connection::rekey(std::span<const std::byte>) { core::throw_unsupported("encryption", "engine"); }

#endif

}  // namespace libsql::engine
