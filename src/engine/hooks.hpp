// Owns a connection's hooks in the engine. The engine takes one function for each hook; this class shares it among any
// number of listeners, the change streams and the engine's own automatic checkpoints.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <libsql/hooks.hpp>

#include "engine/connection.hpp"
#include "engine/listeners.hpp"

struct sqlite3;

namespace libsql::detail {
class ChangeStreamState;
}

namespace libsql::engine {

class ChangeLog;

class Hooks final : public detail::ListenerOwner, public std::enable_shared_from_this<Hooks> {
 public:
  explicit Hooks(Connection& connection);
  ~Hooks() override;
  Hooks(const Hooks&) = delete;
  Hooks& operator=(const Hooks&) = delete;

  using Authorizer = std::function<Verdict(const Authorization&)>;
  using UpdateListener = std::function<void(const UpdateEvent&)>;
  using RowChangeListener = std::function<void(const RowChange&)>;
  using CommitListener = std::function<CommitVerdict()>;
  using WalListener = std::function<void(const WalEvent&)>;
  using ProgressListener = std::function<ProgressVerdict()>;
  using StatementListener = std::function<void(const StatementEvent&)>;
  using ProfileListener = std::function<void(const StatementEvent&, std::chrono::nanoseconds)>;
  using PlainListener = std::function<void()>;

  ListenerList<Authorizer> authorizers;
  ListenerList<UpdateListener> updates;
  ListenerList<RowChangeListener> row_changes;
  ListenerList<CommitListener> commits;
  ListenerList<PlainListener> rollbacks;
  ListenerList<WalListener> wals;
  ListenerList<ProgressListener> progress;
  ListenerList<StatementListener> statements;
  ListenerList<StatementListener> rows;
  ListenerList<ProfileListener> profiles;
  ListenerList<PlainListener> closes;

  /// Adds a listener to one of the lists above. Returns its number.
  template <class Listener>
  std::uint64_t add(ListenerList<Listener>& list, Listener listener) {
    prepare_to_add();
    list.add(++last_id_, std::move(listener));
    install();
    if constexpr (std::same_as<Listener, Authorizer>) expire_statements();
    return last_id_;
  }
  void remove(std::uint64_t id) noexcept override;
  bool contains(std::uint64_t id) const noexcept override;
  /// Removes all listeners and change streams.
  void clear() noexcept;
  std::size_t size() const noexcept;

  /// Makes the engine compile every statement again before its next run.
  void expire_statements() noexcept;
  /// From now on commits are refused while the connection must roll back.
  void guard_commit() noexcept;
  /// The value of PRAGMA wal_autocheckpoint, which our listeners' hook would hide.
  int auto_checkpoint() noexcept;

  // -- change streams

  /// Whether the engine has the pre-update hook, which row changes and change streams need.
  static bool has_row_changes() noexcept;
  ChangeLog& change_log();
  void detach_stream(detail::ChangeStreamState& stream) noexcept;
  void record_savepoints();
  void settle() noexcept;
  /// Installs the hooks that the listeners need in the engine, and removes the others.
  void install() noexcept;

  /// The engine does not ask the authorizer about the columns that NATURAL JOIN and USING compare. So for a text with
  /// such a join the authorizers are asked about every table that it names, as for a table of which no column is read.
  /// Returns one that must not be read, if there is one.
  std::optional<std::string> table_refused_to_join(std::string_view text);

  /// Exists while `text` is compiled for the first time.
  class Compiling {
   public:
    Compiling(Hooks* hooks, std::string_view text) noexcept : hooks_(hooks) {
      if (hooks_ != nullptr) before_ = std::exchange(hooks_->compiling_, text);
    }
    ~Compiling() {
      if (hooks_ != nullptr) hooks_->compiling_ = before_;
    }
    Compiling(const Compiling&) = delete;
    Compiling& operator=(const Compiling&) = delete;

   private:
    Hooks* hooks_;
    std::string_view before_;
  };

  /// While one lives, Ignore is Deny: what is compiled runs elsewhere, where nothing can be left out.
  class Strict {
   public:
    explicit Strict(Hooks& hooks) noexcept : hooks_(hooks) { ++hooks_.strict_; }
    ~Strict() { --hooks_.strict_; }
    Strict(const Strict&) = delete;
    Strict& operator=(const Strict&) = delete;

   private:
    Hooks& hooks_;
  };

  /// While it exists, statements are the library's own: authorizers are not asked, and listeners are not told.
  class Internal {
   public:
    explicit Internal(Hooks* hooks) noexcept : hooks_(hooks) {
      if (hooks_ != nullptr) ++hooks_->internal_;
    }
    ~Internal() {
      if (hooks_ != nullptr) --hooks_->internal_;
    }
    Internal(const Internal&) = delete;
    Internal& operator=(const Internal&) = delete;

   private:
    Hooks* hooks_;
  };

 private:
  friend struct HookCallbacks;
  void prepare_to_add();
  void take_wal_hook() noexcept;
  template <class Visit>
  bool any_list(Visit&& visit);

  Connection& connection_;
  std::uint64_t last_id_ = 0;
  Verdict verdict_on(const Authorization& question);
  const char* context(const char* name);
  bool defines(std::string_view common_table);

  std::string_view compiling_;
  std::string defined_text_, defined_name_;  // the last question to defines()
  bool defined_ = false;
  int strict_ = 0;
  int internal_ = 0;
  bool on_reset_ = false;  // the connection will call clear() when it is reset
  bool guards_commit_ = false;

  // What is currently installed in the engine.
  bool authorizer_ = false, update_ = false, preupdate_ = false, commit_ = false, rollback_ = false, wal_ = false;
  unsigned trace_ = 0;
  int progress_ = 0;                                            // the number of our listener in Patience; 0: none
  int auto_checkpoint_ = 0;                                     // in pages, while our function replaces the engine's
  std::unordered_map<const void*, Clock::time_point> started_;  // when each statement being profiled started
  std::unique_ptr<ChangeLog> change_log_;
};

}  // namespace libsql::engine
