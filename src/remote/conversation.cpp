#include "remote/conversation.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "core/errors.hpp"
#include "remote/failures.hpp"
#include "remote/steps.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::remote {
namespace {

using hrana::Request;

// Beginning a transaction inside another one fails and does nothing else; so on a server that cannot be asked, whether
// BEGIN works tells whether one was open.
constexpr std::string_view kBegin = "BEGIN";
constexpr std::string_view kRollback = "ROLLBACK";
constexpr std::string_view kSavepoint = "SAVEPOINT libsql_batch";
constexpr std::string_view kRelease = "RELEASE libsql_batch";
constexpr std::string_view kRollbackTo = "ROLLBACK TO libsql_batch";
constexpr std::string_view kBeginImmediate = "BEGIN IMMEDIATE";

bool is(const Text& text, sql::StatementKind kind) noexcept {
  return text.what.explain == sql::ExplainMode::None && text.what.kind == kind;
}

bool only_waits_for_lock(const Text& text) noexcept {
  using enum sql::BeginBehavior;
  return is(text, sql::StatementKind::Begin) && (text.what.begin == Immediate || text.what.begin == Exclusive);
}

// Whether it needs the lock for writing, and may run in a transaction.
bool may_run_locked(const Text& text) noexcept {
  using enum sql::StatementKind;
  const sql::StatementKind kind = text.what.kind;
  const bool of_schema = kind >= CreateTable && kind <= AlterTable && !text.what.temporary;
  return text.what.explain == sql::ExplainMode::None && (text.changes_rows() || of_schema);
}

}  // namespace

void Conversation::check(std::string_view sql) const {
  if (!lost_ && !(watched_ && held_ == nullptr)) return;
  detail::ErrorData data;
  data.code = ErrorCode::TransactionLost;
  data.origin = ErrorOrigin::Server;
  data.message = lost_ ? *lost_ + ". Roll the transaction back, then start again"
                       : "the transaction has ended without its Transaction: the server rolled it back "
                         "after an error, or SQL text ended it. Roll the Transaction back, then start again";
  data.sql = sql;
  data.transaction_open = false;
  core::throw_error(std::move(data));
}

void Conversation::lose(std::string why) {
  held_.reset();
  if (!lost_) lost_ = std::move(why);
}

void Conversation::release() noexcept { held_.reset(); }

void Conversation::forget() noexcept {
  held_.reset();
  script_.reset();
  lost_.reset();
  settings_.clear();
  watch(false);
}

void Conversation::keep_setting(std::string_view pragma, std::string_view statement) {
  std::string name = sql::unquote(pragma);
  const auto known = std::find_if(settings_.begin(), settings_.end(),
                                  [&](const auto& setting) { return sql::equals_ignoring_case(setting.first, name); });
  if (known != settings_.end()) {
    known->second = statement;
  } else {
    settings_.emplace_back(std::move(name), statement);
  }
}

// Every request goes through here, whatever it is for: a commit can be in any of them.
Answers Conversation::ask(Stream& stream, std::span<const Request> requests, After after, const Call& call) {
  Answers answers = stream.run(requests, after, call);
  if (const std::optional<std::uint64_t> index = answers.replication_index()) {
    replication_index_ = index;
    highest_index_ = std::max(highest_index_.value_or(0), *index);
  }
  return answers;
}

