#include "server/databases/namespace.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "core/clock.hpp"
#include "engine/connection.hpp"
#include "local/session.hpp"
#include "local/store.hpp"
#include "replication/log/log.hpp"
#include "server/base/failure.hpp"
#include "server/databases/group_writer.hpp"
#include "server/databases/writers_room.hpp"

namespace libsql::server {
namespace {

// ATTACH accepts mode=ro in a URI only (https://www.sqlite.org/uri.html).
std::string uri_of(const std::filesystem::path& file, std::string_view query) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(file).string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '?' || c == '#' || c == '%') {
      uri += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      uri += c;
    }
  }
  return uri.append(query);
}

std::shared_ptr<local::Store> open_store(const std::string& name, const std::string& database, const Options& options,
                                         std::shared_ptr<engine::TemporarySpace> all_temporary_files) {
  local::Options settings;
  settings.path = database == ":memory:" ? database : uri_of(database, "");
  settings.encryption = options.encryption;
  for (const auto& extension : options.extensions) settings.extensions.emplace_back(extension, std::string());
  settings.double_quoted_strings = options.double_quoted_strings;
  if (options.recursive_triggers) settings.pragmas.emplace_back("recursive_triggers", Value(std::int64_t{1}));
  settings.max_temporary_bytes = options.limits.temporary_bytes;
  settings.max_connection_temporary_bytes = options.limits.connection_temporary_bytes;
  settings.temporary_whole = std::move(all_temporary_files);
  settings.writers_in_line =
      true;  // also keeps a connection open, so that the log is not removed and created again and again
  settings.statement_cache_bytes = 0;
  if (options.timeouts.checkpoint_interval) settings.checkpoints.by = local::Checkpointer::Owner;
  settings.server_database_name = name;
  return local::Store::open(std::move(settings));
}

std::shared_ptr<replication::Log> open_log(const std::string& database, const NamespaceConfig& config,
                                           const Options& options,
                                           const std::function<std::shared_ptr<local::Store>()>& make_store) {
  if (!options.replication.log || database == ":memory:") return nullptr;
  replication::LogOptions settings;
  settings.folder = database + "-log";
  settings.max_bytes = options.replication.max_log_bytes;
  if (const auto age = options.replication.max_log_age) {
    settings.max_age = std::chrono::duration_cast<std::chrono::seconds>(*age);
  }
  settings.commits_may_be_lost = config.durability.value_or(options.durability) < Durability::Strong;
  return replication::Log::open(database, make_store, std::move(settings));
}

// Half of the places for running requests. It is not less, because a request that waits without a thread has to be read
// again when it is called.
std::size_t seats_of_writers(const Options& options) noexcept {
  return std::max<std::size_t>(places_of(options) / 2, 1);
}

std::uint64_t size_of(const std::filesystem::path& file) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(file, failed);
  return failed ? 0 : size;
}

}  // namespace

Namespace::Namespace(std::string name, const std::string& database, const NamespaceConfig& config,
                     const Options& options, std::shared_ptr<ConnectionSlots> slots,
                     std::shared_ptr<NamespaceCounters> counters,
                     std::shared_ptr<engine::TemporarySpace> all_temporary_files)
    : name_(std::move(name)),
      file_(database == ":memory:" ? std::string() : database),
      options_(options),
      slots_(std::move(slots)),
      log_(open_log(database, config, options,
                    [&] { return open_store(name_, database, options, all_temporary_files); })),
      store_(log_ != nullptr ? log_->store() : open_store(name_, database, options, all_temporary_files)),
      writers_room_(std::make_shared<WritersRoom>(seats_of_writers(options))),
      counters_(std::move(counters)),
      config_(std::make_shared<const NamespaceConfig>(config)),
      last_used_(core::SteadyClock::now()) {
  limit_transactions(config);
}

