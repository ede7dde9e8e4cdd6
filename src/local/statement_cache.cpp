#include "local/statement_cache.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "sql/classify.hpp"
#include "sql/pragmas.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::local {
namespace {
// Bytes of an entry besides the engine's memory: the nodes of two containers and the Statement object.
constexpr std::size_t kEntryOverhead = 512;

enum class Kind : std::uint8_t {
  Plain,   // leaves nothing on the connection except, perhaps, an open transaction
  Pragma,  // also EXPLAIN of one
  BusyTimeout,
  Other,
};

// 0 means no limit.
void require_heap_limit(const std::string& name, std::string_view value) {
  if (value == "0" || engine::Connection::counts_memory()) return;
  core::throw_unsupported("PRAGMA " + name, "local",
                          "the engine was built without counting its memory, so no limit could hold");
}

Kind kind_of(std::string_view text) {
  using enum sql::StatementKind;
  const sql::Classification statement = sql::classify(text);
  switch (statement.kind) {
    case Select:
    case Values:
    case Insert:
    case Replace:
    case Update:
    case Delete:
    case Begin:
    case Commit:
    case Rollback:
    case RollbackTo:
    case Savepoint:
    case Release:
      return Kind::Plain;
    case sql::StatementKind::Pragma: {
      const std::string name = sql::unquote(statement.name);
      if (statement.has_value && sql::is_heap_limit(name)) require_heap_limit(name, statement.value);
      return sql::equals_ignoring_case(name, "busy_timeout") ? Kind::BusyTimeout : Kind::Pragma;
    }
    default:
      return Kind::Other;
  }
}
}  // namespace

std::shared_ptr<engine::Statement> StatementCache::take(std::string_view sql) {
  using Persistence = engine::Statement::Persistence;
  const auto found = entries_.find(sql);
  if (found != entries_.end()) {
    Entry& entry = *found;
    entries_.touch(found);
    if (is_free(entry.statement)) {
      ++connection_.statistics.cache_hits;
      return entry.statement;
    }
    if (!entry.statement->is_finalized()) {
      if (entry.second != nullptr && is_free(entry.second)) {
        ++connection_.statistics.cache_hits;
        return entry.second;
      }
      ++connection_.statistics.cache_misses;
      auto statement = engine::Statement::prepare(connection_, sql, Persistence::Cached);
      if (entry.second == nullptr || entry.second->is_finalized()) {
        entry.second = statement;
        entries_.grow(found, statement->memory_used() + kEntryOverhead);
        evict();
      }
      return statement;
    }
    remove(found);
  }
  ++connection_.statistics.cache_misses;
  const Kind kind = kind_of(sql);
  if (kind != Kind::Plain) leaves_traces_ = true;
  // A PRAGMA may read or set its value when it is compiled. Run again, it would do nothing or return the old value.
  const auto prepare_once = [&] { return engine::Statement::prepare(connection_, sql, Persistence::Once); };
  if (kind == Kind::BusyTimeout) return connection_.patience().with_busy_timeout_lent(prepare_once);
  if (kind == Kind::Pragma || max_bytes_ == 0) return prepare_once();
  auto statement = engine::Statement::prepare(connection_, sql, Persistence::Cached);
  // If `sql` begins with empty statements, the statement's text begins later. That is not worth a second entry.
  if (statement->sql() != sql || entries_.peek(statement->sql()) != nullptr) return statement;
  const std::size_t bytes = statement->memory_used() + sql.size() + kEntryOverhead;
  if (bytes > max_bytes_) return statement;
  insert({statement, nullptr, bytes, {}});
  return statement;
}

void StatementCache::keep(std::string_view sql, std::shared_ptr<engine::Statement> statement, std::size_t overhead) {
  const std::size_t bytes = statement->memory_used() + 2 * sql.size() + overhead + kEntryOverhead;
  if (bytes > max_bytes_ || entries_.peek(sql) != nullptr) return;
  std::string own_text(statement->sql() == sql ? std::string_view() : sql);
  insert({std::move(statement), nullptr, bytes, std::move(own_text)});
}

void StatementCache::insert(Entry entry) {
  entries_.insert(std::move(entry));
  evict();
}

void StatementCache::run_slowly(Control control) {
  constexpr std::array<std::string_view, 5> kTexts = {"BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "COMMIT",
                                                      "ROLLBACK"};
  const std::string_view text = kTexts[static_cast<std::size_t>(control)];
  with(text, [](engine::Statement& statement) { statement.execute({}); });
  const auto found = entries_.find(text);
  controls_[static_cast<std::size_t>(control)] = found;
}

void StatementCache::evict() noexcept {
  // Running statements stay: one below us on the stack may have led to this call.
  const auto may_go = [](const Entry& entry) {
    return !entry.statement->is_busy() && (entry.second == nullptr || !entry.second->is_busy());
  };
  entries_.shrink(max_bytes_, may_go, [&](Entries::Iterator doomed) {
    ++connection_.statistics.cache_evictions;
    remove(doomed);
  });
}

void StatementCache::remove(Entries::Iterator entry) noexcept {
  std::replace(controls_.begin(), controls_.end(), entry, entries_.end());
  entries_.erase(entry);
}

void StatementCache::clear() noexcept {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto doomed = entry++;
    const auto is_needed = [](const std::shared_ptr<engine::Statement>& statement) {
      return statement != nullptr && statement->is_busy() && statement.use_count() == 1;  // below us on the stack
    };
    if (!is_needed(doomed->statement) && !is_needed(doomed->second)) remove(doomed);
  }
}

}  // namespace libsql::local