// A stream on which the session's settings hold.
std::shared_ptr<Stream> Conversation::new_stream(Call& call) {
  std::shared_ptr<Stream> stream = wire_->stream();
  if (settings_.empty()) return stream;
  call.outside = true;
  Steps steps(settings_.size());
  for (std::size_t i = 0; i < settings_.size(); ++i) {
    steps.add(settings_[i].second, i == 0 ? nullptr : steps.ok(static_cast<std::uint32_t>(i - 1)));
  }
  const Request request = hrana::BatchRequest{steps.batch()};
  const Answers answers = ask(*stream, {&request, 1}, After::Keep, call);
  const Answer answer = answers.at(0);
  const hrana::WireError* error = answer.error;
  for (std::size_t i = 0; error == nullptr && i < settings_.size(); ++i) {
    const hrana::StepOutcome* const made = answer.as<hrana::BatchResponse>().result.find(static_cast<std::uint32_t>(i));
    if (made == nullptr) core::throw_error(ErrorCode::Protocol, "the server left out a step of a batch");
    error = made->error();
  }
  if (error != nullptr) {
    detail::ErrorData data = error_of(*error);
    data.message = "a setting of the session cannot be restored: " + data.message;
    core::throw_error(std::move(data));
  }
  if (!stream->is_open()) core::throw_error(ErrorCode::Protocol, "the server did not keep the stream that was set up");
  // This one holds for one transaction.
  std::erase_if(settings_, [](const auto& one) { return sql::equals_ignoring_case(one.first, "defer_foreign_keys"); });
  return stream;
}

void Conversation::throw_lost(std::string_view sql) {
  lose("the transaction is lost: the server has ended it");
  check(sql);
  core::throw_error(ErrorCode::TransactionLost, *lost_, sql);
}

void Conversation::fail(const hrana::WireError& error, const Text& text) {
  detail::ErrorData data = error_of(error, text);
  data.transaction_open = held_ != nullptr;
  if (data.code == ErrorCode::TransactionLost) {
    data.transaction_open = false;
    lose("the transaction is lost: " + data.message);
  }
  core::throw_error(std::move(data));
}

// Runs something on the held stream, and notices its loss.
template <class Run>
auto Conversation::inside(Run&& run) {
  const auto note = [&](const char* why) {
    if (held_ != nullptr && !held_->is_open()) lose(std::string("the transaction is lost: ") + why);
  };
  try {
    return run();
  } catch (const Error& error) {
    note(error.what());
    throw;
  } catch (...) {
    note("a request failed");
    throw;
  }
}

