#include "engine/user_functions.hpp"

#include <sqlite3.h>

#include "core/errors.hpp"
#include "engine/connection_state.hpp"
#include "engine/values.hpp"

namespace libsql {

namespace detail {

struct SinkAccess {
  static ResultSink sink(sqlite3_context* context) noexcept { return ResultSink(context); }
};

AggregateState::~AggregateState() = default;
void AggregateState::inverse(Arguments) {}
void AggregateState::value(ResultSink&) {}

void throw_argument_error(std::size_t index, const Error& error) {
  ErrorData data = core::error_data(error);
  data.message = "argument " + std::to_string(index + 1) + ": " + data.message;
  core::throw_error(std::move(data));
}

}  // namespace detail

void ResultSink::set_value(ValueRef value) {
  auto* context = static_cast<sqlite3_context*>(context_);
  switch (value.type()) {
    case ValueType::Null:
      sqlite3_result_null(context);
      break;
    case ValueType::Integer:
      sqlite3_result_int64(context, value.integer());
      break;
    case ValueType::Real:
      sqlite3_result_double(context, value.real());
      break;
    case ValueType::Text:
      sqlite3_result_text64(context, value.text().empty() ? "" : value.text().data(), value.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8);
      break;
    case ValueType::Blob:
      if (value.is_zero_blob()) {
        sqlite3_result_zeroblob64(context, value.size());
      } else if (value.size() == 0) {
        sqlite3_result_zeroblob(context, 0);
      } else {
        sqlite3_result_blob64(context, value.blob().data(), value.size(), SQLITE_TRANSIENT);
      }
      break;
  }
}

}  // namespace libsql

namespace libsql::engine {
namespace {

struct Scalar {
  Connection& connection;
  detail::ScalarBody body;
};
struct Aggregate {
  Connection& connection;
  detail::AggregateFactory factory;
};
struct Collation {
  Connection& connection;
  detail::Comparison compare;
};

// What the engine keeps for one run of an aggregate: zeroed memory that it frees itself.
struct Run {
  detail::AggregateState* state;
  bool failed;
};

template <class T>
void destroy(void* object) noexcept {
  delete static_cast<T*>(object);
}

template <class Body>
void guard_function(Connection& connection, sqlite3_context* context, Body&& body) noexcept {
  // The engine itself looks at the clock between its own operations only, and a function may take longer than many.
  if (connection.patience().may_end_call() && connection.patience().must_end_call()) {
    sqlite3_result_error_code(context, SQLITE_INTERRUPT);
    return;
  }
  const Connection::CallbackScope scope(connection);
  try {
    body();
    if (connection.patience().may_end_call() && connection.patience().must_end_call())
      sqlite3_result_error_code(context, SQLITE_INTERRUPT);
  } catch (...) {
    report_exception(connection, context);
  }
}

void call_scalar(sqlite3_context* context, int count, sqlite3_value** values) noexcept {
  auto& scalar = *static_cast<Scalar*>(sqlite3_user_data(context));
  guard_function(scalar.connection, context, [&] {
    const ArgumentViews arguments(count, values);
    ResultSink sink = make_sink(context);
    scalar.body(arguments.views(), sink);
  });
}

template <class Body>
void with_run(sqlite3_context* context, Body&& body) noexcept {
  auto& aggregate = *static_cast<Aggregate*>(sqlite3_user_data(context));
  auto* run = static_cast<Run*>(sqlite3_aggregate_context(context, sizeof(Run)));
  if (run == nullptr) {
    sqlite3_result_error_nomem(context);
    return;
  }
  if (run->failed) return;
  bool done = false;
  guard_function(aggregate.connection, context, [&] {
    if (run->state == nullptr) run->state = aggregate.factory().release();
    body(*run->state);
    done = true;
  });
  run->failed = !done;
}

void step_aggregate(sqlite3_context* context, int count, sqlite3_value** values) noexcept {
  with_run(context, [&](detail::AggregateState& state) { state.step(ArgumentViews(count, values).views()); });
}
void inverse_aggregate(sqlite3_context* context, int count, sqlite3_value** values) noexcept {
  with_run(context, [&](detail::AggregateState& state) { state.inverse(ArgumentViews(count, values).views()); });
}
void value_aggregate(sqlite3_context* context) noexcept {
  with_run(context, [&](detail::AggregateState& state) {
    ResultSink sink = make_sink(context);
    state.value(sink);
  });
}
void finish_aggregate(sqlite3_context* context) noexcept {
  auto& aggregate = *static_cast<Aggregate*>(sqlite3_user_data(context));
  // No memory: there was no row.
  auto* run = static_cast<Run*>(sqlite3_aggregate_context(context, 0));
  std::unique_ptr<detail::AggregateState> state(run == nullptr ? nullptr : std::exchange(run->state, nullptr));
  if (run != nullptr && run->failed) return;
  guard_function(aggregate.connection, context, [&] {
    if (state == nullptr) state = aggregate.factory();
    ResultSink sink = make_sink(context);
    state->finish(sink);
  });
}

int compare(void* object, int size_a, const void* a, int size_b, const void* b) noexcept {
  auto& collation = *static_cast<Collation*>(object);
  const Connection::CallbackScope scope(collation.connection, "collation");
  try {
    // A sort is one operation of the engine, which looks at nothing meanwhile.
    if (collation.connection.has_kept_exception()) return 0;
    if (collation.connection.patience().may_end_call()) collation.connection.patience().end_call_if_due();
    return collation.compare({static_cast<const char*>(a), static_cast<std::size_t>(size_a)},
                             {static_cast<const char*>(b), static_cast<std::size_t>(size_b)});
  } catch (...) {
    collation.connection.keep_current_exception_and_interrupt();
    return 0;
  }
}

std::string checked_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || name.find('\0') != std::string_view::npos) {
    core::throw_error(ErrorCode::Misuse, "a function or collation needs a name of 1 to 255 bytes without NUL");
  }
  return std::string(name);
}

