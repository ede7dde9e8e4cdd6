// Checks texts with the engine's parser, without a client's database.
#pragma once

#include <string>
#include <string_view>

#include "server/databases/statement_class.hpp"

namespace libsql::server {

/// The single statement in `sql`, without surrounding space, comments and semicolons. Throws StatementFailure
/// SQL_NO_STATEMENT, SQL_MANY_STATEMENTS, or SQL_PARSE_ERROR for a NUL character, where the engine would stop reading.
std::string_view only_statement(std::string_view sql);

/// Throws StatementFailure SQL_PARSE_ERROR if the parser refuses the statement whatever tables exist, or if the server
/// does not support it. `traits` are the statement's.
void require_supported(std::string_view statement, const StatementTraits& traits);

/// Throws StatementFailure SQL_PARSE_ERROR if the text contains a NUL character.
void require_no_nul(std::string_view sql);

/// The text for the engine. It differs for BEGIN READONLY, which is libSQL's own, and for PRAGMA database_list, which
/// would reveal the paths of the server's files.
std::string for_engine(std::string_view statement, const StatementTraits& traits);

}  // namespace libsql::server
