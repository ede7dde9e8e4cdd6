#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>

#include <libsql/error.hpp>
#include <libsql/replica.hpp>

#include "cli/database_settings.hpp"
#include "cli/errors.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "cli/sync_report.hpp"
#include "cli/verbs.hpp"

namespace libsql::cli {
namespace {

constexpr const char* kHelp = R"(libsql sync - bring a replica up to date

USAGE
  libsql sync [OPTIONS] FILE URL

  Copies into FILE what the database at URL has that it does not. FILE is created if
  it does not exist. For cron and for scripts; programs that have the replica open
  sync it themselves. Prints the last frame that FILE has, and what was copied.

OPTIONS
  --auth-token-file FILE
                       Read the token from FILE, without its final line break
  --namespace NAME     The namespace on the server, if the URL does not name it
  --cipher NAME        FILE is encrypted with this cipher (see libsql --help)
  --key-file FILE      Read its key from FILE, without its final line break
  --remote-key-file FILE
                       The key, base64, with which the server decrypts the database
  --until FRAME        Copy at least up to this frame
  --timeout MS         How many milliseconds it may take (default 60000; 0: no limit)
  --quiet              Print errors and repairs only

EXIT STATUS
  0    FILE is up to date
  1    It cannot be brought up to date: the server refuses, FILE is something else, ...
  2    The command line is wrong
  3    Not now: the server cannot be reached, the time has passed, FILE is in use. What
       was copied is kept; the same command may succeed later
  130  Ctrl-C ended it

ENVIRONMENT
  LIBSQL_AUTH_TOKEN      The token, without --auth-token-file
  LIBSQL_ENCRYPTION_KEY  The key of FILE, without --key-file

EXAMPLES
  libsql sync copy.db libsql://db.example.org
  */5 * * * *  libsql sync --quiet --auth-token-file token.txt copy.db libsql://db.example.org
)";

constexpr int kFailed = 1;
constexpr int kNotNow = 3;

struct Wishes {
  DatabaseSettings database;
  std::string remote_key_file;
  std::optional<std::uint64_t> until;
  std::uint32_t timeout = 60'000;
  bool quiet = false;
};

Wishes parse(std::vector<std::string> arguments) {
  Wishes wishes;
  CLI::App app;
  app.set_help_flag();
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--auth-token-file", wishes.database.auth_token_file);
  app.add_option("--namespace", wishes.database.name_space);
  app.add_option("--cipher", wishes.database.cipher);
  app.add_option("--key-file", wishes.database.key_file);
  app.add_option("--remote-key-file", wishes.remote_key_file);
  app.add_option("--until", wishes.until);
  app.add_option("--timeout", wishes.timeout);
  app.add_flag("--quiet", wishes.quiet);
  std::vector<std::string> positional;
  app.add_option("arguments", positional);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back.
  try {
    app.parse(arguments);
  } catch (const CLI::ExtrasError&) {
    const std::string unknown = app.remaining().front();
    throw UsageError("sync: unknown option " + unknown.substr(0, unknown.find('=')) + "; see libsql sync --help");
  } catch (const CLI::Error& error) {
    throw UsageError(std::string("sync: ") + error.what());
  }
  if (positional.size() != 2) throw UsageError("sync: use libsql sync FILE URL; see libsql sync --help");
  wishes.database.replica_file = positional[0];
  wishes.database.path = positional[1];
  return wishes;
}

bool may_succeed_later(const Error& error) {
  switch (error.code()) {
    case ErrorCode::Network:
    case ErrorCode::Timeout:
    case ErrorCode::Busy:
      return true;
    default:
      return error.retryable();
  }
}

SyncReport sync(const Wishes& wishes, const Cancellation& cancellation) {
  ReplicaBuilder builder = replica_builder(wishes.database);
  if (!wishes.remote_key_file.empty()) builder.remote_encryption_key(read_key_file(wishes.remote_key_file));
  Progress progress("syncing", "frames", 0);
  SyncOptions options;
  if (wishes.timeout > 0) options.deadline = std::chrono::milliseconds(wishes.timeout);
  options.progress = [&](const SyncProgress& so_far) { progress.update(so_far.frames_received); };
  options.cancellation = cancellation;
  const Database database = builder.first_sync(FirstSync::Later).build();
  const Replica replica = database.replica();
  return wishes.until ? replica.sync_until(*wishes.until, options) : replica.sync(options);
}

}  // namespace

int run_sync(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      std::fputs(kHelp, stdout);
      return 0;
    }
  }
  const Wishes wishes = parse(arguments);
  InterruptWatcher interrupts(false);
  const Cancellation cancellation;
  const InterruptWatcher::Scope scope(interrupts, cancellation.interrupt_handle());
  try {
    const SyncReport report = sync(wishes, cancellation);
    for (const std::string& repair : report.repairs)
      std::fprintf(stderr, "libsql: sync: repaired: %s\n", repair.c_str());
    if (!wishes.quiet) std::printf("%s\n", in_words(report).c_str());
    return 0;
  } catch (const Interrupted&) {
    return kInterruptedExitCode;
  } catch (const Error& error) {
    std::fprintf(stderr, "libsql: sync: %s\n", error.what());
    return may_succeed_later(error) ? kNotNow : kFailed;
  }
}

}  // namespace libsql::cli
