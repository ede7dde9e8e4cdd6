// The body of a cursor, fed in pieces: how it is cut must not change what is read.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/hrana_stability.hpp"
#include "hrana/cursor_reader.hpp"
#include "hrana/cursor_writer.hpp"

namespace {

using namespace libsql::hrana;

struct Write {
  CursorEntryWriter& writer;
  void operator()(const StepBegin& entry) const { writer.step_begin(entry.step, entry.cols); }
  void operator()(const CursorRow& entry) const {
    hrana_fuzz::require(writer.row(entry.cells), "a row that was read cannot be written");
  }
  void operator()(const StepEnd& entry) const { writer.step_end(entry.affected_row_count, entry.last_insert_rowid); }
  void operator()(const StepError& entry) const { writer.step_error(entry.step, entry.error); }
  void operator()(const CursorError& entry) const { writer.error(entry.error); }
  void operator()(const ReplicationIndex& entry) const { writer.replication_index(entry.value); }
};

struct Reading {
  std::string written;
  bool failed = false;
};

Reading read(Encoding encoding, std::string_view body, std::size_t piece) {
  Reading reading;
  CursorReader reader(encoding, 1U << 16U);
  CursorEntryWriter writer(encoding, CursorEntryWriter::Framing::Body, reading.written);
  bool has_head = false;
  const auto drain = [&] {
    const CursorHead* head = reader.head();
    if (head == nullptr) return;
    if (!has_head) writer.head(head->baton, head->base_url);
    has_head = true;
    while (const auto entry = reader.next()) std::visit(Write{writer}, *entry);
  };
  try {
    for (std::size_t at = 0; at < body.size(); at += piece) {
      reader.feed(body.substr(at, piece));
      drain();
    }
    reader.finish();
    drain();
  } catch (const DecodeError&) {
    reading.failed = true;
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Encoding encoding = (data[0] & 1U) != 0 ? Encoding::Protobuf : Encoding::Json;
  const std::size_t piece = 1 + data[1];
  const std::string_view body(reinterpret_cast<const char*>(data + 2), size - 2);
  const Reading whole = read(encoding, body, body.size() + 1);
  const Reading pieces = read(encoding, body, piece);
  hrana_fuzz::require(whole.failed == pieces.failed, "whether a body is read depends on how it is cut");
  hrana_fuzz::require(whole.written == pieces.written, "what is read depends on how the body is cut");
  const Reading again = read(encoding, whole.written, piece);
  hrana_fuzz::require(!again.failed && again.written == whole.written, "a cursor changes when it is read and written");
  return 0;
}
