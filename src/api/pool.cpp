#include <libsql/pool.hpp>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <list>
#include <mutex>

#include "api/access.hpp"
#include "core/histogram.hpp"
#include "core/query_log.hpp"
#include "core/statistics.hpp"
#include "local/runners.hpp"

namespace libsql {
namespace {

using Clock = std::chrono::steady_clock;

// Far enough to mean "as long as it takes", near enough not to overflow a time point.
constexpr std::chrono::milliseconds kForever = std::chrono::hours(24 * 365);

Clock::time_point deadline_of(std::chrono::milliseconds timeout) { return Clock::now() + std::min(timeout, kForever); }

void add(ConnectionStatistics& sum, const ConnectionStatistics& now, const ConnectionStatistics& before) {
  // If the lease's user has set the counters back, what they say is all there is.
  const bool was_reset = now.statements < before.statements;
  core::add(sum, was_reset ? now : core::since(now, before));
}

// Measures the statements of a leased connection. It may outlive the pool with a connection that somebody still holds.
class QueryTimer final : public core::StatementObserver {
 public:
  explicit QueryTimer(std::shared_ptr<core::TimeHistogram> times) : times_(std::move(times)) {}
  void started(const void*, const core::ParamsView&) noexcept override {}
  void finished(const void*, const core::StatementRun& run) noexcept override {
    if (on) times_->add(run.duration);
  }
  bool on = false;  // only the thread that has the connection touches it

 private:
  std::shared_ptr<core::TimeHistogram> times_;
};

void check(const PoolOptions& options) {
  const auto refuse = [](const char* why) { core::throw_error(ErrorCode::Configuration, why); };
  const std::chrono::milliseconds zero(0);
  if (options.max_size == 0) refuse("max_size must be at least 1");
  if (options.routing == PoolRouting::OneWriter && options.max_size < 2) {
    refuse("a pool with one writer needs room for a reader too: max_size must be at least 2");
  }
  if (options.min_size > options.max_size) refuse("min_size is greater than max_size");
  if (options.checkout_timeout < zero || options.health_check_after < zero)
    refuse("the times of a pool cannot be negative");
  if ((options.max_age && *options.max_age <= zero) || (options.max_idle && *options.max_idle <= zero)) {
    refuse("max_age and max_idle must be positive");
  }
}

[[noreturn]] void throw_closed() { core::throw_error(ErrorCode::Misuse, "the pool is closed"); }
[[noreturn]] void throw_closed_while_waiting() {
  core::throw_error(ErrorCode::Interrupted, "the pool was closed while this call waited for a connection");
}

}  // namespace

namespace detail {

struct PoolLane;

/// A connection and what the pool knows of it. Belongs to one thread, or to the lane while it rests.
struct PoolSlot : local::Kept {
  explicit PoolSlot(Connection made) : connection(std::move(made)) {}

  Connection connection;
  PoolLane* lane = nullptr;
  std::uint64_t number = 0;
  std::uint64_t checkouts = 0;  // this and `totals` are the pool's, guarded by its mutex
  ConnectionStatistics totals;
  Clock::time_point leased_at{};
  ConnectionStatistics before;        // the lease
  std::shared_ptr<QueryTimer> timer;  // none if nobody wants it
  long holders = 0;                   // of the session, when nobody but the pool's set-up has seen it
};

/// Somebody in line.
struct PoolWaiter {
  enum class Outcome : std::uint8_t { Waiting, Connection, Permit, Closed };
  std::condition_variable_any changed;
  Outcome outcome = Outcome::Waiting;
  std::unique_ptr<PoolSlot> slot;
};

/// Connections for one purpose.
struct PoolLane {
  PoolRole role = PoolRole::Any;
  std::size_t max = 0;
  std::size_t total = 0;  // made or being made
  local::Runners<PoolSlot> slots;
  std::list<PoolWaiter*> line;  // empty while one rests
};

class PoolState : public std::enable_shared_from_this<PoolState> {
 public:
  PoolState(Database database, PoolOptions options)
      : database_(std::move(database)),
        options_(std::move(options)),
        limits_{options_.max_age, options_.max_idle, options_.min_size},
        query_time_(std::make_shared<core::TimeHistogram>()) {
    check(options_);
    if (options_.routing == PoolRouting::OneWriter) {
      writers_.role = PoolRole::Writer;
      writers_.max = 1;
      readers_.role = PoolRole::Reader;
      readers_.max = options_.max_size - 1;
    } else {
      writers_.max = options_.max_size;
    }
    for (std::size_t i = 0; i < options_.min_size; ++i) {
      PoolLane& lane = writers_.total < writers_.max ? writers_ : readers_;
      ++lane.total;
      std::unique_ptr<PoolSlot> slot = make(lane);
      lane.slots.rest(slot, Clock::now());
    }
  }

