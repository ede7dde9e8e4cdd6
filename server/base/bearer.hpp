// What one bearer of credentials uses of the server over all its connections. It is limited, so that some is left for
// others.
#pragma once

#include <memory>

#include "net/memory_account.hpp"
#include "server/base/budget.hpp"

namespace libsql::server {

/// Shared by all requests of one bearer. Threads: any number at once.
struct Bearer {
  Taken taken;  // counted against the budgets
  /// For requests on their way in and answers on their way out.
  const std::shared_ptr<net::MemoryAccount> memory = std::make_shared<net::MemoryAccount>();
};

}  // namespace libsql::server
