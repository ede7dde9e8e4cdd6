#include "sql/pragmas.hpp"

#include <algorithm>
#include <array>

#include "sql/tokenizer.hpp"

namespace libsql::sql {
namespace {

constexpr std::array<std::string_view, 28> kConnectionSettings = {
    "analysis_limit",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "case_sensitive_like",
    "cell_size_check",
    "checkpoint_fullfsync",
    "defer_foreign_keys",
    "foreign_keys",
    "fullfsync",
    "hard_heap_limit",
    "locking_mode",
    "ignore_check_constraints",
    "legacy_alter_table",
    "mmap_size",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "secure_delete",
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

}  // namespace libsql::sql
