#include "engine/wal_watch.hpp"

#include <sqlite3.h>

#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <utility>

#include "core/errors.hpp"
#include "engine/watched_log.h"

namespace libsql::engine::wal {
namespace {

#ifndef LIBSQL_SYSTEM_SQLITE

struct Registry {
  std::shared_mutex mutex;  // shared while a watcher is called
  std::map<std::string, LogWatcher*, std::less<>> watchers;
};

Registry& registry() {
  static Registry* const all = new Registry;  // lives as long as the last thread that closes a connection
  return *all;
}

bool may_restart(std::string_view log_name, const LogView& log, Salts next) noexcept {
  Registry& all = registry();
  const std::shared_lock lock(all.mutex);
  const auto found = all.watchers.find(log_name);
  return found == all.watchers.end() || found->second->before_restart(log, next);
}

int ask(int event, const LibsqlWatchedLog* log) {
  if (event == kLibsqlLogIsWatched) {
    Registry& all = registry();
    const std::shared_lock lock(all.mutex);
    return all.watchers.contains(std::string_view(log->name)) ? 1 : 0;
  }
  const LogView view{log->file,
                     log->page_size,
                     log->frame,
                     log->database_pages,
                     {log->salt[0], log->salt[1]},
                     {log->checksum[0], log->checksum[1]}};
  return may_restart(log->name, view, {log->next_salt[0], log->next_salt[1]}) ? 1 : 0;
}

#endif

}  // namespace

std::string log_name(sqlite3* db) {
  const char* const name = sqlite3_filename_wal(sqlite3_db_filename(db, "main"));
  return name == nullptr ? std::string() : std::string(name);
}

#ifdef LIBSQL_SYSTEM_SQLITE
Watch::Watch(std::string log_name, LogWatcher&) : name_(std::move(log_name)) {
  core::throw_unsupported("a replication log", "local", "the system's SQLite does not tell of its log");
}
Watch::~Watch() = default;
bool Watch::is_supported() noexcept { return false; }
bool log_may_restart(const std::string&, const LogView&, Salts) noexcept { return true; }
#else
Watch::Watch(std::string log_name, LogWatcher& watcher) : name_(std::move(log_name)) {
  if (!is_supported()) core::throw_unsupported("a replication log", "local", "this engine does not tell of its log");
  Registry& all = registry();
  const std::unique_lock lock(all.mutex);
  if (!all.watchers.emplace(name_, &watcher).second) {
    core::throw_error(ErrorCode::Misuse, "the log '" + name_ + "' is followed already");
  }
  libsql_engine_watch_logs(ask);
}

Watch::~Watch() {
  Registry& all = registry();
  const std::unique_lock lock(all.mutex);
  all.watchers.erase(name_);
  if (all.watchers.empty()) libsql_engine_watch_logs(nullptr);
}

bool Watch::is_supported() noexcept { return libsql_engine_asks_log_watcher != 0; }

bool log_may_restart(const std::string& log_name, const LogView& log, Salts next) noexcept {
  return may_restart(log_name, log, next);
}
#endif

}  // namespace libsql::engine::wal
