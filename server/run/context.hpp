// On whose behalf, and under which rules, a request runs.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/auth.hpp"
#include "server/base/budget.hpp"
#include "server/base/metrics.hpp"
#include "server/base/options.hpp"
#include "server/databases/namespace.hpp"
#include "server/databases/statement_class.hpp"

namespace libsql::server {

class Namespaces;

/// Whose shares a request draws on: its bearer's if bearers can be told apart, and its namespace's if there are several
/// namespaces.
Takers takers_of(const Identity& identity, const Namespace& name_space, const Options& options);

/// Threads: one at a time.
class Context final : public StatementRules {
 public:
  Context(std::shared_ptr<Namespace> name_space, std::shared_ptr<const Identity> identity, Namespaces& namespaces,
          const Options& options);
  /// The same, for a caller that has already fetched the namespace's configuration.
  Context(std::shared_ptr<Namespace> name_space, std::shared_ptr<const NamespaceConfig> config,
          std::shared_ptr<const Identity> identity, Namespaces& namespaces, const Options& options);

  Namespace& name_space() const noexcept { return *name_space_; }
  const std::shared_ptr<Namespace>& shared_namespace() const noexcept { return name_space_; }
  const Identity& identity() const noexcept { return *identity_; }
  const std::shared_ptr<const Identity>& shared_identity() const noexcept { return identity_; }
  const Options& options() const noexcept { return options_; }
  const NamespaceConfig& config() const noexcept { return *config_; }
  const std::shared_ptr<const NamespaceConfig>& shared_config() const noexcept { return config_; }
  const Permissions& permissions() const noexcept { return permissions_; }

  Takers takers() const { return takers_of(*identity_, *name_space_, options_); }
  Taken* bearer_taken() const noexcept { return identity_->binding().empty() ? nullptr : &identity_->bearer()->taken; }
  Taken* namespace_taken() const noexcept { return options_.namespaces ? &name_space_->counters().taken : nullptr; }

  /// How long a statement may wait for a lock held by others: the server's limit, or less if the client asked for less.
  std::chrono::milliseconds lock_wait() const noexcept { return lock_wait_; }
  void wait_at_most(std::chrono::milliseconds wait) noexcept { lock_wait_ = std::min(lock_wait_, wait); }

  /// A session of the namespace, counted against takers().
  SessionLease lease() const { return name_space_->lease(takers()); }

  /// Reports an event to the observer, if there is one.
  void tell(Event event) const noexcept {
    if (Observer* const observer = options_.observer.get()) observer->happened(event, name_space_->name());
  }
  /// Throws ResponseTooLarge and reports it. Nobody: the answer itself exceeds the limit for one answer.
  [[noreturn]] void throw_too_large(Whose whose = Whose::Nobody) const;

  /// From now on the row counts of all statements are added to `rows` as well; null: no longer.
  void count_into(RowTally* rows) noexcept { rows_ = rows; }
  void count(std::uint64_t rows_read, std::uint64_t rows_written) const noexcept {
    if (rows_ == nullptr) return;
    rows_->read += rows_read;
    rows_->written += rows_written;
  }

  /// From now on, when a step of a batch fails, the engine's extended code is stored at the step's index; null: no
  /// longer.
  void write_codes_to(std::vector<int>* of_steps) noexcept { codes_ = of_steps; }
  void note_code(std::size_t step, int engine_code) const {
    if (codes_ != nullptr) codes_->at(step) = engine_code;
  }

  /// Throws RequestRefused 403 if the identity may not run such a statement.
  void authorise(const StatementTraits& traits) const;
  /// As authorise(). Also throws StatementFailure BLOCKED if the namespace's configuration forbids the statement.
  void require(const StatementTraits& traits) const override;
  /// Throws RequestRefused 403 if the identity may not write. For statements that the engine reports as writing,
  /// whatever their text looked like.
  void require_writing() const {
    if (!permissions_.write) forbid_writing();
  }
  /// The file that ATTACH with a namespace's name may read. Throws RequestRefused.
  std::string attachable(std::string_view name_as_written) const;

 private:
  [[noreturn]] void forbid_writing() const;

  std::shared_ptr<Namespace> name_space_;
  std::shared_ptr<const Identity> identity_;
  Namespaces& namespaces_;
  const Options& options_;
  Permissions permissions_;
  std::shared_ptr<const NamespaceConfig> config_;
  std::chrono::milliseconds lock_wait_;
  RowTally* rows_ = nullptr;
  std::vector<int>* codes_ = nullptr;
};

/// Accounts for the memory of an answer under construction. It counts in large steps, so that small answers cost
/// nothing.
class ResponseShare {
 public:
  ResponseShare(Budget& budget, const Context& context) noexcept : budget_(budget), context_(context) {}
  ~ResponseShare() {
    if (held_ != 0) budget_.give(held_, context_.bearer_taken(), context_.namespace_taken());
  }
  ResponseShare(const ResponseShare&) = delete;
  ResponseShare& operator=(const ResponseShare&) = delete;
  /// Reserves memory for an answer of `bytes`. Returns whose limit prevents it, or Nobody.
  Whose grow_to(std::size_t bytes) noexcept {
    constexpr std::size_t kStep = 64 * 1024;
    if (bytes < held_ + kStep) return Whose::Nobody;
    const Whose whose = budget_.take(bytes - held_, context_.bearer_taken(), context_.namespace_taken());
    if (whose == Whose::Nobody) held_ = bytes;
    return whose;
  }

 private:
  Budget& budget_;
  const Context& context_;
  std::size_t held_ = 0;
};

/// Stops what a request is running, and what it is about to run, when its client has gone.
/// Threads: cancel() from any, the rest from the request's own.
class Cancellation {
 public:
  Cancellation() = default;
  ~Cancellation() {
    if (is_cancelled()) watch(nullptr);
  }
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;
  void cancel() noexcept;
  bool is_cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }
  /// Sets the session that cancel() stops; null: none. Must be called before the session passes to another request.
  void watch(std::shared_ptr<engine::Interrupt> running) noexcept;

  /// Watches a session that others use before and after.
  class Scope {
   public:
    Scope(Cancellation& cancellation, std::shared_ptr<engine::Interrupt> running) noexcept
        : cancellation_(cancellation) {
      cancellation_.watch(std::move(running));
    }
    ~Scope() { cancellation_.watch(nullptr); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Cancellation& cancellation_;
  };

 private:
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;
  std::shared_ptr<engine::Interrupt> running_;
};

}  // namespace libsql::server
