// Watching the statements of a session, in any mode: query logs and timing are built on it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <libsql/error.hpp>
#include <libsql/params.hpp>

namespace libsql::core {

/// What one run of a statement did. Views are valid for the call that tells it.
struct StatementRun {
  std::string_view sql;
  std::chrono::nanoseconds duration{0};  // from before its first step to the end of its cursor, waits included
  std::uint64_t rows = 0;
  std::uint64_t changes = 0;
  std::uint64_t fullscan_steps = 0;           // steps forward in scans of whole tables, where the mode tells them
  std::optional<std::uint64_t> rows_scanned;  // rows that its loops visited, where they were counted
  bool failed = false;
  const Error* error = nullptr;  // why it failed; none if a callback threw something that is no Error
};

class StatementObserver {
 public:
  virtual ~StatementObserver() = default;
  /// Whether StatementRun::rows_scanned has to be counted. That slows every statement of a local connection down.
  virtual bool wants_rows_scanned() const noexcept { return false; }
  /// Before a run begins; the arguments are valid for the call. `run` tells it from the others under way until
  /// finished() names it again.
  virtual void started(const void* run, const detail::ParamsView& params) noexcept = 0;
  /// After the last step or the early end of its cursor.
  virtual void finished(const void* run, const StatementRun& ended) noexcept = 0;
  /// The text did not compile.
  virtual void refused(std::string_view, const Error&) noexcept {}
};

enum class ObserverLife : std::uint8_t { UntilReset, Connection };

/// The observers of one session. Used by one thread at a time; an observer may add and remove others while it is told.
class ObserverList {
 public:
  /// `changed` is called after each change, or after all have been told if it came from one of them.
  explicit ObserverList(std::function<void()> changed = nullptr) : changed_(std::move(changed)) {}
  void add(std::shared_ptr<StatementObserver> observer, ObserverLife life);
  /// Does nothing if it is not here (any more).
  void remove(const StatementObserver* observer) noexcept;
  /// Removes those whose life ends with a reset.
  void end_until_reset() noexcept;

  bool empty() const noexcept { return entries_.empty(); }
  /// Whether a reset would remove one.
  bool has_until_reset() const noexcept;
  bool wants_rows_scanned() const noexcept;

  void started(const void* run, const detail::ParamsView& params) noexcept;
  void finished(const void* run, const StatementRun& ended) noexcept;
  void refused(std::string_view sql, const Error& error) noexcept;

 private:
  struct Entry {
    std::shared_ptr<StatementObserver> observer;
    ObserverLife life;
  };
  template <class Tell>
  void notify(Tell&& tell) noexcept;
  void note_change() noexcept;

  std::function<void()> changed_;
  std::vector<Entry> entries_;
  int notifying_ = 0;  // how deep; then no entry moves
  bool has_changed_ = false;
};

}  // namespace libsql::core
