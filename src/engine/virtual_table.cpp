#include "engine/virtual_table.hpp"

#include <sqlite3.h>

#include <libsql/table_source.hpp>

#include "core/errors.hpp"
#include "engine/user_functions.hpp"
#include "sql/quote.hpp"

namespace libsql {

VirtualCursor::~VirtualCursor() = default;
VirtualTable::~VirtualTable() = default;
void VirtualTable::best_index(IndexPlan&) {}
void VirtualTable::destroy() {}
void WritableVirtualTable::begin() {}
void WritableVirtualTable::sync() {}
void WritableVirtualTable::commit() noexcept {}
void WritableVirtualTable::rollback() noexcept {}
void WritableVirtualTable::savepoint(int) {}
void WritableVirtualTable::release(int) {}
void WritableVirtualTable::rollback_to(int) {}
void WritableVirtualTable::rename(std::string_view) {}

void WritableVirtualTable::constraint_failed(std::string_view message) {
  detail::ErrorData data;
  data.code = ErrorCode::Constraint;
  data.sqlite_code = SQLITE_CONSTRAINT_VTAB;
  data.constraint_kind = ConstraintKind::VirtualTable;
  data.message = message;
  core::throw_error(std::move(data));
}

void IndexPlan::use(std::size_t constraint, CheckAgain again) {
  if (constraint >= constraints.size()) core::throw_error(ErrorCode::OutOfRange, "the plan has no such constraint");
  if (!constraints[constraint].usable)
    core::throw_error(ErrorCode::Misuse, "the constraint is not usable in this plan");
  uses.resize(constraints.size(), {0, CheckAgain::Yes});
  int last = 0;
  for (const auto& [position, check] : uses) last = std::max(last, position);
  uses[constraint] = {last + 1, again};
}

namespace detail {

std::string declare_table(const std::vector<std::string>& columns, int parameters) {
  std::string sql = "CREATE TABLE x(";
  for (const std::string& column : columns) sql.append(sql::quote_identifier(column)).append(", ");
  for (int i = 1; i <= parameters; ++i) sql.append("arg").append(std::to_string(i)).append(" HIDDEN, ");
  sql.resize(sql.size() - 2);
  return sql + ")";
}

void plan_parameters(IndexPlan& plan, int first, int parameters) {
  for (int parameter = 0; parameter < parameters; ++parameter) {
    for (std::size_t i = 0; i < plan.constraints.size(); ++i) {
      const IndexConstraint& constraint = plan.constraints[i];
      if (constraint.column != first + parameter || constraint.op != ConstraintOp::Equal) continue;
      if (!constraint.usable) {
        plan.impossible = true;  // the argument comes from a table that has to be scanned before
        return;
      }
      plan.use(i, CheckAgain::No);
      plan.number |= 1 << parameter;
      break;
    }
  }
  plan.cost = parameters == 0 ? 1e6 : 100.0;
  plan.rows = parameters == 0 ? 1'000'000 : 100;
}

std::vector<ValueRef> place_parameters(const TableScan& scan, int parameters) {
  std::vector<ValueRef> placed(static_cast<std::size_t>(parameters));
  std::size_t next = 0;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    if ((scan.number >> i & 1) != 0 && next < scan.arguments.size()) placed[i] = scan.arguments[next++];
  }
  return placed;
}

}  // namespace detail
}  // namespace libsql

namespace libsql::engine {
namespace {

struct Module {
  Connection& connection;
  VirtualTables::Factory make;
  TableAccess access;
};

struct Table {
  sqlite3_vtab base;
  Connection* connection;
  std::unique_ptr<VirtualTable> table;

  static Table& of(sqlite3_vtab* base) noexcept { return *reinterpret_cast<Table*>(base); }
  WritableVirtualTable& writable() noexcept { return static_cast<WritableVirtualTable&>(*table); }
};

struct Cursor {
  sqlite3_vtab_cursor base;
  Connection* connection;
  std::unique_ptr<VirtualCursor> cursor;

