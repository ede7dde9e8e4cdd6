/// \file
/// Group commit: transactions of many threads that share one sync of the disk.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <libsql/batch.hpp>
#include <libsql/connection.hpp>
#include <libsql/export.hpp>
#include <libsql/verbs.hpp>

namespace libsql {

class Database;

/// What is guaranteed when a Writer's call returns.
enum class WriterDurability : std::uint8_t {
  Synced,      ///< the change survives a power cut: synchronous=FULL, whatever the database's other connections use
  AsDatabase,  ///< what the database's `synchronous` promises; NORMAL survives a crash of the process only
};

struct WriterOptions {
  /// How long a transaction may wait for its turn and for the write lock.
  std::chrono::milliseconds timeout{5000};
  /// The most transactions that share a commit.
  std::size_t max_group = 256;
  WriterDurability durability = WriterDurability::Synced;
};

/// Counts since the Writer was made.
struct WriterStatistics {
  std::uint64_t transactions = 0;  ///< run, failed ones included
  std::uint64_t failed = 0;
  std::uint64_t commits = 0;        ///< of groups; each is one sync
  std::uint64_t largest_group = 0;  ///< transactions in one commit
};

/// Runs the write transactions of many threads on one connection, and commits those that wait at the same time
/// together. It has no thread of its own: a caller that finds the connection free runs everything that waits, in order
/// of arrival, and commits. A call returns once its own transaction is committed, or throws and has changed nothing.
///
///     libsql::Writer writer = db.writer();
///     writer.execute("INSERT INTO log(text) VALUES (?)", "hello");
///     auto id = writer.run([](libsql::Connection& conn) {
///       conn.execute("INSERT INTO log(text) VALUES (?)", "world");
///       return conn.last_insert_rowid();
///     });
///
/// A job runs inside an open transaction, possibly on the thread of another caller, which waits meanwhile: keep it
/// short, and do not use thread-local state in it. It must not begin, commit or roll back (nested Transactions and
/// savepoints are fine), nor close or reset the connection (all Misuse), nor call this Writer (a deadlock until the
/// timeout), nor keep the connection or anything made from it.
/// Ownership: copies share one; keeps the database open. Threads: may be used by several threads at once.
class LIBSQL_EXPORT Writer final : public Verbs<Writer, std::string_view> {
 public:
  /// Opens the connection. Throws as Database::connect(); OutOfRange for a max_group of 0 or a negative timeout.
  explicit Writer(const Database& database, const WriterOptions& options = {});
  Writer(const Writer&) noexcept;
  Writer(Writer&&) noexcept;
  Writer& operator=(const Writer&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  using Verbs::run;  // one statement

  /// Runs `job(connection)` in a transaction and, once that is committed, returns what it returned. Throws what the job
  /// threw, after undoing what this job did and nothing else; Timeout if its turn did not come in time; TransactionLost
  /// (retryable) if another job broke the group, by a full disk for example; what the commit threw.
  template <std::invocable<Connection&> Job>
  std::invoke_result_t<Job, Connection&> run(Job&& job) {
    return run(timeout(), std::forward<Job>(job));
  }
  /// The same with another timeout.
  template <std::invocable<Connection&> Job>
  std::invoke_result_t<Job, Connection&> run(std::chrono::milliseconds timeout, Job&& job) {
    using Result = std::invoke_result_t<Job, Connection&>;
    static_assert(!std::is_reference_v<Result>, "a job returns a value: a reference would outlive its transaction");
    if constexpr (std::is_void_v<Result>) {
      submit(
          timeout,
          [](void* context, Connection& connection) {
            std::invoke(*static_cast<std::remove_reference_t<Job>*>(context), connection);
          },
          const_cast<void*>(static_cast<const void*>(std::addressof(job))));
    } else {
      std::optional<Result> result;
      auto call = [&](Connection& connection) { result.emplace(std::invoke(job, connection)); };
      submit(
          timeout, [](void* context, Connection& connection) { (*static_cast<decltype(call)*>(context))(connection); },
          &call);
      return *std::move(result);
    }
  }

  /// All statements of a script, or of a list, as one transaction.
  BatchResult execute_batch(std::string_view script);
  BatchResult execute_batch(std::span<const BatchStatement> statements);
  BatchResult execute_batch(std::initializer_list<BatchStatement> statements) {
    return execute_batch(std::span<const BatchStatement>(statements.begin(), statements.size()));
  }

  std::chrono::milliseconds timeout() const noexcept;
  WriterStatistics statistics() const;

 private:
  class Impl;
  friend class Verbs<Writer, std::string_view>;
  std::uint64_t execute_view(std::string_view sql, const detail::ParamsView& params);
  RunResult run_view(std::string_view sql, const detail::ParamsView& params);
  template <detail::Wanted wanted, class Read>
  auto read_scope(std::string_view sql, const detail::ParamsView& params, Read read) {
    return run([&](Connection& connection) { return connection.read_scope<wanted>(sql, params, read); });
  }
  void submit(std::chrono::milliseconds timeout, void (*job)(void*, Connection&), void* context);
  std::shared_ptr<Impl> impl_;
};

}  // namespace libsql
