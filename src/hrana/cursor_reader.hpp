// Reads the body of /v3/cursor as it arrives.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/arena.hpp"
#include "hrana/encoding.hpp"
#include "hrana/responses.hpp"

namespace libsql::hrana {

/// Takes bytes in pieces of any size and gives entries. Holds what was fed and not yet read, so one piece and one
/// incomplete entry at most; its memory does not grow with the number of rows.
///
///     CursorReader reader(encoding);
///     do {
///       reader.feed(piece);            // or finish() at the end of the body
///       while (auto entry = reader.next()) ...
///     } while (more);
///
/// Throws DecodeError from feed(), next() and head(); after that the reader is of no further use.
class CursorReader {
 public:
  static constexpr std::size_t kMaxItemBytes = std::size_t{1} << 30;

  /// An item larger than `max_item_bytes` is refused as soon as its size is known.
  explicit CursorReader(Encoding encoding, std::size_t max_item_bytes = kMaxItemBytes);
  ~CursorReader();
  CursorReader(CursorReader&&) noexcept;
  CursorReader& operator=(CursorReader&&) noexcept;

  /// Adds bytes. The views given until now end.
  void feed(std::string_view bytes);
  /// No bytes follow: what is there is complete. A JSON line may lack its end; a Protobuf item may not.
  void finish();

  /// The first item; null until it is complete. Valid as long as the reader.
  const CursorHead* head();
  /// The next entry, or none until more bytes are fed. Its views end with the next call of next() or feed(). Entries of
  /// types that are not known are passed over.
  std::optional<CursorEntry> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace libsql::hrana
