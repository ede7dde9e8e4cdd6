// A primary and two replicas, one encrypted, each a process of its own, write and read while one thing after the other
// is done to them: killed, cut off, out of space, with failing disks, jumping clocks, damaged files, an older state
// restored. After each round every copy must be in order, hold all that was acknowledged and at most the write under
// way besides, and equal its primary after one sync. Ends with 0 if nothing was found.
//   replica_campaign --program LIBSQL --worker COMMAND [--rounds N] [--seconds N] [--seed S] [--only INJURY]
//   [--verbose]
//                    [--keep DIRECTORY]
// Its seed is printed; the same seed injures the same way, but processes do not meet in the same order. COMMAND is the
// replica: replica_worker, or `node replica_worker_npm.mjs`.
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <libsql/libsql.hpp>
#include <libsql/testing/fault_vfs.hpp>

#include "stress/cutting_proxy.hpp"
#include "stress/line_process.hpp"
#include "stress/replica_model.hpp"
#include "support/temporary_directory.hpp"

namespace {

namespace fs = std::filesystem;
namespace model = libsql::test::model;
using libsql::test::CuttingProxy;
using libsql::test::LineProcess;
using libsql::test::TemporaryDirectory;
using namespace std::chrono_literals;

constexpr auto kPatience = 90s;
constexpr int kReplicas = 2;
constexpr const char* kKey = "the key of the second replica";

enum class Injury {
  None,
  KillReplica,
  KillPrimary,
  KillAll,
  Cut,
  Stall,
  Trickle,
  ReplicaDiskFull,
  PrimaryDiskFull,
  ReplicaFault,
  Clock,
  DamageMetadata,
  LoseFile,
  TornFile,
  ForeignWrite,
  RestoreDatabase,
  RestoreAll,
  Retention,
  ForeignVacuum,
};

struct Kind {
  Injury injury;
  const char* name;
  int weight;
  bool ours;  // what libSQL's own client does not claim to survive
};
constexpr Kind kKinds[] = {
    {Injury::None, "none", 2, false},
    {Injury::KillReplica, "kill-replica", 5, false},
    {Injury::KillPrimary, "kill-primary", 5, false},
    {Injury::KillAll, "kill-all", 2, false},
    {Injury::Cut, "cut", 8, false},
    {Injury::Stall, "stall", 1, false},
    {Injury::Trickle, "trickle", 2, false},
    {Injury::ReplicaDiskFull, "replica-disk-full", 4, true},
    {Injury::PrimaryDiskFull, "primary-disk-full", 2, false},
    {Injury::ReplicaFault, "replica-fault", 6, true},
    {Injury::Clock, "clock", 1, true},
    {Injury::DamageMetadata, "damage-metadata", 2, true},
    {Injury::LoseFile, "lose-file", 2, true},
    {Injury::TornFile, "torn-file", 2, true},
    {Injury::ForeignWrite, "foreign-write", 2, true},
    {Injury::RestoreDatabase, "restore-database", 1, false},
    {Injury::RestoreAll, "restore-all", 1, true},
    {Injury::Retention, "retention", 2, false},
    {Injury::ForeignVacuum, "foreign-vacuum", 1, false},
};

struct Settings {
  std::string program;
  std::vector<std::string> worker;
  std::string keep;
  std::string only;
  int rounds = 500;
  int seconds = 0;  // 0: as long as it takes
  unsigned seed = std::random_device{}();
  bool verbose = false;
};

/// What was found; ends the campaign.
struct Finding : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Campaign {
 public:
  Campaign(Settings settings, fs::path directory)
      : settings_(std::move(settings)), directory_(std::move(directory)), random_(settings_.seed) {
    start_primary();
    for (int i = 0; i < kReplicas; ++i) {
      proxies_.push_back(std::make_unique<CuttingProxy>(port_));
      replicas_.emplace_back();
    }
    direct().execute_batch(model::kSchema);
    for (int i = 0; i < kReplicas; ++i) start_replica(i);
  }

