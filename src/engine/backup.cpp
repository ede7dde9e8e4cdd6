#include "engine/backup.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>

#include "core/errors.hpp"
#include "engine/vfs.hpp"
#include "sql/quote.hpp"

namespace libsql::engine {
namespace {

std::string pragma(const std::string& schema, const char* name) {
  return "PRAGMA " + sql::quote_identifier(schema) + "." + name;
}

// Ends the engine's backup, which rolls the target back unless it is complete.
class Steps final {
 public:
  Steps(Connection& target, const std::string& target_schema, Connection& source, const std::string& source_schema)
      : target_(target),
        backup_(sqlite3_backup_init(target.handle(), target_schema.c_str(), source.handle(), source_schema.c_str())) {
    if (backup_ == nullptr) target.fail(sqlite3_extended_errcode(target.handle()));
  }
  ~Steps() {
    if (backup_ != nullptr) sqlite3_backup_finish(backup_);
  }
  Steps(const Steps&) = delete;
  Steps& operator=(const Steps&) = delete;

  int step(int pages) noexcept { return sqlite3_backup_step(backup_, pages); }
  BackupProgress progress() const noexcept {
    return {static_cast<std::uint64_t>(sqlite3_backup_remaining(backup_)),
            static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup_))};
  }
  void finish() {
    const int rc = sqlite3_backup_finish(std::exchange(backup_, nullptr));
    target_.check(rc);
  }

 private:
  Connection& target_;
  sqlite3_backup* backup_;
};

// Keeps the source at one state for as long as it lives, if that hinders no writer.
class SourceState final {
 public:
  SourceState(Connection& source, const std::string& schema) : source_(source) {
    if (!source.is_autocommit() || source.query_text(pragma(schema, "journal_mode")) != "wal") return;
    source.execute_script("BEGIN");
    held_ = true;
    try {
      source.query_text("SELECT 1 FROM " + sql::quote_identifier(schema) + ".sqlite_master LIMIT 1");
    } catch (...) {
      end();
      throw;
    }
  }
  ~SourceState() { end(); }
  SourceState(const SourceState&) = delete;
  SourceState& operator=(const SourceState&) = delete;

