// A replica for the replica campaign, in a process of its own. Reads commands from its input, a line each, and answers
// with a line: what was asked, "ok", or "err" and why. "bad" is what no failure of anything excuses.
//   replica_worker PATH URL WHO KEY     KEY: of an encrypted copy, may be empty
//   work FIRST COUNT SEED   writes rows FIRST, ... through the replica, and says "ack N" for each that is acknowledged;
//                           meanwhile another thread reads
//   sync                    "ok FRAME FRAMES SNAPSHOT REPAIR; ..."
//   state, digest, check    of the copy: how far the writers are; all its contents; the integrity check
//   fault KIND ON NTH TIMES the copy's file system fails: numbers of testing::FaultKind and testing::FaultOn
//   clock SECONDS           the wall clock jumps, the steady one goes forward with it
//   heal                    all that ends
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include <libsql/libsql.hpp>
#include <libsql/testing/fault_vfs.hpp>

#include "core/clock.hpp"
#include "stress/replica_model.hpp"

namespace {

using namespace libsql;
namespace model = test::model;

void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const std::string whole = line + '\n';
  if (::write(STDOUT_FILENO, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) ::_exit(3);
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

// The wall clock jumps both ways; the steady one never goes back.
class JumpingClock final : public core::ClockSource {
 public:
  void jump(std::chrono::seconds time) {
    wall_ += time.count();
    if (time.count() > 0) steady_ += time.count();
  }
  std::chrono::steady_clock::time_point steady() const noexcept override {
    return std::chrono::steady_clock::now() + std::chrono::seconds(steady_);
  }
  std::chrono::system_clock::time_point wall() const noexcept override {
    return std::chrono::system_clock::now() + std::chrono::seconds(wall_);
  }

 private:
  std::atomic<std::int64_t> wall_ = 0;
  std::atomic<std::int64_t> steady_ = 0;
};

class Worker {
 public:
  Worker(std::string path, std::string url, std::int64_t who, std::string key)
      : path_(std::move(path)), url_(std::move(url)), who_(who), key_(std::move(key)) {}

  std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    try {
      if (verb == "heal") {
        disk_->clear();
        return "ok";
      }
      if (verb == "fault") return fault(words);
      if (verb == "clock") {
        std::int64_t seconds = 0;
        words >> seconds;
        clock_.jump(std::chrono::seconds(seconds));
        return "ok";
      }
      open();
      if (verb == "work") return work(words);
      if (verb == "sync") return sync();
      if (verb == "state") return "ok " + state(*conn_);
      if (verb == "digest") return "ok " + model::digest(*conn_);
      if (verb == "check") return "ok " + one_line(conn_->query_value<std::string>("PRAGMA integrity_check"));
      return "bad command " + line;
    } catch (const Error& error) {
      return "err " + one_line(std::string(error.what()));
    } catch (const std::exception& error) {
      return "bad exception " + one_line(error.what());
    }
  }

 private:
  void open() {
    if (conn_) return;
    ReplicaBuilder builder = Builder::remote_replica(path_, url_);
    // The campaign stalls connections: what waits for them must not wait long, nor be cut short by a loaded machine.
    builder.default_deadline(std::chrono::seconds(15)).sync_deadline(std::chrono::seconds(15));
    if (!key_.empty()) {
      Encryption encryption{std::string_view(key_)};
      builder.encryption(encryption);
    }
    if (!db_) db_.emplace(builder.build());
    conn_.emplace(db_->connect());
  }

  std::string fault(std::istringstream& words) {
    int kind = 0;
    int on = 0;
    testing::Fault fault;
    words >> kind >> on >> fault.nth >> fault.times;
    fault.kind = static_cast<testing::FaultKind>(kind);
    fault.on = static_cast<testing::FaultOn>(on);
    disk_->inject(fault);
    return "ok";
  }

  std::string sync() {
    const SyncReport report = db_->replica().sync();
    std::string line = "ok " + (report.frame_no ? std::to_string(*report.frame_no) : "-") + ' ' +
                       std::to_string(report.frames_synced) + (report.took_snapshot ? " 1" : " 0");
    for (const std::string& repair : report.repairs) line.append(" ").append(one_line(repair)).append(";");
    return line;
  }

  static std::string state(Connection& conn) {
    const auto [far, good] = conn.query_row<std::string, bool>(model::kState);
    return far + (good ? "" : " broken");
  }

  void put(std::int64_t n) {
    switch (n % 4) {
      case 0:
        conn_->execute(model::kPut, who_, n);
        break;
      case 1:
        conn_->execute_transactional_batch({{model::kPut, who_, n}, "SELECT n FROM total"});
        break;
      case 2: {
        Transaction transaction = conn_->transaction(TransactionBehavior::Immediate);
        conn_->execute(model::kPut, who_, n);
        conn_->execute("SAVEPOINT s");
        conn_->execute("DELETE FROM w");
        conn_->execute("ROLLBACK TO s");
        if (conn_->query_value<std::int64_t>("SELECT n FROM tally WHERE who = ?", who_) != n) {
          say("bad a transaction does not read what it wrote");
        }
        transaction.commit();
        break;
      }
      default:
        if (conn_->query_value<std::int64_t>(std::string(model::kPut) + " RETURNING n", who_, n) != n) {
          say("bad RETURNING gives another row");
        }
        break;
    }
  }

  std::string work(std::istringstream& words) {
    std::int64_t first = 0;
    std::int64_t count = 0;
    unsigned seed = 0;
    words >> first >> count >> seed;
    std::mt19937 random(seed);
    std::atomic<bool> ends = false;
    std::thread reader([&] { read_until(ends); });
    std::string result = "ok";
    try {
      for (std::int64_t n = first; n < first + count; ++n) {
        put(n);
        say("ack " + std::to_string(n));
        switch (random() % 4) {
          case 0:
            if (conn_->query_value<std::int64_t>("SELECT n FROM tally WHERE who = ?", who_) != n) {
              say("bad a read does not see its own write " + std::to_string(n));
            }
            break;
          case 1:
            db_->replica().sync();
            break;
          default:
            break;
        }
      }
    } catch (const Error& error) {
      result = "err " + one_line(error.what());
    } catch (const std::exception& error) {
      result = "bad exception " + one_line(error.what());
    }
    ends = true;
    reader.join();
    return result;
  }

  // Sees one committed state after the other, whatever happens; may fail.
  void read_until(const std::atomic<bool>& ends) const {
    std::optional<Connection> conn;
    while (!ends) {
      try {
        if (!conn) conn.emplace(db_->connect());
        const std::string seen = state(*conn);
        if (seen.ends_with("broken")) say("bad a reader sees " + seen);
      } catch (const Error&) {
        conn.reset();
      } catch (const std::exception& error) {
        say("bad exception in a reader: " + one_line(error.what()));
        return;
      }
    }
  }

  const std::string path_;
  const std::string url_;
  const std::int64_t who_;
  const std::string key_;
  JumpingClock clock_;
  const struct UseClock {
    explicit UseClock(const core::ClockSource& clock) { core::set_clock_source(&clock); }
    ~UseClock() { core::set_clock_source(nullptr); }
    UseClock(const UseClock&) = delete;
    UseClock& operator=(const UseClock&) = delete;
  } use_clock_{clock_};
  std::shared_ptr<testing::FaultVfs> disk_ = std::make_shared<testing::FaultVfs>("");
  VfsRegistration registration_ = register_vfs("campaign", disk_, MakeDefault::Yes);
  std::optional<Database> db_;
  std::optional<Connection> conn_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  ::signal(SIGXFSZ, SIG_IGN);
  try {
    Worker worker(argv[1], argv[2], std::stoll(argv[3]), argv[4]);
    for (std::string line; std::getline(std::cin, line);) say(worker.answer(line));
    return 0;
  } catch (const std::exception& error) {
    say("bad worker: " + one_line(error.what()));
    return 1;
  }
}
