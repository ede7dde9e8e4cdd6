// What the replication log costs who writes: one-row transactions with it, and without, turn by turn, so only the ratio
// matters. Three kinds: commits that wait for the disk, commits that do not, and with a reader who follows each commit.
// LIBSQL_BENCH_DIR: where the files go.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "local/session.hpp"
#include "replication/log/log.hpp"
#include "support.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace libsql;
namespace fs = std::filesystem;

class Contestant {
 public:
  Contestant(const fs::path& parent, const char* synchronous, bool logged, bool followed)
      : directory_(parent), followed_(followed) {
    local::Options options;
    options.path = directory_.file("a.db");
    options.pragmas = {{"synchronous", Value(synchronous)}};
    const auto make = [&] { return local::Store::open(options); };
    if (logged) {
      replication::LogOptions log_options;
      log_options.folder = directory_.file("log");
      log_options.commits_may_be_lost = std::string(synchronous) != "FULL";
      log_ = replication::Log::open(options.path, make, log_options);
    }
    session_ = std::make_unique<local::Session>(log_ ? log_->store() : make());
    session_->execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT)", {});
    if (log_) {
      id_ = log_->state().id;
      next_ = log_->state().first;
    }
  }

  void insert(int transactions) {
    for (int i = 0; i < transactions; ++i) {
      session_->execute("INSERT INTO t(a, b) VALUES (1, 'a row of a log, or so')", {});
      if (followed_) {
        log_->read(id_, next_, [&](const replication::LoggedFrame& frame) {
          next_ = frame.number + 1;
          return true;
        });
      }
    }
  }

 private:
  test::TemporaryDirectory directory_;
  bool followed_;
  std::shared_ptr<replication::Log> log_;
  std::unique_ptr<local::Session> session_;
  replication::Uuid id_;
  replication::FrameNo next_ = 0;
};

}  // namespace

int main() {
  const char* const place = std::getenv("LIBSQL_BENCH_DIR");
  const fs::path parent = place != nullptr ? fs::path(place) : fs::temp_directory_path();
  constexpr int kTransactions = 2000;
  for (const auto& [title, synchronous] : {std::pair("one-row transactions that wait for the disk", "FULL"),
                                           std::pair("one-row transactions that do not", "NORMAL")}) {
    Contestant without(parent, synchronous, false, false);
    Contestant with(parent, synchronous, true, false);
    Contestant followed(parent, synchronous, true, true);
    std::vector<bench::Contender> contenders;
    for (const auto& [name, database] :
         {std::pair("no log", &without), std::pair("log", &with), std::pair("log, each commit read", &followed)}) {
      contenders.push_back({name, [database = database] {
                              return bench::rate(
                                  kTransactions, [&] { database->insert(kTransactions); }, bench::Time::Wall);
                            }});
    }
    bench::compare(title, std::move(contenders), "no log", 15);
  }
}
