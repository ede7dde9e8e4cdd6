#include "server/run/client_statement.hpp"

#include <algorithm>
#include <string>

#include "core/clock.hpp"
#include "engine/statement.hpp"
#include "server/base/failure.hpp"
#include "sql/classify.hpp"
#include "sql/quote.hpp"

namespace libsql::server {
namespace {

[[noreturn]] void throw_arguments(const std::string& why) {
  throw StatementFailure("ARGS_INVALID", "Arguments do not match SQL parameters: " + why);
}

}  // namespace

template <class Body>
auto ClientStatement::guarded(Body&& body) {
  try {
    return body();
  } catch (const StatementFailure& failure) {
    error_code_ = failure.code();
    throw;
  } catch (const Error& error) {
    const StatementFailure failure = failure_of(error);
    error_code_ = failure.code();
    throw failure;
  } catch (const RequestRefused&) {  // its code() would not outlive the exception
    error_code_ = "REFUSED";
    throw;
  }
}

ClientStatement::~ClientStatement() {
  if (open_) prepared_->statement->close_cursor();
  if (!reported_ && !sql_.empty()) {
    if (error_code_.empty()) error_code_ = "SQLITE_INTERRUPT";
    report(0, 0);
  }
}

void ClientStatement::prepare(std::string_view sql) {
  sql_ = sql;
  guarded([&] { prepared_ = session_.prepare(sql, context_); });
}

// Turns all arguments into positional ones, in the order of the parameters' numbers.
std::span<const ValueRef> ClientStatement::arguments(const detail::ParamsView& args) {
  if (!args.positional.empty() && !args.named.empty()) {
    throw StatementFailure("ARGS_BOTH_POSITIONAL_AND_NAMED",
                           "Specifying both positional and named arguments is not supported");
  }
  engine::Statement& statement = *prepared_->statement;
  const auto count = static_cast<std::size_t>(statement.parameter_count());
  const auto limit = static_cast<std::size_t>(session_.connection().limit(Limit::Length));
  const auto require_size = [&](const ValueRef& value) {
    if (value.size() > limit) throw_arguments("string or blob too big");
  };
  if (args.named.empty() && !prepared_->has_named && args.positional.size() == count) [[likely]] {
    for (const ValueRef& value : args.positional) {
      if (value.type() == ValueType::Text || value.type() == ValueType::Blob) require_size(value);
    }
    return args.positional;
  }
  const std::size_t given = args.positional.size() + args.named.size();
  if (given > count) {
    throw_arguments("too many parameters, expected " + std::to_string(count) + " found " + std::to_string(given));
  }
  std::vector<ValueRef>& bound = session_.scratch.arguments;
  bound.assign(count, ValueRef());
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = statement.parameter_name(static_cast<int>(i) + 1);
    if (name.empty() || name.front() == '?') {
      if (i < args.positional.size()) {
        require_size(bound[i] = args.positional[i]);
      } else if (!prepared_->traits.is_explain) {
        throw_arguments("value for parameter " + std::to_string(i + 1) + " not found");
      }
      continue;
    }
    // Of several arguments with the same name the last one wins. The full name, with its prefix, is tried before the
    // bare one.
    const auto find = [&](std::string_view wanted) {
      return std::find_if(args.named.rbegin(), args.named.rend(),
                          [&](const detail::NamedRef& argument) { return argument.name == wanted; });
    };
    auto found = find(name);
    if (found == args.named.rend()) found = find(name.substr(1));
    if (found != args.named.rend()) {
      require_size(bound[i] = found->value);
    } else if (!prepared_->traits.is_explain) {
      throw_arguments("value for parameter " + std::string(name) + " not found");
    }
  }
  return bound;
}

void ClientStatement::start_attach() {
  const std::string file = context_.attachable(prepared_->traits.target);
  session_.attach(file, prepared_->traits.alias);
}

void ClientStatement::start(const detail::ParamsView& args) {
  guarded([&] {
    const bool is_attach = prepared_->traits.kind == StatementClass::Attach;
    const std::span<const ValueRef> bound = is_attach ? std::span<const ValueRef>() : arguments(args);
    session_.require_transaction(*prepared_);
    if (is_attach) return start_attach();
    engine::Statement& statement = *prepared_->statement;
    if (session_.is_read_only() && session_.is_autocommit()) session_.set_read_only(false);  // the engine rolled back
    if (statement.may_write()) context_.require_writing();
    if (session_.is_read_only() && statement.may_write()) {
      throw StatementFailure("SQLITE_READONLY", "SQLite error: attempt to write a readonly database");
    }
    if (prepared_->traits.kind == StatementClass::Savepoint) opens_ = session_.is_autocommit();
    changes_before_ = session_.connection().total_changes();
    scanned_before_ = statement.fullscan_counter();
    statement.open({bound, {}}, core::ArgumentLifetime::Borrow);
    open_ = true;
  });
}

