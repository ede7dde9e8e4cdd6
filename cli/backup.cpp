#include "cli/backup.hpp"

#include <unistd.h>

#include <filesystem>
#include <libsql/hooks.hpp>

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

}  // namespace

void back_up(Shell& shell, const std::string& schema, const std::string& file) {
  Connection& connection = shell.connection();
  std::error_code ignored;
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
  std::error_code failed;
  std::filesystem::rename(copy.path(), file, failed);
  if (failed) throw CommandError("cannot write \"" + file + "\": " + failed.message());
}

}  // namespace libsql::cli
