// How many rows a query can have, as far as its text shows.
#pragma once

#include <cstdint>
#include <string_view>

namespace libsql::sql {

/// Whether a SELECT or VALUES shows by itself that it has few rows: it reads from no table, so there is one for each
/// SELECT and for each row of VALUES that is written there; or it ends with a LIMIT whose number is at most `most`.
bool has_few_rows(std::string_view query, std::int64_t most) noexcept;

}  // namespace libsql::sql