Namespace::~Namespace() {
  wake_followers();  // who find it gone, and say Hello to the next one
  sessions_.each([&](DatabaseSession& session) { forget(session); });
  forget(group_writer_.get());
}

std::string Namespace::attachable() const { return file_.empty() ? std::string() : uri_of(file_, "?mode=ro"); }

std::shared_ptr<const NamespaceConfig> Namespace::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

void Namespace::set_config(const NamespaceConfig& config) {
  auto fresh = std::make_shared<const NamespaceConfig>(config);
  limit_transactions(config);
  local::Runners<DatabaseSession>::List outdated;
  std::shared_ptr<GroupWriter> outdated_writer;
  const std::lock_guard lock(mutex_);
  outdated_writer = std::move(group_writer_);
  forget(outdated_writer.get());
  config_ = std::move(fresh);
  config_version_ = new_version();
  outdated = sessions_.take_resting();
  for (const auto& session : outdated) forget(*session);
}

void Namespace::limit_transactions(const NamespaceConfig& config) noexcept {
  store_->write_line()->set_limit(config.txn_timeout ? *config.txn_timeout : options_.timeouts.transaction);
}

bool Namespace::is_closed() const noexcept {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void Namespace::throw_gone() const {
  throw RequestRefused(404, "NAMESPACE_NOT_FOUND", "Namespace `" + name_ + "` doesn't exist");
}

// Opens something that needs the files. If the namespace is removed meanwhile, `open` fails in some way or finds
// another database's files, so the client is told that the namespace is gone.
template <class Open>
auto Namespace::unless_gone(Open&& open) const {
  if (is_closed()) throw_gone();
  try {
    auto opened = open();
    if (is_closed()) throw_gone();
    return opened;
  } catch (const Error&) {
    if (is_closed()) throw_gone();
    throw;
  }
}

std::unique_ptr<DatabaseSession> Namespace::take() {
  std::shared_ptr<const NamespaceConfig> config;
  std::uint64_t version = 0;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) throw_gone();
    if (std::unique_ptr<DatabaseSession> session = sessions_.take()) return session;
    config = config_;
    version = config_version_;
  }
  auto session =
      unless_gone([&] { return std::make_unique<DatabaseSession>(store_, writers_room_, *config, version, options_); });
  const std::lock_guard lock(mutex_);
  sessions_.add(*session);
  return session;
}

SessionLease Namespace::lease(Takers takers) {
  slots_->take(takers);
  try {
    std::unique_ptr<DatabaseSession> session = take();
    session->fit_cache(slots_->in_use());
    return {shared_from_this(), std::move(takers), std::move(session)};
  } catch (...) {
    slots_->give(takers);
    throw;
  }
}

void Namespace::give(std::unique_ptr<DatabaseSession> session, const Takers& takers) noexcept {
  const bool reusable = session->recycle();
  {
    const std::lock_guard lock(mutex_);
    last_used_ = core::SteadyClock::now();
    if (reusable && may_keep(*session)) sessions_.rest(session, last_used_);
    if (session != nullptr) {
      forget(*session);
      sessions_.remove(*session);
    }
  }
  session.reset();
  slots_->give(takers);
}

bool Namespace::may_keep(const DatabaseSession& session) const noexcept {
  return !closed_ && session.config_version() == config_version_ && sessions_.resting() < options_.limits.idle_sessions;
}

// Adds the session's counts to those that stay, before it is destroyed. Needs the mutex: otherwise a reader could miss
// them for a moment and see a count fall.
void Namespace::forget(DatabaseSession& session) noexcept {
  const CacheFigures& last = session.cache_figures();
  counters_->statement_hits.fetch_add(last.statement_hits, std::memory_order_relaxed);
  counters_->statement_misses.fetch_add(last.statement_misses, std::memory_order_relaxed);
  counters_->page_hits.fetch_add(last.page_hits, std::memory_order_relaxed);
  counters_->page_misses.fetch_add(last.page_misses, std::memory_order_relaxed);
}

