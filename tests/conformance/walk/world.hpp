// What the walkers of one walk share: the server, who may do what, and what must not be lost.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/auth.hpp"
#include "server/base/budget.hpp"
#include "support/raw_socket.hpp"
#include "support/server_client.hpp"

namespace libsql::test::walk {

/// The walk's chance, the same for the same seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  int below(int count) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(count)); }
  bool one_in(int count) { return below(count) == 0; }
  template <class List>
  const auto& of(const List& list) {
    return list[static_cast<std::size_t>(below(static_cast<int>(std::size(list))))];
  }
  std::uint64_t next() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

inline constexpr const char* kBearers[] = {"anna",   "anna",    "anna",     "bert",  "bert",
                                           "reader", "passing", "stranger", "nobody"};

/// A token is the name of its bearer: `reader` may not write, `passing` is good for a moment, `stranger` may nothing,
/// and `nobody` is not let in. What was accepted is looked at again after each revoke().
class Bearers final : public server::Authenticator {
 public:
  std::shared_ptr<const server::Identity> authenticate(const server::Credentials& credentials, std::string_view,
                                                       std::string_view) override {
    const std::string name(credentials.value.value_or("anna"));
    if (name == "nobody") throw server::AuthError("AUTH_REJECTED", "nobody is not let in");
    const std::lock_guard lock(mutex_);
    std::shared_ptr<server::Bearer>& bearer = bearers_[name];
    if (bearer == nullptr) bearer = std::make_shared<server::Bearer>();
    return std::make_shared<Named>(name, bearer);
  }
  std::optional<std::uint64_t> version() const noexcept override { return version_.load(); }
  void revoke() noexcept { version_.fetch_add(1); }

  /// What bearers have taken and not given back; empty if nothing.
  std::string debts() const {
    std::string text;
    const std::lock_guard lock(mutex_);
    for (const auto& [name, bearer] : bearers_) {
      for (std::size_t i = 0; i < server::kResources; ++i) {
        const std::size_t held = bearer->taken.of(static_cast<server::Resource>(i)).load();
        if (held != 0) text += name + " has " + std::to_string(held) + " of resource " + std::to_string(i) + "; ";
      }
      if (bearer->memory->held() != 0) text += name + " has " + std::to_string(bearer->memory->held()) + " bytes; ";
    }
    return text;
  }

 private:
  class Named final : public server::Identity {
   public:
    Named(std::string name, std::shared_ptr<server::Bearer> bearer)
        : Identity(std::move(bearer)), name_(std::move(name)) {}
    server::Permissions permissions(std::string_view) const override {
      if (name_ == "stranger") return {};
      if (name_ == "reader") return {.read = true, .attach = true};
      return server::Permissions::all();
    }
    std::string_view binding() const noexcept override { return name_; }
    std::optional<std::chrono::system_clock::time_point> good_until() const noexcept override {
      if (name_ != "passing") return std::nullopt;
      return until_;
    }

   private:
    const std::string name_;
    const std::chrono::system_clock::time_point until_ =
        std::chrono::system_clock::now() + std::chrono::milliseconds(40);
  };

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<server::Bearer>> bearers_;
  std::atomic<std::uint64_t> version_ = 1;
};

/// The namespace whose rows are counted; the others come and go.
inline constexpr const char* kKept = "kept";
inline constexpr const char* kNamespaces[] = {"kept", "kept", "kept", "toy0", "toy1", "toy2"};

class World {
 public:
  std::shared_ptr<Bearers> bearers = std::make_shared<Bearers>();
  std::uint16_t port = 0, admin_port = 0;
  std::atomic<bool> is_stopping = false, has_stopped = false;  // the server
  std::atomic<int> steps = 0;                                  // of all walkers together

  /// A row for the kept namespace.
  std::int64_t new_row() noexcept { return ++last_row_; }
  /// The server has said that the row is there.
  void acknowledged(std::int64_t row) {
    const std::lock_guard lock(mutex_);
    rows_.insert(row);
  }
  std::set<std::int64_t> rows() const {
    const std::lock_guard lock(mutex_);
    return rows_;
  }

