// The command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/database_settings.hpp"
#include "cli/output_settings.hpp"

namespace libsql::cli {

struct Options {
  DatabaseSettings database;
  bool file_given = false;
  std::vector<std::string> sql;       // run instead of standard input
  std::vector<std::string> commands;  // run before
  std::string init_file;
  std::optional<OutputMode> mode;
  std::optional<bool> headers;
  std::optional<std::string> column_separator;
  std::optional<std::string> row_separator;
  std::optional<std::string> null_value;
  bool bail = false;
  bool echo = false;
  bool stats = false;
  bool batch = false;
  bool interactive = false;
  bool help = false;
  bool version = false;
};

/// Reads the command line. Long options may be written with one dash, as sqlite3 has them. Throws UsageError.
Options parse_options(int argc, const char* const* argv);

/// What --help and --version print.
std::string help_text();
std::string version_text();

}  // namespace libsql::cli
