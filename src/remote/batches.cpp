// The session's batches: several statements in one request.
#include <string>
#include <vector>

#include <libsql/batch.hpp>

#include "core/errors.hpp"
#include "remote/batch_results.hpp"
#include "remote/bulk.hpp"
#include "remote/failures.hpp"
#include "remote/program.hpp"
#include "remote/session.hpp"

namespace libsql::remote {
namespace {

[[noreturn]] void throw_unsendable(Session& session, const Program& program, std::size_t from, std::size_t count,
                                   const hrana::EncodeError& error) {
  const bool json = session.conversation().wire().encoding() == hrana::Encoding::Json;
  for (std::size_t i = from; i < from + count; ++i) {
    try {
      throw_if_not_sendable(*program.texts[i], program.stmts[i].args, json);
    } catch (const Error& found) {
      core::rethrow_with_statement_index(found, i);
    }
  }
  core::throw_error(ErrorCode::SqlError, std::string("the statements cannot be sent: ") + error.what());
}

// Every statement must be allowed here before any is sent. What sets up the stream may: it is the same for those that
// follow.
void require_sendable(Session& session, const Program& program) {
  session.require_open();
  for (std::size_t i = 0; i < program.size(); ++i) {
    if (program.texts[i]->sets_up_stream() && !program.only_sets_up) continue;
    try {
      session.require_sendable(*program.texts[i]);
    } catch (const Error& error) {
      core::rethrow_with_statement_index(error, i);
    }
  }
}

// Text of an earlier part may have ended the transaction.
void require_transaction(Session& session, const Program& program, std::size_t from) {
  try {
    session.conversation().check(program.texts[from]->source);
  } catch (const Error& error) {
    core::rethrow_with_statement_index(error, from);
  }
}

// Whether an error of a batch as a whole is about its text: servers that take the statements apart before they run the
// first refuse all for the sake of one, and nothing has run.
bool is_about_text(const hrana::WireError& error) {
  const ErrorCode code = error_of(error).code;
  return code == ErrorCode::SqlError || code == ErrorCode::Misuse;
}

// Runs a part of the program and appends its results. False if the server refused the part as a whole.
bool run_part(Session& session, const Program& program, std::size_t from, std::size_t count, bool last,
              std::vector<StatementResult>& results) {
  const CallInterrupt::Running running(session.interrupts());
  const Call call = session.call(program.texts[from]->source, false);
  const auto stmts = std::span<const hrana::Stmt>(program.stmts).subspan(from, count);
  const bool was_open = session.conversation().is_open();
  try {
    const RanBatch ran = session.conversation().execute_script(stmts, program.controls || program.sets_up, last, call);
    if (ran.refused == nullptr) {
      take_results(session, *ran.result, 0, std::span(program.texts).subspan(from, count), stmts, from, results);
      return true;
    }
    // A transaction that went with the refusal must not be gone on without.
    const bool stands = session.conversation().is_open() == was_open;
    if (count > 1 && stands && is_about_text(*ran.refused)) return false;
    throw_wire_error(session, *ran.refused, *program.texts[from], count == 1 ? std::optional(from) : std::nullopt);
  } catch (const hrana::EncodeError& error) {
    throw_unsendable(session, program, from, count, error);
  }
}

std::vector<StatementResult> run_program(Session& session, const Program& program) {
  require_sendable(session, program);
  session.make_way(program.size() == 0 ? std::string_view() : std::string_view(program.texts[0]->source));
  std::vector<StatementResult> results;
  results.reserve(program.size());
  for (std::size_t from = 0; from < program.size();) {
    std::size_t count = program.part(from, session.store().options());
    if (session.in_transaction()) {  // which nothing may slip out of after a statement that ends it
      count = program.up_to_control(from, count);
      require_transaction(session, program, from);
    }
    const bool last = from + count == program.size();
    if (!run_part(session, program, from, count, last, results)) {
      // One by one it shows which statement is wrong, and those before it run, as everywhere.
      for (std::size_t i = from; i < from + count; ++i) {
        run_part(session, program, i, 1, last && i + 1 == from + count, results);
      }
    }
    from += count;
  }
  return results;
}

// None if it has to be done step by step.
std::optional<std::vector<StatementResult>> run_atomically(Session& session, const Program& program) {
  if (program.controls || program.sets_up || !program.fits(session.store().options())) return std::nullopt;
  require_sendable(session, program);
  if (program.size() == 0) return std::vector<StatementResult>();
  session.make_way(program.texts[0]->source);
  const CallInterrupt::Running running(session.interrupts());
  const Call call = session.call(program.texts[0]->source, false);
  try {
    std::optional<RanBatch> ran = run_all_or_nothing(session, program.stmts, {}, call);
    if (!ran) return std::nullopt;
    std::vector<StatementResult> results;
    results.reserve(program.size());
    take_results(session, *ran->result, Conversation::kFirstStep, program.texts, program.stmts, 0, results);
    require_lasting(session, *ran->result, program.size(), call.sql);
    return results;
  } catch (const hrana::EncodeError& error) {
    throw_unsendable(session, program, 0, program.size(), error);
  }
}

}  // namespace

namespace {

// The error of what was put around the user's statements.
[[noreturn]] void throw_step_error(Session& session, const hrana::WireError& error) {
  detail::ErrorData data = error_of(error);
  data.transaction_open = session.conversation().is_open();
  session.note_failure();
  core::throw_error(std::move(data));
}

}  // namespace

std::optional<RanBatch> run_all_or_nothing(Session& session, std::span<const hrana::Stmt> stmts,
                                           std::string_view stored, const Call& call) {
  const bool in_transaction = session.conversation().is_open();
  std::optional<RanBatch> ran;
  session.patiently(call, [&] {
    ran.emplace(session.conversation().execute_atomically(stmts, stored, call));
    if (ran->refused != nullptr) return;
    const hrana::StepOutcome* const began = ran->result->find(0);
    if (began == nullptr) throw_skipped(session, call.sql, std::nullopt);
    if (began->error() != nullptr) throw_step_error(session, *began->error());
  });
  if (!in_transaction) session.note_transaction();
  if (ran->refused == nullptr) return ran;
  if (is_about_text(*ran->refused)) return std::nullopt;
  detail::ErrorData data = error_of(*ran->refused);
  data.sql = call.sql;
  if (in_transaction && session.conversation().is_open()) {
    // How far it came is not known; the savepoint is there if it came anywhere.
    session.conversation().undo_savepoint("ROLLBACK TO libsql_batch; RELEASE libsql_batch", call);
  }
  data.transaction_open = session.conversation().is_open();
  session.note_failure();
  core::throw_error(std::move(data));
}

void require_lasting(Session& session, const hrana::BatchResult& batch, std::size_t statements, std::string_view sql) {
  const hrana::StepOutcome* const made = batch.find(Conversation::last_step(statements));
  if (made == nullptr) throw_skipped(session, sql, std::nullopt);
  if (made->error() != nullptr) throw_step_error(session, *made->error());
  if (!session.conversation().is_open()) session.note_commit();
}

std::vector<StatementResult> Session::execute_batch(const core::Batch& batch) {
  require_open();
  const core::CallScope call(*this);
  return std::visit([&](const auto& held) { return run_program(*this, Program(*this, held)); }, batch);
}
std::optional<std::vector<StatementResult>> Session::execute_atomically(const core::Batch& batch) {
  require_open();
  return std::visit([&](const auto& held) { return run_atomically(*this, Program(*this, held)); }, batch);
}
std::unique_ptr<core::Bulk> Session::bulk(std::string_view sql) {
  require_open();
  return std::make_unique<Bulk>(*this, texts_.get(sql));
}

}  // namespace libsql::remote