int engine_flags(FunctionFlags flags) noexcept {
  const auto has = [&](FunctionFlags flag) {
    return (static_cast<unsigned>(flags) & static_cast<unsigned>(flag)) != 0;
  };
  int result = SQLITE_UTF8;
  if (has(FunctionFlags::Deterministic)) result |= SQLITE_DETERMINISTIC;
  if (has(FunctionFlags::DirectOnly)) result |= SQLITE_DIRECTONLY;
  if (has(FunctionFlags::Innocuous)) result |= SQLITE_INNOCUOUS;
  return result;
}

// What stands behind a name that is given another meaning is kept for the time when that is removed: functions of the
// library, which the connection has like those of its users. The engine's own are in a table of the engine's.
void hide_other(sqlite3* db, const std::string& name, int arity) noexcept {
#ifndef LIBSQL_SYSTEM_SQLITE
  // With another number of arguments it may hide one as well, which the engine does not look at.
  libsql_engine_expire_statements(db);
  LibsqlEngineFunction* const found = libsql_engine_function(db, name.c_str(), arity);
  if (found == nullptr || libsql_engine_calls(found, reinterpret_cast<const void*>(&call_scalar),
                                              reinterpret_cast<const void*>(&step_aggregate)) != 0) {
    return;
  }
  libsql_engine_hide_function(db, found);
#else
  static_cast<void>(db), static_cast<void>(name), static_cast<void>(arity);
#endif
}

void show_other(sqlite3* db, const std::string& name, int arity) noexcept {
#ifndef LIBSQL_SYSTEM_SQLITE
  if (LibsqlEngineFunction* const removed = libsql_engine_function(db, name.c_str(), arity)) {
    libsql_engine_hide_function(db, removed);
  }
  libsql_engine_show_function(db, name.c_str(), arity);
#else
  static_cast<void>(db), static_cast<void>(name), static_cast<void>(arity);
#endif
}

}  // namespace

ArgumentViews::ArgumentViews(int count, sqlite3_value** values) {
  ValueRef* first = in_place_;
  if (count > kInPlace) {
    more_.resize(static_cast<std::size_t>(count));
    first = more_.data();
  }
  for (int i = 0; i < count; ++i) first[i] = value_ref(values[i]);
  views_ = detail::Arguments(first, static_cast<std::size_t>(count));
}

