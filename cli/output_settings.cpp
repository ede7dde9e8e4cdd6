#include "cli/output_settings.hpp"

#include <array>

namespace libsql::cli {
namespace {

constexpr std::array<OutputModeInfo, 16> kModes = {{
    {OutputMode::Ascii, "ascii", "columns and rows separated by 0x1F and 0x1E"},
    {OutputMode::Box, "box", "a table drawn with Unicode lines"},
    {OutputMode::Column, "column", "aligned columns"},
    {OutputMode::Csv, "csv", "comma-separated values (RFC 4180)"},
    {OutputMode::Html, "html", "rows of an HTML table"},
    {OutputMode::Insert, "insert", "INSERT statements for a table: .mode insert TABLE"},
    {OutputMode::Json, "json", "one JSON array of objects"},
    {OutputMode::JsonLines, "jsonl", "one JSON object per line"},
    {OutputMode::Line, "line", "one value per line"},
    {OutputMode::List, "list", "values separated by \"|\", see .separator"},
    {OutputMode::Markdown, "markdown", "a Markdown table"},
    {OutputMode::Off, "off", "nothing"},
    {OutputMode::Quote, "quote", "values as SQL literals"},
    {OutputMode::Table, "table", "a table drawn with ASCII characters"},
    {OutputMode::Tabs, "tabs", "values separated by tabs"},
    {OutputMode::Tcl, "tcl", "values as strings of C and Tcl"},
}};

}  // namespace

std::span<const OutputModeInfo> output_modes() noexcept { return kModes; }

std::string_view name_of(OutputMode mode) noexcept {
  for (const OutputModeInfo& info : kModes) {
    if (info.mode == mode) return info.name;
  }
  return {};
}

std::optional<OutputMode> output_mode_of(std::string_view name) noexcept {
  std::optional<OutputMode> found;
  for (const OutputModeInfo& info : kModes) {
    if (info.name == name) return info.mode;
    if (!name.empty() && info.name.starts_with(name)) {
      if (found) return std::nullopt;
      found = info.mode;
    }
  }
  // What the sqlite3 shell calls some of them.
  if (name == "lines") return OutputMode::Line;
  if (name == "columns") return OutputMode::Column;
  return found;
}

bool is_columnar(OutputMode mode) noexcept {
  return mode == OutputMode::Column || mode == OutputMode::Table || mode == OutputMode::Box ||
         mode == OutputMode::Markdown;
}

void OutputSettings::choose(OutputMode chosen) {
  mode = chosen;
  row_separator = "\n";
  switch (chosen) {
    case OutputMode::List:
      column_separator = "|";
      break;
    case OutputMode::Csv:
      column_separator = ",";
      row_separator = "\r\n";
      break;
    case OutputMode::Tabs:
      column_separator = "\t";
      break;
    case OutputMode::Ascii:
      column_separator = "\x1F";
      row_separator = "\x1E";
      break;
    case OutputMode::Tcl:
      column_separator = " ";
      break;
    case OutputMode::Quote:
      column_separator = ",";
      break;
    case OutputMode::Column:
      if (!headers_chosen) headers = true;
      break;
    default:
      break;
  }
}

}  // namespace libsql::cli