 private:
  void end() noexcept {
    if (!std::exchange(held_, false) || source_.handle() == nullptr) return;
    sqlite3_exec(source_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Connection& source_;
  bool held_ = false;
};

[[noreturn]] void throw_stopped(ErrorCode code, std::string message) {
  detail::ErrorData data;
  data.code = code;
  data.message = std::move(message);
  data.retryable = code == ErrorCode::Timeout;
  core::throw_error(std::move(data));
}

void check_stop(const Connection& source) {
  if (source.patience().is_interrupted()) throw_stopped(ErrorCode::Interrupted, "the backup was interrupted");
  if (source.patience().deadline_passed()) throw_stopped(ErrorCode::Timeout, "the deadline passed during a backup");
}

BackupOutcome copy(Connection& source, Connection& target, const std::string& target_schema,
                   const BackupOptions& options) {
  SourceState state(source, options.source_schema);
  source.query_text("SELECT 1");  // an interrupt from before this call does not count
  source.patience().start_deadline();
  Steps steps(target, target_schema, source, options.source_schema);
  const int pages =
      options.pages_per_step == 0 ? -1 : static_cast<int>(std::min<std::uint32_t>(options.pages_per_step, INT_MAX));
  const auto patience = options.busy_timeout.value_or(source.patience().busy_timeout());
  std::optional<Clock::time_point> give_up;
  for (;;) {
    const int rc = steps.step(pages);
    if (rc == SQLITE_DONE) break;
    check_stop(source);
    if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED) {
      // The connections' own busy handlers have waited already, where the engine calls them.
      const auto now = Clock::now();
      if (!give_up) give_up = now + patience;
      if (now >= *give_up) throw_stopped(ErrorCode::Busy, "a database is locked, so the backup could not continue");
      std::this_thread::sleep_for(std::min<Clock::duration>(std::chrono::milliseconds(5), *give_up - now));
      continue;
    }
    if (rc != SQLITE_OK) target.fail(rc);
    give_up.reset();
    if (options.progress && options.progress(steps.progress()) == BackupNext::Cancel) return BackupOutcome::Cancelled;
    if (options.pause > std::chrono::milliseconds(0)) std::this_thread::sleep_for(options.pause);
    check_stop(source);
  }
  if (options.progress) options.progress(steps.progress());
  steps.finish();
  return BackupOutcome::Completed;
}

int page_size_of(Connection& connection, const std::string& schema) {
  return static_cast<int>(connection.query_integer(pragma(schema, "page_size")));
}

// Whether the engine can give a target pages of another size: not in WAL mode, whose log has frames of one size, and
// not in memory.
bool takes_any_page_size(Connection& target, const std::string& schema) {
  const std::string mode = target.query_text(pragma(schema, "journal_mode")).value_or("");
  return mode != "wal" && mode != "memory" && mode != "off";
}

// A file for a database that lives as long as this object. It has a name, because VACUUM changes the page size of no
// other.
class ScratchFile final {
 public:
  ScratchFile() : path_((std::filesystem::temp_directory_path() / "libsql-XXXXXX").string()) {
    const int file = mkstemp(path_.data());  // for its owner alone
    if (file < 0) core::throw_error(ErrorCode::CannotOpen, "cannot make a temporary file in '" + path_ + "'");
    close(file);
  }
  ~ScratchFile() {
    std::error_code ignored;
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix, ignored);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

// The source as it was when this was called, with pages of another size. `scratch` has it.
std::unique_ptr<Connection> with_page_size(Connection& source, const BackupOptions& options, int page_size,
                                           const ScratchFile& scratch) {
  auto converted = Connection::open(
      {scratch.path(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, cipher_vfs_name(system_vfs()->zName)});
  converted->execute_script("PRAGMA synchronous=OFF; PRAGMA page_size=" +
                            std::to_string(page_size_of(source, options.source_schema)));
  BackupOptions first = options;
  first.progress = [&](const BackupProgress&) {
    check_stop(source);
    return BackupNext::Continue;
  };
  copy(source, *converted, "main", first);
  sqlite3_progress_handler(
      converted->handle(), 10000,
      [](void* context) {
        const auto& watched = *static_cast<const Connection*>(context);
        return watched.patience().is_interrupted() || watched.patience().deadline_passed() ? 1 : 0;
      },
      &source);
  try {
    // The copy of a database in WAL mode is one too.
    converted->execute_script("PRAGMA journal_mode=OFF; PRAGMA page_size=" + std::to_string(page_size) + "; VACUUM");
  } catch (const Error&) {
    check_stop(source);
    throw;
  }
  sqlite3_progress_handler(converted->handle(), 0, nullptr, nullptr);
  return converted;
}

// Whether both are one file, under whatever names.
bool are_one(Connection& source, const std::string& source_schema, Connection& target,
             const std::string& target_schema) {
  const char* const from = sqlite3_db_filename(source.handle(), source_schema.c_str());
  const char* const to = sqlite3_db_filename(target.handle(), target_schema.c_str());
  if (from == nullptr || to == nullptr || *from == '\0' || *to == '\0') return false;
  std::error_code missing;
  return std::strcmp(from, to) == 0 || std::filesystem::equivalent(from, to, missing);
}

// The file behind symbolic links, which need not exist yet. Throws CannotOpen for what holds no database: writing to a
// device, a pipe or a directory does no good, and removing it after a failure does harm.
std::filesystem::path require_file_or_nothing(std::filesystem::path path) {
  std::error_code failed;
  for (int links = 0; links < 40 && std::filesystem::is_symlink(path, failed); ++links) {
    path = path.parent_path() / std::filesystem::read_symlink(path, failed);
  }
  const std::filesystem::file_status status = std::filesystem::status(path, failed);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    core::throw_error(ErrorCode::CannotOpen,
                      "'" + path.string() + "' is not a regular file, so it cannot hold a backup");
  }
  return path;
}

void check_compatible(Connection& source, const std::string& source_schema, Connection& target,
                      const std::string& target_schema) {
  const bool from = source.is_encrypted(source_schema);
  const bool to = target.is_encrypted(target_schema);
  if (from == to) return;
  core::throw_unsupported(std::string("a backup from ") + (from ? "an encrypted" : "a plain") + " into " +
                              (to ? "an encrypted" : "a plain") + " database",
                          "engine", "both must be encrypted with one cipher, or neither; see Connection::rekey()");
}

}  // namespace

void throw_unknown_schema(const std::string& schema) {
  core::throw_error(ErrorCode::SqlError, "there is no attached database named '" + schema + "'");
}

void require_schema(Connection& connection, const std::string& schema) {
  if (sqlite3_txn_state(connection.require_open(), schema.c_str()) < 0) throw_unknown_schema(schema);
}

BackupOutcome backup(Connection& source, Connection& target, const BackupOptions& options) {
  require_schema(source, options.source_schema);
  require_schema(target, options.target_schema);
  if (&source == &target) core::throw_error(ErrorCode::Misuse, "a backup needs two connections");
  if (sqlite3_txn_state(source.handle(), options.source_schema.c_str()) == SQLITE_TXN_WRITE) {
    core::throw_error(ErrorCode::Misuse, "the source of a backup has uncommitted changes");
  }
  if (!target.is_autocommit() || sqlite3_txn_state(target.handle(), options.target_schema.c_str()) != SQLITE_TXN_NONE) {
    core::throw_error(ErrorCode::Misuse, "the target of a backup is in a transaction, or being read");
  }
  check_compatible(source, options.source_schema, target, options.target_schema);
  if (are_one(source, options.source_schema, target, options.target_schema)) {
    core::throw_error(ErrorCode::Misuse, "the source and the target of a backup are one database");
  }
  if (target.is_readonly()) core::throw_error(ErrorCode::ReadOnly, "the target of a backup is read-only");
  // The target is written past all statements, so it stands in line here.
  WriteGate* const gate = target.write_gate();
  if (gate != nullptr) gate->before_write(target);
  const auto leave = [&] {
    if (gate != nullptr) gate->after_statement(target);
  };
  try {
    const int page_size = page_size_of(target, options.target_schema);
    BackupOutcome outcome{};
    if (page_size == page_size_of(source, options.source_schema) ||
        takes_any_page_size(target, options.target_schema) || source.is_encrypted(options.source_schema)) {
      outcome = copy(source, target, options.target_schema, options);
    } else {
      BackupOptions second = options;
      second.source_schema = "main";
      second.busy_timeout = options.busy_timeout.value_or(source.patience().busy_timeout());
      second.progress = [&](const BackupProgress& pages) {
        check_stop(source);
        return options.progress ? options.progress(pages) : BackupNext::Continue;
      };
      const ScratchFile scratch;
      const auto converted = with_page_size(source, options, page_size, scratch);
      outcome = copy(*converted, target, options.target_schema, second);
    }
    leave();
    return outcome;
  } catch (...) {
    leave();
    throw;
  }
}

BackupOutcome backup(Connection& source, const std::filesystem::path& given, const BackupOptions& options) {
  require_schema(source, options.source_schema);
  const std::filesystem::path path = options.vfs.empty() ? require_file_or_nothing(given) : given;
  std::error_code ignored;
  const bool existed = std::filesystem::exists(path, ignored);
  BackupOutcome outcome = BackupOutcome::Cancelled;
  const auto take_away = [&] {
    if (existed || !options.vfs.empty()) return;
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {
      std::filesystem::remove(path.string() + suffix, ignored);
    }
  };
  try {
    const auto target =
        Connection::open({path.string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                          cipher_vfs_name(options.vfs)});
    target->patience().set_busy_timeout(options.busy_timeout.value_or(source.patience().busy_timeout()));
    if (options.encryption) {
      target->set_key(options.encryption->cipher, options.encryption->parameters, options.encryption->key);
    } else if (source.is_encrypted(options.source_schema) &&
               (options.source_schema != "main" || !source.share_key(*target))) {
      core::throw_error(ErrorCode::Configuration,
                        "the source is encrypted with a key that is not known here: "
                        "BackupOptions::encryption must give that of the backup");
    }
    // A new file gets the page size of the source, which encryption demands.
    target->execute_script("PRAGMA page_size=" + source.query_text(pragma(options.source_schema, "page_size")).value());
    target->query_text("SELECT 1 FROM sqlite_master LIMIT 1");
    BackupOptions into = options;
    into.target_schema = "main";
    outcome = backup(source, *target, into);
    target->close();
  } catch (...) {
    take_away();
    throw;
  }
  if (outcome == BackupOutcome::Cancelled) take_away();
  return outcome;
}

}  // namespace libsql::engine
