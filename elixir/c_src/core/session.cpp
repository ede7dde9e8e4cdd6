#include "elixir/c_src/core/session.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <exception>
#include <utility>

#include <libsql/error.hpp>
#include <libsql/params.hpp>
#include <libsql/remote_builder.hpp>
#include <libsql/replica_builder.hpp>

#include "elixir/c_src/core/worker.hpp"

namespace libsql::beam {

namespace {

/// So many arguments go to the library as views; more are copied once.
constexpr std::size_t kViews = 24;

template <class Target, std::size_t... index>
Rows query_views(Target target, [[maybe_unused]] std::span<const ValueRef> values, std::index_sequence<index...>) {
  return target(values[index]...);
}

template <class Target, std::size_t count = 0>
Rows query_values(const Target& target, std::span<const ValueRef> values) {
  if (values.size() == count) return query_views<const Target&>(target, values, std::make_index_sequence<count>());
  if constexpr (count < kViews) {
    return query_values<Target, count + 1>(target, values);
  } else {
    Params params;
    for (const ValueRef& value : values) params.add(value);
    return target(params);
  }
}

detail::ErrorData misuse(std::string message) {
  detail::ErrorData data;
  data.code = ErrorCode::Misuse;
  data.message = std::move(message);
  return data;
}

std::string_view without_prefix(std::string_view name) {
  return !name.empty() && (name[0] == ':' || name[0] == '@' || name[0] == '$') ? name.substr(1) : name;
}

/// The values of the statement's parameters, in their order, from those given by name.
std::vector<ValueRef> by_position(const Statement& statement, const Arguments& arguments) {
  const int count = statement.parameter_count();
  std::vector<ValueRef> values(static_cast<std::size_t>(count));
  std::string missing, wanted;
  bool numbered = false;
  for (int number = 1; number <= count; ++number) {
    const std::string_view name = statement.parameter_name(number);
    if (name.empty() || name[0] == '?') {
      numbered = true;
      continue;
    }
    wanted.append(wanted.empty() ? "" : ", ").append(name);
    const auto at = std::find_if(arguments.named.begin(), arguments.named.end(), [&](const auto& given) {
      return given.first == name || without_prefix(given.first) == without_prefix(name);
    });
    if (at == arguments.named.end()) {
      missing.append(missing.empty() ? "" : ", ").append(name);
    } else {
      values[static_cast<std::size_t>(number - 1)] = at->second;
    }
  }
  if (numbered) {
    throw BadNames{
        "Cannot use named parameter map with SQL that has positional parameters (?). Use a list of values instead, "
        "e.g., [value1, value2] not %{key: value}"};
  }
  if (!missing.empty()) throw BadNames{"Missing required parameters: " + missing + ". SQL requires: " + wanted};
  return values;
}

void borrow(std::vector<ValueRef>& values) {
  for (ValueRef& value : values) {
    if (value.type() == ValueType::Text || value.type() == ValueType::Blob) value = value.as_borrowed();
  }
}

template <class LinkBuilder>
void set_up_link(LinkBuilder& builder, const OpenOptions& options) {
  if (!options.name_space.empty()) builder.name_space(options.name_space);
  if (!options.remote_encryption_key.empty()) {
    if constexpr (std::same_as<LinkBuilder, RemoteBuilder>) {
      builder.encryption_key(options.remote_encryption_key);
    } else {
      builder.remote_encryption_key(options.remote_encryption_key);
    }
  }
  if (!options.ca_file.empty() || options.accept_any_certificate) {
    RemoteTls tls;
    tls.ca_file = options.ca_file;
    tls.accept_any_certificate = options.accept_any_certificate;
    builder.tls(std::move(tls));
  }
  if (options.busy_timeout) builder.busy_timeout(*options.busy_timeout);
}

}  // namespace

/// The rest of a query: a live statement, or what was copied of it because its connection wrote meanwhile.
struct Session::Cursor {
  explicit Cursor(Rows live) : rows(std::move(live)) {}

