// Whether the engine's parser takes a text, asked without a database.
#pragma once

#include <string_view>

#include "server/statement_class.hpp"

namespace libsql::server {

/// The one statement in `sql`, without what stands around it. Throws StatementFailure SQL_NO_STATEMENT,
/// SQL_MANY_STATEMENTS.
std::string_view only_statement(std::string_view sql);

/// Throws StatementFailure SQL_PARSE_ERROR if the parser refuses the statement, whatever the tables may be, or if the
/// server does not support it. `traits` are those of the statement.
void require_supported(std::string_view statement, const StatementTraits& traits);

}  // namespace libsql::server