void Namespace::forget(GroupWriter* writer) noexcept {
  if (writer != nullptr) forget(writer->session());
}

// Needs the mutex, which keeps all sessions alive.
CacheFigures Namespace::cache_figures() {
  CacheFigures sum;
  sum.statement_hits = counters_->statement_hits.load(std::memory_order_relaxed);
  sum.statement_misses = counters_->statement_misses.load(std::memory_order_relaxed);
  sum.page_hits = counters_->page_hits.load(std::memory_order_relaxed);
  sum.page_misses = counters_->page_misses.load(std::memory_order_relaxed);
  const auto add = [&](DatabaseSession& session) {
    const CacheFigures& own = session.cache_figures();
    sum.statement_hits += own.statement_hits;
    sum.statement_misses += own.statement_misses;
    sum.statements += own.statements;
    sum.statement_bytes += own.statement_bytes;
    sum.page_hits += own.page_hits;
    sum.page_misses += own.page_misses;
    sum.page_bytes += own.page_bytes;
  };
  sessions_.each(add);
  if (group_writer_ != nullptr) add(group_writer_->session());
  return sum;
}

void SessionLease::release() noexcept {
  if (session_ == nullptr) return;
  owner_->give(std::move(session_), takers_);
  owner_.reset();
  takers_ = {};
}

std::shared_ptr<core::Session> Namespace::connect() {
  return unless_gone([&]() -> std::shared_ptr<core::Session> { return store_->connect(); });
}

std::shared_ptr<core::Session> Namespace::borrow() {
  return unless_gone([&] { return store_->lend_session(); });
}

std::shared_ptr<GroupWriter> Namespace::group_writer() {
  std::shared_ptr<const NamespaceConfig> config;
  std::uint64_t version = 0;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || !shares_commits(*config_)) return nullptr;
    last_used_ = core::SteadyClock::now();
    if (group_writer_ != nullptr) return group_writer_;
    config = config_;
    version = config_version_;
  }
  auto session =
      unless_gone([&] { return std::make_unique<DatabaseSession>(store_, writers_room_, *config, version, options_); });
  auto fresh = std::make_shared<GroupWriter>(std::move(session), counters_);
  const std::lock_guard lock(mutex_);
  // Another thread may have been faster, or the configuration may have changed: this one then serves a single request.
  if (group_writer_ == nullptr && config_version_ == version && !closed_) group_writer_ = fresh;
  return group_writer_ != nullptr ? group_writer_ : fresh;
}

void Namespace::checkpoint(local::Checkpoints::Extent extent) {
  unless_gone([&] {
    store_->checkpoints().checkpoint(extent);
    return true;
  });
}

void Namespace::compact() {
  const local::Store::Pages pages = unless_gone([&] { return store_->pages(); });
  if (pages.count * pages.size >= options_.replication.rewrite_from_bytes && pages.free > pages.count / 2) {
    connect()->execute("VACUUM", {});
  }
  checkpoint();
  if (log_ != nullptr) log_->sync();
}

