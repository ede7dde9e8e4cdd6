// What is known of PRAGMAs by their names.
#pragma once

#include <string_view>

namespace libsql::sql {

/// Whether giving this PRAGMA a value changes a setting of the connection, which ends with it, and not the database.
/// The name in any case, without quotes.
bool is_connection_setting(std::string_view pragma) noexcept;

/// Whether the PRAGMA changes neither the database nor a setting, whatever its value is; one that is not known may. The
/// name in any case, without quotes.
bool only_reads(std::string_view pragma, bool has_value) noexcept;

/// Whether this PRAGMA bounds the memory of the whole process. The name in any case, without quotes.
bool is_heap_limit(std::string_view pragma) noexcept;

}  // namespace libsql::sql
