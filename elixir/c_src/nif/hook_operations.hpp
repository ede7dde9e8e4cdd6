// Operations that attach something to a connection: listeners whose events become messages, and rules.
#pragma once

#include <erl_nif.h>

#include "elixir/c_src/nif/operations.hpp"

namespace libsql::beam {

/// A process for {:ecto_libsql_update, :insert | :update | :delete, database, table, rowid}, or nil for none.
ERL_NIF_TERM update_hook(Operation& op);
/// A process for :ecto_libsql_commit and :ecto_libsql_rollback, or nil.
ERL_NIF_TERM commit_hook(Operation& op);
/// A process for {:ecto_libsql_changes, number, [{kind, table, old values or nil, new values or nil}], truncated?}, one
/// for each committed transaction, or nil.
ERL_NIF_TERM change_feed(Operation& op);
/// Rules [{:allow | :deny | :ignore, action or :any, table or nil, column or nil}], of which the first that fits
/// decides, or nil. What no rule fits is allowed.
ERL_NIF_TERM authorizer(Operation& op);

}  // namespace libsql::beam