  PoolLane& lane_for_reading() noexcept { return readers_.max == 0 ? writers_ : readers_; }
  PoolLane& lane_for_writing() noexcept { return writers_; }

  PooledConnection checkout(PoolLane& lane, const CheckoutOptions& options) {
    const Clock::time_point start = Clock::now();
    std::unique_ptr<PoolSlot> slot = wait_in_line(lane, options);
    // From here on this caller owns one place of the lane, with a connection in it or without.
    try {
      if (slot != nullptr && limits_.is_too_old(*slot, Clock::now())) dispose(std::move(slot), Reason::Age);
      if (slot != nullptr && !is_fit(*slot)) dispose(std::move(slot), Reason::Broken);
      if (slot == nullptr) slot = make(lane);
      slot->before = slot->connection.statistics();
    } catch (...) {
      if (slot != nullptr) dispose(std::move(slot));
      leave_place(lane);
      throw;
    }
    const Clock::time_point now = Clock::now();
    {
      std::unique_lock lock(mutex_);
      if (closed_) {
        lock.unlock();
        dispose(std::move(slot));
        leave_place(lane);
        throw_closed_while_waiting();
      }
      ++checkouts_;
      ++slot->checkouts;
    }
    checkout_wait_.add(now - start);
    slot->leased_at = now;
    if (slot->timer != nullptr) slot->timer->on = true;
    return PooledConnection(shared_from_this(), std::move(slot));
  }

  void take_back(std::unique_ptr<PoolSlot> slot, bool discard) noexcept {
    PoolLane& lane = *slot->lane;
    const Clock::time_point now = Clock::now();
    lease_time_.add(now - slot->leased_at);
    account(*slot);
    bool keep = !discard && !is_closed() && !limits_.is_too_old(*slot, now);
    const bool fit = discard || !keep || make_as_new(*slot);
    if (!keep || !fit) {
      dispose(std::move(slot), fit ? Reason::Age : Reason::Broken);
      leave_place(lane);
      return;
    }
    Slots expired;
    {
      const std::lock_guard lock(mutex_);
      if (!closed_ && !lane.line.empty()) {
        PoolWaiter& first = *lane.line.front();
        lane.line.pop_front();
        first.slot = std::move(slot);
        first.slot->rests_since = Clock::now();
        first.outcome = PoolWaiter::Outcome::Connection;
        first.changed.notify_one();
      } else if (!closed_) {
        lane.slots.rest(slot, Clock::now());
      }
      expired = take_expired();
    }
    if (slot != nullptr) {
      dispose(std::move(slot));
      leave_place(lane);
    }
  }

  void shut() noexcept {
    std::array<Slots, 2> resting;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      for (PoolLane* lane : {&writers_, &readers_}) {
        for (PoolWaiter* waiter : lane->line) {
          waiter->outcome = PoolWaiter::Outcome::Closed;
          waiter->changed.notify_one();
        }
        lane->line.clear();
        Slots& closing = resting[lane == &readers_ ? 1 : 0];
        closing = lane->slots.take_resting();
        lane->total -= closing.size();
        disposed_ += closing.size();
      }
      drained_.notify_all();
    }
  }