std::string current_message() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

void report_exception(Connection& connection, sqlite3_context* context) noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  } catch (const Error& error) {
    connection.keep_current_exception();
    sqlite3_result_error(context, error.what(), -1);
  } catch (...) {
    try {
      sqlite3_result_error(context, current_message().c_str(), -1);
    } catch (...) {
      sqlite3_result_error_nomem(context);
    }
  }
}

ResultSink make_sink(sqlite3_context* context) noexcept { return detail::SinkAccess::sink(context); }

void add_scalar(Connection& connection, std::string_view name, int arity, FunctionFlags flags,
                detail::ScalarBody body) {
  const std::string checked = checked_name(name);
  sqlite3* db = connection.require_open();
  connection.require_sql_allowed();
  hide_other(db, checked, arity);
  const LongLivedMemory memory(db);
  // The engine destroys the object also if it refuses it.
  connection.check(sqlite3_create_function_v2(db, checked.c_str(), arity, engine_flags(flags),
                                              new Scalar{connection, std::move(body)}, &call_scalar, nullptr, nullptr,
                                              &destroy<Scalar>));
}

void add_aggregate(Connection& connection, std::string_view name, int arity, FunctionFlags flags,
                   detail::AggregateKind kind, detail::AggregateFactory factory) {
  const std::string checked = checked_name(name);
  sqlite3* db = connection.require_open();
  connection.require_sql_allowed();
  hide_other(db, checked, arity);
  const LongLivedMemory memory(db);
  auto* object = new Aggregate{connection, std::move(factory)};
  if (kind == detail::AggregateKind::Plain) {
    connection.check(sqlite3_create_function_v2(db, checked.c_str(), arity, engine_flags(flags), object, nullptr,
                                                &step_aggregate, &finish_aggregate, &destroy<Aggregate>));
  } else {
    connection.check(sqlite3_create_window_function(db, checked.c_str(), arity, engine_flags(flags), object,
                                                    &step_aggregate, &finish_aggregate, &value_aggregate,
                                                    &inverse_aggregate, &destroy<Aggregate>));
  }
}

void remove_function(Connection& connection, std::string_view name, int arity) {
  const std::string checked = checked_name(name);
  sqlite3* db = connection.require_open();
  connection.require_sql_allowed();
#ifndef LIBSQL_SYSTEM_SQLITE
  // Only what users have added can be removed, not the library's own functions.
  LibsqlEngineFunction* const found = libsql_engine_function(db, checked.c_str(), arity);
  if (found == nullptr || libsql_engine_calls(found, reinterpret_cast<const void*>(&call_scalar),
                                              reinterpret_cast<const void*>(&step_aggregate)) == 0) {
    return;
  }
#endif
  connection.check(
      sqlite3_create_function_v2(db, checked.c_str(), arity, SQLITE_UTF8, nullptr, nullptr, nullptr, nullptr, nullptr));
  show_other(db, checked, arity);
}

void add_collation(Connection& connection, std::string_view name, detail::Comparison compare_with) {
  const std::string checked = checked_name(name);
  sqlite3* db = connection.require_open();
  connection.require_sql_allowed();
  auto object = std::make_unique<Collation>(Collation{connection, std::move(compare_with)});
  const LongLivedMemory memory(db);
  // This one function leaves the object to us when it fails.
  connection.check(
      sqlite3_create_collation_v2(db, checked.c_str(), SQLITE_UTF8, object.get(), &compare, &destroy<Collation>));
  static_cast<void>(object.release());
}

void remove_collation(Connection& connection, std::string_view name) {
  const std::string checked = checked_name(name);
  sqlite3* db = connection.require_open();
  connection.require_sql_allowed();
  connection.check(sqlite3_create_collation_v2(db, checked.c_str(), SQLITE_UTF8, nullptr, nullptr, nullptr));
#ifndef LIBSQL_SYSTEM_SQLITE
  libsql_engine_restore_collation(db, checked.c_str());
#endif
}

}  // namespace libsql::engine
