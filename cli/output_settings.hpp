// How results are shown: what .mode, .headers, .separator and the like set.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace libsql::cli {

enum class OutputMode : unsigned char {
  List,
  Csv,
  Tabs,
  Ascii,
  Json,
  JsonLines,
  Line,
  Column,
  Table,
  Box,
  Markdown,
  Insert,
  Quote,
  Html,
  Tcl,
  Off,
};

struct OutputModeInfo {
  OutputMode mode;
  std::string_view name;
  std::string_view summary;
};

/// Every mode with its name, in the order in which .help lists them.
std::span<const OutputModeInfo> output_modes() noexcept;
std::string_view name_of(OutputMode mode) noexcept;
/// The mode of that name, or of the only name that begins so.
std::optional<OutputMode> output_mode_of(std::string_view name) noexcept;

/// Whether the mode lays its rows out in columns, and so must see all of them before it prints the first.
bool is_columnar(OutputMode mode) noexcept;

struct OutputSettings {
  OutputMode mode = OutputMode::List;
  bool headers = false;
  bool headers_chosen = false;  // .headers was used, so a change of mode leaves it alone
  std::string column_separator = "|";
  std::string row_separator = "\n";
  std::string null_value;
  std::string insert_table = "table";
  std::vector<int> widths;  // per column; 0: as wide as needed, negative: aligned to the right
  int wrap = 0;             // wrap cells that are wider; 0: never
  bool word_wrap = false;   // wrap between words
  bool colour = false;      // the output is a terminal that wants colours

  /// Changes the mode, with the separators that people expect of it.
  void choose(OutputMode chosen);
};

}  // namespace libsql::cli
