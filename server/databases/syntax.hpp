// Whether the engine's parser takes a text, asked without a database.
#pragma once

#include <string>
#include <string_view>

#include "server/databases/statement_class.hpp"

namespace libsql::server {

/// The one statement in `sql`, without what stands around it. Throws StatementFailure SQL_NO_STATEMENT,
/// SQL_MANY_STATEMENTS; SQL_PARSE_ERROR for a NUL character, at which the engine would stop to read.
std::string_view only_statement(std::string_view sql);

/// Throws StatementFailure SQL_PARSE_ERROR if the parser refuses the statement, whatever the tables may be, or if the
/// server does not support it. `traits` are those of the statement.
void require_supported(std::string_view statement, const StatementTraits& traits);

/// Throws StatementFailure SQL_PARSE_ERROR if there is a NUL character in the text.
void require_no_nul(std::string_view sql);

/// The statement as the engine is to have it: BEGIN READONLY is libSQL's own, and PRAGMA database_list would tell the
/// paths of the server's files.
std::string for_engine(std::string_view statement, const StatementTraits& traits);

}  // namespace libsql::server
