#include <libsql/connection.hpp>

#include "api/access.hpp"
#include "api/local_session.hpp"
#include "core/marks.hpp"
#include "engine/connection.hpp"
#include "sql/classify.hpp"
#include "sql/nesting.hpp"
#include "sql/split.hpp"

namespace libsql {
namespace {

// Text that would end the transaction around a batch would leave half of it: it is refused before anything runs.
void require_inside(sql::Nesting& nesting, std::string_view text, std::size_t index) {
  if (nesting.stays_inside(text)) return;
  detail::ErrorData data;
  data.code = ErrorCode::Misuse;
  data.message =
      "the batch runs in a transaction of its own: it can neither begin nor end one, nor end a savepoint that it has "
      "not "
      "set";
  data.sql = text;
  data.statement_index = index;
  core::throw_error(std::move(data));
}

template <class Run>
BatchResult all_or_nothing(Connection& connection, Run&& run) {
  Transaction tx = connection.transaction(TransactionBehavior::Immediate);
  BatchResult results = run();
  tx.commit();
  return results;
}

}  // namespace

Connection::Connection(std::shared_ptr<core::Session> session) noexcept : session_(std::move(session)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

core::Session& Connection::session() const { return detail::Access::require_session(session_); }

std::uint64_t Connection::execute_view(std::string_view sql, const detail::ParamsView& params) {
  return session().execute(sql, params);
}
RunResult Connection::run_view(std::string_view sql, const detail::ParamsView& params) {
  core::Session& held = session();
  RunResult result;
  result.changes = held.execute(sql, params);
  result.last_insert_rowid = held.counters().last_insert_rowid;
  return result;
}
Rows Connection::query_view(std::string_view sql, const detail::ParamsView& params) {
  std::shared_ptr<core::Stmt> stmt = session().open(sql, params);
  return detail::Access::rows(session_, std::move(stmt));
}
detail::RowScope Connection::open_scope(std::string_view sql, const detail::ParamsView& params, detail::Wanted wanted) {
  std::shared_ptr<core::Stmt> stmt = session().open(sql, params, wanted);
  if (stmt == nullptr) [[unlikely]]
    detail::throw_yields_no_rows(wanted);
  return detail::RowScope(std::move(stmt));
}
Statement Connection::prepare(std::string_view sql) {
  auto stmt = session().prepare(sql);
  return detail::Access::statement(session_, std::move(stmt));
}

BatchResult Connection::execute_batch(std::string_view script) { return session().execute_batch(script); }
BatchResult Connection::execute_batch(std::span<const BatchStatement> statements) {
  return session().execute_batch(statements);
}
BatchResult Connection::execute_transactional_batch(std::string_view script) {
  const core::CallScope call(session());
  sql::Nesting nesting;
  std::size_t index = 0;
  for (const sql::Statement& entry : sql::split(script)) require_inside(nesting, entry.text, index++);
  if (auto results = session().execute_atomically(script)) return std::move(*results);
  return all_or_nothing(*this, [&] { return execute_batch(script); });
}
BatchResult Connection::execute_transactional_batch(std::span<const BatchStatement> statements) {
  const core::CallScope call(session());
  sql::Nesting nesting;
  for (std::size_t i = 0; i < statements.size(); ++i) require_inside(nesting, statements[i].sql, i);
  if (auto results = session().execute_atomically(statements)) return std::move(*results);
  return all_or_nothing(*this, [&] { return execute_batch(statements); });
}

namespace {

// For sessions that run one set of arguments after the other.
class TransactionalBulk final : public core::Bulk {
 public:
  TransactionalBulk(Connection& connection, core::Session& session, std::string_view sql)
      : stmt_(prepare(session, sql)), transaction_(connection.transaction(TransactionBehavior::Immediate)) {}

  void add(const core::ParamsView& params) override {
    if (!transaction_.is_open()) [[unlikely]]
      transaction_.commit();  // throws: the source of the arguments has ended it, and another one may be open
    changes_ += stmt_->execute(params);
  }
  std::uint64_t finish() override {
    transaction_.commit();
    return changes_;
  }

 private:
  static std::shared_ptr<core::Stmt> prepare(core::Session& session, std::string_view sql) {
    std::shared_ptr<core::Stmt> stmt = session.prepare(sql);
    if (sql::classify(stmt->sql()).access == sql::Access::Transaction && stmt->explain_kind() == ExplainKind::None) {
      core::throw_error(ErrorCode::Misuse, "a statement that begins or ends a transaction cannot run many times in one",
                        sql);
    }
    return stmt;
  }

  std::shared_ptr<core::Stmt> stmt_;
  Transaction transaction_;
  std::uint64_t changes_ = 0;
};

}  // namespace

namespace detail {

BulkRun::BulkRun(Connection& connection, std::string_view sql) : session_(connection.session_), call_(session_.get()) {
  core::Session& session = connection.session();
  bulk_ = session.bulk(sql);
  if (bulk_ == nullptr) bulk_ = std::make_unique<TransactionalBulk>(connection, session, sql);
}
BulkRun::~BulkRun() = default;
void BulkRun::add_view(const ParamsView& params) { bulk_->add(params); }
void BulkRun::rethrow_with_index(const Error& error) const {
  if (error.statement_index()) throw;  // of a set that was taken earlier
  core::rethrow_with_statement_index(error, index_);
}
std::uint64_t BulkRun::finish() { return bulk_->finish(); }

}  // namespace detail

Transaction Connection::transaction(TransactionBehavior behavior) {
  core::Session& held = session();
  held.require_open();
  const core::TransactionState state = held.transaction_state();
  if (!state.is_open && !state.is_watched) {
    held.begin(behavior);
    return detail::Access::transaction(session_, 0);
  }
  return detail::Access::transaction(session_, core::set_mark(held, "libsql_nested"));
}

Savepoint Connection::savepoint(std::string_view name) {
  session();
  return detail::Access::savepoint(session_, std::string(name));
}

void Connection::ping() { session().ping(); }
void Connection::close() { session().close(); }
bool Connection::is_closed() const noexcept { return session_ == nullptr || session_->is_closed(); }
void Connection::reset() { session().reset(); }
void Connection::cacheflush() { detail::Access::engine(session_, core::Feature::CacheFlush).cacheflush(); }
void Connection::release_memory() { session().release_memory(); }

void Connection::interrupt() noexcept {
  if (session_ != nullptr) session_->interrupt_state()->interrupt();
}
InterruptHandle Connection::interrupt_handle() const noexcept {
  return session_ == nullptr ? InterruptHandle() : InterruptHandle(session_->interrupt_state());
}

void Connection::busy_timeout(std::chrono::milliseconds timeout) {
  if (timeout < std::chrono::milliseconds(0)) {
    core::throw_error(ErrorCode::OutOfRange, "the busy timeout cannot be negative");
  }
  session().change_settings([&](core::SessionSettings& settings) { settings.busy_timeout = timeout; });
}
std::chrono::milliseconds Connection::busy_timeout() const { return session().settings().busy_timeout; }
void Connection::deadline(std::optional<std::chrono::milliseconds> limit) {
  if (limit && *limit <= std::chrono::milliseconds(0)) {
    core::throw_error(ErrorCode::OutOfRange, "a deadline must be positive");
  }
  session().change_settings([&](core::SessionSettings& settings) { settings.deadline = limit; });
}
std::optional<std::chrono::milliseconds> Connection::deadline() const { return session().settings().deadline; }

std::uint64_t Connection::changes() const { return session().counters().changes; }
std::uint64_t Connection::total_changes() const { return session().counters().total_changes; }
std::int64_t Connection::last_insert_rowid() const { return session().counters().last_insert_rowid; }
bool Connection::is_autocommit() const { return session().is_autocommit(); }
bool Connection::is_readonly() const { return session().facts().is_readonly; }
std::string Connection::path() const { return session().facts().path; }

ExtensionGuard Connection::enable_load_extension() {
  detail::Access::engine(session_, core::Feature::LoadExtension).require_open();
  return ExtensionGuard(session_);
}
void Connection::load_extension(const std::filesystem::path& file, std::string_view entry_point) {
  detail::Access::engine(session_, core::Feature::LoadExtension).load_extension(file, entry_point);
}
void Connection::set_reserved_bytes(int bytes) {
  detail::Access::engine(session_, core::Feature::SetReservedBytes).set_reserved_bytes(bytes);
}
int Connection::reserved_bytes() const {
  return detail::Access::engine(session_, core::Feature::ReservedBytes).reserved_bytes();
}
void Connection::rekey(BlobView key) { detail::local_session(*this, core::Feature::Rekey).rekey(key); }
void Connection::rekey(std::string_view key) { rekey(std::as_bytes(std::span(key))); }
int Connection::limit(Limit which) const {
  const engine::Connection& engine = detail::Access::engine(session_, core::Feature::Limits);
  engine.require_open();
  return engine.limit(which);
}
int Connection::limit(Limit which, int value) {
  engine::Connection& engine = detail::Access::engine(session_, core::Feature::Limits);
  engine.require_open();
  return engine.set_limit(which, value);
}

ConnectionStatistics Connection::statistics() const { return session().statistics(); }
void Connection::reset_statistics() { session().reset_statistics(); }
const Capabilities& Connection::capabilities() const noexcept {
  static constexpr Capabilities kNone;  // of a handle that was moved from
  return session_ == nullptr ? kNone : session_->features().capabilities();
}

ExtensionGuard::ExtensionGuard(std::shared_ptr<core::Session> session) : session_(std::move(session)) {
  session_->engine_connection()->allow_extensions();
}
ExtensionGuard::ExtensionGuard(ExtensionGuard&&) noexcept = default;
ExtensionGuard& ExtensionGuard::operator=(ExtensionGuard&& other) noexcept {
  std::swap(session_, other.session_);
  return *this;
}
ExtensionGuard::~ExtensionGuard() {
  if (session_ != nullptr) session_->engine_connection()->forbid_extensions();
}

InterruptHandle::InterruptHandle() noexcept = default;
InterruptHandle::InterruptHandle(std::shared_ptr<core::InterruptState> state) noexcept : state_(std::move(state)) {}
InterruptHandle::InterruptHandle(const InterruptHandle&) noexcept = default;
InterruptHandle::InterruptHandle(InterruptHandle&&) noexcept = default;
InterruptHandle& InterruptHandle::operator=(const InterruptHandle&) noexcept = default;
InterruptHandle& InterruptHandle::operator=(InterruptHandle&&) noexcept = default;
InterruptHandle::~InterruptHandle() = default;
void InterruptHandle::interrupt() const noexcept {
  if (state_ != nullptr) state_->interrupt();
}

}  // namespace libsql
