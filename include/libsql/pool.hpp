/// \file
/// Connections shared by many threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>
#include <vector>

#include <libsql/connection.hpp>
#include <libsql/database.hpp>
#include <libsql/export.hpp>
#include <libsql/pool_statistics.hpp>
#include <libsql/query_log.hpp>
#include <libsql/rows.hpp>

namespace libsql {

/// Which connection a caller gets.
enum class PoolRouting : std::uint8_t {
  OneWriter,  ///< write() the one that may write, read() one of the others, which refuse writes
  Shared      ///< read() and write() any
};

/// When a connection is checked with Connection::ping() before it is leased.
enum class PoolHealthCheck : std::uint8_t { Always, AfterIdle, Never };

struct PoolOptions {
  /// The most connections, including the writer; at least 2 for OneWriter.
  std::size_t max_size = 8;
  /// Connections that are opened at once and kept; the writer first.
  std::size_t min_size = 1;
  PoolRouting routing = PoolRouting::OneWriter;
  /// How long read() and write() wait for a connection before they throw Timeout.
  std::chrono::milliseconds checkout_timeout{30'000};
  PoolHealthCheck health_check = PoolHealthCheck::AfterIdle;
  /// For PoolHealthCheck::AfterIdle: how long a connection may be idle before it is checked.
  std::chrono::milliseconds health_check_after{60'000};
  /// A connection older than this is closed instead of leased again; nullopt: never.
  std::optional<std::chrono::milliseconds> max_age = std::nullopt;
  /// A connection that has been idle longer is closed, unless min_size needs it; nullopt: never. Checked whenever the
  /// pool is used, and by Pool::trim().
  std::optional<std::chrono::milliseconds> max_idle = std::nullopt;
  /// Runs on every new connection and after each reset: for settings, functions and hooks that every lease should have.
  /// It may run in several threads at once. If it throws, the checkout fails with its exception.
  std::function<void(Connection&)> set_up = {};
  /// Records the statements of all connections of the pool.
  std::optional<QueryLog> query_log = std::nullopt;
  /// Measures PoolStatistics::query_time, which reads the clock twice per statement.
  bool query_times = true;
};

/// Options of one checkout.
struct CheckoutOptions {
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;  ///< instead of PoolOptions::checkout_timeout
  std::stop_token stop = {};                                        ///< a stop request ends the wait with Interrupted
};

namespace detail {
class PoolState;
struct PoolSlot;
}  // namespace detail

/// A connection on loan: `lease->execute(...)`. Its destructor gives the connection back, reset for its next user.
///
/// Ownership: moves, never copies; may outlive the Pool. Rows and statements made from it should end before it: a
/// connection that they still hold is not reused; the pool opens another.
/// Threads: one at a time, as Connection; it may be destroyed in another thread.
class LIBSQL_EXPORT PooledConnection final {
 public:
  PooledConnection(PooledConnection&&) noexcept;
  PooledConnection& operator=(PooledConnection&&) noexcept;
  ~PooledConnection();

  /// Requires: neither moved from nor given back.
  Connection& operator*() const noexcept;
  Connection* operator->() const noexcept { return &**this; }
  Connection& connection() const noexcept { return **this; }

  PoolRole role() const noexcept;
  /// Gives the connection back now. Does nothing the second time.
  void give_back() noexcept;
  /// Closes the connection instead of giving it back, if its state should not reach another user.
  void discard() noexcept;
  explicit operator bool() const noexcept { return slot_ != nullptr; }

 private:
  friend class detail::PoolState;
  PooledConnection(std::shared_ptr<detail::PoolState> pool, std::unique_ptr<detail::PoolSlot> slot) noexcept;

  std::shared_ptr<detail::PoolState> pool_;
  std::unique_ptr<detail::PoolSlot> slot_;
};

/// Connections to one Database, leased to many threads and reset between users.
///
/// Callers are served in the order they came. No lock is held while a connection is opened, checked or reset. Broken
/// connections are replaced. Ownership: copies share one pool; the destructor of the last one closes it as close()
/// does, without waiting. Threads: may be used by several at once.
class LIBSQL_EXPORT Pool final {
 public:
  /// Opens min_size connections. Throws Configuration for contradictory sizes and negative times, and what
  /// Database::connect() throws.
  explicit Pool(Database database, PoolOptions options = {});
  Pool(const Pool&) noexcept;
  Pool(Pool&&) noexcept;
  Pool& operator=(const Pool&) noexcept;
  Pool& operator=(Pool&&) noexcept;
  ~Pool();

  /// A connection to read with. Throws Timeout, Interrupted, Misuse once the pool is closed, and what opening a
  /// connection throws.
  PooledConnection read(const CheckoutOptions& options = {}) const;
  /// A connection to write with; under OneWriter there is only one, so hold it briefly. Throws as read() does.
  PooledConnection write(const CheckoutOptions& options = {}) const;

  /// Runs `use(Connection&)` with the connection that write() gives, and returns its result, which must not be Rows.
  template <class Use>
  auto with(Use&& use) const {
    return use_lease(write(), std::forward<Use>(use));
  }
  /// The same with the one that read() gives.
  template <class Use>
  auto with_read(Use&& use) const {
    return use_lease(read(), std::forward<Use>(use));
  }

  /// Closes the pool: waiting callers get Interrupted, later ones Misuse. Idle connections are closed, leased ones when
  /// their lease ends, which it waits for. Throws Timeout if leases are left after `drain` (by default the checkout
  /// timeout); the pool is closed all the same. A second call only waits.
  void close(std::optional<std::chrono::milliseconds> drain = std::nullopt) const;
  bool is_closed() const noexcept;
  /// Closes connections that have been idle longer than max_idle or are older than max_age. Returns how many.
  std::size_t trim() const;

  PoolStatistics statistics() const;
  /// One entry per connection of the pool, in the order they were opened.
  std::vector<PooledConnectionStatistics> connections() const;
  const PoolOptions& options() const noexcept;
  const Database& database() const noexcept;

 private:
  template <class Use>
  static auto use_lease(PooledConnection lease, Use&& use) {
    using Result = std::invoke_result_t<Use, Connection&>;
    static_assert(!std::is_same_v<std::remove_cvref_t<Result>, Rows>, "rows end with their lease: copy them out");
    if constexpr (std::is_void_v<Result>) {
      std::forward<Use>(use)(*lease);
    } else {
      return std::decay_t<Result>(std::forward<Use>(use)(*lease));
    }
  }

  std::shared_ptr<detail::PoolState> state_;
};

}  // namespace libsql
