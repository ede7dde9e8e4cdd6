// What the steps of a batch did, as users see it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <libsql/batch.hpp>

#include "hrana/responses.hpp"
#include "remote/session.hpp"

namespace libsql::remote {

/// Throws what the server said of a statement; `index` is its place in the batch, if it has one.
[[noreturn]] void throw_wire_error(Session& session, const hrana::WireError& error, const Text& text,
                                   std::optional<std::size_t> index);

/// Counts what a statement of a batch did and tells the observers.
void note_step(Session& session, const Text& text, const hrana::Stmt& stmt, const hrana::StmtResult& result);

/// Takes the results of `texts.size()` steps from `first_step` on; their places in the whole batch begin at `index`.
/// Throws the error of the first that failed, and TransactionLost for one that the server did not run although those
/// before it succeeded.
void take_results(Session& session, const hrana::BatchResult& batch, std::uint32_t first_step,
                  std::span<const std::shared_ptr<Text>> texts, std::span<const hrana::Stmt> stmts, std::size_t index,
                  std::vector<StatementResult>& results);

/// The statement that was not run is proof that its transaction is gone. Throws TransactionLost.
[[noreturn]] void throw_skipped(Session& session, std::string_view sql, std::optional<std::size_t> index);

}  // namespace libsql::remote
