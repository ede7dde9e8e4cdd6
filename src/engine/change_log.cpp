#include "engine/change_log.hpp"

#include <algorithm>

#include <sqlite3.h>

#include "core/errors.hpp"
#include "engine/change_feed.hpp"
#include "engine/hooks.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql {

namespace {
const Value* find(const Change& change, const std::vector<Value>& values, std::string_view column) noexcept {
  if (change.table == nullptr) return nullptr;
  const auto& columns = change.table->columns;
  for (std::size_t i = 0; i < values.size() && i < columns.size(); ++i) {
    if (sql::equals_ignoring_case(columns[i], column)) return &values[i];
  }
  return nullptr;
}
}  // namespace

const Value* Change::old_value(std::string_view column) const noexcept { return find(*this, old_values, column); }
const Value* Change::new_value(std::string_view column) const noexcept { return find(*this, new_values, column); }

std::vector<Value> Change::key() const {
  const std::vector<Value>& values = new_values.empty() ? old_values : new_values;
  std::vector<Value> key;
  if (table != nullptr) {
    for (const int column : table->key_columns) {
      if (static_cast<std::size_t>(column) < values.size()) key.push_back(values[static_cast<std::size_t>(column)]);
    }
  }
  if (!key.empty()) return key;
  if (const auto id = kind == ChangeKind::Delete ? old_rowid : rowid) key.emplace_back(*id);
  return key;
}

}  // namespace libsql

namespace libsql::engine {
namespace {

constexpr const char* kModule = "libsql_change_log";

std::size_t size_of(const Change& change) noexcept {
  std::size_t bytes = sizeof(Change);
  for (const auto* values : {&change.old_values, &change.new_values}) {
    bytes += values->size() * sizeof(Value);
    for (const Value& value : *values) bytes += value.ref().size();
  }
  return bytes;
}

}  // namespace

// The virtual table that the engine tells of savepoints.
struct ChangeLogModule {
  struct Table {
    sqlite3_vtab base;
    ChangeLog::Link* link;
  };

  static ChangeLog* log(sqlite3_vtab* table) noexcept { return reinterpret_cast<Table*>(table)->link->log; }

  static int connect(sqlite3* db, void* link, int, const char* const*, sqlite3_vtab** table, char**) noexcept {
    const int rc = sqlite3_declare_vtab(db, "CREATE TABLE change_log(mark)");
    if (rc != SQLITE_OK) return rc;
    auto* made = static_cast<Table*>(sqlite3_malloc(sizeof(Table)));
    if (made == nullptr) return SQLITE_NOMEM;
    *made = {{}, static_cast<std::shared_ptr<ChangeLog::Link>*>(link)->get()};
    *table = &made->base;
    return SQLITE_OK;
  }
  static int disconnect(sqlite3_vtab* table) noexcept {
    sqlite3_free(table);
    return SQLITE_OK;
  }
  static int best_index(sqlite3_vtab*, sqlite3_index_info*) noexcept { return SQLITE_OK; }
  static int open(sqlite3_vtab*, sqlite3_vtab_cursor** cursor) noexcept {
    *cursor = static_cast<sqlite3_vtab_cursor*>(sqlite3_malloc(sizeof(sqlite3_vtab_cursor)));
    if (*cursor == nullptr) return SQLITE_NOMEM;
    **cursor = {};
    return SQLITE_OK;
  }
  static int close(sqlite3_vtab_cursor* cursor) noexcept {
    sqlite3_free(cursor);
    return SQLITE_OK;
  }
  static int filter(sqlite3_vtab_cursor*, int, const char*, int, sqlite3_value**) noexcept { return SQLITE_OK; }
  static int next(sqlite3_vtab_cursor*) noexcept { return SQLITE_OK; }
  static int eof(sqlite3_vtab_cursor*) noexcept { return 1; }
  static int column(sqlite3_vtab_cursor*, sqlite3_context*, int) noexcept { return SQLITE_OK; }
  static int rowid(sqlite3_vtab_cursor*, sqlite3_int64*) noexcept { return SQLITE_OK; }
  static int update(sqlite3_vtab*, int, sqlite3_value**, sqlite3_int64*) noexcept { return SQLITE_READONLY; }
  static int begin(sqlite3_vtab* table) noexcept {
    if (ChangeLog* const to = log(table)) to->joined_ = true;
    return SQLITE_OK;
  }
  static int sync(sqlite3_vtab*) noexcept { return SQLITE_OK; }
  static int end(sqlite3_vtab* table) noexcept {
    if (ChangeLog* const to = log(table)) to->joined_ = false;
    return SQLITE_OK;
  }
  static int savepoint(sqlite3_vtab* table, int number) noexcept {
    ChangeLog* const to = log(table);
    if (to == nullptr) return SQLITE_OK;
    return guard(to->connection_, SQLITE_NOMEM, [&] {
      to->savepoint(number);
      return SQLITE_OK;
    });
  }
  static int release(sqlite3_vtab* table, int number) noexcept {
    if (ChangeLog* const to = log(table)) to->release(number);
    return SQLITE_OK;
  }
  static int roll_back_to(sqlite3_vtab* table, int number) noexcept {
    if (ChangeLog* const to = log(table)) to->roll_back_to(number);
    return SQLITE_OK;
  }
  static void destroy(void* link) noexcept { delete static_cast<std::shared_ptr<ChangeLog::Link>*>(link); }