  void run() {
    const auto begin = std::chrono::steady_clock::now();
    const auto limit = settings_.seconds > 0 ? std::chrono::seconds(settings_.seconds) : 24h;
    for (round_ = 1; round_ <= settings_.rounds && std::chrono::steady_clock::now() - begin < limit; ++round_) {
      const Kind& kind = pick();
      try {
        one_round(kind);
      } catch (const std::exception& error) {
        throw Finding("round " + std::to_string(round_) + ", " + kind.name + ": " + error.what() + notes());
      }
      ++done_[kind.name];
      if (struck_) ++struck_count_[kind.name];
    }
  }

  void report() const {
    int rounds = 0;
    std::printf("%-20s %6s %6s\n", "injury", "rounds", "struck");
    for (const auto& [name, count] : done_) {
      const auto struck = struck_count_.find(name);
      std::printf("%-20s %6d %6d\n", name.c_str(), count, struck == struck_count_.end() ? 0 : struck->second);
      rounds += count;
    }
    std::printf(
        "%d rounds, %lld rows acknowledged, %d writes with an unknown outcome (%d of them done), "
        "%d snapshots, %d repairs, nothing lost\n",
        rounds, static_cast<long long>(acknowledged_), unknown_, unknown_done_, snapshots_, repairs_);
  }

 private:
  struct Replica {
    std::unique_ptr<LineProcess> process;
    bool busy = false;     // at work: has not answered yet
    std::string end;       // how the work ended: "ok" or "err ..."
    bool excused = false;  // its errors in this round are no finding
  };

  // -- the dice ------------------------------------------------------------------------------------------------------

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool one_in(unsigned n) { return random_() % n == 0; }

  bool is_ours() const { return settings_.worker.size() == 1; }

  const Kind& pick() {
    int sum = 0;
    for (const Kind& kind : kKinds) sum += weight(kind);
    if (sum == 0) throw std::runtime_error("no such injury");
    auto at = static_cast<int>(below(static_cast<std::uint64_t>(sum)));
    for (const Kind& kind : kKinds) {
      at -= weight(kind);
      if (at < 0) return kind;
    }
    return kKinds[0];
  }
  int weight(const Kind& kind) const {
    if (!settings_.only.empty()) return settings_.only == kind.name ? 1 : 0;
    if (kind.ours && !is_ours()) return 0;
    return kind.weight;
  }

  // -- processes -----------------------------------------------------------------------------------------------------

  std::string primary_file() const { return (directory_ / "primary.db").string(); }
  std::string replica_file(int i) const { return (directory_ / ("replica" + std::to_string(i) + ".db")).string(); }
  std::string error_file(const std::string& who) const { return (directory_ / (who + ".log")).string(); }

  void start_primary(const std::vector<std::string>& more = {}) {
    std::vector<std::string> command{settings_.program,  "serve",         "--db",
                                     primary_file(),     "--http-listen", "127.0.0.1:" + std::to_string(port_),
                                     "--replication-log"};
    command.insert(command.end(), more.begin(), more.end());
    primary_ = std::make_unique<LineProcess>(std::move(command), error_file("primary"));
    while (const auto line = primary_->read_line(kPatience)) {
      const std::size_t at = line->find("http=http://127.0.0.1:");
      if (at == std::string::npos) continue;
      port_ = static_cast<std::uint16_t>(std::stoi(line->substr(at + std::strlen("http=http://127.0.0.1:"))));
      return;
    }
    throw Finding("the primary does not start");
  }
  void stop_primary() {
    remote_.reset();
    const int status = primary_->end(SIGTERM);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      throw Finding("the primary ends with the status " + std::to_string(status));
    }
  }
  void kill_primary() {
    remote_.reset();
    primary_->end(SIGKILL);
  }

  void start_replica(int i) {
    std::vector<std::string> command = settings_.worker;
    command.push_back(replica_file(i));
    command.push_back("http://127.0.0.1:" + std::to_string(proxies_[static_cast<std::size_t>(i)]->port()));
    command.push_back(std::to_string(i));
    command.emplace_back(i == 1 ? kKey : "");
    replicas_[static_cast<std::size_t>(i)].process =
        std::make_unique<LineProcess>(std::move(command), error_file("replica" + std::to_string(i)));
  }
  Replica& replica(int i) { return replicas_[static_cast<std::size_t>(i)]; }
  CuttingProxy& proxy(int i) { return *proxies_[static_cast<std::size_t>(i)]; }

