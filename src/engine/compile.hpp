// From SQL text to a statement of the engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sql/alter_column.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace libsql::engine {

class Connection;

/// How long the statement is meant to live.
enum class Persistence : std::uint8_t { Once, Cached };

/// What the text says that the engine does not.
struct TextTraits {
  bool trusts_schema = false;      // answers from the schema without making sure that it is that of now
  bool asks_journal_mode = false;  // the engine counts it with the statements that write
};
TextTraits text_traits(std::string_view sql);

/// Compiles the first statement of `sql`, and sets `tail` behind it. Null if there is nothing but space and comments
/// before the first semicolon. Throws SqlError, Auth, TooBig.
sqlite3_stmt* compile(Connection& connection, std::string_view sql, Persistence persistence, const char** tail);
/// Compiles a text that names no column for "x", for what the views and triggers that it uses hold: the engine resolves
/// them as a part of the statement, and cannot be told to take strings from them alone. Null if it is the statement's
/// own text that does not compile.
sqlite3_stmt* compile_with_strings_in_schema(sqlite3* db, std::string_view sql, unsigned flags, const char** tail);

/// What the engine is to compile in the place of ALTER TABLE .. ALTER COLUMN .. TO; nothing for all else.
std::optional<sql::AlterColumn> alter_column(Connection& connection, std::string_view sql);
bool alters_table(std::string_view sql) noexcept;

/// Whether a failed compilation can have to do with what the schema was when the connection read it.
bool may_be_out_of_date(int rc) noexcept;
/// Whether the last error was that.
bool misses_a_column(sqlite3* db) noexcept;

/// For a text with a NUL: the engine takes it for the end, and would run what comes before it as if that were all.
[[noreturn]] void throw_nul(Connection& connection, std::string_view sql, std::size_t offset);

}  // namespace libsql::engine
