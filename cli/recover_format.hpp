// The format of a database file (https://www.sqlite.org/fileformat2.html), read without trust in any byte of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/value.hpp>

namespace libsql::cli {

enum class PageKind : std::uint8_t { Other, IndexInterior = 2, TableInterior = 5, IndexLeaf = 10, TableLeaf = 13 };

enum class TextEncoding : std::uint8_t { Utf8 = 1, Utf16Little = 2, Utf16Big = 3 };

inline bool is_interior(PageKind kind) noexcept {
  return kind == PageKind::IndexInterior || kind == PageKind::TableInterior;
}
inline bool is_index(PageKind kind) noexcept { return kind == PageKind::IndexInterior || kind == PageKind::IndexLeaf; }

/// What a page says that it is. The first page has its own header behind that of the file.
PageKind kind_of(std::string_view page, std::uint32_t number) noexcept;

/// One cell of a page; its numbers are as stored, and may be nonsense.
struct Cell {
  std::uint32_t child = 0;     // of an interior page
  std::int64_t rowid = 0;      // of a table
  std::uint64_t payload = 0;   // its whole size
  std::string_view local;      // the part of it on the page
  std::uint32_t overflow = 0;  // the page that goes on with it
};

/// The cells of a page that lie within it. `usable`: the size of a page without what is reserved at its end.
std::vector<Cell> cells_of(std::string_view page, std::uint32_t number, std::uint32_t usable);
/// The last child of an interior page.
std::uint32_t right_child_of(std::string_view page, std::uint32_t number) noexcept;

std::uint32_t read_u32(std::string_view bytes, std::size_t at) noexcept;

/// The values of a record of `size` bytes, of which `payload` is what could be read; values beyond that are NULL.
/// Nothing if its header does not add up to its size: then it is not a record.
std::optional<std::vector<Value>> decode_record(std::string_view payload, std::uint64_t size, TextEncoding encoding);

}  // namespace libsql::cli
