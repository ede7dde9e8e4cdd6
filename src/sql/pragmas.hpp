// What is known of PRAGMAs by their names: one table for all who must know what one does before the engine sees it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace libsql::sql {

/// What one does with a value, and without.
enum class PragmaKind : std::uint8_t {
  Reads,    // only looks; a value names a table, an index or a number of rows
  File,     // what the file says of itself; a value changes the file
  Setting,  // of the connection, which ends with it
  Cipher,   // of the encryption; handled before the engine sees it, and not on its list
};

/// Which values it takes. The engine reads an unknown word as 0, without a word.
enum class PragmaValues : std::uint8_t { Any, Flag, Number, Word };

/// Whether the server of the remote protocol runs it for clients.
enum class PragmaService : std::uint8_t {
  None,
  Asks,  // without a value
  Sets,  // with one, too
};

struct PragmaInfo {
  std::string_view name;  // in small letters
  PragmaKind kind;
  PragmaValues values = PragmaValues::Any;
  PragmaService service = PragmaService::None;
  std::span<const std::string_view> words = {};  // of PragmaValues::Word: the words and numbers it takes
  /// Without a value it may be sent again, and be asked by who may only read.
  bool plain_read = false;
  /// What a connection's reset() puts back by giving it the value that it answered before.
  bool restored = false;
  /// Dumps set it.
  bool dumped = false;
  /// How the file is laid out: holds for a new one only.
  bool layout = false;
  /// Does nothing in a transaction, or ends with it.
  bool bound_to_transaction = false;
  /// Bounds the memory of the whole process.
  bool heap_limit = false;
  /// Answers from the schema as the connection has read it.
  bool trusts_schema = false;
};

/// All that are known, by name.
std::span<const PragmaInfo> pragmas() noexcept;
/// What is known of one; null if nothing is. The name in any case, as it is written in SQL: with quotes or without.
const PragmaInfo* find_pragma(std::string_view name) noexcept;

/// Whether giving this PRAGMA a value changes a setting of the connection, which ends with it, and not the database.
/// The name as find_pragma() takes it, here and below.
bool is_connection_setting(std::string_view pragma) noexcept;

/// Whether the PRAGMA changes neither the database nor a setting, whatever its value is; one that is not known may.
bool only_reads(std::string_view pragma, bool has_value) noexcept;

/// Whether this PRAGMA bounds the memory of the whole process.
bool is_heap_limit(std::string_view pragma) noexcept;

}  // namespace libsql::sql