  static const sqlite3_module& module() noexcept {
    static const sqlite3_module kMethods = [] {
      sqlite3_module module{};
      module.iVersion = 2;
      module.xCreate = module.xConnect = &connect;
      module.xDisconnect = module.xDestroy = &disconnect;
      module.xBestIndex = &best_index;
      module.xOpen = &open;
      module.xClose = &close;
      module.xFilter = &filter;
      module.xNext = &next;
      module.xEof = &eof;
      module.xColumn = &column;
      module.xRowid = &rowid;
      module.xUpdate = &update;
      module.xBegin = &begin;
      module.xSync = &sync;
      module.xCommit = module.xRollback = &end;
      module.xSavepoint = &savepoint;
      module.xRelease = &release;
      module.xRollbackTo = &roll_back_to;
      return module;
    }();
    return kMethods;
  }
};

ChangeLog::ChangeLog(Connection& connection, Hooks& hooks) : connection_(connection), hooks_(hooks) {}

ChangeLog::~ChangeLog() {
  clear();
  if (link_ != nullptr) link_->log = nullptr;
}

void ChangeLog::attach(std::shared_ptr<Stream> stream) {
  connection_.require_sql_allowed();
  if (ChangeFeed* const feed = connection_.change_feed()) {  // nothing is written on this connection
    const std::int64_t schema = connection_.query_integer("PRAGMA main.schema_version");
    stream->attached = true;
    feed->add(stream, schema);
    streams_.push_back(std::move(stream));
    return;
  }
  if (link_ == nullptr) {
    auto link = std::make_shared<Link>(Link{this});
    // The engine destroys its share also if it refuses the module.
    connection_.check(sqlite3_create_module_v2(connection_.require_open(), kModule, &ChangeLogModule::module(),
                                               new std::shared_ptr<Link>(link), &ChangeLogModule::destroy));
    link_ = std::move(link);
  }
  if (join_ == nullptr && connection_.is_autocommit()) create_table();
  stream->attached = true;
  streams_.push_back(std::move(stream));
  hooks_.install();
}

void ChangeLog::detach(Stream& stream) noexcept {
  {
    const std::lock_guard lock(stream.mutex);
    stream.attached = false;
  }
  stream.changed.notify_all();
  stream.pending.clear();
  stream.marks.clear();
  stream.state = {};
  std::erase_if(streams_, [&](const auto& entry) { return entry.get() == &stream; });
  if (!connection_.is_closed()) hooks_.install();
}

void ChangeLog::clear() noexcept {
  while (!streams_.empty()) {
    const std::shared_ptr<Stream> stream = streams_.back();
    detach(*stream);
  }
  const bool had_table = join_ != nullptr;
  finalize_statements();
  committing_ = false;
  if (!had_table || connection_.is_closed() || connection_.is_closing() || !connection_.is_autocommit()) return;
  const Hooks::Internal internal(&hooks_);
  sqlite3_exec(connection_.handle(), "DROP TABLE IF EXISTS temp.libsql_change_log", nullptr, nullptr, nullptr);
}

void ChangeLog::finalize_statements() noexcept {
  sqlite3_finalize(std::exchange(join_, nullptr));
  for (auto& [name, schema] : schemas_) sqlite3_finalize(schema.read_version);
  schemas_.clear();
  tables_.clear();
}

sqlite3_stmt* ChangeLog::compile(const std::string& sql) {
  const Hooks::Internal internal(&hooks_);
  sqlite3_stmt* stmt = nullptr;
  connection_.check(sqlite3_prepare_v3(connection_.handle(), sql.c_str(), static_cast<int>(sql.size()),
                                       SQLITE_PREPARE_PERSISTENT, &stmt, nullptr),
                    sql);
  return stmt;
}

void ChangeLog::create_table() {
  const Hooks::Internal internal(&hooks_);
  const std::string sql = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.libsql_change_log USING libsql_change_log";
  connection_.check(sqlite3_exec(connection_.handle(), sql.c_str(), nullptr, nullptr, nullptr), sql);
  sqlite3_finalize(std::exchange(join_, nullptr));
  join_ = compile("DELETE FROM temp.libsql_change_log WHERE mark IS NOT NULL");
}

void ChangeLog::join_transaction() {
  ++statement_;
  if (joined_) return;
  sqlite3* db = connection_.handle();
  // A statement alone in its transaction commits or rolls back whole.
  if (connection_.is_autocommit() && sqlite3_txn_state(db, nullptr) != SQLITE_TXN_WRITE) return;
  const Hooks::Internal internal(&hooks_);
  for (int attempt = 0;; ++attempt) {
    if (join_ == nullptr) create_table();
    sqlite3_step(join_);
    const int rc = sqlite3_reset(join_);
    if (rc == SQLITE_OK || rc == SQLITE_READONLY) return;  // read-only: then the statement to come says so itself
    // Gone: dropped by hand, by PRAGMA temp_store, or made in a transaction that was rolled back.
    if (rc != SQLITE_ERROR || attempt > 0) connection_.fail(rc);
    sqlite3_finalize(std::exchange(join_, nullptr));
  }
}

bool ChangeLog::wants(const Stream& stream, const ChangedTable& table) noexcept {
  const auto& names = stream.options.tables;
  if (names.empty()) return true;
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    if (sql::equals_ignoring_case(name, table.name)) return true;
    return name.size() == table.database.size() + 1 + table.name.size() && name[table.database.size()] == '.' &&
           sql::equals_ignoring_case(std::string_view(name).substr(0, table.database.size()), table.database) &&
           sql::equals_ignoring_case(std::string_view(name).substr(table.database.size() + 1), table.name);
  });
}