  static Cursor& of(sqlite3_vtab_cursor* base) noexcept { return *reinterpret_cast<Cursor*>(base); }
};
#ifndef __clang__  // which takes libstdc++'s unique_ptr for more than a pointer; the first member is first anyway
static_assert(std::is_standard_layout_v<Table> && std::is_standard_layout_v<Cursor>);
#endif

// The code for the exception in flight, whose text goes to `message`.
int code_of_exception(Connection& connection, char** message) noexcept {
  const auto say = [&](const char* text) {
    sqlite3_free(*message);
    *message = sqlite3_mprintf("%s", text);
  };
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (const Constraint& error) {
    say(error.what());  // not kept: ON CONFLICT may have an answer to it
    return (error.sqlite_code() & 0xff) == SQLITE_CONSTRAINT ? error.sqlite_code() : SQLITE_CONSTRAINT_VTAB;
  } catch (const Error& error) {
    connection.keep_current_exception();
    say(error.what());
    return SQLITE_ERROR;
  } catch (...) {
    try {
      say(current_message().c_str());
    } catch (...) {
      return SQLITE_NOMEM;
    }
    return SQLITE_ERROR;
  }
}

template <class Body>
int guard_table(sqlite3_vtab* base, Body&& body) noexcept {
  Table& table = Table::of(base);
  const Connection::CallbackScope scope(*table.connection);
  try {
    return body(table);
  } catch (...) {
    return code_of_exception(*table.connection, &base->zErrMsg);
  }
}

template <class Body>
int guard_cursor(sqlite3_vtab_cursor* base, Body&& body) noexcept {
  return guard_table(base->pVtab, [&](Table& table) {
    const int rc = body(*Cursor::of(base).cursor);
    // The engine looks at the clock between many of these calls only, and one may take long.
    if (rc == SQLITE_OK && table.connection->patience().may_end_call() &&
        table.connection->patience().must_end_call()) {
      return SQLITE_INTERRUPT;
    }
    return rc;
  });
}

int make_table(sqlite3* db, void* auxiliary, int count, const char* const* words, sqlite3_vtab** result, char** message,
               bool creating) noexcept {
  auto& module = *static_cast<Module*>(auxiliary);
  const Connection::CallbackScope scope(module.connection);
  try {
    TableRequest request{words[0], words[1], words[2], {}, creating};
    for (int i = 3; i < count; ++i) request.arguments.emplace_back(words[i]);
    auto table = std::make_unique<Table>(Table{{}, &module.connection, module.make(request)});
    if (table->table == nullptr) core::throw_error(ErrorCode::Misuse, "the module created no table");
    const int rc = sqlite3_declare_vtab(db, table->table->declaration().c_str());
    if (rc != SQLITE_OK) {
      *message = sqlite3_mprintf("%s", sqlite3_errmsg(db));
      return rc;
    }
    if (module.access == TableAccess::Writable) sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
    *result = &table.release()->base;
    return SQLITE_OK;
  } catch (...) {
    return code_of_exception(module.connection, message);
  }
}

int create(sqlite3* db, void* module, int count, const char* const* words, sqlite3_vtab** table,
           char** message) noexcept {
  return make_table(db, module, count, words, table, message, true);
}
int connect(sqlite3* db, void* module, int count, const char* const* words, sqlite3_vtab** table,
            char** message) noexcept {
  return make_table(db, module, count, words, table, message, false);
}

int disconnect(sqlite3_vtab* base) noexcept {
  Connection& connection = *Table::of(base).connection;
  const Connection::CallbackScope scope(connection);
  delete &Table::of(base);
  return SQLITE_OK;
}
int destroy(sqlite3_vtab* base) noexcept {
  const int rc = guard_table(base, [](Table& table) {
    table.table->destroy();
    return SQLITE_OK;
  });
  return rc == SQLITE_OK ? disconnect(base) : rc;
}

std::string_view collation_of(sqlite3_index_info* info, int constraint) noexcept {
  const char* const name = sqlite3_vtab_collation(info, constraint);
  return name == nullptr ? std::string_view() : std::string_view(name);
}

int best_index(sqlite3_vtab* base, sqlite3_index_info* info) noexcept {
  return guard_table(base, [&](Table& table) {
    IndexPlan plan;
    plan.constraints.reserve(static_cast<std::size_t>(info->nConstraint));
    for (int i = 0; i < info->nConstraint; ++i) {
      const auto& constraint = info->aConstraint[i];
      const bool positional =
          constraint.op == SQLITE_INDEX_CONSTRAINT_LIMIT || constraint.op == SQLITE_INDEX_CONSTRAINT_OFFSET;
      plan.constraints.push_back({positional ? -1 : constraint.iColumn, static_cast<ConstraintOp>(constraint.op),
                                  constraint.usable != 0, positional ? std::string_view() : collation_of(info, i)});
    }
    for (int i = 0; i < info->nOrderBy; ++i) {
      plan.order_by.push_back({info->aOrderBy[i].iColumn, info->aOrderBy[i].desc != 0});
    }
    plan.columns_used = info->colUsed;
    table.table->best_index(plan);
    if (plan.impossible) return SQLITE_CONSTRAINT;
    for (std::size_t i = 0; i < plan.uses.size() && i < plan.constraints.size(); ++i) {
      info->aConstraintUsage[i].argvIndex = plan.uses[i].first;
      info->aConstraintUsage[i].omit = plan.uses[i].second == CheckAgain::No ? 1 : 0;
    }
    info->idxNum = plan.number;
    if (!plan.text.empty()) {
      info->idxStr = sqlite3_mprintf("%s", plan.text.c_str());
      if (info->idxStr == nullptr) return SQLITE_NOMEM;
      info->needToFreeIdxStr = 1;
    }
    info->estimatedCost = plan.cost;
    info->estimatedRows = plan.rows;
    info->orderByConsumed = plan.ordered ? 1 : 0;
    if (plan.at_most_one) info->idxFlags |= SQLITE_INDEX_SCAN_UNIQUE;
    return SQLITE_OK;
  });
}

int open(sqlite3_vtab* base, sqlite3_vtab_cursor** result) noexcept {
  return guard_table(base, [&](Table& table) {
    auto cursor = std::make_unique<Cursor>(Cursor{{}, table.connection, table.table->open()});
    if (cursor->cursor == nullptr) core::throw_error(ErrorCode::Misuse, "the table opened no cursor");
    *result = &cursor.release()->base;
    return SQLITE_OK;
  });
}
int close(sqlite3_vtab_cursor* base) noexcept {
  const Connection::CallbackScope scope(*Cursor::of(base).connection);
  delete &Cursor::of(base);
  return SQLITE_OK;
}
int filter(sqlite3_vtab_cursor* base, int number, const char* text, int count, sqlite3_value** values) noexcept {
  return guard_cursor(base, [&](VirtualCursor& cursor) {
    const ArgumentViews arguments(count, values);
    cursor.filter({number, text == nullptr ? std::string_view{} : text, arguments.views()});
    return SQLITE_OK;
  });
}
int next(sqlite3_vtab_cursor* base) noexcept {
  return guard_cursor(base, [](VirtualCursor& cursor) {
    cursor.next();
    return SQLITE_OK;
  });
}
int at_end(sqlite3_vtab_cursor* base) noexcept {
  try {
    return Cursor::of(base).cursor->at_end() ? 1 : 0;
  } catch (...) {  // this one cannot fail: the scan ends, and the statement with it
    Cursor::of(base).connection->keep_current_exception_and_interrupt();
    return 1;
  }
}
int column(sqlite3_vtab_cursor* base, sqlite3_context* context, int number) noexcept {
  return guard_cursor(base, [&](VirtualCursor& cursor) {
    ResultSink sink = make_sink(context);
    cursor.column(number, sink);
    return SQLITE_OK;
  });
}
int rowid(sqlite3_vtab_cursor* base, sqlite3_int64* result) noexcept {
  return guard_cursor(base, [&](VirtualCursor& cursor) {
    *result = cursor.rowid();
    return SQLITE_OK;
  });
}

int update(sqlite3_vtab* base, int count, sqlite3_value** values, sqlite3_int64* result) noexcept {
  return guard_table(base, [&](Table& table) {
    if (count == 1) {
      table.writable().remove(sqlite3_value_int64(values[0]));
      return SQLITE_OK;
    }
    const ArgumentViews arguments(count - 2, values + 2);
    const auto conflict = static_cast<ConflictAction>(sqlite3_vtab_on_conflict(table.connection->handle()));
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) {
      std::optional<std::int64_t> wanted;
      if (sqlite3_value_type(values[1]) != SQLITE_NULL) wanted = sqlite3_value_int64(values[1]);
      *result = table.writable().insert(wanted, arguments.views(), conflict);
    } else {
      table.writable().update(sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]), arguments.views(),
                              conflict);
    }
    return SQLITE_OK;
  });
}

