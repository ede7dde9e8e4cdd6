// A connection's place in the queue of writers. It takes its turn before the connection asks SQLite for the write lock,
// and passes it on when the transaction that holds the lock has ended, whatever ended it.
#pragma once

#include <functional>
#include <memory>

#include "engine/connection.hpp"
#include "local/write_line.hpp"

namespace libsql::local {

/// Notified of each wait for a turn, on the thread that waits.
class WaitWatch {
 public:
  virtual void wait_begins() noexcept = 0;
  virtual void wait_ended() noexcept = 0;

 protected:
  ~WaitWatch() = default;
};

/// Threads: the connection's own, except for the function that gives way.
class WriteTurn final : public engine::WriteGate, private WriteLine::Holder {
 public:
  /// Which writes queue: those in Immediate and Exclusive transactions only, or all.
  enum class Scope : std::uint8_t { Transactions, AllWrites };
  /// Rolls back the connection's transaction unless something is running on it, calls taken_away(), and returns whether
  /// it did. It must keep others from using the connection meanwhile. Called on threads of other connections; must not
  /// wait.
  using GiveWay = std::function<bool(WriteTurn&)>;

  /// With `give_way`, the turn can be taken away after the queue's limit, if somebody waits. `watch` must outlive this.
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

  /// Waits for the turn, for as long as the connection would wait for a lock. Throws Busy, Timeout, Interrupted.
  void take();
  /// Passes the turn on if it is held and no transaction needs it any more.
  void settle() noexcept;
  /// Passes the turn on in any case. For the end of a session.
  void give_up() noexcept;
  /// Must be called by `give_way` once it has ended the transaction: the turn is no longer held.
  void taken_away() noexcept;
  bool is_held() const noexcept { return held_; }

  void before_write(engine::Connection&) override { take(); }
  void after_statement(engine::Connection&) noexcept override { settle(); }

 private:
  bool give_way() noexcept override { return give_way_(*this); }
  void wait();
  /// Has the engine report writes while the turn is not held.
  void watch_for_writes() noexcept {
    connection_.set_write_gate(scope_ == Scope::AllWrites || line_->is_listened_to() ? this : nullptr);
  }

  engine::Connection& connection_;
  std::shared_ptr<WriteLine> line_;
  GiveWay give_way_;
  WaitWatch* watch_;
  Scope scope_;
  bool held_ = false;
  bool in_transaction_ = false;  // the open transaction holds the write lock, and so will until it ends
};

}  // namespace libsql::local
