// Dot commands that read and write files.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "cli/backup.hpp"
#include "cli/clone.hpp"
#include "cli/commands.hpp"
#include "cli/errors.hpp"
#include "cli/import.hpp"
#include "cli/shell.hpp"

namespace libsql::cli {
namespace {

// The argument without its one or two dashes, or empty if it is not an option.
std::string option_name(const std::string& argument) {
  if (argument.size() < 2 || argument[0] != '-') return {};
  return argument.substr(argument[1] == '-' ? 2 : 1);
}

void run_import(Shell& shell, const Arguments& arguments) {
  ImportOptions options;
  options.format.column_separator = shell.format().column_separator;
  options.format.row_separator = shell.format().row_separator;
  if (options.format.row_separator == "\r\n") options.format.row_separator = "\n";
  options.format.quotes = shell.format().mode != OutputMode::Ascii;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string option = option_name(arguments[i]);
    if (option.empty()) {
      if (options.file.empty()) {
        options.file = arguments[i];
      } else if (options.table.empty()) {
        options.table = arguments[i];
      } else {
        throw UsageError("usage: .import FILE TABLE; see .help import");
      }
    } else if (option == "csv") {
      options.format = {",", "\n", true};
    } else if (option == "tabs") {
      options.format = {"\t", "\n", false};
    } else if (option == "ascii") {
      options.format = {"\x1F", "\x1E", false};
    } else if (option == "skip" && i + 1 < arguments.size()) {
      const long long records = parse_number(arguments[++i]);
      if (records < 0) throw UsageError("--skip needs 0 or more");
      options.skip = static_cast<std::uint64_t>(records);
    } else if (option == "schema" && i + 1 < arguments.size()) {
      options.schema = arguments[++i];
    } else if (option == "v" || option == "verbose") {
      options.verbose = true;
    } else {
      throw UsageError("unknown option " + arguments[i] + "; see .help import");
    }
  }
  if (options.table.empty()) throw UsageError("usage: .import FILE TABLE; see .help import");
  if (options.format.column_separator.empty() || options.format.row_separator.empty()) {
    throw CommandError("importing needs a column and a row separator; see .separator");
  }
  import(shell, options);
}

// One file name, or a "|COMMAND ARGUMENT ..." that comes as several words.
std::string joined_destination(const Arguments& arguments, std::string_view usage) {
  std::string destination;
  for (const std::string& argument : arguments) {
    if (!destination.empty() && destination.front() != '|') throw UsageError(std::string(usage));
    destination += (destination.empty() ? "" : " ") + argument;
  }
  return destination;
}

void run_read(Shell& shell, const Arguments& arguments) {
  const std::string name = joined_destination(arguments, "usage: .read FILE");
  if (name.empty()) throw UsageError("usage: .read FILE");
  InputFile file(name);
  StreamSource source(file.stream());
  shell.process(source, name);
  file.close();
}

void run_output(Shell& shell, const Arguments& arguments) {
  shell.output().redirect(joined_destination(arguments, "usage: .output ?FILE?"), false);
}

void run_once(Shell& shell, const Arguments& arguments) {
  const std::string destination = joined_destination(arguments, "usage: .once FILE");
  if (destination.empty()) throw UsageError("usage: .once FILE");
  shell.output().redirect(destination, true);
}

void run_open(Shell& shell, const Arguments& arguments) {
  DatabaseSettings settings;
  settings.pragmas = shell.database().pragmas;
  settings.timeout = shell.database().timeout;
  if (arguments.empty() || !is_url(arguments.back())) {
    settings.double_quoted_strings = shell.database().double_quoted_strings;
  }
  bool file_given = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string option = option_name(arguments[i]);
    const bool has_value = i + 1 < arguments.size();
    if (option.empty() && !file_given) {
      settings.path = arguments[i];
      file_given = true;
    } else if (option == "readonly") {
      settings.read_only = true;
    } else if (option == "nofollow") {
      settings.no_follow = true;
    } else if (option == "vfs" && has_value) {
      settings.vfs = arguments[++i];
    } else if (option == "cipher" && has_value) {
      settings.cipher = arguments[++i];
    } else if (option == "key-file" && has_value) {
      settings.key_file = arguments[++i];
    } else if (option == "auth-token-file" && has_value) {
      settings.auth_token_file = arguments[++i];
    } else if (option == "namespace" && has_value) {
      settings.name_space = arguments[++i];
    } else if (option == "replica" && has_value) {
      settings.replica_file = arguments[++i];
    } else {
      throw UsageError("usage: .open ?OPTIONS? FILE; see .help open");
    }
  }
  shell.open(settings);
}