  void kill_replica(int i) {
    drain(i);
    replica(i).process->end(SIGKILL);
    while (replica(i).process->fill()) {
    }
    drain(i);  // what it had still said
    replica(i).busy = false;
    replica(i).end = "killed";
  }

  /// Not what a client writes for its own amusement.
  static bool is_answer(const std::string& line) {
    return line.starts_with("ok") || line.starts_with("err ") || line.starts_with("bad ");
  }

  /// The answer to a command, without its "ok".
  std::string ask(int i, const std::string& command) {
    replica(i).process->send(command);
    auto line = replica(i).process->read_line(kPatience);
    while (line && !is_answer(*line)) line = replica(i).process->read_line(kPatience);
    const std::string who = "replica " + std::to_string(i);
    if (!line) throw Finding(who + " does not answer `" + command + "`");
    note(who + ": " + command + " -> " + *line);
    if (!line->starts_with("ok")) throw Finding(who + " answers `" + command + "` with: " + *line);
    return line->substr(std::min<std::size_t>(3, line->size()));
  }

  libsql::Connection& direct() {
    if (!remote_) {
      remote_.emplace(libsql::Builder::remote("http://127.0.0.1:" + std::to_string(port_)).build().connect());
    }
    return *remote_;
  }

  // -- work ----------------------------------------------------------------------------------------------------------

  void begin_work() {
    for (int i = 0; i < kReplicas; ++i) {
      const int count = static_cast<int>(3 + below(6));
      replica(i).busy = true;
      replica(i).end.clear();
      replica(i).process->send("work " + std::to_string(acked_[static_cast<std::size_t>(i)] + 1) + ' ' +
                               std::to_string(count) + ' ' + std::to_string(below(1000)));
    }
  }

  /// Takes what a replica said while it worked.
  void drain(int i) {
    Replica& one = replica(i);
    while (const auto line = one.process->take()) {
      const std::string who = "replica " + std::to_string(i) + ": ";
      if (line->starts_with("ack ")) {
        acked_[static_cast<std::size_t>(i)] = std::stoll(line->substr(4));
        ++acknowledged_;
        ++acks_;
      } else if (line->starts_with("bad ")) {
        throw Finding(who + *line);
      } else if (is_answer(*line)) {
        note(who + "work -> " + *line);
        one.busy = false;
        one.end = *line;
      }
    }
  }

  /// Until all have ended, or so many writes were acknowledged.
  void wait_for_work(std::optional<int> acks) {
    for (;;) {
      std::vector<pollfd> watched;
      std::vector<int> who;
      for (int i = 0; i < kReplicas; ++i) {
        drain(i);
        if (!replica(i).busy) continue;
        watched.push_back({replica(i).process->output(), POLLIN, 0});
        who.push_back(i);
      }
      if (watched.empty() || (acks && acks_ >= *acks)) return;
      const int ready =
          ::poll(watched.data(), watched.size(), static_cast<int>(std::chrono::milliseconds(kPatience).count()));
      if (ready <= 0) throw Finding("a replica neither works nor fails");
      for (std::size_t k = 0; k < watched.size(); ++k) {
        if (watched[k].revents == 0) continue;
        if (!replica(who[k]).process->fill()) {
          drain(who[k]);
          throw Finding("replica " + std::to_string(who[k]) + " ended by itself");
        }
      }
    }
  }

  /// Some writes of the campaign itself, and now and then a change of the schema or of much.
  void write_directly() {
    libsql::Connection& conn = direct();
    for (std::uint64_t k = below(3); k > 0; --k) {
      conn.execute(model::kPut, model::kDirect, acked_[model::kDirect] + 1);
      ++acked_[model::kDirect];
      ++acknowledged_;
    }
    if (!one_in(4)) return;
    const std::string extra = "extra" + std::to_string(below(4));
    switch (below(9)) {
      case 0:
      case 1:
        conn.execute_batch("DROP TABLE IF EXISTS " + extra + "; CREATE TABLE " + extra +
                           "(a INTEGER PRIMARY KEY, b REAL, c BLOB); INSERT INTO " + extra +
                           " SELECT NULL, n / 3.0, randomblob(n % 50) FROM w");
        break;
      case 2:
        conn.execute("DROP TABLE IF EXISTS " + extra);
        break;
      case 3:
        conn.execute("CREATE INDEX IF NOT EXISTS by_n ON w(n)");
        break;
      case 4:
        conn.execute("DROP INDEX IF EXISTS by_n");
        break;
      case 5:
        conn.execute_batch("CREATE TABLE IF NOT EXISTS big(b); INSERT INTO big VALUES (randomblob(" +
                           std::to_string(1 + below(2'000'000)) + "))");
        break;
      case 6:
        conn.execute_batch("CREATE TABLE IF NOT EXISTS big(b); DELETE FROM big");
        break;
      case 7:
        conn.execute_batch("CREATE TABLE IF NOT EXISTS " + extra + "(a INTEGER PRIMARY KEY); ALTER TABLE " + extra +
                           " ADD COLUMN c" + std::to_string(++columns_) + " DEFAULT 5");
        break;
      default:  // many small transactions
        for (int k = 0; k < 30; ++k) {
          conn.execute(model::kPut, model::kDirect, acked_[model::kDirect] + 1);
          ++acked_[model::kDirect];
          ++acknowledged_;
        }
    }
  }

