#include "cli/backup.hpp"

#include <unistd.h>

#include <filesystem>
#include <libsql/backup.hpp>
#include <libsql/hooks.hpp>

#include "cli/database_settings.hpp"
#include "cli/errors.hpp"
#include "cli/progress.hpp"
#include "cli/shell.hpp"
#include "sql/quote.hpp"

namespace libsql::cli {
namespace {

// Removes what a failed copy leaves behind.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
    std::filesystem::remove(path_ + "-journal", ignored);
  }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

void require_file(const Connection& connection, const char* command, const char* instead) {
  if (connection.capabilities().mode != Mode::Remote) return;
  throw CommandError(std::string(command) + " needs the file of the database, which is on a server: " + instead);
}

BackupOptions reporting(Progress& progress) {
  BackupOptions options;
  options.progress = [&progress](const BackupProgress& pages) {
    progress.update(pages.total - pages.remaining, pages.total);
    return BackupNext::Continue;
  };
  return options;
}

// Into a database that is there: in place, with its locks, so that others who have it open see the old content or the
// new.
void back_up_into(Shell& shell, const std::string& schema, const std::string& file) {
  Progress progress("backup", "pages", 0);
  BackupOptions options = reporting(progress);
  options.source_schema = schema;
  const InterruptWatcher::Scope scope(shell.interrupts(), shell.connection().interrupt_handle());
  static_cast<void>(backup(shell.connection(), std::filesystem::path(file), options));
}

}  // namespace

void back_up(Shell& shell, const std::string& schema, const std::string& file) {
  Connection& connection = shell.connection();
  require_file(connection, ".backup", ".dump writes its content as SQL");
  require_encrypted_copy(shell.database());
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
    back_up_into(shell, schema, file);
    return;
  }
  for (const char* suffix : {"-wal", "-journal"}) {
    // The engine would apply it to the copy.
    if (std::filesystem::exists(file + suffix, ignored)) {
      throw CommandError("\"" + file + suffix + "\" exists: the database \"" + file + "\" may be in use");
    }
  }
  const std::string quoted = sql::quote_identifier(schema);
  const auto pages = connection.query_value<std::int64_t>("PRAGMA " + quoted + ".page_count");
  const auto page_size = connection.query_value<std::int64_t>("PRAGMA " + quoted + ".page_size");
  const TemporaryFile copy(file + ".new-" + std::to_string(getpid()));
  {
    Progress progress("backup", "bytes", static_cast<std::uint64_t>(pages * page_size));
    const Subscription listener = Hooks(connection).on_progress([&] {
      std::error_code none_yet;
      const auto written = std::filesystem::file_size(copy.path(), none_yet);
      if (!none_yet) progress.update(written);
      return ProgressVerdict::GoOn;
    });
    connection.execute("VACUUM " + quoted + " INTO " + sql::quote_literal(copy.path()));
  }
  // Not renamed: that would replace what has come there meanwhile.
  std::error_code failed;
  std::filesystem::create_hard_link(copy.path(), file, failed);
  if (failed == std::errc::operation_not_permitted || failed == std::errc::operation_not_supported) {
    std::filesystem::rename(copy.path(), file, failed);  // a file system without links
  }
  if (failed) throw CommandError("cannot write \"" + file + "\": " + failed.message());
}

void restore_from(Shell& shell, const std::string& schema, const std::string& file) {
  Connection& connection = shell.connection();
  require_file(connection, ".restore", ".read runs a dump");
  const auto target = connection.query_row_optional<std::optional<std::string>>(
      "SELECT file FROM pragma_database_list WHERE name = ?", schema);
  if (!target) throw CommandError("there is no database \"" + schema + "\"");
  std::error_code no_file;
  if (const auto& [path] = *target; path && std::filesystem::equivalent(*path, file, no_file)) {
    throw CommandError("\"" + file + "\" is the database itself");
  }
  DatabaseSettings settings;
  settings.path = file;
  settings.read_only = true;
  settings.cipher = shell.database().cipher;
  settings.key_file = shell.database().key_file;
  settings.timeout = shell.database().timeout;
  Connection source = open_database(settings).connect();
  Progress progress("restore", "pages", 0);
  BackupOptions options = reporting(progress);
  options.target_schema = schema;
  const InterruptWatcher::Scope scope(shell.interrupts(), source.interrupt_handle());
  static_cast<void>(backup(source, connection, options));  // Completed: nothing cancels it but an exception.
}

}  // namespace libsql::cli
