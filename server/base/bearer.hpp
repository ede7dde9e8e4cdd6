// What one bearer of credentials takes of the server, over all its connections, so that it leaves some to the others.
#pragma once

#include <memory>

#include "net/memory_account.hpp"
#include "server/base/budget.hpp"

namespace libsql::server {

/// Shared by all requests of one bearer. Threads: any number at once.
struct Bearer {
  Taken taken;  // of what is shared out
  /// Of requests that arrive and answers that leave.
  const std::shared_ptr<net::MemoryAccount> memory = std::make_shared<net::MemoryAccount>();
};

}  // namespace libsql::server
