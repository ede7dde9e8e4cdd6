// What is said to the server, and on which stream: outside a transaction every call has a stream of its own, which ends
// with it; inside one all share a stream, whose loss is the transaction's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "remote/cursor_run.hpp"
#include "remote/text.hpp"
#include "remote/wire.hpp"

namespace libsql::remote {

/// The result of one statement, with the memory of its rows.
struct Ran {
  Answers answers;
  const hrana::StmtResult* result;
};

/// The outcome of a script's statements in one request. `failed` is the first that did, `refused` the error of a batch
/// of which nothing ran.
struct RanBatch {
  Answers answers;
  const hrana::BatchResult* result = nullptr;
  const hrana::WireError* refused = nullptr;
};

class Conversation {
 public:
  explicit Conversation(std::shared_ptr<Wire> wire) noexcept : wire_(std::move(wire)) {}

  Wire& wire() noexcept { return *wire_; }
  /// Whether a transaction is open at the server.
  bool is_open() const noexcept { return held_ != nullptr; }
  /// Whether a transaction() is open here.
  bool is_watched() const noexcept { return watched_; }
  void watch(bool on) noexcept {
    watched_ = on;
    if (!on) read_only_ = false;
  }
  /// Whether it may only read, and only that of a transaction() may.
  bool is_read_only() const noexcept { return read_only_; }
  void watch_read_only() noexcept { watched_ = read_only_ = true; }
  /// Throws TransactionLost if one is open here that the server does not have any more.
  void check(std::string_view sql) const;
  bool is_lost() const noexcept { return lost_.has_value(); }

  /// From now on every new stream begins with this PRAGMA, in the place of an earlier one of that name.
  void keep_setting(std::string_view pragma, std::string_view statement);

  /// Runs one statement wherever it belongs, and follows what it does to the transaction. Throws the error of the
  /// statement.
  Ran execute(const Text& text, const hrana::Stmt& stmt, const Call& call);
  /// Runs the statements one after the other up to the first that fails. `leads_out`: among them is one that begins or
  /// ends a transaction or sets up the stream. The stream stays for the rest of a script unless `last`.
  RanBatch execute_script(std::span<const hrana::Stmt> stmts, bool leads_out, bool last, const Call& call);
  /// Runs the statements in a transaction of their own, or in a savepoint of the open one; all or nothing. `stored` is
  /// a text that they name by the number 0.
  RanBatch execute_atomically(std::span<const hrana::Stmt> stmts, std::string_view stored, const Call& call);
  /// What the steps of execute_atomically() are: the first statement's number, and that of the step that makes them
  /// lasting.
  static constexpr std::uint32_t kFirstStep = 1;
  static std::uint32_t last_step(std::size_t statements) noexcept { return static_cast<std::uint32_t>(statements) + 1; }

  /// Whether open_cursor() can be called: not with version 2.
  bool has_cursors(const Call& call) { return wire_->version(call) >= 3; }
  /// Opens a cursor over one statement. Throws the error of the statement if the server refuses its text.
  std::unique_ptr<CursorRun> open_cursor(const Text& text, const hrana::Stmt& stmt, CursorRun::Listener& listener,
                                         const Call& call);
  /// The cursor whose rows come on the transaction's stream, if one is open: nothing else can be sent there until it
  /// has ended, or keeps its rows.
  CursorRun* streaming() const noexcept { return streaming_; }
  /// That cursor needs the stream no more.
  void free_stream(const CursorRun& run) noexcept {
    if (streaming_ == &run) streaming_ = nullptr;
  }

  /// Describes a statement. Throws the error of the statement.
  Description describe(const Text& text, const Call& call);

  /// Ends the transaction at the server, if there is one, whatever the network says: what is not told is undone when
  /// the server misses its client. Throws Timeout or Interrupted only if nothing could be sent.
  void roll_back(const Call& call) noexcept;
  /// Undoes a savepoint and removes it.
  void undo_savepoint(std::string_view script, const Call& call);
  /// The server has lost the transaction, or the connection to it.
  void lose(std::string why);
  /// The server has ended it, as the statement wanted or not.
  void release() noexcept;
  /// What the newest answer that has one says of the primary's log: the number of the commit's last frame after a
  /// write outside a transaction and after a COMMIT, else of the newest commit. None from servers without a log.
  std::optional<std::uint64_t> replication_index() const noexcept { return replication_index_; }
  /// The same, once: so that an answer which has none is told from one before it.
  std::optional<std::uint64_t> take_replication_index() noexcept { return std::exchange(replication_index_, {}); }
  /// The highest of them. (A log that begins again counts from a lower number: then this one tells nothing any more.)
  std::optional<std::uint64_t> highest_replication_index() const noexcept { return highest_index_; }
  /// Nothing is open and nothing is lost.
  void forget() noexcept;

 private:
  Answers ask(Stream& stream, std::span<const hrana::Request> requests, After after, const Call& call);
  Ran execute_alone(const Text& text, const hrana::Stmt& stmt, const Call& call);
  Ran execute_inside(const Text& text, const hrana::Stmt& stmt, const Call& call);
  Ran open(const Text& text, const hrana::Stmt& stmt, const Call& call);
  template <class Run>
  auto inside(Run&& run);
  std::shared_ptr<Stream> new_stream(Call& call);
  std::optional<net::Deadline> limit_of_waiting(const Call& call);
  template <class Run>
  auto waiting(const Call& call, std::optional<net::Deadline> limit, Run&& run);
  std::shared_ptr<Stream> locked_stream(Call& call, net::Deadline limit);
  Ran execute_locked(const Text& text, const hrana::Stmt& stmt, const Call& call, net::Deadline limit);
  void prove(const Text& text, const Call& call);
  [[noreturn]] void fail(const hrana::WireError& error, const Text& text);
  [[noreturn]] void throw_lost(std::string_view sql);

  std::shared_ptr<Wire> wire_;
  std::shared_ptr<Stream> held_;    // while a transaction is open
  std::shared_ptr<Stream> script_;  // between the requests of a script outside a transaction
  std::optional<std::string> lost_;
  std::vector<std::pair<std::string, std::string>> settings_;  // what a PRAGMA sets, and its text
  bool watched_ = false;
  bool read_only_ = false;
  CursorRun* streaming_ = nullptr;
  std::optional<std::uint64_t> replication_index_;
  std::optional<std::uint64_t> highest_index_;
};

}  // namespace libsql::remote
