#include "sql/pragmas.hpp"

#include <algorithm>
#include <array>

#include "sql/tokenizer.hpp"

namespace libsql::sql {
namespace {

constexpr std::array<std::string_view, 34> kConnectionSettings = {
    "analysis_limit",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "case_sensitive_like",
    "cell_size_check",
    "checkpoint_fullfsync",
    "count_changes",
    "defer_foreign_keys",
    "empty_result_callbacks",
    "foreign_keys",
    "full_column_names",
    "fullfsync",
    "hard_heap_limit",
    "ignore_check_constraints",
    "journal_size_limit",
    "legacy_alter_table",
    "locking_mode",
    "max_page_count",
    "mmap_size",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "secure_delete",
    "short_column_names",
    "soft_heap_limit",
    "synchronous",
    "temp_store",
    "threads",
    "trusted_schema",
    "wal_autocheckpoint",
    "writable_schema",
};

}  // namespace

bool is_connection_setting(std::string_view pragma) noexcept {
  return std::any_of(kConnectionSettings.begin(), kConnectionSettings.end(),
                     [&](std::string_view name) { return equals_ignoring_case(name, pragma); });
}

bool is_heap_limit(std::string_view pragma) noexcept {
  return equals_ignoring_case(pragma, "hard_heap_limit") || equals_ignoring_case(pragma, "soft_heap_limit");
}

}  // namespace libsql::sql
