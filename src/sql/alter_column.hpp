// libSQL's ALTER TABLE t ALTER COLUMN c TO c DEFINITION, in the words of an engine that does not parse it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace libsql::sql {

struct AlterColumn {
  std::string text;     // what the engine compiles: see engine/alter_column.h
  std::size_t end = 0;  // where the statement ends in the text it was found in, behind its semicolon
};

/// The first statement of `sql` if it is such a one, with or without EXPLAIN; nothing otherwise, which costs a look at
/// its first letter. Throws SqlError with the place if it would rename the column, or its definition is no part of a
/// CREATE TABLE.
std::optional<AlterColumn> alter_column(std::string_view sql);

}  // namespace libsql::sql