void ChangeLog::check_schema(std::string_view database) {
  auto found = schemas_.find(database);
  if (found == schemas_.end()) {
    found = schemas_.emplace(std::string(database), Schema{}).first;
    found->second.read_version = compile("PRAGMA " + sql::quote_identifier(database) + ".schema_version");
  }
  Schema& schema = found->second;
  if (schema.checked_at == statement_ && schema.version >= 0) return;
  const Hooks::Internal internal(&hooks_);
  const int rc = sqlite3_step(schema.read_version);
  const std::int64_t version = rc == SQLITE_ROW ? sqlite3_column_int64(schema.read_version, 0) : -1;
  sqlite3_reset(schema.read_version);
  if (rc != SQLITE_ROW) connection_.fail(rc);
  schema.checked_at = statement_;
  if (version == schema.version) return;
  schema.version = version;
  std::erase_if(tables_, [&](const auto& entry) { return entry.first.first == database; });
}

ChangeLog::Table ChangeLog::describe(std::string_view database, std::string_view name) {
  const Hooks::Internal internal(&hooks_);
  auto description = std::make_shared<ChangedTable>();
  description->database = database;
  description->name = name;
  Table table;
  std::vector<std::pair<int, int>> keys;  // position in the key, our column
  const std::string schema = "PRAGMA " + sql::quote_identifier(database) + ".";
  const auto each_row = [&](const std::string& sql, auto&& visit) {
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> stmt(compile(sql), &sqlite3_finalize);
    int rc;
    while ((rc = sqlite3_step(stmt.get())) == SQLITE_ROW) visit(stmt.get());
    if (rc != SQLITE_DONE) connection_.fail(rc, sql);
  };
  each_row(schema + "table_xinfo(" + sql::quote_literal(name) + ")", [&](sqlite3_stmt* row) {
    const int hidden = sqlite3_column_int(row, 6);
    if (hidden == 1 || hidden == 2) return;  // hidden, or generated and not stored
    if (const int key = sqlite3_column_int(row, 5); key > 0) {
      keys.emplace_back(key, static_cast<int>(table.stored.size()));
    }
    table.stored.push_back(sqlite3_column_int(row, 0));
    description->columns.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(row, 1)));
  });
  each_row(schema + "table_list(" + sql::quote_literal(name) + ")",
           [&](sqlite3_stmt* row) { description->without_rowid = sqlite3_column_int(row, 4) != 0; });
  std::sort(keys.begin(), keys.end());
  for (const auto& [position, column] : keys) description->key_columns.push_back(column);
  table.description = std::move(description);
  return table;
}

