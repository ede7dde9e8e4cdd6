// The watch of a public QueryLog over one connection.
#pragma once

#include <memory>

#include <libsql/query_log.hpp>

#include "engine/connection.hpp"

namespace libsql::engine {

std::shared_ptr<StatementObserver> make_query_log_observer(const QueryLog& log);

}  // namespace libsql::engine
