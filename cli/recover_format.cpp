#include "cli/recover_format.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

namespace libsql::cli {
namespace {

constexpr std::size_t kFileHeader = 100;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) noexcept {
  return at < bytes.size() ? static_cast<std::uint8_t>(bytes[at]) : std::uint8_t{0};
}

std::uint32_t read_u16(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint32_t>(byte_at(bytes, at)) << 8U | byte_at(bytes, at + 1);
}

std::size_t header_of(std::uint32_t number) noexcept { return number == 1 ? kFileHeader : 0; }

// Moves `at` behind the number; nothing if the text ends in it.
std::optional<std::uint64_t> read_varint(std::string_view bytes, std::size_t& at) noexcept {
  std::uint64_t value = 0;
  for (int i = 0; i < 9; ++i) {
    if (at >= bytes.size()) return std::nullopt;
    const std::uint8_t byte = byte_at(bytes, at++);
    if (i == 8) return value << 8U | byte;
    value = value << 7U | (byte & 0x7FU);
    if (byte < 0x80) return value;
  }
  return value;
}

// How much of a payload is on the page.
std::uint64_t local_size(std::uint64_t payload, bool index, std::uint32_t usable) noexcept {
  const std::uint64_t most = index ? (usable - 12ULL) * 64 / 255 - 23 : usable - 35ULL;
  if (payload <= most) return payload;
  const std::uint64_t least = (usable - 12ULL) * 32 / 255 - 23;
  const std::uint64_t fitting = least + (payload - least) % (usable - 4ULL);
  return fitting <= most ? fitting : least;
}

std::uint64_t size_of(std::uint64_t type) noexcept {
  constexpr std::uint8_t kSizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
  return type < 12 ? kSizes[type] : (type - 12) / 2;
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | code >> 6U);
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0U | code >> 12U);
    out += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else {
    out += static_cast<char>(0xF0U | code >> 18U);
    out += static_cast<char>(0x80U | (code >> 12U & 0x3FU));
    out += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  }
}

std::string text_of(std::string_view bytes, TextEncoding encoding) {
  if (encoding == TextEncoding::Utf8) return std::string(bytes);
  const auto unit = [&](std::size_t at) -> std::uint32_t {
    return encoding == TextEncoding::Utf16Big
               ? read_u16(bytes, at)
               : static_cast<std::uint32_t>(byte_at(bytes, at + 1)) << 8U | byte_at(bytes, at);
  };
  std::string text;
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    std::uint32_t code = unit(at);
    if (code >= 0xD800 && code < 0xDC00 && at + 3 < bytes.size()) {
      const std::uint32_t second = unit(at + 2);
      if (second >= 0xDC00 && second < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10U) + (second - 0xDC00);
        at += 2;
      }
    }
    append_utf8(text, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
  }
  return text;
}

Value value_of(std::uint64_t type, std::string_view bytes, TextEncoding encoding) {
  if (type >= 12) {
    if (type % 2 != 0) return Value(text_of(bytes, encoding));
    const auto data = std::as_bytes(std::span(bytes));
    return Value(Blob(data.begin(), data.end()));
  }
  if (type == 8 || type == 9) return Value(static_cast<std::int64_t>(type - 8));
  if (type == 0 || type > 9) return Value(nullptr);
  std::uint64_t bits = (byte_at(bytes, 0) & 0x80U) != 0 && type != 7 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) bits = bits << 8U | byte_at(bytes, i);
  if (type == 7) {
    const double real = std::bit_cast<double>(bits);
    return real != real ? Value(nullptr) : Value(real);
  }
  return Value(static_cast<std::int64_t>(bits));
}

}  // namespace

std::uint32_t read_u32(std::string_view bytes, std::size_t at) noexcept {
  return read_u16(bytes, at) << 16U | read_u16(bytes, at + 2);
}

PageKind kind_of(std::string_view page, std::uint32_t number) noexcept {
  const std::uint8_t kind = byte_at(page, header_of(number));
  return kind == 2 || kind == 5 || kind == 10 || kind == 13 ? static_cast<PageKind>(kind) : PageKind::Other;
}

std::uint32_t right_child_of(std::string_view page, std::uint32_t number) noexcept {
  return read_u32(page, header_of(number) + 8);
}

std::vector<Cell> cells_of(std::string_view page, std::uint32_t number, std::uint32_t usable) {
  const PageKind kind = kind_of(page, number);
  std::vector<Cell> cells;
  if (kind == PageKind::Other || page.size() < usable || usable < 480) return cells;
  page = page.substr(0, usable);
  const std::size_t header = header_of(number);
  const std::size_t pointers = header + (is_interior(kind) ? 12 : 8);
  const std::size_t most = (usable - pointers) / 2;
  const std::size_t count = std::min<std::size_t>(read_u16(page, header + 3), most);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t at = read_u16(page, pointers + 2 * i);
    if (at < pointers || at >= usable) continue;
    Cell cell;
    if (is_interior(kind)) {
      if (at + 4 > usable) continue;
      cell.child = read_u32(page, at);
      at += 4;
    }
    if (kind != PageKind::TableInterior) {
      const auto size = read_varint(page, at);
      if (!size) continue;
      cell.payload = *size;
    }
    if (!is_index(kind)) {
      const auto rowid = read_varint(page, at);
      if (!rowid) continue;
      cell.rowid = static_cast<std::int64_t>(*rowid);
    }
    if (kind != PageKind::TableInterior) {
      const std::uint64_t local = local_size(cell.payload, is_index(kind), usable);
      const bool overflows = local < cell.payload;
      if (at > usable || local + (overflows ? 4 : 0) > usable - at) continue;
      cell.local = page.substr(at, static_cast<std::size_t>(local));
      if (overflows) cell.overflow = read_u32(page, at + static_cast<std::size_t>(local));
    }
    cells.push_back(cell);
  }
  return cells;
}

std::optional<std::vector<Value>> decode_record(std::string_view payload, std::uint64_t size, TextEncoding encoding) {
  constexpr std::size_t kMostColumns = 32767;
  std::size_t at = 0;
  const auto header = read_varint(payload, at);
  if (!header || *header < at || *header > payload.size()) return std::nullopt;
  std::size_t body = static_cast<std::size_t>(*header);
  const std::string_view types = payload.substr(0, body);
  std::uint64_t end = *header;
  std::vector<Value> values;
  while (at < types.size() && values.size() < kMostColumns) {
    const auto type = read_varint(types, at);
    if (!type) return std::nullopt;
    const std::uint64_t bytes = size_of(*type);
    if (bytes > size - std::min(end, size)) return std::nullopt;
    end += bytes;
    if (bytes > payload.size() - body) {
      values.emplace_back(nullptr);
      body = payload.size();
    } else {
      values.push_back(value_of(*type, payload.substr(body, static_cast<std::size_t>(bytes)), encoding));
      body += static_cast<std::size_t>(bytes);
    }
  }
  if (at != types.size() || end != size) return std::nullopt;
  return values;
}

}  // namespace libsql::cli