const ChangeLog::Table& ChangeLog::table_of(const RowChange& change) {
  check_schema(change.database());
  const std::pair<std::string, std::string> name(change.database(), change.table());
  auto found = tables_.find(name);
  if (found == tables_.end()) found = tables_.emplace(name, describe(change.database(), change.table())).first;
  return found->second;
}

void ChangeLog::record(const RowChange& row) {
  if (streams_.empty()) return;
  const Table& table = table_of(row);
  std::optional<Change> made;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    Stream& stream = *streams_[i];
    if (stream.state.truncated || !wants(stream, *table.description)) continue;
    if (!made) {
      Change& change = made.emplace();
      change.kind = row.kind();
      change.table = table.description;
      if (!table.description->without_rowid) {
        if (change.kind != ChangeKind::Insert) change.old_rowid = row.old_rowid();
        if (change.kind != ChangeKind::Delete) change.rowid = row.new_rowid();
      }
      const std::optional<int> blob = row.blob_column();
      if (change.kind != ChangeKind::Insert) {
        change.old_values.reserve(table.stored.size());
        for (const int column : table.stored) change.old_values.emplace_back(row.old_value(column));
      }
      if (blob) {
        const auto place = std::find(table.stored.begin(), table.stored.end(), *blob);
        change.blob_column = static_cast<int>(place - table.stored.begin());
      } else if (change.kind != ChangeKind::Delete) {
        change.new_values.reserve(table.stored.size());
        for (const int column : table.stored) change.new_values.emplace_back(row.new_value(column));
      }
    }
    const std::size_t bytes = size_of(*made);
    if (stream.state.bytes + stream.queued_bytes + bytes > stream.options.max_bytes) {
      if (stream.options.overflow == ChangeOverflow::Fail) {
        core::throw_error(ErrorCode::TooBig, "the transaction changes more than the change stream may hold: " +
                                                 std::to_string(stream.options.max_bytes) + " bytes");
      }
      stream.state.truncated = true;
      continue;
    }
    stream.pending.push_back(*made);
    ++stream.state.changes;
    stream.state.bytes += bytes;
  }
}

