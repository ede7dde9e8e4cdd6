// A connection to a namespace's database as the server uses it: with a cache of statements and their traits, a place in
// the queue of writers, and an authorizer that stops what clients' SQL must not do.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/authorizer.hpp>

#include "engine/large_blocks.hpp"
#include "engine/statement.hpp"
#include "hrana/responses.hpp"
#include "local/runner.hpp"
#include "local/runners.hpp"
#include "server/base/metrics.hpp"
#include "server/base/namespace_config.hpp"
#include "server/base/options.hpp"
#include "server/databases/statement_class.hpp"
#include "server/databases/writers_room.hpp"

namespace libsql::server {

/// What the server knows of a compiled statement.
struct Prepared final : engine::Statement::Note {
  std::string text;  // the statement alone, cut out of the client's text; the traits view it
  StatementTraits traits;
  engine::Statement* statement = nullptr;  // that this is the note of; null for ATTACH, which is not compiled
  bool has_named = false;  // has a parameter with a name, so positional arguments do not fit it as they are
  /// The columns as encoded in answers, one for each encoding. Valid while columns_version() of the statement is
  /// `version`.
  struct WrittenColumns {
    std::string text;
    int version = -1;
  };
  std::array<WrittenColumns, 2> written_columns;
};

/// What a connection keeps of a stream that the stream's next request could notice.
enum class Residue : std::uint8_t {
  None,
  Counters,  // changes() and last_insert_rowid()
  Session,   // a transaction, settings, attached databases
};

/// Threads: one at a time, with a Use while it runs a program.
class DatabaseSession : public local::Kept {
 public:
  DatabaseSession(std::shared_ptr<local::Store> store, std::shared_ptr<WritersRoom> room, const NamespaceConfig& config,
                  std::uint64_t config_version, const Options& options);
  ~DatabaseSession();
  DatabaseSession(const DatabaseSession&) = delete;
  DatabaseSession& operator=(const DatabaseSession&) = delete;

  /// Held while a program runs: meanwhile no waiting writer can take the turn to write away.
  class Use {
   public:
    explicit Use(DatabaseSession& session) : lock_(session.use_mutex_) { engine::begin_large_work(); }

   private:
    std::unique_lock<std::mutex> lock_;
  };

  /// The compiled statement for this text, reset; it lives as long as the returned pointer. Consults the rules before
  /// it compiles anything. Throws what they throw, StatementFailure, Error.
  std::shared_ptr<Prepared> prepare(std::string_view sql, const StatementRules& rules);
  /// The traits of a text that prepare() compiled and that is still cached, or null.
  const StatementTraits* known(std::string_view sql) const noexcept;
  local::Runner& runner() noexcept { return runner_; }
  /// Compiles a text outside the cache and without rules.
  std::shared_ptr<engine::Statement> compile(const std::string& sql);
  /// Attaches a file read-only. Throws Error.
  void attach(const std::string& file, std::string_view alias_as_written);

  engine::Connection& connection() noexcept { return runner_.connection(); }
  const std::shared_ptr<engine::Interrupt>& interrupt_state() noexcept {
    return connection().patience().interrupt_state();
  }
  bool is_autocommit() const noexcept { return runner_.connection().is_autocommit(); }

  /// Whether the client's transaction was rolled back for a waiting writer, and the client has not yet ended it from
  /// its point of view.
  bool has_lost_transaction() const noexcept { return lost_.load(std::memory_order_relaxed) != Lost::No; }
  /// The same, and nothing has told the client yet.
  bool has_untold_loss() const noexcept { return lost_.load(std::memory_order_relaxed) == Lost::Untold; }
  /// Throws StatementFailure TRANSACTION_TIMEOUT if has_lost_transaction(), so that statements meant for the
  /// transaction do not run outside it. This goes on until the client ends the transaction: with ROLLBACK, which
  /// succeeds; with COMMIT, or the RELEASE of the savepoint that began it, which fail; or, once it has been told of the
  /// loss, with another BEGIN.
  void require_transaction(const Prepared& prepared);
  /// The client has been told of the loss by other means.
  void note_loss_told() noexcept { lost_.store(Lost::Told, std::memory_order_relaxed); }
  /// Names the savepoint that began the open transaction.
  void set_outer_savepoint(std::string name) { outer_savepoint_ = std::move(name); }

  /// For BEGIN READONLY: the open transaction refuses to write.
  void set_read_only(bool on) noexcept { read_only_ = on; }
  bool is_read_only() const noexcept { return read_only_; }
  /// Call after each statement that succeeded.
  void statement_done(const StatementTraits& traits, bool wrote) noexcept;
  /// Must not be called within a Use.
  Residue residue();

  /// Gives up the turn to write unless a transaction needs it. For use after SQL that was run past the statements.
  void settle() noexcept { runner_.settle(); }
  /// Prepares the session for another client. False if it must not be used again.
  bool recycle() noexcept;
  /// Frees its cached pages. The next statements read them again.
  void release_memory() noexcept;
  std::uint64_t config_version() const noexcept { return config_version_; }
  /// Sizes the page cache by how many sessions are in use, so that their total is bounded.
  void fit_cache(std::size_t sessions) noexcept;
  /// Figures of its caches; while a program runs, those of the last call. May be called from any thread while the
  /// session exists, by one at a time.
  const CacheFigures& cache_figures() noexcept;

  /// Buffers that are reused for every statement.
  struct Scratch {
    std::vector<ValueRef> cells, arguments;
    std::vector<hrana::Col> columns;
  };
  Scratch scratch;

 private:
  void set_up(const NamespaceConfig& config, const Options& options);
  Verdict authorize(const Authorization& what) noexcept;
  bool give_way(local::WriteTurn& turn) noexcept;

  Observer* const observer_;
  std::mutex use_mutex_;
  enum class Lost : std::uint8_t { No, Untold, Told };
  std::atomic<Lost> lost_ = Lost::No;
  std::string outer_savepoint_;
  bool attaching_ = false;
  bool read_only_ = false;
  bool wrote_ = false;
  bool changed_ = false;
  bool counts_exactly_ = false;
  bool has_large_cache_ = true;
  const std::uint64_t config_version_;
  CacheFigures figures_;  // as of the last cache_figures()
  const std::shared_ptr<WritersRoom> room_;
  local::Runner runner_;
};

}  // namespace libsql::server