std::span<const hrana::Col> ClientStatement::columns() {
  if (prepared_->statement == nullptr) return {};
  std::vector<hrana::Col>& columns = session_.scratch.columns;
  columns.clear();
  const auto append = [&] {
    for (const Column& column : prepared_->statement->columns()) {
      hrana::Col& to = columns.emplace_back();
      to.name = column.name;
      if (!column.declared_type.empty()) to.decltype_name = column.declared_type;
    }
  };
  guarded(append);
  return columns;
}

// A statement's columns do not change until the schema does, so their encoding is kept.
void ClientStatement::write_columns(hrana::ResponseWriter& writer) {
  constexpr std::size_t kKept = 512;  // bytes: enough for most statements, and about what a cache entry costs anyway
  if (prepared_->statement == nullptr) return writer.columns({});
  Prepared::WrittenColumns& written = prepared_->written_columns[static_cast<std::size_t>(writer.encoding())];
  const int version = prepared_->statement->columns_version();
  if (written.version == version) return writer.repeat_columns(written.text);
  writer.columns(columns());
  if (writer.written_columns().size() > kKept) return;
  written.text = writer.written_columns();
  written.version = version;
}

bool ClientStatement::next() {
  if (!open_) return false;
  return guarded([&] {
    if (prepared_->statement->next()) {
      ++rows_;
      return true;
    }
    open_ = false;
    return false;
  });
}

std::span<const ValueRef> ClientStatement::row() {
  std::vector<ValueRef>& cells = session_.scratch.cells;
  cells.resize(static_cast<std::size_t>(prepared_->statement->cursor_column_count()));
  prepared_->statement->read_cells(cells);
  return cells;
}

// Exact counting makes scans a third slower, so it is an option. Without it, the engine still counts the steps of full
// scans, and the rows that a search found are estimated by those it returned or changed.
std::uint64_t ClientStatement::rows_read(std::uint64_t changed) const noexcept {
  if (prepared_ == nullptr || prepared_->statement == nullptr) return 0;
  if (const auto exact = prepared_->statement->rows_scanned()) return *exact;
  return std::max({prepared_->statement->fullscan_counter() - scanned_before_, rows_, changed});
}

void ClientStatement::report(std::uint64_t read, std::uint64_t changed) noexcept {
  reported_ = true;
  // Only in the statistics, as observed in sqld 0.24.33. The answer to the client says 0.
  if (error_code_.empty() && read == 0 && changed == 0) read = 1;
  duration_ = core::SteadyClock::now() - begun_;
  const bool failed = !error_code_.empty();
  NamespaceCounters& counters = context_.name_space().counters();
  counters.queries.fetch_add(1, std::memory_order_relaxed);
  if (failed) counters.failed.fetch_add(1, std::memory_order_relaxed);
  if (read != 0) counters.rows_read.fetch_add(read, std::memory_order_relaxed);
  if (changed != 0) counters.rows_written.fetch_add(changed, std::memory_order_relaxed);
  counters.microseconds.fetch_add(
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration_).count()),
      std::memory_order_relaxed);
  context_.count(read, changed);
  if (error_code_ == "SQLITE_INTERRUPT") context_.tell(Event::StatementInterrupted);
  Observer* const observer = context_.options().observer.get();
  if (observer == nullptr || !observer->wants_statements()) return;
  StatementRecord record;
  record.name_space = context_.name_space().name();
  record.sql = sql_;
  record.error_code = error_code_;
  record.is_write = prepared_ != nullptr && prepared_->traits.needs_write();
  record.rows_returned = rows_;
  record.rows_read = read;
  record.rows_written = changed;
  record.duration = duration_;
  observer->statement_finished(record);
}

hrana::StmtTotals ClientStatement::finish() {
  engine::Connection& connection = session_.connection();
  const StatementTraits& traits = prepared_->traits;
  const bool is_attach = traits.kind == StatementClass::Attach;
  const std::uint64_t changed = is_attach ? 0 : connection.total_changes() - changes_before_;
  if (traits.begin == sql::BeginBehavior::ReadOnly && traits.kind == StatementClass::Begin)
    session_.set_read_only(true);
  session_.statement_done(traits, changed != 0);
  if (opens_ && !session_.is_autocommit()) {
    session_.set_outer_savepoint(sql::unquote(sql::classify(prepared_->text).name));
  }
  hrana::StmtTotals totals;
  if (traits.is_dml) totals.affected_row_count = connection.changes();
  if (traits.is_insert) totals.last_insert_rowid = connection.last_insert_rowid();
  totals.rows_read = rows_read(changed);
  totals.rows_written = changed;
  report(totals.rows_read, changed);
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(duration_);
  totals.query_duration_ms = static_cast<double>(elapsed.count()) / 1000.0;
  return totals;
}

}  // namespace libsql::server
