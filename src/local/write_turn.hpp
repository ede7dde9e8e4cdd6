// A session's place in the line of writers: it takes its turn before it asks SQLite for the write lock, and gives it on
// when the transaction that holds the lock has ended, whoever ended it.
#pragma once

#include <memory>
#include <utility>

#include "engine/connection.hpp"
#include "local/write_queue.hpp"

namespace libsql::local {

class WriteTurn final : public engine::WriteGate {
 public:
  /// Which writes wait in line: those in Immediate and Exclusive transactions, or all.
  enum class Scope : std::uint8_t { Transactions, AllWrites };

  WriteTurn(engine::Connection& connection, std::shared_ptr<WriteQueue> queue, Scope scope)
      : connection_(connection), queue_(std::move(queue)), scope_(scope) {
    watch_for_writes();
  }
  ~WriteTurn() override {
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
  bool is_held() const noexcept { return held_; }

  void before_write(engine::Connection&) override { take(); }
  void after_statement(engine::Connection&) noexcept override { settle(); }

 private:
  void wait();
  /// While the turn is not here.
  void watch_for_writes() noexcept { connection_.set_write_gate(scope_ == Scope::AllWrites ? this : nullptr); }

  engine::Connection& connection_;
  std::shared_ptr<WriteQueue> queue_;
  Scope scope_;
  bool held_ = false;
  bool in_transaction_ = false;  // the open transaction was seen to hold the write lock, so it does until it ends
};

}  // namespace libsql::local
