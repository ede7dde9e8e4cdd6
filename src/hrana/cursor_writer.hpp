// Writes the entries of a cursor, for the body of /v3/cursor or for fetch_cursor over a WebSocket.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <libsql/value.hpp>

#include "hrana/encoding.hpp"
#include "hrana/proto_writer.hpp"
#include "hrana/responses.hpp"

namespace libsql::hrana {

/// Appends entries to a string, each complete: the caller may send what is there and clear the string after any call.
///
/// Body: lines of JSON, or Protobuf messages with their lengths; `last_insert_rowid` is a JSON number (observed: sqld
/// 0.24.33). Fetch: what ResponseWriter::fetched() takes; `last_insert_rowid` is a string, as the specification has it
/// and
/// @libsql/hrana-client 0.10 wants it.
class CursorEntryWriter {
 public:
  enum class Framing : std::uint8_t { Body, Fetch };
  CursorEntryWriter(Encoding encoding, Framing framing, std::string& out) noexcept
      : out_(out), encoding_(encoding), framing_(framing) {}

  /// The first item of a body, before all entries.
  void head(std::optional<std::string_view> baton, std::optional<std::string_view> base_url);

  void step_begin(std::uint32_t step, std::span<const Col> cols);
  /// False if a text is not UTF-8: then nothing is written.
  [[nodiscard]] bool row(std::span<const ValueRef> cells);
  void step_end(std::uint64_t affected_row_count, std::optional<std::int64_t> last_insert_rowid);
  void step_error(std::uint32_t step, const WireError& error);
  void error(const WireError& error);
  /// Ends a complete batch, but only where clients understand it: in a JSON body. Elsewhere it writes nothing.
  void replication_index(std::optional<std::uint64_t> index);

 private:
  bool is_json() const noexcept { return encoding_ == Encoding::Json; }
  proto::Gap begin();
  void end_line();

  std::string& out_;
  Encoding encoding_;
  Framing framing_;
};

}  // namespace libsql::hrana
