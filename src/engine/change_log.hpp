// Notes the row changes of a transaction and gives them to the change streams once it is committed.
//
// The pre-update hook tells of every row, but of no savepoint: ROLLBACK TO and a statement that fails half-way take
// changes back without a word. The engine does tell virtual tables of savepoints, those that a statement sets for
// itself included. So a virtual table of our own, temp.libsql_change_log, takes part in every transaction that can be
// rolled back in parts: a DELETE that finds nothing joins it before the first write. It has no rows and stores nothing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <libsql/change_stream.hpp>

#include "engine/connection.hpp"

struct sqlite3_stmt;

namespace libsql::engine {
class ChangeLog;
class Hooks;
}  // namespace libsql::engine

namespace libsql::detail {

/// One stream: what it wants, what the open transaction has for it, and its queue.
class ChangeStreamState {
 public:
  ChangeStreamState(std::function<void(const ChangeSet&)> to, ChangeStreamOptions wishes)
      : callback(std::move(to)), options(std::move(wishes)) {}

  const std::function<void(const ChangeSet&)> callback;
  const ChangeStreamOptions options;

  std::weak_ptr<engine::Hooks> hooks;
  std::atomic<bool> attached{false};

  // Used by the connection's thread only.
  std::vector<Change> pending;
  struct State {
    std::size_t changes = 0;
    std::size_t bytes = 0;
    bool truncated = false;
  };
  State state;                               // of `pending`
  std::vector<std::pair<int, State>> marks;  // by savepoint number: what it was when the savepoint was set
  std::uint64_t last_number = 0;

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::deque<std::pair<ChangeSet, std::size_t>> queue;
  std::atomic<std::size_t> queued_bytes{0};  // written under the mutex
  std::exception_ptr failure;
};

}  // namespace libsql::detail

namespace libsql::engine {

class ChangeLog {
 public:
  using Stream = detail::ChangeStreamState;

  ChangeLog(Connection& connection, Hooks& hooks);
  ~ChangeLog();
  ChangeLog(const ChangeLog&) = delete;
  ChangeLog& operator=(const ChangeLog&) = delete;

  void attach(std::shared_ptr<Stream> stream);
  void detach(Stream& stream) noexcept;
  void clear() noexcept;
  bool empty() const noexcept { return streams_.empty(); }

  /// From the pre-update hook.
  void record(const RowChange& change);
  /// Before a statement writes.
  void join_transaction();
  /// From the commit hook: it may still fail.
  void commit_begins() noexcept;
  /// From the rollback hook.
  void rolled_back() noexcept;
  /// After a statement: delivers what is committed.
  void settle() noexcept;

 private:
  friend struct ChangeLogModule;
  struct Table {
    std::shared_ptr<const ChangedTable> description;
    std::vector<int> stored;  // the table's own numbers of description->columns
  };
  struct Delivery {
    std::shared_ptr<Stream> stream;
    ChangeSet changes;
    std::size_t bytes;
  };

  const Table& table_of(const RowChange& change);
  Table describe(std::string_view database, std::string_view table);
  /// Forgets what is known of the tables of a database whose schema has changed.
  void check_schema(std::string_view database);
  sqlite3_stmt* compile(const std::string& sql);
  void create_table();
  void finalize_statements() noexcept;
  void forget_pending() noexcept;
  void deliver_all() noexcept;
  void deliver(Delivery& delivery) noexcept;
  static bool wants(const Stream& stream, const ChangedTable& table) noexcept;
  void savepoint(int number);
  void release(int number) noexcept;
  void roll_back_to(int number) noexcept;

  Connection& connection_;
  Hooks& hooks_;
  std::vector<std::shared_ptr<Stream>> streams_;
  std::deque<Delivery> deliveries_;
  std::map<std::pair<std::string, std::string>, Table, std::less<>> tables_;
  struct Schema {
    sqlite3_stmt* read_version = nullptr;
    std::int64_t version = -1;
    std::uint64_t checked_at = 0;  // the statement it was read in
  };
  std::map<std::string, Schema, std::less<>> schemas_;  // by database
  std::uint64_t statement_ = 0;
  sqlite3_stmt* join_ = nullptr;
  struct Link {
    ChangeLog* log;
  };
  std::shared_ptr<Link> link_;  // shared with the registered module, which may live longer
  bool joined_ = false;         // our virtual table takes part in the open transaction
  bool committing_ = false;     // the commit hook has run
  bool delivering_ = false;
};

}  // namespace libsql::engine
