// A writing process is killed with kill -9, a hundred times: what it was told to be committed is there, all or nothing.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <libsql/libsql.hpp>
#include <random>
#include <string>
#include <thread>

#include "stress/child.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using test::Child;

struct Setting {
  const char* name;
  const char* pragmas;
  const char* key;
  int rounds;
};

void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }

class Crash : public testing::TestWithParam<Setting> {
 protected:
  Connection open() const {
    LocalBuilder builder = Builder::local(path_);
    if (*GetParam().key != '\0') {
      Encryption encryption{std::string_view(GetParam().key)};
      encryption.parameters.emplace_back("kdf_iter", 1);
      builder.encryption(encryption);
    }
    // Without a say about the journal mode the builder would choose WAL.
    const std::string pragmas = GetParam().pragmas;
    const std::size_t mode = pragmas.find("journal_mode=") + 13;
    return builder.pragma("journal_mode", pragmas.substr(mode, pragmas.find(',', mode) - mode)).build().connect();
  }

  libsql::test::TemporaryDirectory directory_;
  std::string path_ = directory_.file("crash.db");
};

TEST_P(Crash, LosesNoAcknowledgedCommit) {
  open().execute_batch(
      "CREATE TABLE account(id INTEGER PRIMARY KEY, state INT, filler BLOB);"
      "CREATE INDEX by_state ON account(state);"
      "CREATE TABLE log(state INTEGER PRIMARY KEY, filler BLOB);"
      "WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 25) INSERT INTO account SELECT i, 0, NULL FROM "
      "n");
  std::mt19937 random(20240607);
  std::int64_t acknowledged = 0;
  for (int round = 0; round < GetParam().rounds; ++round) {
    const std::int64_t before = acknowledged;
    {
      Child worker(
          {LIBSQL_STRESS_WORKER, "write", path_, std::to_string(acknowledged + 1), GetParam().pragmas, GetParam().key});
      // At least one commit, then a moment of its work that differs from round to round.
      const auto wanted = static_cast<std::int64_t>(1 + random() % 8);
      std::int64_t state = 0;
      for (std::int64_t i = 0; i < wanted; ++i) {
        ASSERT_TRUE(worker.read(&state, sizeof state)) << "the worker ended by itself in round " << round;
        acknowledged = state;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
      worker.kill();
      while (worker.read(&state, sizeof state)) acknowledged = state;
      const int status = worker.wait();
      ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
    }
    ASSERT_GT(acknowledged, before);
    Connection conn = open();
    ASSERT_EQ(conn.query_value<std::string>("PRAGMA integrity_check"), "ok") << "round " << round;
    const auto [lowest, highest] =
        conn.query_row<std::int64_t, std::int64_t>("SELECT min(state), max(state) FROM account");
    ASSERT_EQ(lowest, highest) << "a transaction in halves, round " << round;
    ASSERT_EQ(highest, conn.query_value<std::int64_t>("SELECT max(state) FROM log"));
    ASSERT_TRUE(highest == acknowledged || highest == acknowledged + 1)
        << "round " << round << ": acknowledged " << acknowledged << ", found " << highest;
    acknowledged = highest;
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, Crash,
                         testing::Values(Setting{"wal", "journal_mode=wal,synchronous=full", "", 50},
                                         Setting{"delete", "journal_mode=delete,synchronous=extra", "", 20},
                                         Setting{"truncate", "journal_mode=truncate,synchronous=full", "", 20},
                                         Setting{"encrypted", "journal_mode=wal,synchronous=full", "secret", 10}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace libsql