  std::optional<Rows> rows;
  std::vector<Column> columns;
  std::vector<OwnedRow> kept;
  std::size_t next_kept = 0;
  bool done = false;
};

Session::Session(Worker& worker) noexcept : worker_(worker) {}

Session::~Session() { close(); }

void Session::open(const OpenOptions& options) {
  if (connection_) throw Misuse(misuse("the connection is open already"));
  if (options.replica) {
    ReplicaBuilder builder = Builder::remote_replica(options.database, options.uri, options.auth_token);
    set_up_link(builder, options);
    if (options.encryption) builder.encryption(*options.encryption);
    if (options.statement_cache_bytes) builder.statement_cache_bytes(*options.statement_cache_bytes);
    if (options.sync_interval) builder.sync_interval(*options.sync_interval);
    builder.read_your_writes(options.read_your_writes);
    database_ = builder.build();
  } else if (options.remote) {
    RemoteBuilder builder = Builder::remote(options.uri, options.auth_token);
    set_up_link(builder, options);
    builder.default_deadline(std::nullopt);
    builder.keep_settings();
    database_ = builder.build();
  } else {
    LocalBuilder builder = Builder::local(options.database);
    builder.open_mode(options.open_mode);
    if (options.encryption) builder.encryption(*options.encryption);
    if (!options.vfs.empty()) builder.vfs(options.vfs);
    if (options.busy_timeout) builder.busy_timeout(*options.busy_timeout);
    if (options.writers_in_line) builder.writers_in_line();
    builder.double_quoted_strings(options.double_quoted_strings ? DoubleQuotedStrings::On : DoubleQuotedStrings::Off);
    if (options.statement_cache_bytes) builder.statement_cache_bytes(*options.statement_cache_bytes);
    for (const auto& [name, value] : options.pragmas) builder.pragma(name, value);
    for (const std::string& extension : options.extensions) builder.extension(extension);
    for (const std::string& directory : options.extension_directories) builder.extension_directory(directory);
    database_ = builder.build();
  }
  connection_ = database_->connect();
  worker_.set_interrupt(connection_->interrupt_handle());
  if (options.remote) connection_->ping();
}

void Session::close() noexcept {
  changes_.reset();
  wal_insert_.reset();
  attached_.clear();
  cursors_.clear();
  statements_.clear();
  transaction_.reset();
  try {
    // A call, which forgets an interrupt that came for an earlier one: it would end the checkpoint of the last
    // connection.
    if (connection_) connection_->close();
  } catch (const std::exception&) {
    // Its destructor closes it all the same.
  }
  connection_.reset();
  database_.reset();
}

Connection& Session::connection() {
  if (!connection_) throw Misuse(misuse("the connection is not open"));
  return *connection_;
}

void Session::deadline(std::optional<std::chrono::milliseconds> limit) {
  if (limit == deadline_ || !connection_) return;
  connection_->deadline(limit);
  deadline_ = limit;
}

Rows Session::start(std::string_view sql, const Arguments& arguments, bool borrowed) {
  Connection& conn = connection();
  if (arguments.by_name) {
    Statement statement = conn.prepare(sql);
    std::vector<ValueRef> values = by_position(statement, arguments);
    if (borrowed) borrow(values);
    return query_values([&](const auto&... value) { return statement.query(value...); }, values);
  }
  if (!borrowed || arguments.positional.empty()) {
    return query_values([&](const auto&... value) { return conn.query(sql, value...); }, arguments.positional);
  }
  std::vector<ValueRef> values(arguments.positional.begin(), arguments.positional.end());
  borrow(values);
  return query_values([&](const auto&... value) { return conn.query(sql, value...); }, values);
}

Outcome Session::read(Rows rows, std::uint64_t changes_before, RowSink& sink, std::optional<std::uint64_t> max_rows) {
  Connection& conn = connection();
  Outcome outcome;
  const int columns = rows.column_count();
  outcome.has_rows = columns > 0;
  if (outcome.has_rows) {
    sink.columns(rows.columns());
    cells_.resize(static_cast<std::size_t>(columns));
  }
  while (rows.next()) {
    if (max_rows && outcome.rows == *max_rows) {
      detail::ErrorData data;
      data.code = ErrorCode::UnexpectedRows;
      data.message = std::string("the statement returned more than ").append(std::to_string(*max_rows)).append(" rows");
      throw UnexpectedRows(std::move(data));
    }
    rows.row().values(cells_);
    sink.row(cells_);
    ++outcome.rows;
  }
  // changes() answers for an older statement if this one changed nothing.
  outcome.changes = conn.total_changes() == changes_before ? 0 : conn.changes();
  outcome.last_insert_rowid = conn.last_insert_rowid();
  return outcome;
}

Outcome Session::run(std::string_view sql, const Arguments& arguments, RowSink& sink,
                     std::optional<std::uint64_t> max_rows) {
  before_write(sql);
  const std::uint64_t changes_before = connection().total_changes();
  return read(start(sql, arguments, true), changes_before, sink, max_rows);
}

Replica Session::replica() {
  if (!database_) throw Misuse(misuse("the connection is not open"));
  return database_->replica();
}

SyncReport Session::sync(std::optional<FrameNumber> until) {
  const Replica replica = this->replica();
  SyncOptions options;
  options.deadline = deadline_;
  options.cancellation.emplace();
  worker_.set_cancellation(options.cancellation);
  try {
    const SyncReport report = until ? replica.sync_until(*until, options) : replica.sync(options);
    worker_.set_cancellation(std::nullopt);
    return report;
  } catch (...) {
    worker_.set_cancellation(std::nullopt);
    throw;
  }
}

void Session::freeze() {
  reset(false);
  Database frozen = replica().freeze();
  attached_.clear();
  changes_.reset();
  connection_ = frozen.connect();
  database_ = std::move(frozen);
  deadline_ = std::nullopt;
  worker_.set_interrupt(connection_->interrupt_handle());
}

std::uint64_t Session::begin(TransactionBehavior behavior) {
  if (in_transaction()) {
    detail::ErrorData data;
    data.code = ErrorCode::SqlError;
    data.origin = ErrorOrigin::Engine;
    data.sqlite_code = 1;
    data.message = "cannot start a transaction within a transaction";
    data.transaction_open = true;
    throw SqlError(std::move(data));
  }
  transaction_.reset();  // one that the engine, or SQL text, has ended
  transaction_.emplace(next_id_, connection().transaction(behavior));
  return next_id_++;
}

bool Session::has_transaction(std::uint64_t id) const noexcept {
  return transaction_ && transaction_->first == id && transaction_->second.is_open();
}

void Session::check_transaction(std::uint64_t id) {
  if (!has_transaction(id)) throw UnknownHandle{"Transaction"};
}

void Session::commit(std::uint64_t id) {
  check_transaction(id);
  try {
    transaction_->second.commit();
  } catch (...) {
    // Still open: the caller may try again or roll back. If it is gone, so is its handle.
    if (connection().is_autocommit()) transaction_.reset();
    throw;
  }
  transaction_.reset();
}

void Session::rollback(std::uint64_t id) {
  if (!transaction_ || transaction_->first != id) throw UnknownHandle{"Transaction"};
  keep_cursors_rows();
  auto ending = std::exchange(transaction_, std::nullopt);
  if (ending->second.is_open()) ending->second.rollback();
}

bool Session::in_transaction() const { return connection_ && !connection_->is_autocommit(); }

void Session::publish() noexcept {
  bool open = false;
  try {
    open = in_transaction();
  } catch (...) {
    // A session that cannot tell has none.
  }
  worker_.publish(transaction_ && transaction_->second.is_open() ? transaction_->first : 0, open);
}

std::uint64_t Session::prepare(std::string_view sql) {
  statements_.emplace(next_id_, connection().prepare(sql));
  return next_id_++;
}

Statement& Session::statement(std::uint64_t id) {
  const auto at = statements_.find(id);
  if (at == statements_.end()) throw UnknownHandle{"Statement"};
  return at->second;
}

Outcome Session::run_statement(std::uint64_t id, const Arguments& arguments, RowSink& sink) {
  Statement& prepared = statement(id);
  if (!cursors_.empty() && !prepared.is_readonly()) keep_cursors_rows();
  const std::uint64_t changes_before = connection().total_changes();
  std::vector<ValueRef> values = arguments.by_name
                                     ? by_position(prepared, arguments)
                                     : std::vector<ValueRef>(arguments.positional.begin(), arguments.positional.end());
  borrow(values);
  return read(query_values([&](const auto&... value) { return prepared.query(value...); }, values), changes_before,
              sink, std::nullopt);
}

std::uint64_t Session::open_cursor(std::string_view sql, const Arguments& arguments) {
  before_write(sql);
  auto cursor = std::make_unique<Cursor>(start(sql, arguments, false));
  const std::span<const Column> columns = cursor->rows->columns();
  cursor->columns.assign(columns.begin(), columns.end());
  cursors_.emplace(next_id_, std::move(cursor));
  return next_id_++;
}

std::uint64_t Session::fetch(std::uint64_t id, std::uint64_t max_rows, std::size_t max_bytes, RowSink& sink,
                             bool& done) {
  const auto at = cursors_.find(id);
  if (at == cursors_.end()) throw UnknownHandle{"Cursor"};
  Cursor& cursor = *at->second;
  sink.columns(cursor.columns);
  std::uint64_t count = 0;
  std::size_t bytes = 0;
  cells_.resize(cursor.columns.size());
  while (count < max_rows && bytes < max_bytes && !cursor.done) {
    if (cursor.rows) {
      if (!cursor.rows->next()) {
        cursor.done = true;
        break;
      }
      cursor.rows->row().values(cells_);
      bytes += sink.row(cells_);
    } else if (cursor.next_kept == cursor.kept.size()) {
      cursor.done = true;
      break;
    } else {
      const OwnedRow& row = cursor.kept[cursor.next_kept++];
      for (std::size_t i = 0; i < cells_.size(); ++i) cells_[i] = row.values()[i].ref();
      bytes += sink.row(cells_);
    }
    ++count;
  }
  if (cursor.done) cursor.rows.reset();
  done = cursor.done;
  return count;
}

// A cursor shows the rows as they were when it was declared. A live statement might show what its own connection writes
// meanwhile (https://www.sqlite.org/isolation.html), so before a write the rest is copied.
void Session::before_write(std::string_view sql) {
  if (cursors_.empty()) return;
  bool writes = true;
  try {
    writes = !connection().prepare(sql).is_readonly();
  } catch (const Error&) {
    // Whatever is wrong with it, running it will say so.
  }
  if (writes) keep_cursors_rows();
}

void Session::keep_cursors_rows() {
  for (auto& [id, cursor] : cursors_) {
    if (!cursor->rows) continue;
    cursor->kept = cursor->rows->fetch_all();
    cursor->next_kept = 0;
    cursor->rows.reset();
  }
}

bool Session::drop(std::uint64_t id) noexcept {
  if (statements_.erase(id) != 0 || cursors_.erase(id) != 0) return true;
  if (transaction_ && transaction_->first == id) {
    transaction_.reset();  // rolls back
    return true;
  }
  return false;
}

void Session::reset(bool everything) {
  wal_insert_.reset();
  cursors_.clear();
  statements_.clear();
  transaction_.reset();
  Connection& conn = connection();
  if (!conn.is_autocommit()) conn.execute("ROLLBACK");
  if (everything) {
    changes_.reset();
    attached_.clear();
    conn.reset();
    deadline_ = conn.deadline();
  }
}

void Session::follow_changes(std::function<void(const ChangeSet&)> use) {
  changes_.reset();
  if (use) changes_.emplace(connection(), std::move(use));
}

void Session::begin_wal_insert() {
  if (wal_insert_) throw Misuse(misuse("frames are being inserted already"));
  wal_insert_.emplace(Wal(connection()).insert());
}

WalInsert& Session::wal_insert() {
  if (!wal_insert_) throw Misuse(misuse("no insertion of frames was begun"));
  return *wal_insert_;
}

void Session::end_wal_insert() {
  wal_insert().end();
  wal_insert_.reset();
}

void Session::attach(const std::string& name, Subscription subscription) {
  attached_.insert_or_assign(name, std::move(subscription));
}

void Session::detach(const std::string& name) noexcept { attached_.erase(name); }

}  // namespace libsql::beam
