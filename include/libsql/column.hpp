/// \file
/// What is known about a result column.
#pragma once

#include <string>

namespace libsql {

/// One column of a statement's result. The origin fields are empty for expressions, and where a mode cannot tell them.
struct Column {
  std::string name;           ///< as the AS clause says, else chosen by the engine
  std::string origin_name;    ///< the name in the table it comes from
  std::string table;          ///< the table it comes from
  std::string database;       ///< "main", "temp" or the name given to ATTACH
  std::string declared_type;  ///< as written in CREATE TABLE, such as "VARCHAR(20)"
};

}  // namespace libsql