template <auto Function, class... Arguments>
int forward(sqlite3_vtab* base, Arguments... arguments) noexcept {
  return guard_table(base, [&](Table& table) {
    (table.writable().*Function)(arguments...);
    return SQLITE_OK;
  });
}

sqlite3_module methods(ModuleKind kind, TableAccess access) noexcept {
  sqlite3_module module{};
  module.iVersion = 2;
  // The engine tells the kinds apart by these two: equal, or none to create.
  module.xCreate = kind == ModuleKind::Created ? &create : kind == ModuleKind::Both ? &connect : nullptr;
  module.xConnect = &connect;
  module.xBestIndex = &best_index;
  module.xDisconnect = &disconnect;
  module.xDestroy = &destroy;
  module.xOpen = &open;
  module.xClose = &close;
  module.xFilter = &filter;
  module.xNext = &next;
  module.xEof = &at_end;
  module.xColumn = &column;
  module.xRowid = &rowid;
  if (access == TableAccess::ReadOnly) return module;
  using W = WritableVirtualTable;
  module.xUpdate = &update;
  module.xBegin = &forward<&W::begin>;
  module.xSync = &forward<&W::sync>;
  module.xCommit = &forward<&W::commit>;
  module.xRollback = &forward<&W::rollback>;
  module.xSavepoint = &forward<&W::savepoint, int>;
  module.xRelease = &forward<&W::release, int>;
  module.xRollbackTo = &forward<&W::rollback_to, int>;
  module.xRename = [](sqlite3_vtab* base, const char* name) -> int {
    return guard_table(base, [&](Table& table) {
      table.writable().rename(name);
      return SQLITE_OK;
    });
  };
  return module;
}

