// Compiled statements by their text, the least recently used given up first, bounded by bytes.
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

/// The texts that begin and end transactions, which a session runs for every one of them.
enum class Control : std::uint8_t { Begin, BeginImmediate, BeginExclusive, Commit, Rollback };

class StatementCache {
 public:
  StatementCache(engine::Connection& connection, std::size_t max_bytes) noexcept
      : connection_(connection), max_bytes_(max_bytes) {
    controls_.fill(entries_.end());
  }

  /// The statement for this text, free to be used, compiled if need be. What is in use elsewhere is not given out
  /// again: then the caller gets one of its own. A hit copies nothing but the pointer.
  std::shared_ptr<engine::Statement> take(std::string_view sql);
  /// The same for a use that ends before anything else can touch the cache's owner: no reference is counted.
  template <class Use>
  decltype(auto) with(std::string_view sql, Use&& use) {
    const auto found = entries_.find(sql);
    // One that somebody holds but that is not running will do: the use ends before its holder can notice.
    if (found != entries_.end() && is_idle(*found->statement)) [[likely]] {
      entries_.touch(found);
      ++connection_.statistics.cache_hits;
      engine::Statement& statement = *found->statement;
      return use(statement);
    }
    const std::shared_ptr<engine::Statement> statement = take(sql);
    return use(*statement);
  }
  /// The same for an owner that compiles what is not here itself, with a note that it hangs on the statement: null if
  /// the text is not here or its statement is in use.
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
  /// Without a count: whoever has it, uses it or not.
  const engine::Statement* peek(std::string_view sql) const noexcept {
    const Entry* const found = entries_.peek(sql);
    return found == nullptr ? nullptr : found->statement.get();
  }
  /// Keeps a statement under a text that it may have been compiled from in parts or in other words only. Does nothing
  /// if there is one. `overhead`: what the note costs, in bytes.
  void keep(std::string_view sql, std::shared_ptr<engine::Statement> statement, std::size_t overhead);
  /// Runs one of these. While it is in the cache it is found without a look at its text. It grows old there all the
  /// same: should it have to go one day, compiling it again is cheaper than moving it to the front each time.
  void run(Control control) {
    const Entries::Iterator entry = controls_[static_cast<std::size_t>(control)];
    if (entry == entries_.end() || !is_idle(*entry->statement)) [[unlikely]]
      return run_slowly(control);
    ++connection_.statistics.cache_hits;
    entry->statement->execute({});
  }

  /// Frees every statement that is not in use and forgets the others.
  void clear() noexcept;
  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t bytes() const noexcept { return entries_.bytes(); }
  /// Whether anything was compiled here, since forget_traces(), that may leave more behind on the connection than an
  /// open transaction: settings, temporary tables, attached databases.
  bool leaves_traces() const noexcept { return leaves_traces_; }
  void forget_traces() noexcept { leaves_traces_ = false; }

 private:
  struct Entry {
    std::shared_ptr<engine::Statement> statement;
    std::shared_ptr<engine::Statement> second;  // compiled while the first was in use; null as a rule
    std::size_t bytes;
    std::string own_text;  // if it differs from the statement's
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
  std::array<Entries::Iterator, 5> controls_;  // where in `entries_`; its end: not in the cache
};

}  // namespace libsql::local
