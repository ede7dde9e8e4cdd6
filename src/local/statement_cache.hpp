// Compiled statements by text. Bounded in bytes; the least recently used are dropped first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/text_lru.hpp"
#include "engine/statement.hpp"

namespace libsql::local {

/// The texts that begin and end transactions. A session runs them for every transaction.
enum class Control : std::uint8_t { Begin, BeginImmediate, BeginExclusive, Commit, Rollback };

class StatementCache {
 public:
  StatementCache(engine::Connection& connection, std::size_t max_bytes) noexcept
      : connection_(connection), max_bytes_(max_bytes) {
    controls_.fill(entries_.end());
  }

  /// The statement for this text, idle, compiled if need be. If the cached one is in use, the caller gets another. A
  /// hit copies nothing but the pointer.
  std::shared_ptr<engine::Statement> take(std::string_view sql);
  /// The same for a use that ends before anything else can use the cache or its owner, so that no reference is counted.
  template <class Use>
  decltype(auto) with(std::string_view sql, Use&& use) {
    const auto found = entries_.find(sql);
    // A statement that somebody holds may be used if it is not running: the holder cannot notice.
    if (found != entries_.end() && is_idle(*found->statement)) [[likely]] {
      entries_.touch(found);
      ++connection_.statistics.cache_hits;
      engine::Statement& statement = *found->statement;
      return use(statement);
    }
    const std::shared_ptr<engine::Statement> statement = take(sql);
    return use(*statement);
  }
  /// The same for an owner that compiles missing texts itself and attaches a note to the statement. Null if the text is
  /// not cached, or its statement is in use.
  const std::shared_ptr<engine::Statement>* find(std::string_view sql) noexcept {
    const auto found = entries_.find(sql);
    if (found == entries_.end() || !is_idle(*found->statement)) [[unlikely]] {
      ++connection_.statistics.cache_misses;
      return nullptr;
    }
    entries_.touch(found);
    ++connection_.statistics.cache_hits;
    return &found->statement;
  }
  /// Looks a text up without counting it as a hit or a use.
  const engine::Statement* peek(std::string_view sql) const noexcept {
    const Entry* const found = entries_.peek(sql);
    return found == nullptr ? nullptr : found->statement.get();
  }
  /// Caches a statement under `sql`, which may differ from the text that was compiled. Does nothing if there is one
  /// already. `overhead` is the size of the note in bytes.
  void keep(std::string_view sql, std::shared_ptr<engine::Statement> statement, std::size_t overhead);
  /// Runs one of these texts. A cached one is found without a look-up by text. That does not count as a use, so it is
  /// dropped in time like an unused one: compiling it again now and then is cheaper than moving it to the front each
  /// time.
  void run(Control control) {
    const Entries::Iterator entry = controls_[static_cast<std::size_t>(control)];
    if (entry == entries_.end() || !is_idle(*entry->statement)) [[unlikely]]
      return run_slowly(control);
    ++connection_.statistics.cache_hits;
    entry->statement->execute({});
  }

  /// Drops all statements, except those running below us on the stack. Statements in use elsewhere continue to exist.
  void clear() noexcept;
  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t bytes() const noexcept { return entries_.bytes(); }
  /// Whether, since forget_traces(), anything was compiled that can leave more on the connection than an open
  /// transaction: settings, temporary tables, attached databases.
  bool leaves_traces() const noexcept { return leaves_traces_; }
  void forget_traces() noexcept { leaves_traces_ = false; }

 private:
  struct Entry {
    std::shared_ptr<engine::Statement> statement;
    std::shared_ptr<engine::Statement> second;  // compiled while the first was in use; usually null
    std::size_t bytes;
    std::string own_text;  // if it differs from the statement's text
    std::string_view text() const noexcept { return own_text.empty() ? statement->sql() : own_text; }
  };
  using Entries = core::TextLru<Entry>;

  static bool is_idle(const engine::Statement& statement) noexcept {
    return !statement.is_busy() && !statement.is_finalized();
  }
  static bool is_free(const std::shared_ptr<engine::Statement>& statement) noexcept {
    // Only this thread has references, so the count is exact.
    return statement.use_count() == 1 && is_idle(*statement);
  }
  void run_slowly(Control control);
  void insert(Entry entry);
  void evict() noexcept;
  void remove(Entries::Iterator entry) noexcept;

  engine::Connection& connection_;
  std::size_t max_bytes_;
  bool leaves_traces_ = false;
  Entries entries_;
  std::array<Entries::Iterator, 5> controls_;  // places in `entries_`; end(): not cached
};

}  // namespace libsql::local
