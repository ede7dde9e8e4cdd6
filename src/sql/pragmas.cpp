#include "sql/pragmas.hpp"

#include <algorithm>

namespace libsql::sql {
namespace {

constexpr std::array<std::string_view, 8> kSynchronous = {"off", "normal", "full", "extra", "0", "1", "2", "3"};
constexpr std::array<std::string_view, 6> kTempStore = {"default", "file", "memory", "0", "1", "2"};
constexpr std::array<std::string_view, 6> kAutoVacuum = {"none", "full", "incremental", "0", "1", "2"};
constexpr std::array<std::string_view, 2> kLockingMode = {"normal", "exclusive"};

using enum PragmaKind;
using enum PragmaValues;
using enum PragmaService;

// Those that act and are none of this (optimize, wal_checkpoint, incremental_vacuum, shrink_memory ...) are not here,
// nor those that take a key: keys do not go through SQL text, which logs may show.
// clang-format off
constexpr std::array<PragmaInfo, 82> kTable{{
    {.name = "algorithm", .kind = Cipher},
    {.name = "analysis_limit", .kind = Setting, .values = Number, .service = Asks, .restored = true},
    {.name = "application_id", .kind = File, .values = Number, .service = Asks, .plain_read = true, .dumped = true},
    {.name = "auto_vacuum", .kind = File, .values = Word, .service = Asks, .words = kAutoVacuum, .dumped = true, .layout = true},
    {.name = "automatic_index", .kind = Setting, .values = Flag, .service = Asks, .restored = true},
    {.name = "busy_timeout", .kind = Setting, .values = Number, .service = Asks},
    {.name = "cache_size", .kind = Setting, .values = Number, .service = Asks},
    {.name = "cache_spill", .kind = Setting, .service = Asks},
    {.name = "case_sensitive_like", .kind = Setting, .values = Flag},
    {.name = "cell_size_check", .kind = Setting, .values = Flag, .service = Asks, .restored = true},
    {.name = "checkpoint_fullfsync", .kind = Setting, .values = Flag, .service = Asks, .restored = true},
    {.name = "cipher", .kind = Cipher},
    {.name = "cipher_salt", .kind = Cipher},
    {.name = "collation_list", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "compile_options", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "count_changes", .kind = Setting, .restored = true},
    {.name = "data_version", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "database_list", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "default_cache_size", .kind = File},
    {.name = "defer_foreign_keys", .kind = Setting, .values = Flag, .service = Sets, .restored = true, .dumped = true, .bound_to_transaction = true},
    {.name = "empty_result_callbacks", .kind = Setting, .restored = true},
    {.name = "encoding", .kind = File, .service = Asks, .plain_read = true, .restored = true, .dumped = true, .layout = true},
    {.name = "fast_kdf_iter", .kind = Cipher},
    {.name = "foreign_key_check", .kind = Reads, .service = Sets, .plain_read = true, .trusts_schema = true},
    {.name = "foreign_key_list", .kind = Reads, .service = Sets, .plain_read = true, .trusts_schema = true},
    {.name = "foreign_keys", .kind = Setting, .values = Flag, .service = Sets, .restored = true, .dumped = true, .bound_to_transaction = true},
    {.name = "freelist_count", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "full_column_names", .kind = Setting, .restored = true},
    {.name = "fullfsync", .kind = Setting, .values = Flag, .service = Asks, .restored = true},
    {.name = "function_list", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "hard_heap_limit", .kind = Setting, .values = Number, .service = Asks, .heap_limit = true},
    {.name = "hmac_algorithm", .kind = Cipher},
    {.name = "hmac_check", .kind = Cipher},
    {.name = "hmac_pgno", .kind = Cipher},
    {.name = "hmac_salt_mask", .kind = Cipher},
    {.name = "hmac_use", .kind = Cipher},
    {.name = "ignore_check_constraints", .kind = Setting, .values = Flag, .restored = true},
    {.name = "index_info", .kind = Reads, .service = Sets, .plain_read = true, .trusts_schema = true},
    {.name = "index_list", .kind = Reads, .service = Sets, .plain_read = true, .trusts_schema = true},
    {.name = "index_xinfo", .kind = Reads, .service = Sets, .plain_read = true, .trusts_schema = true},
    {.name = "integrity_check", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "journal_mode", .kind = File, .service = Asks},
    {.name = "journal_size_limit", .kind = Setting, .values = Number, .service = Asks, .restored = true},
    {.name = "kdf_algorithm", .kind = Cipher},
    {.name = "kdf_iter", .kind = Cipher},
    {.name = "legacy", .kind = Cipher},
    {.name = "legacy_alter_table", .kind = Setting, .values = Flag, .service = Asks, .restored = true},
    {.name = "legacy_file_format", .kind = File, .service = Sets},
    {.name = "legacy_page_size", .kind = Cipher},
    {.name = "locking_mode", .kind = Setting, .values = Word, .service = Asks, .words = kLockingMode},
    {.name = "max_page_count", .kind = Setting, .values = Number, .service = Asks, .restored = true},
    {.name = "mc_legacy_wal", .kind = Cipher},
    {.name = "mcost", .kind = Cipher},
    {.name = "memory_security", .kind = Cipher},
    {.name = "mmap_size", .kind = Setting, .values = Number, .service = Asks, .restored = true},
    {.name = "module_list", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "page_count", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "page_size", .kind = File, .values = Number, .service = Asks, .plain_read = true, .restored = true, .layout = true},
    {.name = "pcost", .kind = Cipher},
    {.name = "plaintext_header_size", .kind = Cipher},
    {.name = "pragma_list", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "query_only", .kind = Setting, .values = Flag, .service = Asks, .restored = true},
    {.name = "quick_check", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "read_uncommitted", .kind = Setting, .values = Flag, .service = Asks, .restored = true},
    {.name = "recursive_triggers", .kind = Setting, .values = Flag, .service = Asks, .restored = true},
    {.name = "reverse_unordered_selects", .kind = Setting, .values = Flag, .service = Asks, .restored = true},
    {.name = "schema_version", .kind = File, .service = Asks, .plain_read = true},
    {.name = "secure_delete", .kind = Setting, .service = Asks, .restored = true},
    {.name = "short_column_names", .kind = Setting, .restored = true},
    {.name = "soft_heap_limit", .kind = Setting, .values = Number, .service = Asks, .heap_limit = true},
    {.name = "stats", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "synchronous", .kind = Setting, .values = Word, .service = Asks, .words = kSynchronous, .restored = true},
    {.name = "table_info", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "table_list", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "table_xinfo", .kind = Reads, .service = Sets, .plain_read = true},
    {.name = "tcost", .kind = Cipher},
    {.name = "temp_store", .kind = Setting, .values = Word, .service = Asks, .words = kTempStore, .restored = true},
    {.name = "threads", .kind = Setting, .values = Number, .service = Asks, .restored = true},
    {.name = "trusted_schema", .kind = Setting, .values = Flag, .service = Asks, .restored = true},
    {.name = "user_version", .kind = File, .values = Number, .service = Sets, .plain_read = true, .dumped = true},
    {.name = "wal_autocheckpoint", .kind = Setting, .values = Number, .service = Asks, .restored = true},
    {.name = "writable_schema", .kind = Setting, .restored = true, .dumped = true},
}};
// clang-format on

constexpr bool is_sorted() {
  for (std::size_t i = 1; i < kTable.size(); ++i) {
    if (kTable[i - 1].name >= kTable[i].name) return false;
  }
  return true;
}
static_assert(is_sorted());

constexpr char in_small(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// The content of any quotes that the engine takes for a name. No known name has a quote in it.
std::string_view without_quotes(std::string_view name) noexcept {
  if (name.size() < 2) return name;
  const char first = name.front();
  const char last = first == '[' ? ']' : first;
  const bool quoted = (first == '"' || first == '\'' || first == '`' || first == '[') && name.back() == last;
  return quoted ? name.substr(1, name.size() - 2) : name;
}

// As the letters of `a`, which are small, and those of `b` are ordered.
int compare(std::string_view a, std::string_view b) noexcept {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    const char other = in_small(b[i]);
    if (a[i] != other) return a[i] < other ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

}  // namespace

std::span<const PragmaInfo> pragmas() noexcept { return kTable; }

const PragmaInfo* find_pragma(std::string_view name) noexcept {
  name = without_quotes(name);
  const auto found =
      std::lower_bound(kTable.begin(), kTable.end(), name,
                       [](const PragmaInfo& info, std::string_view n) { return compare(info.name, n) < 0; });
  return found != kTable.end() && compare(found->name, name) == 0 ? &*found : nullptr;
}

bool is_connection_setting(std::string_view pragma) noexcept {
  const PragmaInfo* const info = find_pragma(pragma);
  return info != nullptr && info->kind == PragmaKind::Setting;
}

bool only_reads(std::string_view pragma, bool has_value) noexcept {
  const PragmaInfo* const info = find_pragma(pragma);
  if (info == nullptr || info->kind == PragmaKind::Cipher) return false;
  return info->kind == PragmaKind::Reads || !has_value;
}

bool is_heap_limit(std::string_view pragma) noexcept {
  const PragmaInfo* const info = find_pragma(pragma);
  return info != nullptr && info->heap_limit;
}

}  // namespace libsql::sql