const sqlite3_module* methods_of(ModuleKind kind, TableAccess access) noexcept {
  using enum ModuleKind;
  static const sqlite3_module kAll[2][3] = {
      {methods(Eponymous, TableAccess::ReadOnly), methods(Created, TableAccess::ReadOnly),
       methods(Both, TableAccess::ReadOnly)},
      {methods(Eponymous, TableAccess::Writable), methods(Created, TableAccess::Writable),
       methods(Both, TableAccess::Writable)}};
  return &kAll[access == TableAccess::Writable ? 1 : 0][static_cast<std::size_t>(kind)];
}

std::string checked_name(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos) {
    core::throw_error(ErrorCode::Misuse, "a module needs a name without NUL");
  }
  return std::string(name);
}

}  // namespace

void add_module(Connection& connection, std::string_view name, VirtualTables::Factory make, ModuleKind kind,
                TableAccess access) {
  if (!make) core::throw_error(ErrorCode::Misuse, "a module needs a function that creates its tables");
  const std::string checked = checked_name(name);
  sqlite3* db = connection.require_open();
  connection.require_sql_allowed();
  // The engine destroys the object also if it refuses it.
  connection.check(sqlite3_create_module_v2(db, checked.c_str(), methods_of(kind, access),
                                            new Module{connection, std::move(make), access},
                                            [](void* module) { delete static_cast<Module*>(module); }));
}

void remove_module(Connection& connection, std::string_view name) {
  const std::string checked = checked_name(name);
  sqlite3* db = connection.require_open();
  connection.require_sql_allowed();
  connection.check(sqlite3_create_module_v2(db, checked.c_str(), nullptr, nullptr, nullptr));
}

}  // namespace libsql::engine