  /// What answers said, for who wants to know where the walk leads.
  void saw(const std::string& what) {
    const std::lock_guard lock(mutex_);
    ++seen_[what];
  }
  std::map<std::string, int> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  /// Batons that somebody got, for others who try them.
  void found(std::string baton) {
    const std::lock_guard lock(mutex_);
    batons_[turn_++ % batons_.size()] = std::move(baton);
  }
  std::string some_baton(Dice& dice) const {
    const std::lock_guard lock(mutex_);
    return dice.of(batons_);
  }

 private:
  std::atomic<std::int64_t> last_row_ = 0;
  mutable std::mutex mutex_;
  std::set<std::int64_t> rows_;
  std::map<std::string, int> seen_;
  std::array<std::string, 16> batons_;
  std::size_t turn_ = 0;
};

/// A connection on which nobody waits for long.
inline RawSocket hasty(std::uint16_t port, Dice& dice) {
  RawSocket socket = RawSocket::connect(port, dice.one_in(2) ? 4096 : 0);
  const timeval limit{0, 1000 * (1 + dice.below(60))};
  ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return socket;
}

/// What a client might run, on any namespace.
inline std::string some_sql(Dice& dice) {
  static constexpr const char* kTexts[] = {
      "SELECT 1",
      "SELECT ?1",
      "",
      "SELEKT 1",
      "SELECT * FROM missing",
      "BEGIN",
      "BEGIN IMMEDIATE",
      "COMMIT",
      "ROLLBACK",
      "SAVEPOINT s",
      "RELEASE s",
      "PRAGMA foreign_keys=off",
      "PRAGMA table_info(t)",
      "CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b)",
      "DROP TABLE IF EXISTS u",
      "INSERT INTO t(b) VALUES (randomblob(300))",
      "INSERT INTO t(b) SELECT randomblob(900) FROM t LIMIT 40 RETURNING a",
      "DELETE FROM t WHERE a % 2",
      "UPDATE t SET b=b||'x'",
      "SELECT * FROM t",
      "SELECT hex(zeroblob(150000))",
      "SELECT hex(zeroblob(450000))",
      "SELECT hex(zeroblob(4000000))",
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 2000) SELECT x, hex(x) FROM c",
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 60000) SELECT count(*) FROM c",
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x, hex(zeroblob(200)) FROM c",
      "ATTACH 'toy1' AS other",
      "DETACH other",
      "EXPLAIN SELECT 1",
      "VACUUM",
  };
  // One that never ends is rare: each keeps a processor until its time is over.
  const std::string text = dice.of(kTexts);
  return text.find("FROM c) SELECT x,") != std::string::npos && !dice.one_in(4) ? "SELECT 1" : text;
}

/// A batch that adds the row, unless a transaction is open. Its second step's result says that it is there.
inline Json adding(std::int64_t row) {
  const std::string insert = "INSERT INTO kept VALUES (" + std::to_string(row) + ")";
  return {{"steps", list({step("BEGIN IMMEDIATE"), step(insert, ok(0)), step("COMMIT", ok(1))})}};
}
/// Whether the answer to that batch says so.
inline bool has_added(const Json& result) {
  const Json& steps = result.at("step_results");
  return steps.size() == 3 && !steps[0].is_null() && !steps[1].is_null() && !steps[2].is_null();
}

inline Json some_batch(Dice& dice) {
  Json steps = Json::array();
  for (int i = 0, count = dice.below(5); i < count; ++i) {
    Json condition = nullptr;
    if (i > 0 && dice.one_in(3)) condition = dice.one_in(2) ? ok(dice.below(i)) : negated(failed(dice.below(i)));
    if (dice.one_in(40)) condition = ok(99);
    steps.push_back(step(some_sql(dice), condition));
  }
  return {{"steps", steps}};
}

}  // namespace libsql::test::walk