void ChangeLog::savepoint(int number) {
  for (const auto& stream : streams_) {
    std::erase_if(stream->marks, [&](const auto& mark) { return mark.first >= number; });
    stream->marks.emplace_back(number, stream->state);
  }
}

void ChangeLog::release(int number) noexcept {
  for (const auto& stream : streams_) {
    std::erase_if(stream->marks, [&](const auto& mark) { return mark.first >= number; });
  }
}

void ChangeLog::roll_back_to(int number) noexcept {
  tables_.clear();  // the schema may be an older one again, under a version number that comes a second time
  for (const auto& stream : streams_) {
    // A savepoint older than our part in the transaction has no mark: then what follows the first younger one goes.
    const auto mark = std::find_if(stream->marks.begin(), stream->marks.end(),
                                   [&](const auto& entry) { return entry.first >= number; });
    stream->state = mark == stream->marks.end() ? Stream::State{} : mark->second;
    stream->pending.erase(stream->pending.begin() + static_cast<std::ptrdiff_t>(stream->state.changes),
                          stream->pending.end());
    std::erase_if(stream->marks, [&](const auto& entry) { return entry.first > number; });
  }
}

void ChangeLog::commit_begins() noexcept {
  committing_ = true;
  connection_.set_settle(true);
}

void ChangeLog::forget_pending() noexcept {
  for (const auto& stream : streams_) {
    stream->pending.clear();
    stream->marks.clear();
    stream->state = {};
  }
}

void ChangeLog::rolled_back() noexcept {
  committing_ = false;
  tables_.clear();
  forget_pending();
}

void ChangeLog::settle() noexcept {
  if (!std::exchange(committing_, false)) return;
  if (!connection_.is_autocommit()) return;  // COMMIT found the database busy, and the transaction is still open
  try {
    for (const auto& stream : streams_) {
      if (stream->pending.empty() && !stream->state.truncated) continue;
      Delivery delivery{stream, {}, stream->state.bytes};
      delivery.changes.number = ++stream->last_number;
      delivery.changes.truncated = stream->state.truncated;
      delivery.changes.changes = std::move(stream->pending);
      deliveries_.push_back(std::move(delivery));
    }
  } catch (...) {  // out of memory: a gap in the numbers shows what is missing
  }
  forget_pending();
  deliver_all();
}

void ChangeLog::deliver_all() noexcept {
  if (delivering_) return;  // a callback that commits: the loop below comes to it, in order
  delivering_ = true;
  while (!deliveries_.empty()) {
    Delivery delivery = std::move(deliveries_.front());
    deliveries_.pop_front();
    deliver(delivery);
  }
  delivering_ = false;
}

void ChangeLog::deliver(Delivery& delivery) noexcept {
  Stream& stream = *delivery.stream;
  if (!stream.attached) return;
  try {
    if (stream.callback) {
      const Connection::CallbackScope scope(connection_);
      stream.callback(delivery.changes);
      return;
    }
    const std::lock_guard lock(stream.mutex);
    if (stream.queued_bytes + delivery.bytes > stream.options.max_bytes) {
      delivery.changes.changes = {};
      delivery.changes.truncated = true;
      delivery.bytes = 0;
    }
    const auto says_nothing = [](const ChangeSet& set) { return set.truncated && set.changes.empty(); };
    // Nobody reads: one such entry says as much as many.
    if (says_nothing(delivery.changes) && !stream.queue.empty() && says_nothing(stream.queue.back().first)) {
      stream.queue.back().first.number = delivery.changes.number;
      return;
    }
    stream.queue.emplace_back(std::move(delivery.changes), delivery.bytes);
    stream.queued_bytes += delivery.bytes;
  } catch (...) {
    {
      const std::lock_guard lock(stream.mutex);
      stream.failure = std::current_exception();
    }
    detach(stream);
    return;
  }
  stream.changed.notify_one();
}

}  // namespace libsql::engine
