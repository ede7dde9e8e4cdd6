#pragma once

#include <optional>
#include <string>

struct sqlite3;

namespace libsql::functions {

/// What uuid4() and uuid7() return. The libSQL family answers with text, Turso with 16 bytes; the names that end in
/// _str, uuid() and gen_random_uuid() are text in both.
enum class UuidFlavour { Text, Blob };

struct RegisterOptions {
  UuidFlavour uuid_flavour = UuidFlavour::Text;
  /// The name that a server knows the database by; without it there is no libsql_server_database_name().
  std::optional<std::string> server_database_name = {};
};

/// Adds every SQL function of this room to the connection, replacing functions of the same name and arity.
/// Returns an SQLite result code; sqlite3_errmsg() of the connection explains one that is not SQLITE_OK.
int register_all(sqlite3* connection, const RegisterOptions& options = {}) noexcept;

/// Adds what all connections have alike to the functions of the library's own engine, once in a process, so that a
/// connection pays nothing for it: more than a hundred functions take longer to add than the rest of its opening. To
/// be called before a connection is opened.
void add_to_engine() noexcept;
/// As register_all(), without what add_to_engine() has added.
int register_rest(sqlite3* connection, const RegisterOptions& options = {}) noexcept;

/// The parts of register_all().
class Target;
int register_vector_functions(const Target& target) noexcept;
int register_uuid_functions(const Target& target) noexcept;
int register_uuid_blob_functions(const Target& target) noexcept;
int register_regexp_functions(const Target& target) noexcept;
int register_text_functions(const Target& target) noexcept;
int register_stats_functions(const Target& target) noexcept;
int register_math_functions(const Target& target) noexcept;
int register_crypto_functions(const Target& target) noexcept;
int register_fuzzy_functions(const Target& target) noexcept;
int register_text_collation(sqlite3* connection) noexcept;
int register_series(sqlite3* connection) noexcept;
int register_server_functions(sqlite3* connection, const std::string& database_name) noexcept;
int register_json_functions(sqlite3* connection) noexcept;

}  // namespace libsql::functions