  // -- a round -------------------------------------------------------------------------------------------------------

  void one_round(const Kind& kind) {
    notes_.clear();
    struck_ = true;
    acks_ = 0;
    victim_ = static_cast<int>(below(kReplicas));
    restored_ = false;
    for (Replica& one : replicas_) one.excused = kind.injury != Injury::None && kind.injury != Injury::Trickle;
    if (settings_.verbose) std::printf("round %d: %s, replica %d\n", round_, kind.name, victim_);
    write_directly();
    prepare(kind.injury);
    begin_work();
    wait_for_work(static_cast<int>(below(8)));
    if (one_in(2)) std::this_thread::sleep_for(std::chrono::microseconds(below(5000)));  // into the next write
    strike(kind.injury);
    wait_for_work(std::nullopt);
    settle(kind.injury);
    check();
  }

  /// What lies in wait while the replicas work.
  void prepare(Injury injury) {
    namespace testing = libsql::testing;
    const std::uint64_t bytes = below(one_in(3) ? 400 : one_in(2) ? 20'000 : 400'000);
    switch (injury) {
      case Injury::Cut:
        proxy(victim_).injure(CuttingProxy::Injury::Cut, one_in(2), bytes, one_in(2));
        break;
      case Injury::Trickle:
        proxy(victim_).injure(CuttingProxy::Injury::Trickle, one_in(2), bytes, true);
        break;
      case Injury::ReplicaDiskFull: {
        // Also of the files that the engine does not write. A copy that is no longer has to be made again.
        limit_files(replica(victim_).process->pid(), one_in(3) ? below(200) : below(200'000));
        break;
      }
      case Injury::ReplicaFault: {
        constexpr testing::FaultKind kKindsOfFault[] = {testing::FaultKind::Error,      testing::FaultKind::ShortRead,
                                                        testing::FaultKind::ShortWrite, testing::FaultKind::Full,
                                                        testing::FaultKind::NoMemory,   testing::FaultKind::Busy};
        constexpr testing::FaultOn kOn[] = {
            testing::FaultOn::Any,      testing::FaultOn::Read, testing::FaultOn::Write, testing::FaultOn::Sync,
            testing::FaultOn::Truncate, testing::FaultOn::Open, testing::FaultOn::Lock,  testing::FaultOn::ShmLock,
            testing::FaultOn::ShmMap,   testing::FaultOn::Size, testing::FaultOn::Delete};
        std::ostringstream command;
        command << "fault " << static_cast<int>(kKindsOfFault[below(std::size(kKindsOfFault))]) << ' '
                << static_cast<int>(kOn[below(std::size(kOn))]) << ' ' << 1 + below(one_in(2) ? 20 : 400) << ' '
                << (one_in(3) ? 1'000'000'000 : 1 + below(3));
        ask(victim_, command.str());
        break;
      }
      default:
        break;
    }
  }

  static void limit_files(pid_t pid, rlim_t bytes) {
    rlimit old{};
    ::prlimit(pid, RLIMIT_FSIZE, nullptr, &old);
    const rlimit limit{std::min(bytes, old.rlim_max), old.rlim_max};
    if (::prlimit(pid, RLIMIT_FSIZE, &limit, nullptr) != 0) throw std::runtime_error("no limit for files");
  }

  void strike(Injury injury) {
    switch (injury) {
      case Injury::KillReplica:
        kill_replica(victim_);
        start_replica(victim_);
        break;
      case Injury::KillPrimary:
        kill_primary();
        start_primary();
        break;
      case Injury::KillAll:
        kill_replica(0);
        kill_primary();
        kill_replica(1);
        start_primary();
        for (int i = 0; i < kReplicas; ++i) start_replica(i);
        break;
      case Injury::Stall:
        // The replica is told nothing, and the end comes from here, long before its deadline.
        proxy(victim_).injure(CuttingProxy::Injury::Stall, one_in(2), below(2'000), true);
        std::this_thread::sleep_for(std::chrono::milliseconds(50 + below(200)));
        stalled_ = proxy(victim_).heal();
        break;
      case Injury::PrimaryDiskFull:
        limit_files(primary_->pid(), one_in(2) ? 0 : below(300'000));
        break;
      case Injury::Clock:
        ask_when_done("clock " + std::to_string(static_cast<std::int64_t>(below(20'000'000)) - 10'000'000));
        break;
      default:
        break;
    }
  }
  void ask_when_done(const std::string& command) {
    wait_for_work(std::nullopt);
    ask(victim_, command);
  }

  /// Ends the injury, and does what needs processes that stand still.
  void settle(Injury injury) {
    switch (injury) {
      case Injury::Cut:
      case Injury::Trickle:
        struck_ = proxy(victim_).heal();
        break;
      case Injury::Stall:
        struck_ = stalled_;
        break;
      case Injury::ReplicaDiskFull:
        struck_ = replica(victim_).end != "ok";
        limit_files(replica(victim_).process->pid(), RLIM_INFINITY);
        break;
      case Injury::PrimaryDiskFull:
        struck_ = replica(0).end != "ok" || replica(1).end != "ok";
        limit_files(primary_->pid(), RLIM_INFINITY);
        break;
      case Injury::ReplicaFault:
        ask(victim_, "heal");
        break;
      case Injury::DamageMetadata:
      case Injury::LoseFile:
      case Injury::TornFile:
      case Injury::ForeignWrite:
        if (one_in(2)) {
          replica(victim_).process->end(SIGTERM);  // it has no say in it
        } else {
          kill_replica(victim_);
        }
        damage(injury);
        start_replica(victim_);
        break;
      case Injury::RestoreDatabase:
      case Injury::RestoreAll:
        restore(injury == Injury::RestoreAll);
        break;
      case Injury::Retention:
        learn_outcomes();
        stop_primary();
        start_primary({"--max-log-size", one_in(2) ? "0" : std::to_string(below(100'000))});
        for (int k = 0; k < 3; ++k) write_directly();
        if (one_in(2)) {
          stop_primary();
          start_primary();
        }
        break;
      case Injury::ForeignVacuum: {
        const std::string command =
            settings_.program + " " + primary_file() + " VACUUM >> " + error_file("vacuum") + " 2>&1";
        struck_ = std::system(command.c_str()) == 0;  // Busy is fine: then nothing happened
        break;
      }
      default:
        break;
    }
    for (int i = 0; i < kReplicas; ++i) {
      if (replica(i).end.starts_with("err") && !replica(i).excused) {
        throw Finding("replica " + std::to_string(i) + " fails with nothing wrong: " + replica(i).end);
      }
    }
    if (!restored_) learn_outcomes();
  }

  void damage(Injury injury) {
    const std::string file = replica_file(victim_);
    const std::string metadata = file + "-client_wal_index";
    const std::string target = injury == Injury::DamageMetadata ? metadata : file;
    if (!fs::exists(target)) {
      struck_ = false;
      return;
    }
    const std::uintmax_t size = fs::file_size(target);
    switch (injury) {
      case Injury::DamageMetadata:
        if (one_in(4)) {
          fs::remove(metadata);
        } else if (one_in(2)) {
          fs::resize_file(metadata, below(size + 1));
        } else {
          flip(metadata, below(std::max<std::uintmax_t>(size, 1)));
        }
        break;
      case Injury::LoseFile:
        if (!one_in(3)) fs::remove(file);
        fs::remove(file + "-wal");
        if (one_in(2)) fs::remove(file + "-shm");
        break;
      case Injury::TornFile:
        fs::resize_file(file, one_in(2) ? size / 4096 / 2 * 4096 : below(size + 1));
        break;
      default: {
        libsql::LocalBuilder builder = libsql::Builder::local(file);
        if (victim_ == 1) builder.encryption(libsql::Encryption(std::string_view(kKey)));
        libsql::Connection conn = builder.build().connect();
        conn.execute(one_in(2) ? "CREATE TABLE foreign_table(x)" : "UPDATE tally SET n = n + 1");
        if (one_in(2)) conn.query_row<std::int64_t, std::int64_t, std::int64_t>("PRAGMA wal_checkpoint(TRUNCATE)");
        break;
      }
    }
  }
  static void flip(const std::string& path, std::uintmax_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    if (byte < 0) return;
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x10));
  }

  /// The primary as it was some rounds ago: its database alone, or with its log. If there is no copy of old, makes one.
  void restore(bool log_too) {
    learn_outcomes();
    stop_primary();
    const fs::path saved = directory_ / "saved";
    struck_ = fs::exists(saved);
    if (struck_) {
      for (const auto& entry : fs::directory_iterator(directory_)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("primary.db") && (log_too || name != "primary.db-log")) fs::remove_all(entry.path());
      }
      for (const auto& entry : fs::directory_iterator(saved)) {
        if (log_too || entry.path().filename() != "primary.db-log") {
          fs::copy(entry.path(), directory_ / entry.path().filename(), fs::copy_options::recursive);
        }
      }
      fs::remove_all(saved);
      acked_ = saved_acked_;
      restored_ = true;
    } else {
      fs::create_directory(saved);
      for (const auto& entry : fs::directory_iterator(directory_)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("primary.db")) fs::copy(entry.path(), saved / name, fs::copy_options::recursive);
      }
      saved_acked_ = acked_;
    }
    start_primary();
    if (one_in(2)) {
      for (int k = 0; k < 2; ++k) write_directly();
    }
  }

  /// The primary's state settles what became of the writes under way.
  void learn_outcomes() {
    const std::vector<std::int64_t> far = state_of("the primary", primary_state());
    for (std::size_t who = 0; who < far.size(); ++who) {
      if (far[who] < acked_[who]) {
        throw Finding("row " + std::to_string(acked_[who]) + " of writer " + std::to_string(who) +
                      " was acknowledged and is lost: the primary has " + std::to_string(far[who]));
      }
      if (far[who] > acked_[who] + 1) {
        throw Finding("writer " + std::to_string(who) + " was told of " + std::to_string(acked_[who]) +
                      ", and the primary has " + std::to_string(far[who]));
      }
      if (who < kReplicas && replicas_[who].end != "ok") {
        ++unknown_;
        if (far[who] > acked_[who]) ++unknown_done_;
        replicas_[who].end = "ok";
      } else if (far[who] > acked_[who]) {
        throw Finding("a write that nobody made, of writer " + std::to_string(who));
      }
      acked_[who] = far[who];
    }
  }

  std::string primary_state() {
    const auto [far, good] = direct().query_row<std::string, bool>(model::kState);
    return far + (good ? "" : " broken");
  }
  static std::vector<std::int64_t> state_of(const std::string& who, const std::string& text) {
    if (text.find("broken") != std::string::npos) throw Finding(who + " is in no committed state: " + text);
    std::vector<std::int64_t> far;
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, ',');) far.push_back(std::stoll(word));
    if (far.size() != model::kWriters) throw Finding(who + " has an unknown state: " + text);
    return far;
  }

  void check() {
    // The primary, against the model.
    std::string wanted;
    for (const std::int64_t n : acked_) wanted += (wanted.empty() ? "" : ",") + std::to_string(n);
    const std::string primary = primary_state();
    note("primary: " + primary);
    if (primary != wanted) throw Finding("the primary has " + primary + ", and " + wanted + " was acknowledged");
    const std::string digest = model::digest(direct());
    const bool thorough = round_ % 4 == 0;
    if (thorough && direct().query_value<std::string>("PRAGMA integrity_check") != "ok") {
      throw Finding("the primary is damaged");
    }
    for (int i = 0; i < kReplicas; ++i) {
      const std::string who = "replica " + std::to_string(i);
      if (!is_ours() && replica(i).excused) try_to_sync(i);
      const std::string synced = ask(i, "sync");
      if (std::istringstream words(synced); true) {
        std::string frame;
        std::string frames;
        std::string snapshot;
        words >> frame >> frames >> snapshot;
        snapshots_ += snapshot == "1" ? 1 : 0;
        repairs_ += static_cast<int>(std::count(synced.begin(), synced.end(), ';'));
      }
      state_of(who, ask(i, "state"));
      const std::string state = ask(i, "state");
      if (state != wanted) throw Finding(who + " has " + state + " after its sync, and the primary " + wanted);
      if (is_ours()) {
        const std::string own = ask(i, "digest");
        if (own != digest) throw Finding(who + " is not its primary after a sync");
      }
      if (thorough) {
        if (const std::string answer = ask(i, "check"); answer != "ok") throw Finding(who + " is damaged: " + answer);
      }
    }
    if (thorough) look_for_plain_text();
  }

  /// libSQL's own client reports what befell its old connection at the first call after it.
  void try_to_sync(int i) {
    try {
      ask(i, "sync");
    } catch (const Finding&) {
    }
  }

  void look_for_plain_text() const {
    for (const auto& entry : fs::directory_iterator(directory_)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("replica1.db") || !entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
      if (bytes.find("pad1/") != std::string::npos) throw Finding("plain text in " + name);
    }
  }

  void note(const std::string& text) {
    if (settings_.verbose) std::printf("  %.300s\n", text.c_str());
    notes_.push_back(text);
  }
  std::string notes() const {
    std::string text;
    for (const std::string& one : notes_) text.append("\n    ").append(one.substr(0, 500));
    return text;
  }

  const Settings settings_;
  const fs::path directory_;
  std::mt19937 random_;
  std::uint16_t port_ = 0;
  std::unique_ptr<LineProcess> primary_;
  std::vector<std::unique_ptr<CuttingProxy>> proxies_;
  std::vector<Replica> replicas_;
  std::optional<libsql::Connection> remote_;
  std::array<std::int64_t, model::kWriters> acked_{};
  std::array<std::int64_t, model::kWriters> saved_acked_{};
  int acks_ = 0;  // in this round
  int round_ = 0;
  int columns_ = 0;  // named so far
  int victim_ = 0;
  bool struck_ = false;
  bool stalled_ = false;
  bool restored_ = false;
  std::vector<std::string> notes_;
  std::map<std::string, int> done_;
  std::map<std::string, int> struck_count_;
  std::int64_t acknowledged_ = 0;
  int unknown_ = 0;
  int unknown_done_ = 0;
  int snapshots_ = 0;
  int repairs_ = 0;
};

Settings settings_of(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--verbose") {
      settings.verbose = true;
      continue;
    }
    if (i + 1 == argc) throw std::invalid_argument(name + " needs a value");
    const std::string value = argv[++i];
    if (name == "--program") {
      settings.program = value;
    } else if (name == "--worker") {
      std::istringstream words(value);
      for (std::string word; words >> word;) settings.worker.push_back(word);
    } else if (name == "--rounds") {
      settings.rounds = std::stoi(value);
    } else if (name == "--seconds") {
      settings.seconds = std::stoi(value);
    } else if (name == "--seed") {
      settings.seed = static_cast<unsigned>(std::stoul(value));
    } else if (name == "--only") {
      settings.only = value;
    } else if (name == "--keep") {
      settings.keep = value;
    } else {
      throw std::invalid_argument("unknown: " + name);
    }
  }
  if (settings.program.empty() || settings.worker.empty())
    throw std::invalid_argument("--program and --worker are needed");
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    const Settings settings = settings_of(argc, argv);
    ::setenv("LIBSQL_CAMPAIGN_STATE", model::kState, 1);  // for workers that do not include the model
    std::printf("seed %u\n", settings.seed);
    const TemporaryDirectory temporary;
    fs::path directory = temporary.path();
    if (!settings.keep.empty()) {
      directory = settings.keep;
      fs::create_directories(directory);
    }
    Campaign campaign(settings, directory);
    campaign.run();
    campaign.report();
    return 0;
  } catch (const std::exception& error) {
    std::printf("FOUND: %s\n", error.what());
    return 1;
  }
}
