/// \file
/// The values that PRAGMAs take and return, as C++ types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/export.hpp>

namespace libsql {

/// How a transaction can be undone (https://www.sqlite.org/pragma.html#pragma_journal_mode).
enum class JournalMode : std::uint8_t { Delete, Truncate, Persist, Memory, Wal, Off };
/// When the engine waits for the disk (https://www.sqlite.org/pragma.html#pragma_synchronous). The numbers are the
/// engine's.
enum class Synchronous : std::uint8_t { Off = 0, Normal = 1, Full = 2, Extra = 3 };
enum class TempStore : std::uint8_t { Default = 0, File = 1, Memory = 2 };
enum class AutoVacuum : std::uint8_t { None = 0, Full = 1, Incremental = 2 };
enum class LockingMode : std::uint8_t { Normal, Exclusive };
/// Whether deleted content is overwritten with zeros; Fast: only where that costs no more I/O.
enum class SecureDelete : std::uint8_t { Off = 0, On = 1, Fast = 2 };
/// How the file stores text.
enum class TextEncoding : std::uint8_t { Utf8, Utf16Le, Utf16Be };

/// The words that SQL uses: "wal", "UTF-8". Valid for the program's lifetime.
LIBSQL_EXPORT std::string_view to_string(JournalMode mode) noexcept;
LIBSQL_EXPORT std::string_view to_string(LockingMode mode) noexcept;
LIBSQL_EXPORT std::string_view to_string(TextEncoding encoding) noexcept;

/// The limit of a page cache, in pages or in bytes.
class CacheSize final {
 public:
  static constexpr CacheSize pages(std::int64_t count) noexcept { return CacheSize(count); }
  static constexpr CacheSize kib(std::int64_t amount) noexcept { return CacheSize(-amount); }
  static constexpr CacheSize mib(std::int64_t amount) noexcept { return CacheSize(-amount * 1024); }
  /// As the PRAGMA has it: pages, or negative KiB.
  static constexpr CacheSize from_pragma(std::int64_t value) noexcept { return CacheSize(value); }
  constexpr std::int64_t pragma_value() const noexcept { return value_; }

  constexpr bool is_in_pages() const noexcept { return value_ >= 0; }
  /// The limit in bytes, for a page size.
  constexpr std::int64_t bytes(std::int64_t page_size) const noexcept {
    return value_ >= 0 ? value_ * page_size : -value_ * 1024;
  }
  friend constexpr bool operator==(CacheSize, CacheSize) noexcept = default;

 private:
  constexpr explicit CacheSize(std::int64_t value) noexcept : value_(value) {}
  std::int64_t value_;
};

/// What a checkpoint did. Both counts are -1 if the database is not in WAL mode.
struct CheckpointResult {
  bool busy = false;               ///< a reader or writer kept it from completing
  std::int64_t log = -1;           ///< frames in the log
  std::int64_t checkpointed = -1;  ///< of these, how many are in the main file
};

/// Whether a column is stored, and whether `SELECT *` shows it.
enum class ColumnKind : std::uint8_t { Normal = 0, Hidden = 1, GeneratedVirtual = 2, GeneratedStored = 3 };

struct TableColumn {
  int position = 0;  ///< from 0
  std::string name;
  std::string declared_type;
  bool not_null = false;
  std::optional<std::string> default_value;  ///< as an SQL expression
  int primary_key = 0;                       ///< place in the primary key, from 1; 0: not part of it
  ColumnKind kind = ColumnKind::Normal;
};

/// What made an index: CREATE INDEX, or a constraint of the table.
enum class IndexOrigin : std::uint8_t { CreateIndex, Unique, PrimaryKey };

struct IndexEntry {
  std::string name;
  bool unique = false;
  IndexOrigin origin = IndexOrigin::CreateIndex;
  bool partial = false;
};

/// A column of an index.
struct IndexColumn {
  int position = 0;                 ///< in the index, from 0
  std::optional<int> table_column;  ///< its place in the table; nothing for an expression and for the rowid
  bool is_rowid = false;
  std::string name;  ///< empty for an expression and for the rowid
  bool descending = false;
  std::string collation;
  bool key = true;  ///< false: stored with the key, such as the rowid
};

struct ForeignKey {
  int id = 0;
  std::string parent;  ///< the table referred to
  std::vector<std::string> columns;
  std::vector<std::string> parent_columns;  ///< empty if the declaration leaves them out: the parent's primary key
  std::string on_update;                    ///< "NO ACTION", "CASCADE", ...
  std::string on_delete;
  std::string match;
};

struct TableEntry {
  std::string schema;
  std::string name;
  std::string type;  ///< "table", "view", "shadow" or "virtual"
  int columns = 0;
  bool without_rowid = false;
  bool strict = false;
};

struct DatabaseEntry {
  int number = 0;  ///< 0: main, 1: temp, then the attached ones
  std::string name;
  std::string file;  ///< empty for databases in memory and temporary ones
};

struct FunctionEntry {
  std::string name;
  bool builtin = false;
  std::string type;        ///< "s": scalar, "a": aggregate, "w": window
  int argument_count = 0;  ///< -1: any
  bool deterministic = false;
};

/// A row whose foreign key refers to no row.
struct ForeignKeyViolation {
  std::string table;
  std::optional<std::int64_t> rowid;  ///< nothing in a table WITHOUT ROWID
  std::string parent;
  int foreign_key = 0;  ///< ForeignKey::id
};

}  // namespace libsql
