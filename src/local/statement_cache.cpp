#include "local/statement_cache.hpp"

#include "sql/classify.hpp"

namespace libsql::local {
namespace {
// What an entry costs beside the engine's memory: the two containers' nodes and the Statement object.
constexpr std::size_t kEntryOverhead = 512;

enum class Kind : std::uint8_t {
  Plain,   // leaves nothing behind on the connection but, at most, an open transaction
  Pragma,  // or EXPLAIN of one
  Other,
};

Kind kind_of(std::string_view text) noexcept {
  using enum sql::StatementKind;
  switch (sql::classify(text).kind) {
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
    case sql::StatementKind::Pragma:
      return Kind::Pragma;
    default:
      return Kind::Other;
  }
}
}  // namespace

std::shared_ptr<engine::Statement> StatementCache::take(std::string_view sql) {
  using Persistence = engine::Statement::Persistence;
  const auto found = entries_.find(sql);
  if (found != entries_.end()) {
    if (is_free(*found->second)) {
      touch(found->second);
      ++connection_.statistics.cache_hits;
      return found->second->statement;
    }
    if (!found->second->statement->is_finalized()) {
      ++connection_.statistics.cache_misses;
      return engine::Statement::prepare(connection_, sql, Persistence::Once);
    }
    remove(found->second);
  }
  ++connection_.statistics.cache_misses;
  const Kind kind = kind_of(sql);
  if (kind != Kind::Plain) leaves_traces_ = true;
  // A PRAGMA reads or sets its value while it is compiled: run again, it would do nothing or give the old answer.
  if (kind == Kind::Pragma || max_bytes_ == 0) {
    return engine::Statement::prepare(connection_, sql, Persistence::Once);
  }
  auto statement = engine::Statement::prepare(connection_, sql, Persistence::Cached);
  // The statement's text may begin later than `sql`, after empty statements; such a text is not worth a second entry.
  if (statement->sql() != sql || entries_.contains(statement->sql())) return statement;
  const std::size_t bytes = statement->memory_used() + sql.size() + kEntryOverhead;
  if (bytes > max_bytes_) return statement;
  order_.push_front({statement, bytes});
  entries_.emplace(statement->sql(), order_.begin());
  bytes_ += bytes;
  evict();
  return statement;
}

void StatementCache::evict() noexcept {
  while (bytes_ > max_bytes_ && order_.size() > 1) {
    ++connection_.statistics.cache_evictions;
    remove(std::prev(order_.end()));
  }
}

void StatementCache::remove(Entries::iterator entry) noexcept {
  bytes_ -= entry->bytes;
  entries_.erase(entry->statement->sql());
  order_.erase(entry);
}

void StatementCache::forget(const engine::Statement& statement) noexcept {
  const auto found = entries_.find(statement.sql());
  if (found != entries_.end() && found->second->statement.get() == &statement) remove(found->second);
}

void StatementCache::clear() noexcept {
  entries_.clear();
  order_.clear();
  bytes_ = 0;
}

}  // namespace libsql::local
