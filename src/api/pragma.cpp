#include <libsql/pragma.hpp>

#include <array>

#include "api/access.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql {
namespace {

constexpr std::array<std::string_view, 6> kJournalModes = {"delete", "truncate", "persist", "memory", "wal", "off"};
constexpr std::array<std::string_view, 2> kLockingModes = {"normal", "exclusive"};
constexpr std::array<std::string_view, 3> kEncodings = {"UTF-8", "UTF-16le", "UTF-16be"};
constexpr std::array<std::string_view, 4> kCheckpointModes = {"PASSIVE", "FULL", "RESTART", "TRUNCATE"};
constexpr std::int64_t kDeterministic = 0x800;  // https://www.sqlite.org/c3ref/c_deterministic.html

// The enumerator that belongs to the engine's word.
template <class Enum, std::size_t N>
Enum from_word(const std::array<std::string_view, N>& words, std::string_view word, std::string_view pragma) {
  for (std::size_t i = 0; i < N; ++i) {
    if (sql::equals_ignoring_case(words[i], word)) return static_cast<Enum>(i);
  }
  core::throw_error(ErrorCode::Unsupported,
                    "PRAGMA " + std::string(pragma) + " answers with the unknown word '" + std::string(word) + "'");
}

template <class Enum>
Enum from_number(std::int64_t number, Enum last, std::string_view pragma) {
  if (number < 0 || number > static_cast<std::int64_t>(last)) {
    core::throw_error(ErrorCode::Unsupported,
                      "PRAGMA " + std::string(pragma) + " answers with the unknown number " + std::to_string(number));
  }
  return static_cast<Enum>(number);
}

[[noreturn]] void throw_no_effect(std::string_view pragma, std::string_view wanted, std::string_view actual) {
  core::throw_error(ErrorCode::Configuration, "PRAGMA " + std::string(pragma) + " could not be set to " +
                                                  std::string(wanted) + ": it is " + std::string(actual));
}

std::string argument_text(std::string_view pragma, const PragmaValue& value) {
  switch (value.type()) {
    case ValueType::Integer:
    case ValueType::Real:
      return to_sql_literal(value.ref());
    case ValueType::Text:
      return sql::is_bare_pragma_value(value.text()) ? value.text() : sql::quote_literal(value.text());
    default:
      core::throw_error(ErrorCode::Configuration, "PRAGMA " + std::string(pragma) +
                                                      " takes a flag, a number or a word, not " +
                                                      std::string(to_string(value.type())));
  }
}

struct TableColumnRow {
  int position;
  std::string name;
  std::string type;
  bool not_null;
  std::optional<std::string> default_value;
  int primary_key;
  int hidden;
};

std::vector<TableColumn> read_columns(TypedRows<TableColumnRow> rows) {
  std::vector<TableColumn> columns;
  for (TableColumnRow row : rows) {
    columns.push_back({row.position, std::move(row.name), std::move(row.type), row.not_null,
                       std::move(row.default_value), row.primary_key,
                       from_number(row.hidden, ColumnKind::GeneratedStored, "table_xinfo")});
  }
  return columns;
}

struct IndexColumnRow {
  int position;
  int table_column;
  std::optional<std::string> name;
  bool descending;
  std::optional<std::string> collation;
  bool key;
};

std::vector<IndexColumn> read_index_columns(TypedRows<IndexColumnRow> rows) {
  std::vector<IndexColumn> columns;
  for (IndexColumnRow row : rows) {
    IndexColumn& column = columns.emplace_back();
    column.position = row.position;
    if (row.table_column >= 0) column.table_column = row.table_column;
    column.is_rowid = row.table_column == -1;
    column.name = std::move(row.name).value_or("");
    column.descending = row.descending;
    column.collation = std::move(row.collation).value_or("");
    column.key = row.key;
  }
  return columns;
}

}  // namespace

std::string_view to_string(JournalMode mode) noexcept { return kJournalModes[static_cast<std::size_t>(mode)]; }
std::string_view to_string(LockingMode mode) noexcept { return kLockingModes[static_cast<std::size_t>(mode)]; }
std::string_view to_string(TextEncoding encoding) noexcept { return kEncodings[static_cast<std::size_t>(encoding)]; }