NamespaceStats Namespace::stats() {
  NamespaceStats stats;
  const local::Store::Pages pages = unless_gone([&] { return store_->pages(); });
  stats.storage_bytes = (pages.count - std::min(pages.count, pages.free)) * pages.size;
  stats.connections_opened = store_->connections_opened();
  if (!file_.empty()) {
    stats.file_bytes = size_of(file_);
    stats.wal_bytes = size_of(file_.string() + "-wal");
  }
  if (log_ != nullptr) {
    stats.replication_index = log_->last_frame().value_or(0);
    stats.log_bytes = log_->figures().bytes;
    const Followers::Figures followers = followers_->figures();
    stats.replicas = followers.count;
    const std::uint64_t end = log_->last_frame() ? *log_->last_frame() + 1 : 0;
    if (followers.lowest_next) stats.replica_lag = end - std::min(end, *followers.lowest_next);
  }
  stats.frames_replicated = counters_->frames_replicated.load(std::memory_order_relaxed);
  stats.pulls = counters_->pulls.load(std::memory_order_relaxed);
  stats.snapshots = counters_->snapshots.load(std::memory_order_relaxed);
  stats.pushes = counters_->pushes.load(std::memory_order_relaxed);
  stats.writes_delegated = counters_->writes_delegated.load(std::memory_order_relaxed);
  stats.queries = counters_->queries.load(std::memory_order_relaxed);
  stats.failed = counters_->failed.load(std::memory_order_relaxed);
  stats.rows_read = counters_->rows_read.load(std::memory_order_relaxed);
  stats.rows_written = counters_->rows_written.load(std::memory_order_relaxed);
  stats.microseconds = counters_->microseconds.load(std::memory_order_relaxed);
  stats.grouped_writes = counters_->grouped_writes.load(std::memory_order_relaxed);
  stats.group_commits = counters_->group_commits.load(std::memory_order_relaxed);
  stats.writers_waiting =
      store_->write_line()->waiting() + writers_room_->waiting();  // those with a thread and those without
  const std::lock_guard lock(mutex_);
  if (group_writer_ != nullptr) stats.writers_waiting += group_writer_->waiting();
  stats.sessions_in_use = sessions_.in_use();
  stats.sessions_idle = sessions_.resting();
  stats.caches = cache_figures();
  return stats;
}

WritersRoom& Namespace::writers_room() noexcept { return *writers_room_; }

std::size_t Namespace::sessions_in_use() const noexcept {
  const std::lock_guard lock(mutex_);
  return sessions_.in_use();
}

void Namespace::close_idle_sessions(std::chrono::milliseconds idle_for) {
  store_->spares().close(idle_for);
  local::Runners<DatabaseSession>::List closing;
  const std::lock_guard lock(mutex_);
  closing = sessions_.take_expired({.max_idle = idle_for}, core::SteadyClock::now());
  for (const auto& session : closing) forget(*session);
}

void Namespace::trim_idle_sessions(std::chrono::milliseconds idle_for) {
  local::Runners<DatabaseSession>::List trimming;
  {
    const std::lock_guard lock(mutex_);
    trimming = sessions_.lend(core::SteadyClock::now() - idle_for);
  }
  for (const auto& session : trimming) session->release_memory();
  const std::lock_guard lock(mutex_);
  for (auto& session : trimming) {
    const bool keep = may_keep(*session);
    if (!keep) forget(*session);
    sessions_.take_back(session, keep);
  }
}

std::optional<std::uint64_t> Namespace::replication_index(const std::optional<engine::LogEnd>& commit) const {
  if (log_ == nullptr) return std::nullopt;
  if (commit) {
    if (const auto frame = log_->frame_of(*commit)) return frame;
  }
  return log_->last_frame();
}

void Namespace::wake_followers() noexcept {
  if (log_ != nullptr) log_->wake();
}

std::uint64_t Namespace::new_version() noexcept {
  static std::atomic<std::uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::uint64_t Namespace::config_version() const {
  const std::lock_guard lock(mutex_);
  return config_version_;
}

void Namespace::close() noexcept {
  if (log_ != nullptr) log_->abandon();
  local::Runners<DatabaseSession>::List closing;
  std::shared_ptr<GroupWriter> closing_writer;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  closing_writer = std::move(group_writer_);
  if (closing_writer != nullptr) closing_writer->stop();
  forget(closing_writer.get());
  closing = sessions_.take_resting();
  for (const auto& session : closing) forget(*session);
  sessions_.each_in_use([](DatabaseSession& session) { session.interrupt_state()->stop(); });
}

std::chrono::steady_clock::time_point Namespace::last_used() const {
  const std::lock_guard lock(mutex_);
  return last_used_;
}

}  // namespace libsql::server
