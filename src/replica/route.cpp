#include "replica/route.hpp"

#include <algorithm>
#include <array>

#include "sql/classify.hpp"
#include "sql/pragmas.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::replica {
namespace {

using sql::StatementKind;

// Settings that nothing but reading depends on.
constexpr std::array<std::string_view, 15> kOfReading = {
    "automatic_index",   "busy_timeout",       "cache_size",
    "cache_spill",       "cell_size_check",    "empty_result_callbacks",
    "full_column_names", "hard_heap_limit",    "mmap_size",
    "read_uncommitted",  "short_column_names", "reverse_unordered_selects",
    "soft_heap_limit",   "temp_store",         "threads"};
constexpr std::array<std::string_view, 5> kOfBoth = {"case_sensitive_like", "foreign_keys", "ignore_check_constraints",
                                                     "legacy_alter_table", "recursive_triggers"};
// What acts on the file here, or would send a key to the primary.
constexpr std::array<std::string_view, 8> kOfFile = {"hexkey",    "hexrekey",       "key",         "rekey", "textkey",
                                                     "textrekey", "wal_checkpoint", "journal_mode"};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) noexcept {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view one) { return sql::equals_ignoring_case(one, name); });
}

std::string_view without_quotes(std::string_view name) noexcept {
  if (name.size() < 2) return name;
  const char first = name.front();
  return first == '"' || first == '\'' || first == '`' || first == '[' ? name.substr(1, name.size() - 2) : name;
}

Route route_of_pragma(const sql::Classification& what) noexcept {
  if (what.access == sql::Access::Read) return Route::Copy;
  const std::string_view name = without_quotes(what.name);
  if (!what.has_value && sql::find_pragma(name) != nullptr) return Route::Here;  // a question
  if (is_one_of(name, kOfFile)) return Route::Refused;
  if (is_one_of(name, kOfReading) || sql::equals_ignoring_case(name, "shrink_memory")) return Route::Here;
  return is_one_of(name, kOfBoth) ? Route::Both : Route::Elsewhere;
}

Route route_of(const sql::Classification& what) noexcept {
  using enum StatementKind;
  if (what.kind == Pragma) return route_of_pragma(what);
  if (what.explain != sql::ExplainMode::None) return what.kind == Other ? Route::Elsewhere : Route::Copy;
  switch (what.kind) {
    case Empty:
    case Commit:  // of no transaction: the engine says so
    case Rollback:
    case RollbackTo:
    case Release:
      return Route::Here;
    case Select:
    case Values:
      return Route::CopyIfRead;
    case Begin:
      return what.begin == sql::BeginBehavior::ReadOnly ? Route::Copy : Route::Control;
    case Savepoint:
      return Route::Control;
    case Insert:
    case Replace:
    case Update:
    case Delete:
      return Route::Primary;
    case CreateTable:
    case CreateIndex:
    case CreateView:
    case CreateTrigger:
      return what.temporary ? Route::Elsewhere : Route::Primary;
    case DropTable:
    case DropIndex:
    case DropView:
    case DropTrigger:
      return Route::Primary;
    default:
      return Route::Elsewhere;
  }
}

}  // namespace

Route route_of(std::string_view sql) noexcept {
  sql::Tokenizer tokenizer(sql);
  const sql::Token first = tokenizer.next_significant();
  // No SELECT writes, whatever follows; nothing else is as common.
  if (sql::is_keyword(first, "SELECT")) [[likely]]
    return Route::Copy;
  return route_of(sql::classify(sql));
}

}  // namespace libsql::replica
