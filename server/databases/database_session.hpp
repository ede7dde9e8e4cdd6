// A connection to a namespace's database as the server uses it: with a statement cache that knows the statements'
// traits, the line of writers, and an authorizer for what SQL of strangers must not do.
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

/// A statement that was classified and compiled: what the server knows of it.
struct Prepared final : engine::Statement::Note {
  std::string text;  // the one statement in the client's text; the traits view it
  StatementTraits traits;
  engine::Statement* statement = nullptr;  // that it is the note of; none of ATTACH, which the executor makes anew
  bool has_named = false;                  // a parameter with a name, which positional arguments do not reach
  /// The columns as answers have them, for each encoding; good while the statement's columns_version() is this one.
  struct WrittenColumns {
    std::string text;
    int version = -1;
  };
  std::array<WrittenColumns, 2> written_columns;
};

/// What a connection keeps that the next request of its stream can notice.
enum class Residue : std::uint8_t {
  None,
  Counters,  // changes() and last_insert_rowid()
  Session,   // a transaction, settings, attached databases
};

/// Threads: one at a time, which holds a Use while it runs a program.
class DatabaseSession : public local::Kept {
 public:
  DatabaseSession(std::shared_ptr<local::Store> store, std::shared_ptr<WritersRoom> room, const NamespaceConfig& config,
                  std::uint64_t config_version, const Options& options);
  ~DatabaseSession();
  DatabaseSession(const DatabaseSession&) = delete;
  DatabaseSession& operator=(const DatabaseSession&) = delete;

  /// Marks the time in which a program runs: nobody takes the write lock away meanwhile.
  class Use {
   public:
    explicit Use(DatabaseSession& session) : lock_(session.use_mutex_) { engine::begin_large_work(); }

   private:
    std::unique_lock<std::mutex> lock_;
  };

  /// The statement for this text, not running; it lives as long as what is returned. Asks the rules before anything is
  /// compiled. Throws what they throw, StatementFailure, Error.
  std::shared_ptr<Prepared> prepare(std::string_view sql, const StatementRules& rules);
  /// The traits of a text that prepare() has seen and still has, else null.
  const StatementTraits* known(std::string_view sql) const noexcept;
  local::Runner& runner() noexcept { return runner_; }
  /// Compiles a text of the server's own.
  std::shared_ptr<engine::Statement> compile(const std::string& sql);
  /// Attaches a file for reading. Throws Error.
  void attach(const std::string& file, std::string_view alias_as_written);

  engine::Connection& connection() noexcept { return runner_.connection(); }
  const std::shared_ptr<engine::Interrupt>& interrupt_state() noexcept {
    return connection().patience().interrupt_state();
  }
  bool is_autocommit() const noexcept { return runner_.connection().is_autocommit(); }

  /// Whether the transaction was taken away, and the client has not yet done what ends it.
  bool has_lost_transaction() const noexcept { return lost_.load(std::memory_order_relaxed) != Lost::No; }
  /// Throws StatementFailure TRANSACTION_TIMEOUT if it was: what was meant for the transaction must not happen outside
  /// it. That goes on until the client ends the transaction that is no more: with ROLLBACK, which succeeds; with COMMIT
  /// or the RELEASE of the savepoint that began it, which fail; or with another BEGIN once it was told.
  void require_transaction(const Prepared& prepared);
  /// The client has heard of it by another way.
  void note_loss_told() noexcept { lost_.store(Lost::Told, std::memory_order_relaxed); }
  /// This savepoint began the transaction that is open.
  void set_outer_savepoint(std::string name) { outer_savepoint_ = std::move(name); }

  /// BEGIN READONLY: the transaction that is open refuses to write.
  void set_read_only(bool on) noexcept { read_only_ = on; }
  bool is_read_only() const noexcept { return read_only_; }
  /// After each statement.
  void statement_done(const StatementTraits& traits, bool wrote) noexcept;
  /// Not within a Use.
  Residue residue();

  /// Lets the write lock go if no transaction needs it: after SQL that went past the statements.
  void settle() noexcept { runner_.settle(); }
  /// Readies it for another client. False if it must not be used again.
  bool recycle() noexcept;
  /// Gives back the pages that it keeps, which the next statement reads again.
  void release_memory() noexcept;
  std::uint64_t config_version() const noexcept { return config_version_; }
  /// Fits what it keeps of pages to how many sessions are in use, so that all of them together are bounded.
  void fit_cache(std::size_t sessions) noexcept;
  /// The figures of its caches, unless a program runs: then those of the last call. From any thread while the session
  /// is there, one at a time.
  const CacheFigures& cache_figures() noexcept;

  /// Memory that the executor uses again for every statement.
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
  CacheFigures figures_;  // of the last cache_figures()
  const std::shared_ptr<WritersRoom> room_;
  local::Runner runner_;
};

}  // namespace libsql::server