void run_backup(Shell& shell, const Arguments& arguments) {
  if (arguments.empty() || arguments.size() > 2) throw UsageError("usage: .backup ?DATABASE? FILE");
  back_up(shell, arguments.size() == 2 ? arguments[0] : "main", arguments.back());
}

void run_restore(Shell& shell, const Arguments& arguments) {
  if (arguments.empty() || arguments.size() > 2) throw UsageError("usage: .restore ?DATABASE? FILE");
  restore_from(shell, arguments.size() == 2 ? arguments[0] : "main", arguments.back());
}

void run_save(Shell& shell, const Arguments& arguments) {
  if (arguments.size() != 1) throw UsageError("usage: .save FILE");
  back_up(shell, "main", arguments[0]);
}

void run_clone(Shell& shell, const Arguments& arguments) {
  if (arguments.size() != 1) throw UsageError("usage: .clone FILE");
  clone(shell, arguments[0]);
}

void run_cd(Shell&, const Arguments& arguments) {
  if (arguments.size() != 1) throw UsageError("usage: .cd DIRECTORY");
  if (chdir(arguments[0].c_str()) != 0) {
    throw CommandError("cannot change to \"" + arguments[0] + "\": " + std::strerror(errno));
  }
}

constexpr std::array<Command, 10> kCommands = {{
    {"backup", "?DATABASE? FILE", "Write a copy of the database to FILE",
     "  The copy is compact, encrypted like the database, and complete or not there at all.\n", run_backup},
    {"cd", "DIRECTORY", "Change the working directory", "", run_cd},
    {"clone", "FILE", "Copy all readable rows of the database to a new FILE",
     "  Reads row by row, like .dump; FILE must not exist. .backup is faster.\n", run_clone},
    {"import", "FILE TABLE", "Load a file into a table, which is created if necessary",
     "  FILE may be \"|COMMAND\": its output is loaded.\n"
     "  --csv     comma-separated values, whatever the mode\n"
     "  --tabs    tab-separated values\n"
     "  --ascii   separated by 0x1F and 0x1E\n"
     "  --schema S  the table is in the attached database S\n"
     "  --skip N  skip the first N records\n"
     "  -v        print how many rows were added\n"
     "  Without these the separators of the mode are used. A new table takes its column\n"
     "  names from the first record. Everything is loaded in one transaction; records that\n"
     "  the table rejects are reported and left out.\n",
     run_import},
    {"once", "FILE", "Send the results of the next statement to FILE", "  FILE may be \"|COMMAND\", such as |less.\n",
     run_once},
    {"open", "?OPTIONS? FILE", "Close this database and open another",
     "  --readonly, --nofollow, --vfs NAME, --cipher NAME, --key-file FILE, --auth-token-file FILE,\n"
     "  --namespace NAME, --replica FILE: see libsql --help.\n",
     run_open},
    {"output", "?FILE?", "Send results to FILE, or back to standard output", "  FILE may be \"|COMMAND\", or off.\n",
     run_output},
    {"read", "FILE", "Run the statements and commands in FILE", "  FILE may be \"|COMMAND\": its output is run.\n",
     run_read},
    {"restore", "?DATABASE? FILE", "Replace the database with the one in FILE",
     "  All or nothing. FILE is opened with the cipher and key of the current database.\n", run_restore},
    {"save", "FILE", "Write the main database to FILE, like .backup", "", run_save},
}};

}  // namespace

std::span<const Command> file_commands() { return kCommands; }

}  // namespace libsql::cli
