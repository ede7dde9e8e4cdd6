#include "core/marks.hpp"

#include <string>

#include "core/errors.hpp"

namespace libsql::core {
namespace {

void pop_mark(Session& session) noexcept {
  const bool watches = session.marks().back().watches;
  session.pop_mark();
  if (watches) session.watch(false);
}

void pop_marks(Session& session, std::uint64_t id) noexcept {
  while (session.find_mark(id) != nullptr) pop_mark(session);
}

// The engine goes by name and takes the innermost of that name, so the marks go one by one, from the inside.
void release_innermost(Session& session) {
  try {
    session.savepoint(SavepointStep::Release, session.marks().back().name);
  } catch (...) {
    if (session.was_done()) pop_mark(session);
    throw;
  }
  pop_mark(session);
}

void release_down_to(Session& session, std::uint64_t id) {
  while (session.marks().back().id != id) release_innermost(session);
}

}  // namespace

std::uint64_t set_mark(Session& session, std::string_view name) {
  if (name.empty()) throw_error(ErrorCode::Misuse, "a savepoint needs a name");
  // SQL text may have begun the transaction. If it also ends it, what follows is not part of what the handle undoes.
  const bool watches = !session.in_transaction();
  const std::uint64_t id = session.add_mark(name, watches);
  try {
    session.savepoint(SavepointStep::Set, session.marks().back().name);
  } catch (...) {
    session.pop_mark();
    throw;
  }
  if (watches) session.watch(true);
  return id;
}

void require_mark(const Session& session, std::uint64_t id, const char* what) {
  if (session.find_mark(id) != nullptr) return;
  throw_error(ErrorCode::Misuse, std::string("the ") + what + " has ended, because an outer one has");
}

void release_mark(Session& session, std::uint64_t id) {
  release_down_to(session, id);
  release_innermost(session);
}

void roll_back_to_mark(Session& session, std::uint64_t id) {
  const UndoScope undo(session);
  release_down_to(session, id);
  session.savepoint(SavepointStep::RollBackTo, session.marks().back().name);
}

// What is lost on the way needs no undoing either: the transaction around it has an error for it.
void remove_mark(Session& session, std::uint64_t id) {
  const UndoScope undo(session);
  if (session.is_autocommit()) return pop_marks(session, id);
  bool undoes = false;
  try {
    release_down_to(session, id);
    const std::string name = session.marks().back().name;
    undoes = true;
    session.savepoint(SavepointStep::Undo, name);
  } catch (...) {
    const bool lost = !session.is_closed() && session.is_autocommit();
    if (lost || (undoes && session.was_done())) pop_marks(session, id);
    throw;
  }
  pop_marks(session, id);
}

}  // namespace libsql::core
