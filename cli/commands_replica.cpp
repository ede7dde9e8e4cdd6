#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include <libsql/replica.hpp>

#include "cli/commands.hpp"
#include "cli/errors.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "cli/shell.hpp"
#include "cli/sync_report.hpp"

namespace libsql::cli {
namespace {

Replica replica_of(Shell& shell) {
  if (shell.connection().capabilities().mode != Mode::Replica) {
    throw CommandError("the database is no replica; open one with .open --replica FILE URL");
  }
  return shell.opened().replica();
}

void run_sync_command(Shell& shell, const Arguments& arguments) {
  if (arguments.size() > 1) throw UsageError("usage: .sync ?FRAME?");
  const Replica replica = replica_of(shell);
  Progress progress("syncing", "frames", 0);
  const Cancellation cancellation;
  SyncOptions options;
  options.progress = [&](const SyncProgress& so_far) { progress.update(so_far.frames_received); };
  options.cancellation = cancellation;
  const InterruptWatcher::Scope scope(shell.interrupts(), cancellation.interrupt_handle());
  SyncReport report;
  if (arguments.empty()) {
    report = replica.sync(options);
  } else {
    const long long frame = parse_number(arguments[0]);
    if (frame < 0) throw UsageError("\"" + arguments[0] + "\" is no number of a frame");
    report = replica.sync_until(static_cast<FrameNumber>(frame), options);
  }
  for (const std::string& repair : report.repairs) shell.warn("repaired: " + repair + "\n");
  shell.print_line(in_words(report));
}

std::string in_words(const std::optional<FrameNumber>& frame) { return frame ? std::to_string(*frame) : "none"; }

std::string in_words(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  std::array<char, 32> text{};
  if (gmtime_r(&seconds, &parts) == nullptr) return "?";
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

void run_replica(Shell& shell, const Arguments& arguments) {
  if (!arguments.empty()) throw UsageError("usage: .replica");
  const Replica replica = replica_of(shell);
  const ReplicaHealth health = replica.health();
  const Freshness freshness = replica.freshness();
  const auto line = [&](std::string_view name, const std::string& value) {
    shell.print_line(std::string(name).append(": ").append(value));
  };
  line("state", std::string(to_string(health.state)));
  line("file", shell.database().replica_file);
  line("primary", shell.database().path);
  line("frame", in_words(freshness.frame_no));
  line("last write", in_words(replica.max_write_replication_index()));
  if (freshness.age) line("age", std::to_string(freshness.age->count()) + " ms");
  line("syncs", std::to_string(health.syncs) + ", " + std::to_string(health.failures) + " failed");
  if (health.last_failure) line("last error", in_words(*health.last_failure) + ", " + health.last_error);
  for (const std::string& repair : health.repairs) line("repaired", repair);
}

constexpr std::array<Command, 2> kCommands = {{
    {"replica", "", "Print the state of the replica", "", run_replica},
    {"sync", "?FRAME?", "Bring the replica up to date",
     "  With FRAME, a number that .replica printed elsewhere, at least up to it.\n", run_sync_command},
}};

}  // namespace

std::span<const Command> replica_commands() { return kCommands; }

}  // namespace libsql::cli
