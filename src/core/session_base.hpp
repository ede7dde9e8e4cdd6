// What every session keeps, wherever its SQL runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libsql/connection_info.hpp>

#include "core/feature.hpp"

namespace libsql::core {

/// What users set on a session.
struct SessionSettings {
  std::chrono::milliseconds busy_timeout{0};
  std::optional<std::chrono::milliseconds> deadline;  // of each call
  bool refuses_writes = false;                        // a statement that writes throws ReadOnly
  bool operator==(const SessionSettings&) const = default;
};

/// The savepoint of a handle.
struct Mark {
  std::uint64_t id;
  std::string name;      // the engine's
  bool watches = false;  // its transaction was begun by SQL text, and is watched as long as it is here
};

/// Threads: one at a time.
class SessionBase {
 public:
  SessionBase(const SessionBase&) = delete;
  SessionBase& operator=(const SessionBase&) = delete;

  /// What it can do. Asked before anything that a mode may not offer, and before engine_connection() is used.
  const Features& features() const noexcept { return *features_; }
  /// As if it were of another kind; `features` must outlive it. A replica's local session is told so.
  void restrict_to(const Features& features) noexcept { features_ = &features; }

  // What its handles have begun. The handle of what is not here any more has ended: with an outer one, by reset(), or
  // by who had the session before. No number is used twice.

  /// A handle has begun the outermost transaction. Returns its number.
  std::uint64_t new_transaction_handle() noexcept { return transaction_ = ++last_handle_; }
  bool has_transaction(std::uint64_t id) const noexcept { return transaction_ == id; }
  /// The innermost last.
  const std::vector<Mark>& marks() const noexcept { return marks_; }
  const Mark* find_mark(std::uint64_t id) const noexcept;
  /// Appends the savepoint of a handle. What the engine calls it is not what the user does, so that SQL text that uses
  /// the same name means another one. Returns its number.
  std::uint64_t add_mark(std::string_view name, bool watches);
  void pop_mark() noexcept { marks_.pop_back(); }
  void forget_handles() noexcept {
    transaction_ = 0;
    marks_.clear();
  }

  /// Whether the end of a transaction or savepoint that threw last was done all the same: what failed was somebody who
  /// was told of it.
  bool was_done() const noexcept { return was_done_; }

 protected:
  /// `features` must outlive it.
  explicit SessionBase(const Features& features) noexcept : features_(&features) {}
  ~SessionBase() = default;

  /// What a reset goes back to: to be told when the session is made.
  const SessionSettings& initial_settings() const noexcept { return initial_settings_; }
  void set_initial_settings(const SessionSettings& settings) noexcept { initial_settings_ = settings; }
  void set_was_done(bool done) noexcept { was_done_ = done; }

  /// Counters count from here on.
  void set_baseline(const ConnectionStatistics& figures) noexcept { baseline_ = figures; }
  const ConnectionStatistics& baseline() const noexcept { return baseline_; }

 private:
  const Features* features_;
  SessionSettings initial_settings_;
  std::uint64_t transaction_ = 0;  // 0: none
  std::vector<Mark> marks_;
  std::uint64_t last_handle_ = 0;
  bool was_done_ = false;
  ConnectionStatistics baseline_;
};

}  // namespace libsql::core