  void close(std::chrono::milliseconds drain) {
    if (drain < std::chrono::milliseconds(0)) core::throw_error(ErrorCode::OutOfRange, "a time cannot be negative");
    const Clock::time_point deadline = deadline_of(drain);
    shut();
    std::unique_lock lock(mutex_);
    const auto left = [&] { return writers_.total + readers_.total; };
    if (drained_.wait_until(lock, deadline, [&] { return left() == 0; })) return;
    core::throw_error(ErrorCode::Timeout,
                      "the pool is closed, but " + std::to_string(left()) + " of its connections are still leased");
  }

  bool is_closed() const noexcept {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

  std::size_t trim() {
    Slots expired;
    {
      const std::lock_guard lock(mutex_);
      expired = take_expired();
    }
    return expired.size();
  }

  PoolStatistics statistics() const {
    PoolStatistics statistics;
    {
      const std::lock_guard lock(mutex_);
      for (const PoolLane* lane : {&writers_, &readers_}) {
        statistics.size += lane->total;
        statistics.available += lane->slots.resting();
        statistics.waiting += lane->line.size();
      }
      statistics.in_use = statistics.size - statistics.available;
      statistics.created = created_;
      statistics.closed = disposed_;
      statistics.replaced = replaced_;
      statistics.checkouts = checkouts_;
      statistics.timeouts = timeouts_;
      statistics.totals = totals_;
    }
    statistics.checkout_wait = checkout_wait_.summary();
    statistics.lease_time = lease_time_.summary();
    statistics.query_time = query_time_->summary();
    return statistics;
  }

  std::vector<PooledConnectionStatistics> connections() const {
    const Clock::time_point now = Clock::now();
    std::vector<PooledConnectionStatistics> all;
    const std::lock_guard lock(mutex_);
    for (const PoolLane* lane : {&writers_, &readers_}) {
      lane->slots.each([&](const PoolSlot& slot) {
        PooledConnectionStatistics& one = all.emplace_back();
        one.number = slot.number;
        one.role = lane->role;
        one.in_use = !lane->slots.rests(slot);
        one.checkouts = slot.checkouts;
        one.age = now - slot.made_at;
        if (!one.in_use) one.idle = now - slot.rests_since;
        one.totals = slot.totals;
      });
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    return all;
  }

  const PoolOptions& options() const noexcept { return options_; }
  const Database& database() const noexcept { return database_; }

 private:
  enum class Reason : std::uint8_t { Age, Broken };

  using Slots = local::Runners<PoolSlot>::List;

  // A resting connection, or none and the right to make one.
  std::unique_ptr<PoolSlot> wait_in_line(PoolLane& lane, const CheckoutOptions& options) {
    // The wait is a call, too; who names a time for this one means it.
    const auto bound = std::min(options_.checkout_timeout,
                                Access::store(database_)->default_deadline().value_or(options_.checkout_timeout));
    const auto timeout = options.timeout.value_or(bound);
    if (timeout < std::chrono::milliseconds(0)) core::throw_error(ErrorCode::OutOfRange, "a time cannot be negative");
    const Clock::time_point deadline = deadline_of(timeout);
    std::unique_lock lock(mutex_);
    if (closed_) throw_closed();
    if (lane.line.empty()) {
      if (std::unique_ptr<PoolSlot> slot = lane.slots.take()) return slot;
      if (lane.total < lane.max) {
        ++lane.total;
        return nullptr;
      }
    }
    PoolWaiter self;
    const auto place = lane.line.insert(lane.line.end(), &self);
    using enum PoolWaiter::Outcome;
    self.changed.wait_until(lock, options.stop, deadline, [&] { return self.outcome != Waiting; });
    if (self.outcome == Waiting) {
      lane.line.erase(place);
      if (options.stop.stop_requested()) {
        core::throw_error(ErrorCode::Interrupted, "the wait for a connection of the pool was stopped");
      }
      ++timeouts_;
      detail::ErrorData data;
      data.code = ErrorCode::Timeout;
      data.message = "no connection of the pool became free within " + std::to_string(timeout.count()) + " ms: all " +
                     std::to_string(lane.max) + " are in use";
      data.retryable = true;
      lock.unlock();
      core::throw_error(std::move(data));
    }
    if (self.outcome == Closed) throw_closed_while_waiting();
    return std::move(self.slot);
  }

  // The caller's place goes to the first in line, who may make a connection, or is given up.
  void leave_place(PoolLane& lane) noexcept {
    const std::lock_guard lock(mutex_);
    if (!closed_ && !lane.line.empty()) {
      PoolWaiter& first = *lane.line.front();
      lane.line.pop_front();
      first.outcome = PoolWaiter::Outcome::Permit;
      first.changed.notify_one();
      return;
    }
    --lane.total;
    if (closed_) drained_.notify_all();
  }

  std::unique_ptr<PoolSlot> make(PoolLane& lane) {
    auto slot = std::make_unique<PoolSlot>(database_.connect());
    slot->lane = &lane;
    slot->made_at = slot->rests_since = Clock::now();
    core::Session& session = Access::require_session(Access::session(slot->connection));
    if (options_.query_log) {
      session.add_observer(core::make_query_log_observer(*options_.query_log), core::ObserverLife::Connection);
    }
    if (options_.query_times) {
      slot->timer = std::make_shared<QueryTimer>(query_time_);
      session.add_observer(slot->timer, core::ObserverLife::Connection);
    }
    set_up(*slot);
    const std::lock_guard lock(mutex_);
    slot->number = ++created_;
    lane.slots.add(*slot);
    return slot;
  }

  void set_up(PoolSlot& slot) {
    if (slot.lane->role == PoolRole::Reader) {
      Access::require_session(Access::session(slot.connection)).change_settings([](core::SessionSettings& settings) {
        settings.refuses_writes = true;
      });
    }
    if (options_.set_up) options_.set_up(slot.connection);
    const auto& session = Access::session(slot.connection);
    Access::require_session(session).mark_clean();
    slot.holders = session.use_count();
  }

  // What the last user left is removed. False if the connection is of no further use.
  bool make_as_new(PoolSlot& slot) noexcept {
    const auto& session = Access::session(slot.connection);
    // Rows, statements and the like that still hold the session could go on using it in another thread.
    if (session == nullptr || session->is_closed() || session.use_count() > slot.holders) return false;
    try {
      if (session->undo_use(core::Reset::Traces) == core::Reset::Everything) set_up(slot);
      return true;
    } catch (...) {
      return false;
    }
  }

  bool is_fit(PoolSlot& slot) const noexcept {
    const Clock::time_point now = Clock::now();
    if (slot.connection.is_closed()) return false;
    const bool check =
        options_.health_check == PoolHealthCheck::Always ||
        (options_.health_check == PoolHealthCheck::AfterIdle && now - slot.rests_since >= options_.health_check_after);
    if (!check) return true;
    try {
      slot.connection.ping();
      return true;
    } catch (...) {
      return false;
    }
  }

  void account(PoolSlot& slot) noexcept {
    if (slot.timer != nullptr) slot.timer->on = false;
    const auto& session = Access::session(slot.connection);
    if (session == nullptr) return;  // moved out of its lease
    const ConnectionStatistics now = session->statistics();
    const std::lock_guard lock(mutex_);
    add(totals_, now, slot.before);
    add(slot.totals, now, slot.before);
  }

  // Closes a connection that was in use; its place in the lane stays the caller's.
  void dispose(std::unique_ptr<PoolSlot> slot, Reason reason = Reason::Age) noexcept {
    {
      const std::lock_guard lock(mutex_);
      slot->lane->slots.remove(*slot);
      ++disposed_;
      if (reason == Reason::Broken) ++replaced_;
    }
    slot.reset();
  }

  // Requires the lock, without which they are closed.
  Slots take_expired() {
    Slots expired;
    for (PoolLane* lane : {&readers_, &writers_}) {
      local::RestLimits limits = limits_;
      // Of the connections that stay, those of the other lane and those being made are some.
      const std::size_t elsewhere = readers_.total + writers_.total - lane->slots.size();
      limits.kept -= std::min(limits.kept, elsewhere);
      Slots gone = lane->slots.take_expired(limits, Clock::now());
      lane->total -= gone.size();
      disposed_ += gone.size();
      expired.insert(expired.end(), std::make_move_iterator(gone.begin()), std::make_move_iterator(gone.end()));
    }
    return expired;
  }

  const Database database_;
  const PoolOptions options_;
  const local::RestLimits limits_;
  mutable std::mutex mutex_;  // guards what follows; never held while a connection is made, checked, reset or closed
  PoolLane writers_;
  PoolLane readers_;
  bool closed_ = false;
  std::condition_variable drained_;
  std::uint64_t created_ = 0;
  std::uint64_t disposed_ = 0;
  std::uint64_t replaced_ = 0;
  std::uint64_t checkouts_ = 0;
  std::uint64_t timeouts_ = 0;
  ConnectionStatistics totals_;
  // without the lock:
  core::TimeHistogram checkout_wait_;
  core::TimeHistogram lease_time_;
  std::shared_ptr<core::TimeHistogram> query_time_;
};

}  // namespace detail

namespace {

// The state as the Pool handles share it: when the last of them ends, the pool is closed, though leases keep the state.
struct PoolHandle {
  explicit PoolHandle(std::shared_ptr<detail::PoolState> held) : state(std::move(held)) {}
  ~PoolHandle() { state->shut(); }
  PoolHandle(const PoolHandle&) = delete;
  PoolHandle& operator=(const PoolHandle&) = delete;
  std::shared_ptr<detail::PoolState> state;
};

detail::PoolState& require(const std::shared_ptr<detail::PoolState>& state) {
  if (state == nullptr) core::throw_error(ErrorCode::Misuse, "the object was moved from");
  return *state;
}

}  // namespace

PooledConnection::PooledConnection(std::shared_ptr<detail::PoolState> pool,
                                   std::unique_ptr<detail::PoolSlot> slot) noexcept
    : pool_(std::move(pool)), slot_(std::move(slot)) {}
PooledConnection::PooledConnection(PooledConnection&&) noexcept = default;
PooledConnection& PooledConnection::operator=(PooledConnection&& other) noexcept {
  if (this != &other) {
    give_back();
    pool_ = std::move(other.pool_);
    slot_ = std::move(other.slot_);
  }
  return *this;
}
PooledConnection::~PooledConnection() { give_back(); }

Connection& PooledConnection::operator*() const noexcept { return slot_->connection; }
PoolRole PooledConnection::role() const noexcept { return slot_->lane->role; }
void PooledConnection::give_back() noexcept {
  if (slot_ != nullptr) pool_->take_back(std::move(slot_), false);
}
void PooledConnection::discard() noexcept {
  if (slot_ != nullptr) pool_->take_back(std::move(slot_), true);
}

Pool::Pool(Database database, PoolOptions options) {
  const auto handle =
      std::make_shared<PoolHandle>(std::make_shared<detail::PoolState>(std::move(database), std::move(options)));
  state_ = std::shared_ptr<detail::PoolState>(handle, handle->state.get());
}
Pool::Pool(const Pool&) noexcept = default;
Pool::Pool(Pool&&) noexcept = default;
Pool& Pool::operator=(const Pool&) noexcept = default;
Pool& Pool::operator=(Pool&&) noexcept = default;
Pool::~Pool() = default;

PooledConnection Pool::read(const CheckoutOptions& options) const {
  detail::PoolState& state = require(state_);
  return state.checkout(state.lane_for_reading(), options);
}
PooledConnection Pool::write(const CheckoutOptions& options) const {
  detail::PoolState& state = require(state_);
  return state.checkout(state.lane_for_writing(), options);
}
void Pool::close(std::optional<std::chrono::milliseconds> drain) const {
  detail::PoolState& state = require(state_);
  state.close(drain.value_or(state.options().checkout_timeout));
}
bool Pool::is_closed() const noexcept { return state_ == nullptr || state_->is_closed(); }
std::size_t Pool::trim() const { return require(state_).trim(); }
PoolStatistics Pool::statistics() const { return require(state_).statistics(); }
std::vector<PooledConnectionStatistics> Pool::connections() const { return require(state_).connections(); }
const PoolOptions& Pool::options() const noexcept { return state_->options(); }
const Database& Pool::database() const noexcept { return state_->database(); }

}  // namespace libsql