Pragma::Pragma(const Connection& connection, std::string schema)
    : schema_(sql::quote_identifier(schema) + '.'), schema_name_(std::move(schema)) {
  const auto& session = detail::Access::session(connection);
  detail::Access::require_session(session);
  connection_ = std::make_unique<Connection>(detail::Access::connection(session));
}
Pragma::Pragma(Pragma&&) noexcept = default;
Pragma& Pragma::operator=(Pragma&&) noexcept = default;
Pragma::~Pragma() = default;

// -- asking and setting ----------------------------------------------------------------------------------------------

Rows Pragma::ask(std::string_view name) const { return connection_->query("PRAGMA " + schema_ + std::string(name)); }

std::int64_t Pragma::integer(std::string_view name) const {
  Rows rows = ask(name);
  return rows.next() ? rows.row().get<std::int64_t>(0) : 0;
}

std::string Pragma::text(std::string_view name) const {
  Rows rows = ask(name);
  return rows.next() ? rows.row().get<std::string>(0) : std::string();
}

void Pragma::set_integer(std::string_view name, std::int64_t value) {
  const std::string wanted = std::to_string(value);
  connection_->execute("PRAGMA " + schema_ + std::string(name) + '=' + wanted);
  const std::int64_t actual = integer(name);
  if (actual != value) throw_no_effect(name, wanted, std::to_string(actual));
}

void Pragma::set_word(std::string_view name, std::string_view word) {
  connection_->execute("PRAGMA " + schema_ + std::string(name) + '=' + sql::quote_literal(word));
  const std::string actual = text(name);
  if (!sql::equals_ignoring_case(actual, word)) throw_no_effect(name, word, actual.empty() ? "not available" : actual);
}

// -- settings of the database ----------------------------------------------------------------------------------------

JournalMode Pragma::journal_mode() const {
  return from_word<JournalMode>(kJournalModes, text("journal_mode"), "journal_mode");
}
void Pragma::journal_mode(JournalMode mode) { set_word("journal_mode", to_string(mode)); }
Synchronous Pragma::synchronous() const {
  return from_number(integer("synchronous"), Synchronous::Extra, "synchronous");
}
void Pragma::synchronous(Synchronous level) { set_integer("synchronous", static_cast<int>(level)); }
CacheSize Pragma::cache_size() const { return CacheSize::from_pragma(integer("cache_size")); }
void Pragma::cache_size(CacheSize size) { set_integer("cache_size", size.pragma_value()); }
std::int64_t Pragma::mmap_size() const { return integer("mmap_size"); }
void Pragma::mmap_size(std::int64_t bytes) { set_integer("mmap_size", bytes); }
AutoVacuum Pragma::auto_vacuum() const {
  return from_number(integer("auto_vacuum"), AutoVacuum::Incremental, "auto_vacuum");
}
void Pragma::auto_vacuum(AutoVacuum mode) { set_integer("auto_vacuum", static_cast<int>(mode)); }
std::int32_t Pragma::user_version() const { return static_cast<std::int32_t>(integer("user_version")); }
void Pragma::user_version(std::int32_t version) { set_integer("user_version", version); }
std::int32_t Pragma::application_id() const { return static_cast<std::int32_t>(integer("application_id")); }
void Pragma::application_id(std::int32_t id) { set_integer("application_id", id); }
std::int64_t Pragma::journal_size_limit() const { return integer("journal_size_limit"); }
void Pragma::journal_size_limit(std::int64_t bytes) { set_integer("journal_size_limit", bytes); }
LockingMode Pragma::locking_mode() const {
  return from_word<LockingMode>(kLockingModes, text("locking_mode"), "locking_mode");
}
void Pragma::locking_mode(LockingMode mode) { set_word("locking_mode", to_string(mode)); }
int Pragma::page_size() const { return static_cast<int>(integer("page_size")); }
void Pragma::page_size(int bytes) { set_integer("page_size", bytes); }
std::int64_t Pragma::max_page_count() const { return integer("max_page_count"); }
void Pragma::max_page_count(std::int64_t pages) { set_integer("max_page_count", pages); }
TextEncoding Pragma::encoding() const { return from_word<TextEncoding>(kEncodings, text("encoding"), "encoding"); }
void Pragma::encoding(TextEncoding encoding) { set_word("encoding", to_string(encoding)); }
SecureDelete Pragma::secure_delete() const {
  return from_number(integer("secure_delete"), SecureDelete::Fast, "secure_delete");
}
void Pragma::secure_delete(SecureDelete mode) {
  if (mode != SecureDelete::Fast) return set_integer("secure_delete", static_cast<int>(mode));
  connection_->execute("PRAGMA " + schema_ + "secure_delete=fast");  // it takes the word and answers with the number
  const std::int64_t actual = integer("secure_delete");
  if (actual != static_cast<int>(mode)) throw_no_effect("secure_delete", "fast", std::to_string(actual));
}

