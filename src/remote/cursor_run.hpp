// One run of a statement whose rows come as they are read: the entries of a cursor in their order, and what they say of
// the transaction around it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <libsql/value.hpp>

#include "remote/text.hpp"
#include "remote/wire.hpp"

namespace libsql::remote {

class Conversation;

/// Made by Conversation::open_cursor(). Its end leaves what was not read. Conversation, text and listener outlive it.
class CursorRun {
 public:
  struct Totals {
    std::uint64_t affected = 0;
    std::optional<std::int64_t> last_insert_rowid;
    std::uint64_t rows = 0;
  };
  /// Told while entries are read, which may be before the user asks for the rows: see keep_rest().
  class Listener {
   public:
    virtual void cursor_began(std::span<const hrana::Col> cols) = 0;
    virtual void cursor_ended(const Totals& totals) = 0;

   protected:
    ~Listener() = default;
  };

  /// `in_transaction`: the stream is the transaction's, and the cursor has a second step, the probe, which runs only if
  /// the transaction is gone.
  CursorRun(Conversation& conversation, const Text& text, Listener& listener, std::shared_ptr<Stream> stream,
            std::unique_ptr<Cursor> cursor, bool in_transaction);
  ~CursorRun();
  CursorRun(const CursorRun&) = delete;
  CursorRun& operator=(const CursorRun&) = delete;

  /// The number of that step.
  static constexpr std::uint32_t kProbe = 1;

  /// Goes to the next row; false at the end. Throws the statement's error, Protocol for an answer that makes no sense,
  /// what breaks the connection, TransactionLost; Interrupted after cut(). There are no rows after that.
  bool next(const Call& call);
  /// The current row. Stays where it is; what it shows changes with next() and keep_rest().
  const std::span<const ValueRef>& cells() const noexcept { return cells_; }
  /// How many rows have come.
  std::uint64_t row_count() const noexcept { return totals_.rows; }
  /// Whether next() will not ask the server any more.
  bool is_settled() const noexcept { return !is_open_; }
  /// Whether the server has said that the statement ran to its end.
  bool is_complete() const noexcept { return complete_; }
  const Totals& totals() const noexcept { return totals_; }
  const Text& text() const noexcept { return text_; }

  /// Reads the rows that are still to come into memory, so that their stream is free. What fails meanwhile is thrown
  /// when the rows before it are read. False if they take more than `limit` bytes: then they come on as before, and the
  /// stream is not free.
  bool keep_rest(std::size_t limit, const Call& call);
  /// Ends the rows that are still to come: next() throws Interrupted, which says why.
  void cut(const char* why) noexcept;
  bool is_cut() const noexcept { return cut_ != nullptr; }

 private:
  bool read_row(const Call& call);
  void finish();
  [[noreturn]] void fail(const hrana::WireError& error, const Call& call);
  std::optional<hrana::CursorEntry> next_entry(const Call& call);
  void note_entry_of_probe(const hrana::CursorEntry& entry) noexcept;
  void close() noexcept;
  void keep_row();
  bool advance_kept();
  void show_kept();

  Conversation& conversation_;
  const Text& text_;
  Listener& listener_;
  std::shared_ptr<Stream> stream_;  // before the cursor, which it must outlive
  std::unique_ptr<Cursor> cursor_;
  const bool in_transaction_;
  bool is_open_ = true;  // entries may still come
  bool began_ = false;
  bool complete_ = false;
  bool transaction_gone_ = false;
  std::size_t columns_ = 0;
  Totals totals_;
  std::span<const ValueRef> cells_;
  const char* cut_ = nullptr;

  std::deque<std::vector<Value>> kept_;  // rows before those of the cursor; the current one first
  std::size_t kept_bytes_ = 0;
  std::vector<ValueRef> kept_cells_;
  std::exception_ptr kept_error_;
};

}  // namespace libsql::remote
