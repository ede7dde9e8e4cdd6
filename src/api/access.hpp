// The one door between the public handles and the rooms below.
#pragma once

#include <libsql/backup.hpp>
#include <libsql/builder.hpp>
#include <libsql/connection.hpp>
#include <libsql/database.hpp>
#include <libsql/rows.hpp>
#include <libsql/statement.hpp>
#include <libsql/transaction.hpp>

#include "core/backend.hpp"
#include "core/errors.hpp"

namespace libsql::detail {

struct Access {
  static Connection connection(std::shared_ptr<core::Session> session) { return Connection(std::move(session)); }
  static const std::shared_ptr<core::Session>& session(const Connection& connection) { return connection.session_; }
  static const std::shared_ptr<core::Session>& session(const Statement& statement) { return statement.session_; }
  static const std::shared_ptr<core::Stmt>& stmt(const Statement& statement) { return statement.stmt_; }
  static Statement statement(std::shared_ptr<core::Session> session, std::shared_ptr<core::Stmt> stmt) {
    return Statement(std::move(session), std::move(stmt));
  }
  static Rows rows(std::shared_ptr<core::Session> session, std::shared_ptr<core::Stmt> stmt) {
    return Rows(std::move(session), std::move(stmt));
  }
  static Transaction transaction(std::shared_ptr<core::Session> session, std::uint64_t mark) {
    return Transaction(std::move(session), mark);
  }
  static Savepoint savepoint(std::shared_ptr<core::Session> session, std::string name) {
    return Savepoint(std::move(session), std::move(name));
  }
  static SerializedDatabase serialized(std::byte* data, std::size_t size) noexcept { return {data, size}; }
  static Database database(std::shared_ptr<core::Store> store) { return Database(std::move(store)); }
  static const std::shared_ptr<core::Store>& store(const Database& database) { return database.store_; }
  static const LocalOptions& options(const LocalBuilder& builder) { return *builder.options_; }
  static const RemoteOptions& options(const RemoteBuilder& builder) { return *builder.options_; }

  /// The session of a handle that was not moved from. Throws Misuse.
  static core::Session& require_session(const std::shared_ptr<core::Session>& session) {
    if (session == nullptr) core::throw_error(ErrorCode::Misuse, "the object was moved from");
    return *session;
  }
  /// The engine's connection, for a feature that works on it. Throws Unsupported where the session does not offer the
  /// feature; Misuse.
  static engine::Connection& engine(const Connection& connection, core::Feature feature) {
    return engine(connection.session_, feature);
  }
  static engine::Connection& engine(const std::shared_ptr<core::Session>& session, core::Feature feature) {
    core::Session& held = require_session(session);
    held.features().require(feature);
    engine::Connection* engine = held.engine_connection();
    if (engine == nullptr) held.features().refuse(feature);
    return *engine;
  }
};

}  // namespace libsql::detail
