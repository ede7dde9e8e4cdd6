// What all routes of the admin API have in common.
#pragma once

#include <functional>
#include <string>

#include "server/admin/admin_api.hpp"
#include "server/http/router.hpp"

namespace libsql::server {

using AdminHandler = std::function<void(Exchange&, const AdminContext&)>;

/// Adds a route whose exceptions become answers: NamespaceError and AdminError with their own status, errors of the
/// engine and all others with 500. The latter are logged.
void add_admin_route(Router& router, const AdminContext& context, std::string method, std::string pattern,
                     AdminHandler handler);

/// 200, without a body or with JSON.
void answer_done(Exchange& exchange);
void answer_json(Exchange& exchange, std::string json);

}  // namespace libsql::server
