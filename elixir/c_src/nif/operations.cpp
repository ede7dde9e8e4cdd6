#include "elixir/c_src/nif/operations.hpp"

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <libsql/backup.hpp>
#include <libsql/batch.hpp>
#include <libsql/connection_info.hpp>
#include <libsql/error.hpp>
#include <libsql/hooks.hpp>
#include <libsql/replica.hpp>
#include <libsql/wal.hpp>

#include "elixir/c_src/nif/handles.hpp"
#include "elixir/c_src/nif/hook_operations.hpp"
#include "elixir/c_src/nif/terms.hpp"

namespace libsql::beam {

namespace {

ERL_NIF_TERM truth(ErlNifEnv* env, bool value) { return atom(env, value ? "true" : "false"); }

/// {:ok, value, whether a transaction is open}
ERL_NIF_TERM answer(const Operation& op, ERL_NIF_TERM value) {
  return enif_make_tuple3(op.env, atom(op.env, "ok"), value, truth(op.env, in_transaction(op.session)));
}

ERL_NIF_TERM done(const Operation& op) { return answer(op, atom(op.env, "nil")); }

bool is_nil(const Operation& op, std::size_t index) { return is_atom(op.env, op.arguments[index], "nil"); }

std::string_view text(const Operation& op, std::size_t index) { return text_of(op.env, op.arguments[index]); }
std::int64_t integer(const Operation& op, std::size_t index) { return integer_of(op.env, op.arguments[index]); }

/// The number that a handle has within this connection.
std::uint64_t id_of(const Operation& op, std::size_t index, HandleKind kind, const char* what) {
  const auto handle = read_handle(text(op, index));
  if (!handle || handle->kind != kind) throw UnknownHandle{what};
  if (handle->connection != op.connection) throw ForeignHandle{what};
  return handle->id;
}

/// Checks the transaction that a statement is to run in, if one is named.
void check_transaction(const Operation& op, std::size_t index) {
  if (!is_nil(op, index)) op.session.check_transaction(id_of(op, index, HandleKind::Transaction, "Transaction"));
}

/// {:ok, names or nil, rows, changes, last rowid, whether a transaction is open}
ERL_NIF_TERM result(const Operation& op, const TermSink& sink, const Outcome& outcome) {
  return enif_make_tuple6(op.env, atom(op.env, "ok"), sink.names(), sink.rows(),
                          enif_make_uint64(op.env, outcome.changes), enif_make_int64(op.env, outcome.last_insert_rowid),
                          truth(op.env, in_transaction(op.session)));
}

ERL_NIF_TERM handle_answer(const Operation& op, HandleKind kind, std::uint64_t id) {
  return answer(op, make_handle(op.env, Handle{kind, op.connection, id}));
}

ERL_NIF_TERM open(Operation& op) {
  op.session.open(open_options(op.env, op.arguments[0]));
  return done(op);
}

// sql, arguments, transaction or nil, most rows or nil
ERL_NIF_TERM run(Operation& op) {
  check_transaction(op, 2);
  const TermArguments arguments(op.env, op.arguments[1]);
  TermSink sink(op.env);
  std::optional<std::uint64_t> max_rows;
  if (!is_nil(op, 3)) max_rows = static_cast<std::uint64_t>(integer(op, 3));
  const Outcome outcome = op.session.run(text(op, 0), arguments.view(), sink, max_rows);
  return result(op, sink, outcome);
}

ERL_NIF_TERM begin(Operation& op) {
  const std::string behavior = atom_name(op.env, op.arguments[0]);
  const auto chosen = behavior == "immediate"   ? TransactionBehavior::Immediate
                      : behavior == "exclusive" ? TransactionBehavior::Exclusive
                      : behavior == "read_only" ? TransactionBehavior::ReadOnly
                                                : TransactionBehavior::Deferred;
  return handle_answer(op, HandleKind::Transaction, op.session.begin(chosen));
}

ERL_NIF_TERM commit(Operation& op) {
  op.session.commit(id_of(op, 0, HandleKind::Transaction, "Transaction"));
  return done(op);
}

ERL_NIF_TERM rollback(Operation& op) {
  op.session.rollback(id_of(op, 0, HandleKind::Transaction, "Transaction"));
  return done(op);
}

ERL_NIF_TERM transaction_status(Operation& op) {
  check_transaction(op, 0);
  return done(op);
}

ERL_NIF_TERM prepare(Operation& op) {
  return handle_answer(op, HandleKind::Statement, op.session.prepare(text(op, 0)));
}

std::uint64_t statement_id(const Operation& op) { return id_of(op, 0, HandleKind::Statement, "Statement"); }

// statement, arguments
ERL_NIF_TERM run_statement(Operation& op) {
  const std::uint64_t id = statement_id(op);
  op.session.statement(id);
  const TermArguments arguments(op.env, op.arguments[1]);
  TermSink sink(op.env);
  const Outcome outcome = op.session.run_statement(id, arguments.view(), sink);
  return result(op, sink, outcome);
}

ERL_NIF_TERM reset_statement(Operation& op) {
  op.session.statement(statement_id(op)).reset();
  return done(op);
}

/// [{name, origin, declared type or nil, table or nil, database or nil}]
ERL_NIF_TERM statement_columns(Operation& op) {
  const auto or_nil = [&](const std::string& value) {
    return value.empty() ? atom(op.env, "nil") : binary(op.env, value);
  };
  std::vector<ERL_NIF_TERM> columns;
  for (const Column& column : op.session.statement(statement_id(op)).columns()) {
    const std::string& origin = column.origin_name.empty() ? column.name : column.origin_name;
    columns.push_back(enif_make_tuple5(op.env, binary(op.env, column.name), binary(op.env, origin),
                                       or_nil(column.declared_type), or_nil(column.table), or_nil(column.database)));
  }
  return answer(op, list(op.env, columns));
}

/// The names of all parameters, nil where one has none.
ERL_NIF_TERM statement_parameters(Operation& op) {
  const Statement& statement = op.session.statement(statement_id(op));
  std::vector<ERL_NIF_TERM> names;
  for (int number = 1; number <= statement.parameter_count(); ++number) {
    const std::string_view name = statement.parameter_name(number);
    names.push_back(name.empty() ? atom(op.env, "nil") : binary(op.env, name));
  }
  return answer(op, list(op.env, names));
}

// sql, arguments, transaction or nil
ERL_NIF_TERM declare_cursor(Operation& op) {
  check_transaction(op, 2);
  const TermArguments arguments(op.env, op.arguments[1]);
  return handle_answer(op, HandleKind::Cursor, op.session.open_cursor(text(op, 0), arguments.view()));
}

// cursor, most rows, most bytes -> {names, rows, count, whether that was all}
ERL_NIF_TERM fetch_cursor(Operation& op) {
  TermSink sink(op.env);
  bool finished = false;
  const std::uint64_t count =
      op.session.fetch(id_of(op, 0, HandleKind::Cursor, "Cursor"), static_cast<std::uint64_t>(integer(op, 1)),
                       static_cast<std::size_t>(integer(op, 2)), sink, finished);
  return answer(op, enif_make_tuple4(op.env, sink.names(), sink.rows(), enif_make_uint64(op.env, count),
                                     truth(op.env, finished)));
}

// A statement, transaction or cursor of this connection.
ERL_NIF_TERM drop(Operation& op) {
  const auto handle = read_handle(text(op, 0));
  const bool found = handle && handle->connection == op.connection && op.session.drop(handle->id);
  return answer(op, truth(op.env, found));
}

BatchStatement batch_statement(Operation& op, ERL_NIF_TERM pair) {
  const auto parts = tuple_of(op.env, pair);
  if (parts.size() != 2) throw BadTerm{};
  const TermArguments given(op.env, parts[1]);
  BatchStatement statement{std::string(text_of(op.env, parts[0]))};
  const Arguments arguments = given.view();
  for (const ValueRef& value : arguments.positional) statement.params.add(value);
  for (const auto& [name, value] : arguments.named) statement.params.add(name, value);
  return statement;
}

/// [{names or nil, rows, changes, last rowid}]
ERL_NIF_TERM batch_answer(const Operation& op, const BatchResult& results) {
  std::vector<ERL_NIF_TERM> terms;
  for (const StatementResult& one : results) {
    std::vector<ERL_NIF_TERM> names, rows;
    for (const std::string& name : one.columns) names.push_back(binary(op.env, name));
    for (const OwnedRow& row : one.rows) {
      std::vector<ERL_NIF_TERM> cells;
      for (const Value& value : row.values()) cells.push_back(term_of(op.env, value.ref()));
      rows.push_back(list(op.env, cells));
    }
    terms.push_back(enif_make_tuple4(op.env, names.empty() ? atom(op.env, "nil") : list(op.env, names),
                                     list(op.env, rows), enif_make_uint64(op.env, one.changes),
                                     enif_make_int64(op.env, one.last_insert_rowid)));
  }
  return answer(op, list(op.env, terms));
}

// [{sql, arguments}], whether in one transaction
ERL_NIF_TERM batch(Operation& op) {
  std::vector<BatchStatement> statements;
  for_each(op.env, op.arguments[0], [&](ERL_NIF_TERM pair) { statements.push_back(batch_statement(op, pair)); });
  const bool together = is_atom(op.env, op.arguments[1], "true");
  op.session.will_write();
  Connection& conn = op.session.connection();
  return batch_answer(op, together ? conn.execute_transactional_batch(statements) : conn.execute_batch(statements));
}

// a script, whether in one transaction
ERL_NIF_TERM script(Operation& op) {
  const std::string_view sql = text(op, 0);
  op.session.will_write();
  Connection& conn = op.session.connection();
  return batch_answer(
      op, is_atom(op.env, op.arguments[1], "true") ? conn.execute_transactional_batch(sql) : conn.execute_batch(sql));
}

// sql, [arguments]: one statement for each, in one transaction
ERL_NIF_TERM execute_many(Operation& op) {
  std::vector<Params> sets;
  for_each(op.env, op.arguments[1], [&](ERL_NIF_TERM term) {
    const TermArguments given(op.env, term);
    const Arguments arguments = given.view();
    Params& params = sets.emplace_back();
    for (const ValueRef& value : arguments.positional) params.add(value);
    for (const auto& [name, value] : arguments.named) params.add(name, value);
  });
  op.session.will_write();
  return answer(op, enif_make_uint64(op.env, op.session.connection().execute_many(text(op, 0), sets)));
}

ERL_NIF_TERM ping(Operation& op) {
  op.session.connection().ping();
  return done(op);
}

ERL_NIF_TERM counters(Operation& op) {
  const Connection& conn = op.session.connection();
  ERL_NIF_TERM map = enif_make_new_map(op.env);
  put(op.env, map, "changes", enif_make_uint64(op.env, conn.changes()));
  put(op.env, map, "total_changes", enif_make_uint64(op.env, conn.total_changes()));
  put(op.env, map, "last_insert_rowid", enif_make_int64(op.env, conn.last_insert_rowid()));
  put(op.env, map, "is_autocommit", truth(op.env, conn.is_autocommit()));
  return answer(op, map);
}

ERL_NIF_TERM statistics(Operation& op) {
  const ConnectionStatistics counted = op.session.connection().statistics();
  ERL_NIF_TERM map = enif_make_new_map(op.env);
  const auto number = [&](const char* name, std::uint64_t value) {
    put(op.env, map, name, enif_make_uint64(op.env, value));
  };
  number("queries_executed", counted.statements);
  number("rows", counted.rows);
  number("changes", counted.changes);
  number("transactions", counted.transactions);
  number("commits", counted.commits);
  number("rollbacks", counted.rollbacks);
  number("errors", counted.errors);
  number("cache_hits", counted.cache_hits);
  number("cache_misses", counted.cache_misses);
  number("cache_evictions", counted.cache_evictions);
  number("cached_statements", counted.cached_statements);
  number("cached_bytes", counted.cached_bytes);
  number("busy_waits", counted.busy_waits);
  return answer(op, map);
}

ERL_NIF_TERM busy_timeout(Operation& op) {
  op.session.connection().busy_timeout(std::chrono::milliseconds(integer(op, 0)));
  return done(op);
}

// whether settings, temporary objects and hooks go too
ERL_NIF_TERM reset(Operation& op) {
  op.session.reset(is_atom(op.env, op.arguments[0], "true"));
  return done(op);
}

ERL_NIF_TERM cacheflush(Operation& op) {
  op.session.connection().cacheflush();
  return done(op);
}

// file, entry point
ERL_NIF_TERM load_extension(Operation& op) {
  Connection& conn = op.session.connection();
  const ExtensionGuard guard = conn.enable_load_extension();
  conn.load_extension(std::filesystem::path(std::string(text(op, 0))),
                      is_nil(op, 1) ? std::string_view() : text(op, 1));
  return done(op);
}

ERL_NIF_TERM can_load_extensions(Operation& op) {
  const ExtensionGuard guard = op.session.connection().enable_load_extension();
  return done(op);
}

ERL_NIF_TERM reserved_bytes(Operation& op) {
  Connection& conn = op.session.connection();
  if (!is_nil(op, 0)) conn.set_reserved_bytes(static_cast<int>(integer(op, 0)));
  return answer(op, enif_make_int(op.env, conn.reserved_bytes()));
}

ERL_NIF_TERM rekey(Operation& op) {
  op.session.connection().rekey(text(op, 0));
  return done(op);
}

ERL_NIF_TERM backup_to(Operation& op) {
  const std::filesystem::path target{std::string(text(op, 0))};
  return answer(op, atom(op.env, backup(op.session.connection(), target) == BackupOutcome::Completed ? "completed"
                                                                                                     : "cancelled"));
}

ERL_NIF_TERM wal_frame_count(Operation& op) {
  return answer(op, enif_make_uint(op.env, Wal(op.session.connection()).frame_count()));
}

ERL_NIF_TERM wal_frame(Operation& op) {
  const auto frame = Wal(op.session.connection()).frame(static_cast<std::uint32_t>(integer(op, 0)));
  return answer(op, binary(op.env, {reinterpret_cast<const char*>(frame.data()), frame.size()}));
}

ERL_NIF_TERM wal_changed_pages_after(Operation& op) {
  std::vector<ERL_NIF_TERM> pages;
  for (const std::uint32_t page :
       Wal(op.session.connection()).changed_pages_after(static_cast<std::uint32_t>(integer(op, 0)))) {
    pages.push_back(enif_make_uint(op.env, page));
  }
  return answer(op, list(op.env, pages));
}

ERL_NIF_TERM wal_checkpoint(Operation& op) {
  const std::string mode = atom_name(op.env, op.arguments[0]);
  const auto chosen = mode == "full"       ? WalCheckpointMode::Full
                      : mode == "restart"  ? WalCheckpointMode::Restart
                      : mode == "truncate" ? WalCheckpointMode::Truncate
                                           : WalCheckpointMode::Passive;
  const WalCheckpointResult moved = Wal(op.session.connection()).checkpoint(chosen);
  return answer(op, enif_make_tuple2(op.env, enif_make_uint(op.env, moved.log_frames),
                                     enif_make_uint(op.env, moved.checkpointed)));
}

ERL_NIF_TERM wal_insert_begin(Operation& op) {
  op.session.begin_wal_insert();
  return done(op);
}

// number, bytes
ERL_NIF_TERM wal_insert_frame(Operation& op) {
  op.session.wal_insert().frame(static_cast<std::uint32_t>(integer(op, 0)), std::as_bytes(std::span(text(op, 1))));
  return done(op);
}

ERL_NIF_TERM wal_insert_end(Operation& op) {
  op.session.end_wal_insert();
  return done(op);
}

ERL_NIF_TERM frame_term(const Operation& op, std::optional<FrameNumber> frame) {
  return frame ? enif_make_uint64(op.env, *frame) : atom(op.env, "nil");
}

// a frame or nil -> what the sync did
ERL_NIF_TERM sync(Operation& op) {
  std::optional<FrameNumber> until;
  if (!is_nil(op, 0)) until = static_cast<FrameNumber>(integer(op, 0));
  const SyncReport report = op.session.sync(until);
  ERL_NIF_TERM map = enif_make_new_map(op.env);
  put(op.env, map, "frame_no", frame_term(op, report.frame_no));
  put(op.env, map, "frames_synced", enif_make_uint64(op.env, report.frames_synced));
  put(op.env, map, "bytes_received", enif_make_uint64(op.env, report.bytes_received));
  put(op.env, map, "took_snapshot", truth(op.env, report.took_snapshot));
  return answer(op, map);
}

/// How far the replica is, and the highest frame of its own writes; asks nobody.
ERL_NIF_TERM frames(Operation& op) {
  const Replica replica = op.session.replica();
  return answer(op, enif_make_tuple2(op.env, frame_term(op, replica.replication_index()),
                                     frame_term(op, replica.max_write_replication_index())));
}

ERL_NIF_TERM freeze(Operation& op) {
  op.session.freeze();
  return done(op);
}

constexpr std::array kOperations{
    OperationEntry{"run", 4, run},
    OperationEntry{"sync", 1, sync},
    OperationEntry{"frames", 0, frames},
    OperationEntry{"freeze", 0, freeze},
    OperationEntry{"begin", 1, begin},
    OperationEntry{"commit", 1, commit},
    OperationEntry{"rollback", 1, rollback},
    OperationEntry{"run_statement", 2, run_statement},
    OperationEntry{"fetch_cursor", 3, fetch_cursor},
    OperationEntry{"declare_cursor", 3, declare_cursor},
    OperationEntry{"prepare", 1, prepare},
    OperationEntry{"drop", 1, drop, true},
    OperationEntry{"open", 1, open},
    OperationEntry{"transaction_status", 1, transaction_status, true},
    OperationEntry{"reset_statement", 1, reset_statement},
    OperationEntry{"statement_columns", 1, statement_columns},
    OperationEntry{"statement_parameters", 1, statement_parameters},
    OperationEntry{"batch", 2, batch},
    OperationEntry{"script", 2, script},
    OperationEntry{"execute_many", 2, execute_many},
    OperationEntry{"ping", 0, ping},
    OperationEntry{"counters", 0, counters},
    OperationEntry{"statistics", 0, statistics},
    OperationEntry{"busy_timeout", 1, busy_timeout},
    OperationEntry{"reset", 1, reset},
    OperationEntry{"cacheflush", 0, cacheflush},
    OperationEntry{"load_extension", 2, load_extension},
    OperationEntry{"can_load_extensions", 0, can_load_extensions},
    OperationEntry{"reserved_bytes", 1, reserved_bytes},
    OperationEntry{"rekey", 1, rekey},
    OperationEntry{"backup", 1, backup_to},
    OperationEntry{"wal_frame_count", 0, wal_frame_count},
    OperationEntry{"wal_frame", 1, wal_frame},
    OperationEntry{"wal_changed_pages_after", 1, wal_changed_pages_after},
    OperationEntry{"wal_checkpoint", 1, wal_checkpoint},
    OperationEntry{"wal_insert_begin", 0, wal_insert_begin},
    OperationEntry{"wal_insert_frame", 2, wal_insert_frame},
    OperationEntry{"wal_insert_end", 0, wal_insert_end},
    OperationEntry{"update_hook", 1, update_hook},
    OperationEntry{"commit_hook", 1, commit_hook},
    OperationEntry{"change_feed", 1, change_feed},
    OperationEntry{"authorizer", 1, authorizer},
};

}  // namespace

std::span<const OperationEntry> operations() noexcept { return kOperations; }

bool in_transaction(const Session& session) noexcept {
  try {
    return session.in_transaction();
  } catch (...) {
    return false;
  }
}

}  // namespace libsql::beam
