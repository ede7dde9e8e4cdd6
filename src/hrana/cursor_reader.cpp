#include "hrana/cursor_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <protozero/varint.hpp>

#include "hrana/json_reader.hpp"
#include "hrana/json_values.hpp"
#include "hrana/proto_reader.hpp"
#include "hrana/proto_values.hpp"

namespace libsql::hrana {

struct CursorReader::State {
  State(Encoding wanted_encoding, std::size_t max_bytes)
      : arena(first), encoding(wanted_encoding), max_item_bytes(max_bytes) {}

  // The next item without its frame, if all of it is there.
  std::optional<std::string_view> next_item();
  std::optional<std::string_view> next_line();
  std::optional<std::string_view> next_delimited();
  [[noreturn]] void refuse_size() const;

  std::string buffer;
  std::size_t at = 0;       // where the next item begins
  std::size_t scanned = 0;  // up to where no end of a line was found
  std::size_t passed = 0;   // bytes of the body before the buffer
  alignas(std::max_align_t) std::byte first[4096] = {};
  core::Arena arena;       // of the current entry
  core::Arena head_arena;  // of the head, which lasts longer
  std::string head_bytes;
  std::optional<CursorHead> head;
  Encoding encoding;
  std::size_t max_item_bytes;
  bool finished = false;
};

void CursorReader::State::refuse_size() const {
  throw DecodeError(DecodeError::Kind::TooLarge, passed + at, "an entry of the cursor exceeds the reader's limit");
}

std::optional<std::string_view> CursorReader::State::next_line() {
  const char* const start = buffer.data() + at;
  const auto available = buffer.size() - at;
  const auto* newline = static_cast<const char*>(std::memchr(start + scanned, '\n', available - scanned));
  const std::size_t size = newline != nullptr ? static_cast<std::size_t>(newline - start) : available;
  if (size > max_item_bytes) refuse_size();
  if (newline == nullptr) {
    scanned = available;
    if (!finished || available == 0) return std::nullopt;
  }
  scanned = 0;
  at += size + (newline != nullptr ? 1 : 0);
  std::string_view line(start, size);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::optional<std::string_view> CursorReader::State::next_delimited() {
  const char* position = buffer.data() + at;
  const char* const end = buffer.data() + buffer.size();
  if (position == end) return std::nullopt;
  std::uint64_t size = 0;
  bool has_size = true;
  try {
    size = protozero::decode_varint(&position, end);
  } catch (const protozero::end_of_buffer_exception&) {
    has_size = false;
  } catch (const protozero::exception&) {
    throw DecodeError(DecodeError::Kind::Malformed, passed + at, "a length of more than ten bytes");
  }
  if (has_size && size > max_item_bytes) refuse_size();
  if (!has_size || static_cast<std::uint64_t>(end - position) < size) {
    if (finished) throw DecodeError(DecodeError::Kind::Malformed, passed + at, "the body ends within an entry");
    return std::nullopt;
  }
  at = static_cast<std::size_t>(position - buffer.data() + static_cast<std::ptrdiff_t>(size));
  return std::string_view(position, static_cast<std::size_t>(size));
}

std::optional<std::string_view> CursorReader::State::next_item() {
  if (encoding == Encoding::Protobuf) return next_delimited();
  while (true) {
    const auto line = next_line();
    if (!line || line->find_first_not_of(" \t") != std::string_view::npos) return line;  // Empty lines say nothing.
  }
}

CursorReader::CursorReader(Encoding encoding, std::size_t max_item_bytes)
    : state_(std::make_unique<State>(encoding, max_item_bytes)) {}
CursorReader::~CursorReader() = default;
CursorReader::CursorReader(CursorReader&&) noexcept = default;
CursorReader& CursorReader::operator=(CursorReader&&) noexcept = default;

void CursorReader::feed(std::string_view bytes) {
  State& state = *state_;
  state.buffer.erase(0, state.at);
  state.passed += std::exchange(state.at, 0);
  state.buffer += bytes;
}

void CursorReader::finish() { state_->finished = true; }

const CursorHead* CursorReader::head() {
  State& state = *state_;
  if (state.head) return &*state.head;
  const auto item = state.next_item();
  if (!item) return nullptr;
  state.head_bytes = *item;  // The caller may want it after the bytes are gone.
  if (state.encoding == Encoding::Json) {
    JsonReader reader(state.head_bytes, state.head_arena);
    state.head = json::read_cursor_head(reader);
    reader.end();
  } else {
    proto::Context context(state.head_bytes, state.head_arena, true);
    state.head = proto::read_cursor_head(context, state.head_bytes);
  }
  return &*state.head;
}

std::optional<CursorEntry> CursorReader::next() {
  State& state = *state_;
  if (head() == nullptr) return std::nullopt;
  while (const auto item = state.next_item()) {
    state.arena.reset();
    std::optional<CursorEntry> entry;
    if (state.encoding == Encoding::Json) {
      JsonReader reader(*item, state.arena);
      entry = json::read_cursor_entry(reader);
      reader.end();
    } else {
      proto::Context context(*item, state.arena, true);
      entry = proto::read_cursor_entry(context, *item);
    }
    if (entry) return entry;
  }
  return std::nullopt;
}

}  // namespace libsql::hrana
