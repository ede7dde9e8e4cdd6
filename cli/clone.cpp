#include "cli/clone.hpp"

#include <filesystem>
#include <libsql/builder.hpp>
#include <libsql/transaction.hpp>
#include <system_error>

#include "cli/database_settings.hpp"
#include "cli/dump.hpp"
#include "cli/errors.hpp"
#include "cli/shell.hpp"

namespace libsql::cli {
namespace {

// Reads as .dump does, and runs what that would print.
class ClonePort final : public DumpReader {
 public:
  ClonePort(Shell& shell, Connection& target) : DumpReader(shell), target_(target) {}

  void write(std::string_view text) override { target_.execute_batch(text); }

 private:
  Connection& target_;
};

// As the database is encrypted, so is the copy; one of a database on a server as a new file is.
DatabaseSettings of_copy(DatabaseSettings settings) {
  if (is_url(settings.path)) settings.path = "a new file";
  return settings;
}

}  // namespace

void clone(Shell& shell, const std::string& file) {
  const Savepoint snapshot = shell.connection().savepoint("libsql shell clone");
  require_encrypted_copy(shell.database());
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
    throw CommandError("\"" + file + "\" exists");  // before a pipe is opened, which would wait for its other end
  }
  LocalBuilder builder = Builder::local(file);
  builder.exclusive().double_quoted_strings(DoubleQuotedStrings::On).statement_cache_bytes(0);
  if (const auto encryption = encryption_of(of_copy(shell.database()))) builder.encryption(*encryption);
  Connection target = builder.build().connect();
  sql::DumpOptions options;
  options.keeps_damaged = true;
  ClonePort port(shell, target);
  sql::dump(port, options);
  if (port.damages() != 0) throw CommandError("not everything could be read; the rest is in \"" + file + "\"");
}

}  // namespace libsql::cli
