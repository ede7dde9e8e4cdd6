#include "hrana/cursor_writer.hpp"

#include "core/utf8.hpp"
#include "hrana/json_writer.hpp"
#include "hrana/proto_writer.hpp"

namespace libsql::hrana {

namespace {

enum EntryField : std::uint32_t { kStepBegin = 1, kStepEnd = 2, kStepError = 3, kRow = 4, kError = 5 };

}  // namespace

// The room for the length of an item, in Protobuf.
proto::Gap CursorEntryWriter::begin() {
  if (framing_ == Framing::Fetch) return proto::open(1, out_);
  return proto::open(out_);
}

void CursorEntryWriter::end_line() { out_ += framing_ == Framing::Body ? '\n' : ','; }

void CursorEntryWriter::head(std::optional<std::string_view> baton, std::optional<std::string_view> base_url) {
  if (is_json()) {
    out_ += "{\"baton\":";
    json::append_text_or_null(baton, out_);
    out_ += ",\"base_url\":";
    json::append_text_or_null(base_url, out_);
    out_ += '}';
    end_line();
    return;
  }
  const proto::Gap item = begin();
  if (baton) proto::append_text(1, *baton, out_);
  if (base_url) proto::append_text(2, *base_url, out_);
  proto::close(item, out_);
}

void CursorEntryWriter::step_begin(std::uint32_t step, std::span<const Col> cols) {
  if (is_json()) {
    out_ += R"({"type":"step_begin","step":)";
    json::append_number(step, out_);
    out_ += ",\"cols\":";
    json::append_cols(cols, out_);
    out_ += '}';
    end_line();
    return;
  }
  const proto::Gap item = begin();
  const proto::Gap entry = proto::open(kStepBegin, out_);
  if (step != 0) proto::append_uint(1, step, out_);
  proto::append_cols(2, cols, out_);
  proto::close(entry, out_);
  proto::close(item, out_);
}

bool CursorEntryWriter::row(std::span<const ValueRef> cells) {
  if (is_json()) {
    const std::size_t start = out_.size();
    out_ += R"({"type":"row","row":)";
    if (!json::append_values(cells, out_)) {
      out_.resize(start);
      return false;
    }
    out_ += '}';
    end_line();
    return true;
  }
  for (const ValueRef& cell : cells) {
    if (cell.type() == ValueType::Text && !core::is_utf8(cell.text())) return false;
  }
  const std::size_t size = proto::row_size(cells);
  if (framing_ == Framing::Fetch) out_ += '\x0a';
  proto::append_varint(1 + proto::varint_size(size) + size, out_);
  proto::append_row(kRow, cells, out_);
  return true;
}

void CursorEntryWriter::step_end(std::uint64_t affected_row_count, std::optional<std::int64_t> last_insert_rowid) {
  if (is_json()) {
    out_ += R"({"type":"step_end","affected_row_count":)";
    json::append_number(affected_row_count, out_);
    out_ += ",\"last_insert_rowid\":";
    const char* const quote = framing_ == Framing::Fetch ? "\"" : "";
    if (last_insert_rowid) {
      out_ += quote;
      json::append_number(*last_insert_rowid, out_);
      out_ += quote;
    } else {
      out_ += "null";
    }
    out_ += '}';
    end_line();
    return;
  }
  const proto::Gap item = begin();
  const proto::Gap entry = proto::open(kStepEnd, out_);
  if (affected_row_count != 0) proto::append_uint(1, affected_row_count, out_);
  if (last_insert_rowid) proto::append_sint(2, *last_insert_rowid, out_);
  proto::close(entry, out_);
  proto::close(item, out_);
}

void CursorEntryWriter::step_error(std::uint32_t step, const WireError& error) {
  if (is_json()) {
    out_ += R"({"type":"step_error","step":)";
    json::append_number(step, out_);
    out_ += ",\"error\":";
    json::append_error(error, out_);
    out_ += '}';
    end_line();
    return;
  }
  const proto::Gap item = begin();
  const proto::Gap entry = proto::open(kStepError, out_);
  if (step != 0) proto::append_uint(1, step, out_);
  proto::append_error(2, error, out_);
  proto::close(entry, out_);
  proto::close(item, out_);
}

void CursorEntryWriter::error(const WireError& error) {
  if (is_json()) {
    out_ += R"({"type":"error","error":)";
    json::append_error(error, out_);
    out_ += '}';
    end_line();
    return;
  }
  const proto::Gap item = begin();
  proto::append_error(kError, error, out_);
  proto::close(item, out_);
}

void CursorEntryWriter::replication_index(std::optional<std::uint64_t> index) {
  // @libsql/hrana-client 0.10 refuses a cursor with such an entry in Protobuf and over WebSocket.
  if (!is_json() || framing_ == Framing::Fetch) return;
  out_ += R"({"type":"replication_index","replication_index":)";
  if (index) {
    json::append_number(*index, out_);
  } else {
    out_ += "null";
  }
  out_ += '}';
  end_line();
}

}  // namespace libsql::hrana