std::int64_t Pragma::page_count() const { return integer("page_count"); }
std::int64_t Pragma::freelist_count() const { return integer("freelist_count"); }
std::int64_t Pragma::data_version() const { return integer("data_version"); }
std::int64_t Pragma::schema_version() const { return integer("schema_version"); }

// -- settings of the connection --------------------------------------------------------------------------------------

bool Pragma::foreign_keys() const { return flag("foreign_keys"); }
void Pragma::foreign_keys(bool on) { set_integer("foreign_keys", on); }
bool Pragma::recursive_triggers() const { return flag("recursive_triggers"); }
void Pragma::recursive_triggers(bool on) { set_integer("recursive_triggers", on); }
bool Pragma::query_only() const { return flag("query_only"); }
void Pragma::query_only(bool on) { set_integer("query_only", on); }
bool Pragma::defer_foreign_keys() const { return flag("defer_foreign_keys"); }
void Pragma::defer_foreign_keys(bool on) { set_integer("defer_foreign_keys", on); }
bool Pragma::trusted_schema() const { return flag("trusted_schema"); }
void Pragma::trusted_schema(bool on) { set_integer("trusted_schema", on); }
bool Pragma::cell_size_check() const { return flag("cell_size_check"); }
void Pragma::cell_size_check(bool on) { set_integer("cell_size_check", on); }
bool Pragma::automatic_index() const { return flag("automatic_index"); }
void Pragma::automatic_index(bool on) { set_integer("automatic_index", on); }
bool Pragma::ignore_check_constraints() const { return flag("ignore_check_constraints"); }
void Pragma::ignore_check_constraints(bool on) { set_integer("ignore_check_constraints", on); }
bool Pragma::read_uncommitted() const { return flag("read_uncommitted"); }
void Pragma::read_uncommitted(bool on) { set_integer("read_uncommitted", on); }
bool Pragma::reverse_unordered_selects() const { return flag("reverse_unordered_selects"); }
void Pragma::reverse_unordered_selects(bool on) { set_integer("reverse_unordered_selects", on); }

bool Pragma::case_sensitive_like() const {  // the PRAGMA itself gives no answer
  return !connection_->query_value<bool>("SELECT 'a' LIKE 'A'");
}
void Pragma::case_sensitive_like(bool on) {
  connection_->execute(on ? "PRAGMA case_sensitive_like=1" : "PRAGMA case_sensitive_like=0");
  if (case_sensitive_like() != on) throw_no_effect("case_sensitive_like", on ? "1" : "0", on ? "0" : "1");
}

TempStore Pragma::temp_store() const { return from_number(integer("temp_store"), TempStore::Memory, "temp_store"); }
void Pragma::temp_store(TempStore store) { set_integer("temp_store", static_cast<int>(store)); }
int Pragma::wal_autocheckpoint() const { return static_cast<int>(integer("wal_autocheckpoint")); }
void Pragma::wal_autocheckpoint(int frames) { set_integer("wal_autocheckpoint", frames); }
int Pragma::analysis_limit() const { return static_cast<int>(integer("analysis_limit")); }
void Pragma::analysis_limit(int rows) { set_integer("analysis_limit", rows); }
int Pragma::threads() const { return static_cast<int>(integer("threads")); }
void Pragma::threads(int count) { set_integer("threads", count); }
std::chrono::milliseconds Pragma::busy_timeout() const { return connection_->busy_timeout(); }
void Pragma::busy_timeout(std::chrono::milliseconds timeout) { connection_->busy_timeout(timeout); }

