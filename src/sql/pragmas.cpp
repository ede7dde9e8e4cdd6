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

// With a value, which names a table, an index or a number of rows, as without.
constexpr std::array<std::string_view, 19> kReading = {
    "collation_list",   "compile_options", "data_version",  "database_list", "foreign_key_check",
    "foreign_key_list", "freelist_count",  "function_list", "index_info",    "index_list",
    "index_xinfo",      "integrity_check", "module_list",   "page_count",    "pragma_list",
    "quick_check",      "table_info",      "table_list",    "table_xinfo"};
// What the file says of itself; read without a value.
constexpr std::array<std::string_view, 8> kOfTheFile = {"application_id", "auto_vacuum",  "default_cache_size",
                                                        "encoding",       "journal_mode", "page_size",
                                                        "schema_version", "user_version"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view pragma) noexcept {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return equals_ignoring_case(name, pragma); });
}

}  // namespace

bool is_connection_setting(std::string_view pragma) noexcept { return contains(kConnectionSettings, pragma); }

bool only_reads(std::string_view pragma, bool has_value) noexcept {
  return contains(kReading, pragma) ||
         (!has_value && (contains(kOfTheFile, pragma) || contains(kConnectionSettings, pragma)));
}

bool is_heap_limit(std::string_view pragma) noexcept {
  return equals_ignoring_case(pragma, "hard_heap_limit") || equals_ignoring_case(pragma, "soft_heap_limit");
}

}  // namespace libsql::sql