// Until when the client has to bound the wait of what changes something outside a transaction, in a server that waits
// as long as it likes. None if it need not: that costs a request.
std::optional<net::Deadline> Conversation::limit_of_waiting(const Call& call) {
  constexpr std::chrono::milliseconds kOfServers{4'500};  // sqld gives up by itself after 5 s
  if (!call.busy_until || *call.busy_until - core::SteadyClock::now() >= kOfServers) return std::nullopt;
  if (wire_->version(call) < 3) return std::nullopt;  // it may have no streams
  return wire_->lock_deadline(call);
}

// Runs what only waits for a lock. The client leaves when the limit has passed: nothing has been done, and a
// transaction that nobody holds is rolled back by the server.
template <class Run>
auto Conversation::waiting(const Call& call, std::optional<net::Deadline> limit, Run&& run) {
  Call bounded = call;
  if (limit) bounded.wait.deadline = earlier(call.wait.deadline, *limit);
  try {
    return run(bounded);
  } catch (const Timeout& error) {
    if (!limit || error.origin() != ErrorOrigin::Network || !limit->passed() || call.wait.deadline.passed()) throw;
  }
  constexpr int kBusy = 5;  // SQLITE_BUSY
  detail::ErrorData data;
  data.code = ErrorCode::Busy;
  data.origin = ErrorOrigin::Network;
  data.sqlite_code = kBusy;
  data.message = "the database is locked: the server did not give the lock within the busy timeout";
  data.sql = call.sql;
  data.retryable = true;
  data.transaction_open = false;
  core::throw_error(std::move(data));
}

// A new stream that holds the lock for writing.
std::shared_ptr<Stream> Conversation::locked_stream(Call& call, net::Deadline limit) {
  std::shared_ptr<Stream> stream = new_stream(call);
  hrana::Stmt stmt;
  stmt.sql.text = kBeginImmediate;
  stmt.want_rows = false;
  const Request request = hrana::ExecuteRequest{stmt};
  Call asking = call;
  asking.repeatable = true;  // whatever becomes of it, nothing is changed
  const Answers answers = waiting(asking, limit, [&](const Call& bounded) {
    return ask(*stream, {&request, 1}, After::Keep, bounded);
  });
  const Answer answer = answers.at(0);
  if (answer.error != nullptr) {
    detail::ErrorData data = error_of(*answer.error);
    data.sql = call.sql;
    data.transaction_open = false;
    core::throw_error(std::move(data));
  }
  static_cast<void>(answer.as<hrana::ExecuteResponse>());
  if (!stream->is_open()) {
    core::throw_error(ErrorCode::Protocol, "the server began a transaction, but did not keep its stream", call.sql);
  }
  call.outside = true;
  return stream;
}

Ran Conversation::execute(const Text& text, const hrana::Stmt& stmt, const Call& call) {
  if (held_ != nullptr) return execute_inside(text, stmt, call);
  if (text.begins_transaction()) return open(text, stmt, call);
  if (may_run_locked(text)) {
    if (const auto limit = limit_of_waiting(call)) return execute_locked(text, stmt, call, *limit);
  }
  return execute_alone(text, stmt, call);
}

Ran Conversation::execute_locked(const Text& text, const hrana::Stmt& stmt, const Call& call, net::Deadline limit) {
  Call told = call;
  const std::shared_ptr<Stream> stream = locked_stream(told, limit);
  Steps steps(3);
  const std::uint32_t ran = steps.add(stmt);
  const std::uint32_t made = steps.add("COMMIT", steps.ok(ran));
  steps.add(kRollback, steps.negated(steps.ok(made)));
  const Request request = hrana::BatchRequest{steps.batch()};
  Answers answers = ask(*stream, {&request, 1}, After::Close, told);
  const Answer answer = answers.at(0);
  // The transaction around the statement is not the user's, so it is not lost for him.
  const auto refuse = [&](const hrana::WireError& error) {
    detail::ErrorData data = error_of(error, text);
    data.transaction_open = false;
    core::throw_error(std::move(data));
  };
  if (answer.error != nullptr) refuse(*answer.error);
  const hrana::BatchResult& batch = answer.as<hrana::BatchResponse>().result;
  for (const std::uint32_t step : {ran, made}) {
    const hrana::StepOutcome* const outcome = batch.find(step);
    if (outcome == nullptr)
      core::throw_error(ErrorCode::Protocol, "the server left out a step of a batch", text.source);
    if (outcome->error() != nullptr) refuse(*outcome->error());
  }
  const hrana::StmtResult* result = batch.find(ran)->result();
  return {std::move(answers), result};
}

Ran Conversation::execute_alone(const Text& text, const hrana::Stmt& stmt, const Call& call) {
  Call told = call;
  const std::shared_ptr<Stream> stream = new_stream(told);
  const Request request = hrana::ExecuteRequest{stmt};
  Answers answers = ask(*stream, {&request, 1}, After::Close, told);
  const Answer answer = answers.at(0);
  if (answer.error != nullptr) fail(*answer.error, text);
  const hrana::StmtResult* result = &answer.as<hrana::ExecuteResponse>().result;
  return {std::move(answers), result};
}

Ran Conversation::open(const Text& text, const hrana::Stmt& stmt, const Call& call) {
  const auto limit = only_waits_for_lock(text) ? wire_->lock_deadline(call) : std::nullopt;
  Call told = call;
  told.repeatable = true;  // whatever becomes of it, nothing has taken effect
  std::shared_ptr<Stream> stream = new_stream(told);
  const Request request = hrana::ExecuteRequest{stmt};
  Answers answers = waiting(told, limit, [&](const Call& bounded) {
    return ask(*stream, {&request, 1}, After::Keep, bounded);
  });
  const Answer answer = answers.at(0);
  if (answer.error != nullptr) fail(*answer.error, text);
  const hrana::StmtResult* result = &answer.as<hrana::ExecuteResponse>().result;
  if (!stream->is_open()) {
    core::throw_error(ErrorCode::Protocol, "the server began a transaction, but did not keep its stream", text.source);
  }
  held_ = std::move(stream);
  return {std::move(answers), result};
}

Ran Conversation::execute_inside(const Text& text, const hrana::Stmt& stmt, const Call& call) {
  const bool knows = wire_->version(call) >= 3;
  const bool commits = is(text, sql::StatementKind::Commit);
  const bool ends = commits || is(text, sql::StatementKind::Rollback);
  const bool releases = is(text, sql::StatementKind::Release);
  Call told = call;
  told.commits = commits || releases;
  Steps steps(3);
  // The server itself makes sure that nothing runs outside the transaction.
  steps.add(stmt, knows ? steps.in_transaction() : nullptr);
  std::vector<Request> requests;
  constexpr std::uint32_t kTried = 1;
  if (!knows && !ends) {
    steps.add(kBegin, releases ? nullptr : steps.negated(steps.ok(0)));
    steps.add(kRollback, steps.ok(kTried));
  }
  requests.emplace_back(hrana::BatchRequest{steps.batch()});
  if (knows) requests.emplace_back(hrana::GetAutocommitRequest{});

  Answers answers = inside([&] { return ask(*held_, requests, After::Keep, told); });
  const Answer answer = answers.at(0);
  const hrana::BatchResult* const batch = answer.error == nullptr ? &answer.as<hrana::BatchResponse>().result : nullptr;
  const hrana::StepOutcome* const outcome = batch == nullptr ? nullptr : batch->find(0);
  const bool succeeded = outcome != nullptr && outcome->result() != nullptr;

  bool ended = false;
  if (knows) {
    const Answer state = answers.at(1);
    ended = state.error != nullptr || state.as<hrana::GetAutocommitResponse>().is_autocommit;
  } else if (ends) {
    ended = succeeded;
  } else if (batch != nullptr) {
    const hrana::StepOutcome* const tried = batch->find(kTried);
    ended = tried != nullptr && tried->result() != nullptr;
  }
  if (batch != nullptr && outcome == nullptr) throw_lost(text.source);  // the server did not run it
  if (!ended && !held_->is_open()) throw_lost(text.source);
  if (ended) release();
  const hrana::WireError* const error = batch == nullptr ? answer.error : outcome->error();
  if (error != nullptr) fail(*error, text);
  return {std::move(answers), outcome->result()};
}

RanBatch Conversation::execute_script(std::span<const hrana::Stmt> stmts, bool leads_out, bool last, const Call& call) {
  const bool in_transaction = held_ != nullptr;
  const bool keeps = in_transaction || leads_out || script_ != nullptr;
  const bool knows = keeps && wire_->version(call) >= 3;
  Steps steps(stmts.size() + 2);
  // A script may end its transaction and go on; only outside of transaction() is that allowed.
  const auto guard = [&]() -> const hrana::BatchCond* {
    return in_transaction && knows && !leads_out ? steps.in_transaction() : nullptr;
  };
  for (std::size_t i = 0; i < stmts.size(); ++i) {
    const hrana::BatchCond* condition =
        i == 0 ? guard() : steps.both(steps.ok(static_cast<std::uint32_t>(i - 1)), guard());
    steps.add(stmts[i], condition);
  }
  const auto tried = static_cast<std::uint32_t>(stmts.size());
  if (keeps && !knows) {
    steps.add(kBegin);
    steps.add(kRollback, steps.ok(tried));
  }
  std::vector<Request> requests;
  requests.emplace_back(hrana::BatchRequest{steps.batch()});
  if (knows) requests.emplace_back(hrana::GetAutocommitRequest{});

  Call told = call;
  std::shared_ptr<Stream> stream = in_transaction ? held_ : script_ != nullptr ? script_ : new_stream(told);
  told.commits = in_transaction && leads_out;
  const auto run = [&] { return ask(*stream, requests, keeps ? After::Keep : After::Close, told); };
  RanBatch ran{in_transaction ? inside(run) : run()};
  const Answer answer = ran.answers.at(0);
  if (answer.error != nullptr) {
    ran.refused = answer.error;
  } else {
    ran.result = &answer.as<hrana::BatchResponse>().result;
  }
  if (!keeps) return ran;

  bool autocommit = true;
  if (knows) {
    const Answer state = ran.answers.at(1);
    autocommit = state.error != nullptr || state.as<hrana::GetAutocommitResponse>().is_autocommit;
  } else if (ran.result != nullptr) {
    const hrana::StepOutcome* const began = ran.result->find(tried);
    autocommit = began != nullptr && began->result() != nullptr;
  } else {
    autocommit = !in_transaction;  // nothing ran
  }
  const bool open = stream->is_open();
  if (in_transaction) {
    if (autocommit) {
      release();
    } else if (!open) {
      lose("the transaction is lost: the server has closed its stream");
    }
  } else if (!autocommit) {
    if (!open) core::throw_error(ErrorCode::Protocol, "the server began a transaction, but did not keep its stream");
    held_ = stream;
  }
  script_ = held_ == nullptr && !last && open ? stream : nullptr;
  return ran;
}

RanBatch Conversation::execute_atomically(std::span<const hrana::Stmt> stmts, std::string_view stored,
                                          const Call& call) {
  const bool in_transaction = held_ != nullptr;
  const bool knows = wire_->version(call) >= 3;
  const auto limit = in_transaction ? std::nullopt : limit_of_waiting(call);
  Steps steps(stmts.size() + 4);
  const auto guard = [&] { return knows ? steps.in_transaction() : nullptr; };
  if (in_transaction) {
    steps.add(kSavepoint, guard());
  } else {
    steps.add(limit ? kSavepoint : kBeginImmediate);  // which COMMIT ends, too
  }
  std::uint32_t step = 0;
  for (const hrana::Stmt& stmt : stmts) step = steps.add(stmt, steps.both(steps.ok(step), guard()));
  const std::uint32_t made =
      steps.add(in_transaction ? kRelease : std::string_view("COMMIT"), steps.both(steps.ok(step), guard()));
  if (in_transaction) {
    const std::uint32_t undone = steps.add(kRollbackTo, steps.both(steps.negated(steps.ok(made)), steps.ok(0)));
    steps.add(kRelease, steps.ok(undone));
  } else {
    // If BEGIN failed, this fails as well, which does no harm.
    steps.add(kRollback, steps.negated(steps.ok(made)));
  }
  std::vector<Request> requests;
  if (!stored.empty()) requests.emplace_back(hrana::StoreSqlRequest{0, stored});
  requests.emplace_back(hrana::BatchRequest{steps.batch()});
  if (!stored.empty())
    requests.emplace_back(hrana::CloseSqlRequest{0});  // over a WebSocket it would outlive the stream
  if (in_transaction && knows) requests.emplace_back(hrana::GetAutocommitRequest{});

  Call told = call;
  const std::shared_ptr<Stream> stream = in_transaction ? held_
                                         : limit        ? locked_stream(told, *limit)
                                                        : new_stream(told);
  const auto run = [&] { return ask(*stream, requests, in_transaction ? After::Keep : After::Close, told); };
  RanBatch ran{in_transaction ? inside(run) : run()};
  const Answer answer = ran.answers.at(stored.empty() ? 0 : 1);
  if (answer.error != nullptr) {
    ran.refused = answer.error;
  } else {
    ran.result = &answer.as<hrana::BatchResponse>().result;
  }
  if (in_transaction) {
    bool ended = false;
    if (knows) {
      const Answer state = ran.answers.at(requests.size() - 1);
      ended = state.error != nullptr || state.as<hrana::GetAutocommitResponse>().is_autocommit;
    }
    if (ended || !stream->is_open()) lose("the transaction is lost: the server has ended it");
  }
  return ran;
}

// Asks the server whether it takes the text, without running it: in a transaction a cursor over a text that it refuses
// may cost the stream (observed: sqld 0.24.33).
void Conversation::prove(const Text& text, const Call& call) {
  // Servers take all texts of a batch apart before they run its first step (observed: sqld 0.24.33).
  Steps steps(1);
  hrana::Stmt stmt;
  stmt.sql.text = text.sent();
  steps.add(stmt, steps.never());
  const Request request = hrana::BatchRequest{steps.batch()};
  const Answers answers = inside([&] { return ask(*held_, {&request, 1}, After::Keep, call); });
  if (!held_->is_open()) throw_lost(text.source);
  const Answer answer = answers.at(0);
  if (answer.error != nullptr) fail(*answer.error, text);
  static_cast<void>(answer.as<hrana::BatchResponse>());
}

std::unique_ptr<CursorRun> Conversation::open_cursor(const Text& text, const hrana::Stmt& stmt,
                                                     CursorRun::Listener& listener, const Call& call) {
  Steps steps(2);
  Call told = call;
  if (held_ == nullptr) {
    steps.add(stmt);
    std::shared_ptr<Stream> stream = new_stream(told);
    std::unique_ptr<Cursor> cursor = stream->open_cursor(steps.batch(), told);
    return std::make_unique<CursorRun>(*this, text, listener, std::move(stream), std::move(cursor), false);
  }
  if (!told.proved) {
    prove(text, told);
    told.proved = true;
  }
  steps.add(stmt, steps.in_transaction());
  steps.add("SELECT 1", steps.autocommit());
  std::unique_ptr<Cursor> cursor = inside([&] { return held_->open_cursor(steps.batch(), told); });
  if (!held_->is_open()) throw_lost(text.source);
  auto run = std::make_unique<CursorRun>(*this, text, listener, held_, std::move(cursor), true);
  streaming_ = run.get();
  return run;
}

Description Conversation::describe(const Text& text, const Call& call) {
  hrana::DescribeRequest asked;
  asked.sql.text = text.sent();
  const Request request = asked;
  const bool in_transaction = held_ != nullptr;
  const std::shared_ptr<Stream> stream = in_transaction ? held_ : wire_->stream();
  const auto run = [&] { return ask(*stream, {&request, 1}, in_transaction ? After::Keep : After::Close, call); };
  const Answers answers = in_transaction ? inside(run) : run();
  if (in_transaction && !stream->is_open()) throw_lost(text.source);
  const Answer answer = answers.at(0);
  if (answer.error != nullptr) fail(*answer.error, text);
  const hrana::DescribeResult& result = answer.as<hrana::DescribeResponse>().result;
  Description description;
  description.is_readonly = result.is_readonly;
  description.columns = columns_of(result.cols);
  return description;
}

void Conversation::roll_back(const Call& call) noexcept {
  lost_.reset();
  const std::shared_ptr<Stream> stream = std::move(held_);
  held_.reset();
  if (stream == nullptr || !stream->is_open()) return;
  try {
    hrana::Stmt stmt;
    stmt.sql.text = kRollback;
    stmt.want_rows = false;
    const Request request = hrana::ExecuteRequest{stmt};
    static_cast<void>(ask(*stream, {&request, 1}, After::Close, call));
  } catch (const std::exception&) {  // then the stream's end rolls back
    return;
  }
}

void Conversation::undo_savepoint(std::string_view script, const Call& call) {
  hrana::SequenceRequest sequence;
  sequence.sql.text = script;
  const Request request = sequence;
  try {
    const Answers answers = inside([&] { return ask(*held_, {&request, 1}, After::Keep, call); });
    if (!held_->is_open()) throw_lost(script);
    const Answer answer = answers.at(0);
    if (answer.error == nullptr) return static_cast<void>(answer.as<hrana::SequenceResponse>());
    detail::ErrorData data = error_of(*answer.error);
    data.sql = script;
    data.transaction_open = false;
    core::throw_error(std::move(data));
  } catch (const Error& error) {
    // Changes that should be undone may still be there, so the transaction must not commit.
    lose(std::string("the transaction is lost: a savepoint could not be rolled back: ") + error.what());
    throw;
  }
}

}  // namespace libsql::remote