// -- the schema ------------------------------------------------------------------------------------------------------

std::vector<TableColumn> Pragma::table_info(std::string_view table) const {
  return read_columns(connection_->query<TableColumnRow>(
      "SELECT cid, name, type, \"notnull\", dflt_value, pk, 0 FROM pragma_table_info(?1, ?2)", table, schema_name_));
}
std::vector<TableColumn> Pragma::table_xinfo(std::string_view table) const {
  return read_columns(connection_->query<TableColumnRow>(
      "SELECT cid, name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, ?2)", table,
      schema_name_));
}

std::vector<IndexEntry> Pragma::index_list(std::string_view table) const {
  std::vector<IndexEntry> entries;
  for (auto [name, unique, origin, partial] : connection_->query<std::string, bool, std::string_view, bool>(
           "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1, ?2)", table, schema_name_)) {
    const IndexOrigin made_by = origin == "pk"  ? IndexOrigin::PrimaryKey
                                : origin == "u" ? IndexOrigin::Unique
                                                : IndexOrigin::CreateIndex;
    entries.push_back({std::move(name), unique, made_by, partial});
  }
  return entries;
}

std::vector<IndexColumn> Pragma::index_info(std::string_view index) const {
  return read_index_columns(connection_->query<IndexColumnRow>(
      "SELECT seqno, cid, name, \"desc\", coll, \"key\" FROM pragma_index_xinfo(?1, ?2) WHERE \"key\"", index,
      schema_name_));
}
std::vector<IndexColumn> Pragma::index_xinfo(std::string_view index) const {
  return read_index_columns(connection_->query<IndexColumnRow>(
      "SELECT seqno, cid, name, \"desc\", coll, \"key\" FROM pragma_index_xinfo(?1, ?2)", index, schema_name_));
}

std::vector<ForeignKey> Pragma::foreign_key_list(std::string_view table) const {
  std::vector<ForeignKey> keys;
  for (const Row& row : connection_->query("SELECT id, \"table\", \"from\", \"to\", on_update, on_delete, \"match\" "
                                           "FROM pragma_foreign_key_list(?1, ?2) ORDER BY id, seq",
                                           table, schema_name_)) {
    const int id = row.get<int>(0);
    if (keys.empty() || keys.back().id != id) {
      keys.push_back({id,
                      row.get<std::string>(1),
                      {},
                      {},
                      row.get<std::string>(4),
                      row.get<std::string>(5),
                      row.get<std::string>(6)});
    }
    keys.back().columns.push_back(row.get<std::string>(2));
    if (auto parent_column = row.get<std::optional<std::string>>(3)) {
      keys.back().parent_columns.push_back(std::move(*parent_column));
    }
  }
  return keys;
}

std::vector<TableEntry> Pragma::table_list() const {
  return connection_
      ->query<TableEntry>("SELECT schema, name, type, ncol, wr, strict FROM pragma_table_list WHERE schema = ?1",
                          schema_name_)
      .fetch_all();
}

std::vector<DatabaseEntry> Pragma::database_list() const {
  return connection_
      ->query<DatabaseEntry>(
          "SELECT seq, name, CASE WHEN file LIKE ':memory:%' THEN '' ELSE coalesce(file, '') END FROM "
          "pragma_database_list ORDER BY seq")
      .fetch_all();
}

std::vector<FunctionEntry> Pragma::function_list() const {
  return connection_
      ->query<FunctionEntry>("SELECT name, builtin, type, narg, (flags & ?1) <> 0 FROM pragma_function_list",
                             kDeterministic)
      .fetch_all();
}

std::vector<std::string> Pragma::names(std::string_view sql) const {
  std::vector<std::string> all;
  for (auto [name] : connection_->query<std::string>(sql)) all.push_back(std::move(name));
  return all;
}
std::vector<std::string> Pragma::compile_options() const {
  return names("SELECT compile_options FROM pragma_compile_options");
}
std::vector<std::string> Pragma::collation_list() const { return names("SELECT name FROM pragma_collation_list"); }
std::vector<std::string> Pragma::module_list() const { return names("SELECT name FROM pragma_module_list"); }
std::vector<std::string> Pragma::pragma_list() const { return names("SELECT name FROM pragma_pragma_list"); }

