/// \file
/// The committed row changes of a connection, transaction by transaction.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/connection.hpp>
#include <libsql/export.hpp>
#include <libsql/hooks.hpp>
#include <libsql/value.hpp>

namespace libsql {

namespace detail {
class ChangeStreamState;
}

/// The table of a change, as it was when the change was made.
struct ChangedTable {
  std::string database;
  std::string name;
  std::vector<std::string> columns;  ///< All except hidden and virtual generated ones.
  std::vector<int> key_columns;  ///< Indexes into `columns` of the PRIMARY KEY, in its order; empty if there is none.
  bool without_rowid = false;
};

/// One row that a committed transaction changed.
struct LIBSQL_EXPORT Change {
  ChangeKind kind = ChangeKind::Insert;
  std::shared_ptr<const ChangedTable> table;
  std::optional<std::int64_t> old_rowid;  ///< Before: for Update and Delete. None for a WITHOUT ROWID table.
  std::optional<std::int64_t> rowid;      ///< After: for Insert and Update.
  std::vector<Value> old_values;          ///< In the order of table->columns; empty for Insert.
  std::vector<Value> new_values;          ///< Empty for Delete, and where `blob_column` is set.
  /// Index into table->columns of the column that was written through a blob handle: its new value is not known.
  std::optional<int> blob_column;

  /// The value of a column before or after; null if there is none, or no such column.
  const Value* old_value(std::string_view column) const noexcept;
  const Value* new_value(std::string_view column) const noexcept;
  /// The values of the PRIMARY KEY, after the change unless the row is gone; of the rowid where there is no key.
  std::vector<Value> key() const;
};

/// What a sync brought to a replica, in one step. Frames are pages, so its rows are not known one by one.
struct SyncedChanges {
  std::optional<std::uint64_t> frame_no;  ///< The last frame that the copy has after it.
  std::uint64_t frames = 0;               ///< How many were applied.
  bool schema_changed = false;
};

/// What one transaction changed, in order; a row changed twice is listed twice. A row displaced by REPLACE is a Delete.
struct ChangeSet {
  std::uint64_t number = 0;  ///< 1, 2, 3, ... for each stream
  std::vector<Change> changes;
  /// Changes were left out because of the memory limit: read the tables themselves.
  bool truncated = false;
  /// On a replica, instead of `changes`: what came from the primary.
  std::optional<SyncedChanges> synced = std::nullopt;
};

/// What happens to a transaction that changes more than the stream may hold.
enum class ChangeOverflow : std::uint8_t {
  Truncate,  ///< It commits; its ChangeSet is marked truncated.
  Fail,      ///< Its statement fails with ResourceError (TooBig), and it is rolled back.
};

struct ChangeStreamOptions {
  /// Tables to watch, as "table" (in any database) or "database.table", in any case of letters; none: all.
  std::vector<std::string> tables;
  /// How much memory the changes of open transactions and of the queue may take, in bytes; approximate.
  std::size_t max_bytes = std::size_t{64} << 20;
  ChangeOverflow overflow = ChangeOverflow::Truncate;
};

/// Follows the changes that one connection commits, those of triggers, foreign key actions and nested statements
/// included. It does not see other connections and processes: attach a stream to each writer. What is rolled back is
/// not reported, whether a transaction, a savepoint or a failed statement. Virtual tables appear as the tables behind
/// them; schema changes and system tables do not appear.
///
/// Delivery: to a callback, on the thread of the statement that committed, once it has ended; or to a queue read by
/// next() and wait(). A callback may use the connection. An exception from it cannot fail the statement, whose changes
/// are committed: it ends the stream, and failure() returns it. Lifetime: the destructor detaches the stream, and so
/// does reset() or close() of the connection; the queue can still be read.
/// Threads: attaching and ending as Connection; next(), wait(), queued(), is_attached() and failure() from any.
/// Errors: attaching throws Unsupported if the engine has no pre-update hook, Misuse inside a callback.
class LIBSQL_EXPORT ChangeStream final {
 public:
  /// With a queue.
  explicit ChangeStream(const Connection& connection, ChangeStreamOptions options = {});
  /// With a callback.
  ChangeStream(const Connection& connection, std::function<void(const ChangeSet&)> callback,
               ChangeStreamOptions options = {});
  ChangeStream(ChangeStream&&) noexcept;
  ChangeStream& operator=(ChangeStream&&) noexcept;
  ~ChangeStream();

  /// The oldest queued transaction, taken from the queue; none if it is empty.
  std::optional<ChangeSet> next();
  /// As next(), but waits for one; none if the time passes or the stream ends.
  std::optional<ChangeSet> wait(std::chrono::milliseconds timeout);
  std::size_t queued() const;

  /// False once detached, by detach(), the connection's reset() or close(), or an exception of the callback.
  bool is_attached() const noexcept;
  /// Ends the stream. Changes of an open transaction are dropped; what is queued stays.
  void detach() noexcept;
  /// What the callback threw; null if nothing.
  std::exception_ptr failure() const;

 private:
  std::shared_ptr<detail::ChangeStreamState> state_;
};

}  // namespace libsql
