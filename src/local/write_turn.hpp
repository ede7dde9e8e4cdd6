// A connection's place in the line of writers: it takes its turn before it asks SQLite for the write lock, and gives it
// on when the transaction that holds the lock has ended, whoever ended it.
#pragma once

#include <functional>
#include <memory>

#include "engine/connection.hpp"
#include "local/write_line.hpp"

namespace libsql::local {

/// Told of each wait for a turn, by the thread that waits.
class WaitWatch {
 public:
  virtual void wait_begins() noexcept = 0;
  virtual void wait_ended() noexcept = 0;

 protected:
  ~WaitWatch() = default;
};

/// Threads: that which uses the connection, but for the function that gives way.
class WriteTurn final : public engine::WriteGate, private WriteLine::Holder {
 public:
  /// Which writes wait in line: those in Immediate and Exclusive transactions, or all.
  enum class Scope : std::uint8_t { Transactions, AllWrites };
  /// Takes the transaction away from the connection, if nothing runs on it, calls taken_away(), and returns whether it
  /// did so; meanwhile nobody else may use the connection. Called on threads of other connections, and must not wait.
  using GiveWay = std::function<bool(WriteTurn&)>;

  /// With `give_way`, the turn ends after the line's limit while somebody waits. `watch` outlives it.
  WriteTurn(engine::Connection& connection, std::shared_ptr<WriteLine> line, Scope scope, GiveWay give_way = nullptr,
            WaitWatch* watch = nullptr)
      : connection_(connection), line_(std::move(line)), give_way_(std::move(give_way)), watch_(watch), scope_(scope) {
    watch_for_writes();
  }
  ~WriteTurn() {
    give_up();
    connection_.set_write_gate(nullptr);
  }
  WriteTurn(const WriteTurn&) = delete;
  WriteTurn& operator=(const WriteTurn&) = delete;

  /// Waits for the turn, as long as the connection would wait for a lock. Throws Busy, Timeout, Interrupted.
  void take();
  /// Gives the turn on, if it is here and no transaction needs it any more.
  void settle() noexcept;
  /// Gives the turn on: the session ends.
  void give_up() noexcept;
  /// The transaction and the turn have been taken away.
  void taken_away() noexcept;
  bool is_held() const noexcept { return held_; }

  void before_write(engine::Connection&) override { take(); }
  void after_statement(engine::Connection&) noexcept override { settle(); }

 private:
  bool give_way() noexcept override { return give_way_(*this); }
  void wait();
  /// While the turn is not here.
  void watch_for_writes() noexcept {
    connection_.set_write_gate(scope_ == Scope::AllWrites || line_->is_listened_to() ? this : nullptr);
  }

  engine::Connection& connection_;
  std::shared_ptr<WriteLine> line_;
  GiveWay give_way_;
  WaitWatch* watch_;
  Scope scope_;
  bool held_ = false;
  bool in_transaction_ = false;  // the open transaction was seen to hold the write lock, so it does until it ends
};

}  // namespace libsql::local
