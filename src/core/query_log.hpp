// The watch of a public QueryLog over one connection.
#pragma once

#include <memory>

#include <libsql/query_log.hpp>

#include "core/observer.hpp"

namespace libsql::core {

std::shared_ptr<StatementObserver> make_query_log_observer(const QueryLog& log);

}  // namespace libsql::core
