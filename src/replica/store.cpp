#include "replica/store.hpp"

#include <algorithm>
#include <utility>

#include "core/clock.hpp"
#include "core/errors.hpp"
#include "replica/session.hpp"

namespace libsql::replica {
namespace {

constexpr std::size_t kRememberedRepairs = 16;
constexpr std::chrono::milliseconds kLongestNap{200};

void raise_to(std::atomic<std::uint64_t>& value, std::uint64_t least) noexcept {
  std::uint64_t before = value.load(std::memory_order_relaxed);
  while (before < least && !value.compare_exchange_weak(before, least, std::memory_order_acq_rel)) {
  }
}

}  // namespace

std::shared_ptr<Store> Store::open(StoreOptions options) {
  auto store = std::make_shared<Store>(std::move(options));
  const FirstSync when = store->options_.first_sync;
  const bool wanted = when == FirstSync::Always || (when == FirstSync::IfNeeded && !store->replication_index());
  if (store->options_.primary != nullptr && wanted) {
    SyncOrder order;
    if (store->options_.sync_deadline) order.wait.deadline = net::Deadline::after(*store->options_.sync_deadline);
    store->sync(order);
  }
  if (store->options_.sync_interval) store->thread_ = std::thread([raw = store.get()] { raw->run_in_background(); });
  return store;
}

Store::Store(StoreOptions options) : options_(std::move(options)), syncs_(*options_.source) {
  options_.source->on_applied([this](const Applied& applied) { tell(applied); });
}

Store::~Store() {
  stop_background();
  options_.source->on_applied(nullptr);
}

std::shared_ptr<core::Session> Store::connect() { return std::make_shared<Session>(shared_from_this()); }

// -- syncing ---------------------------------------------------------------------------------------------------------

void Store::require_thawed() const {
  if (is_frozen()) core::throw_error(ErrorCode::Misuse, "the replica is frozen: it follows nobody any more");
}

libsql::SyncReport Store::run(const SyncOrder& order, std::optional<FrameNumber> until) {
  require_thawed();
  if (options_.primary == nullptr) {
    core::throw_error(ErrorCode::Misuse, "the replica has no primary: sync_frames() brings it up to date");
  }
  const std::uint64_t writes = writes_.load(std::memory_order_acquire);
  const auto began = core::SteadyClock::now();
  const auto began_wall = core::WallClock::now();
  try {
    const libsql::SyncReport report = syncs_.run(order, until);
    if (!report.repairs.empty()) awaited_plus_.store(0, std::memory_order_release);
    const std::lock_guard lock(health_mutex_);
    ++health_.syncs;
    health_.failures_in_a_row = 0;
    health_.last_success = core::WallClock::now();
    health_.repairs.insert(health_.repairs.end(), report.repairs.begin(), report.repairs.end());
    if (health_.repairs.size() > kRememberedRepairs) {
      health_.repairs.erase(health_.repairs.begin(), health_.repairs.end() - kRememberedRepairs);
    }
    if (!until) {
      // It has what there was when the sync began, not what came since.
      synced_at_ = began_wall;
      synced_steady_ = began;
      raise_to(copied_writes_, writes);
    }
    return report;
  } catch (const std::exception& error) {
    const std::lock_guard lock(health_mutex_);
    ++health_.failures;
    ++health_.failures_in_a_row;
    health_.last_error = error.what();
    health_.last_failure = core::WallClock::now();
    throw;
  }
}

libsql::SyncReport Store::sync(const SyncOrder& order) { return run(order, std::nullopt); }

libsql::SyncReport Store::sync_until(FrameNumber frame_no, const SyncOrder& order) {
  require_thawed();
  const auto has = [&] { return replication_index() >= std::optional(frame_no); };
  libsql::SyncReport report;
  if (!has()) report = run(order, frame_no);
  report.frame_no = replication_index();
  if (!has()) {
    core::throw_error(ErrorCode::OutOfRange, "the primary does not have frame " + std::to_string(frame_no) +
                                                 ": its last one is " +
                                                 (report.frame_no ? std::to_string(*report.frame_no) : "none"));
  }
  return report;
}

// What could be shown has been written already: a part of a transaction waits for the rest.
libsql::SyncReport Store::flush() {
  require_thawed();
  libsql::SyncReport report;
  report.frame_no = replication_index();
  return report;
}

void Store::require_fed_by_hand() const {
  require_thawed();
  if (options_.primary == nullptr) return;
  core::throw_error(ErrorCode::Misuse, "the replica follows a primary: sync() brings it up to date");
}

libsql::SyncReport Store::sync_frames(BlobView frames) {
  require_fed_by_hand();
  return options_.source->apply(frames);
}

libsql::SyncReport Store::sync_snapshot(BlobView file) {
  require_fed_by_hand();
  return options_.source->apply_snapshot(file);
}

std::shared_ptr<core::Store> Store::freeze() {
  require_thawed();
  stop_background();
  options_.source->freeze();
  frozen_.store(true, std::memory_order_release);
  local::Options options = options_.source->store()->options();
  options.open_mode = OpenMode::ReadWrite;
  options.query_logs = options_.query_logs;
  return local::Store::open(std::move(options));
}

// -- own writes ------------------------------------------------------------------------------------------------------

void Store::note_write(std::optional<FrameNumber> frame_no) noexcept {
  if (frame_no) raise_to(max_write_plus_, *frame_no + 1);
  if (frame_no) raise_to(awaited_plus_, *frame_no + 1);
  if (!options_.read_your_writes) return;
  if (frame_no) {
    const std::optional<FrameNumber> applied = replication_index();
    if (applied && *applied >= *frame_no && has_writes()) return;
    writes_.fetch_add(1, std::memory_order_acq_rel);
    return;
  }
  raise_to(last_untold_, writes_.fetch_add(1, std::memory_order_acq_rel) + 1);
}

std::optional<FrameNumber> Store::max_write_index() const noexcept {
  const std::uint64_t plus = max_write_plus_.load(std::memory_order_acquire);
  return plus == 0 ? std::nullopt : std::optional(plus - 1);
}

void Store::copy_writes(const net::Wait& wait) {
  if (is_frozen()) return;
  const std::uint64_t wanted = writes_.load(std::memory_order_acquire);
  if (copied_writes_.load(std::memory_order_acquire) >= wanted) return;
  const bool all_told = last_untold_.load(std::memory_order_acquire) <= copied_writes_.load(std::memory_order_acquire);
  const auto has = [&] {
    const std::uint64_t awaited = awaited_plus_.load(std::memory_order_acquire);
    const std::optional<FrameNumber> applied = replication_index();
    return awaited == 0 || (applied && *applied + 1 >= awaited);
  };
  for (std::chrono::milliseconds nap{1};; nap = std::min(2 * nap, kLongestNap)) {
    const std::uint64_t awaited = awaited_plus_.load(std::memory_order_acquire);
    run({.wait = wait, .progress = nullptr}, all_told && awaited > 0 ? std::optional(awaited - 1) : std::nullopt);
    // It began after these writes, so it brings them, unless the frames come from somebody who does not have them yet.
    if (!all_told || has()) break;
    syncs_.pause(nap, wait);
  }
  raise_to(copied_writes_, wanted);
}

// -- how it is -------------------------------------------------------------------------------------------------------

Freshness Store::freshness() const {
  Freshness freshness;
  freshness.frame_no = replication_index();
  const std::lock_guard lock(health_mutex_);
  freshness.synced_at = synced_at_;
  if (synced_steady_) {
    freshness.age = std::chrono::duration_cast<std::chrono::milliseconds>(core::SteadyClock::now() - *synced_steady_);
  }
  return freshness;
}

ReplicaHealth Store::health() const {
  const bool syncing = syncs_.is_running();
  const std::lock_guard lock(health_mutex_);
  ReplicaHealth health = health_;
  if (is_frozen()) {
    health.state = ReplicaState::Frozen;
  } else if (syncing) {
    health.state = ReplicaState::Syncing;
  } else if (health.failures_in_a_row > 0) {
    health.state = ReplicaState::Failing;
  } else {
    health.state = replication_index() ? ReplicaState::Ready : ReplicaState::Empty;
  }
  return health;
}

// -- in the background -----------------------------------------------------------------------------------------------

void Store::run_in_background() {
  const std::shared_ptr<Background> background = background_;
  const auto on_sync = options_.on_sync;
  const std::chrono::milliseconds interval = *options_.sync_interval;
  for (;;) {
    SyncEvent event;
    try {
      SyncOrder order;
      order.wait.interrupt = &background->interrupt;
      if (options_.sync_deadline) order.wait.deadline = net::Deadline::after(*options_.sync_deadline);
      event.report = sync(order);
    } catch (...) {
      event.failure = std::current_exception();
    }
    {
      const std::lock_guard lock(background->mutex);
      if (background->ends) return;
    }
    if (on_sync) {
      try {
        on_sync(event);
      } catch (...) {  // nobody is above; health() has what the sync said
      }
    }
    // From here on the store may be gone, if the observer had the last handle.
    std::unique_lock lock(background->mutex);
    if (background->changed.wait_for(lock, interval, [&] { return background->ends; })) return;
  }
}

void Store::stop_background() noexcept {
  {
    const std::lock_guard lock(background_->mutex);
    background_->ends = true;
  }
  background_->interrupt.trigger();
  background_->changed.notify_all();
  if (!thread_.joinable()) return;
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

// -- telling sessions ------------------------------------------------------------------------------------------------

void Store::add(Session& session) {
  const std::lock_guard lock(sessions_mutex_);
  sessions_.push_back(&session);
}

void Store::remove(Session& session) noexcept {
  const std::lock_guard lock(sessions_mutex_);
  std::erase(sessions_, &session);
}

void Store::tell(const Applied& applied) noexcept {
  const std::lock_guard lock(sessions_mutex_);
  const auto wants = [](Session* session) { return session->feed().is_wanted(); };
  if (std::none_of(sessions_.begin(), sessions_.end(), wants)) return;
  std::int64_t schema = -1;
  try {
    const local::BorrowedConnection lent = options_.source->store()->borrow();
    schema = lent->query_integer("PRAGMA main.schema_version");
  } catch (const std::exception&) {  // then it counts as changed
  }
  for (Session* const session : sessions_) session->feed().tell(applied.frame_no, applied.frames, schema);
}

}  // namespace libsql::replica