// -- maintenance -----------------------------------------------------------------------------------------------------

CheckpointResult Pragma::wal_checkpoint(WalCheckpointMode mode) {
  return connection_->query_row<CheckpointResult>("PRAGMA " + schema_ + "wal_checkpoint(" +
                                                  std::string(kCheckpointModes[static_cast<std::size_t>(mode)]) + ')');
}

void Pragma::optimize() { connection_->execute("PRAGMA " + schema_ + "optimize"); }

std::vector<std::string> Pragma::optimize_preview() {
  // -1: everything it can do, and say it instead of doing it.
  return names("PRAGMA " + schema_ + "optimize(-1)");
}

std::vector<std::string> Pragma::check(std::string_view name, std::string_view argument) {
  std::vector<std::string> problems =
      names("PRAGMA " + schema_ + std::string(name) + '(' + std::string(argument) + ')');
  if (problems.size() == 1 && problems.front() == "ok") problems.clear();
  return problems;
}
std::vector<std::string> Pragma::integrity_check(int max_problems) {
  return check("integrity_check", std::to_string(max_problems));
}
std::vector<std::string> Pragma::integrity_check(std::string_view table) {
  return check("integrity_check", sql::quote_identifier(table));
}
std::vector<std::string> Pragma::quick_check(int max_problems) {
  return check("quick_check", std::to_string(max_problems));
}
std::vector<std::string> Pragma::quick_check(std::string_view table) {
  return check("quick_check", sql::quote_identifier(table));
}

std::vector<ForeignKeyViolation> Pragma::foreign_key_violations(std::string_view argument) {
  return connection_->query<ForeignKeyViolation>("PRAGMA " + schema_ + "foreign_key_check" + std::string(argument))
      .fetch_all();
}
std::vector<ForeignKeyViolation> Pragma::foreign_key_check() { return foreign_key_violations({}); }
std::vector<ForeignKeyViolation> Pragma::foreign_key_check(std::string_view table) {
  return foreign_key_violations('(' + sql::quote_identifier(table) + ')');
}

std::int64_t Pragma::incremental_vacuum(std::int64_t pages) {
  if (pages < 0) core::throw_error(ErrorCode::OutOfRange, "a number of pages cannot be negative");
  const std::int64_t before = freelist_count();
  connection_->execute("PRAGMA " + schema_ + "incremental_vacuum(" + std::to_string(pages) + ')');
  return before - freelist_count();
}

void Pragma::shrink_memory() { connection_->execute("PRAGMA shrink_memory"); }

// -- any other -------------------------------------------------------------------------------------------------------

void Pragma::require_known(std::string_view name) const {
  const bool known =
      sql::is_pragma_name(name) &&
      connection_->query_value<bool>("SELECT EXISTS (SELECT 1 FROM pragma_pragma_list WHERE name = lower(?1))", name);
  if (!known) core::throw_error(ErrorCode::Configuration, "there is no PRAGMA named '" + std::string(name) + "'");
}

std::optional<Value> Pragma::value(std::string_view name) const {
  require_known(name);
  Rows rows = ask(name);
  if (!rows.next()) return std::nullopt;
  return rows.row().get<Value>(0);
}

std::vector<OwnedRow> Pragma::rows(std::string_view name) const {
  require_known(name);
  return ask(name).fetch_all();
}

std::vector<OwnedRow> Pragma::rows(std::string_view name, const PragmaValue& argument) const {
  require_known(name);
  return ask(std::string(name) + '(' + argument_text(name, argument) + ')').fetch_all();
}

std::optional<Value> Pragma::set(std::string_view name, const PragmaValue& value) {
  require_known(name);
  Rows rows = ask(std::string(name) + '=' + argument_text(name, value));
  std::optional<Value> answer;
  while (rows.next()) {
    if (!answer && rows.column_count() > 0) answer = rows.row().get<Value>(0);
  }
  return answer;
}

}  // namespace libsql
