#include "cli/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <libsql/version.hpp>

#include "cli/errors.hpp"

namespace libsql::cli {
namespace {

// -json is --json, as users of sqlite3 write it; -h stays, and so do numbers and a lone dash.
std::string with_two_dashes(std::string argument) {
  if (argument.size() > 2 && argument[0] == '-' && argument[1] >= 'a' && argument[1] <= 'z') return "-" + argument;
  return argument;
}

std::pair<std::string, std::string> parse_pragma(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    throw UsageError("--pragma needs NAME=VALUE, not \"" + text + "\"");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace

Options parse_options(int argc, const char* const* argv) {
  Options options;
  CLI::App app;
  app.set_help_flag();
  app.allow_windows_style_options(false);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);

  app.add_flag("-h,--help", options.help);
  app.add_flag("--version", options.version);

  DatabaseSettings& database = options.database;
  app.add_flag("--readonly", database.read_only);
  app.add_flag("--nofollow", database.no_follow);
  app.add_option("--vfs", database.vfs);
  app.add_option("--cipher", database.cipher);
  app.add_option("--key-file", database.key_file);
  app.add_option("--auth-token-file", database.auth_token_file);
  app.add_option("--namespace", database.name_space);
  app.add_option("--replica", database.replica_file);
  app.add_option_function<std::string>("--double-quoted-strings", [&database](const std::string& where) {
    static_cast<void>(double_quoted_strings_of(where));
    database.double_quoted_strings = where;
  });
  std::vector<std::string> pragmas;
  app.add_option("--pragma", pragmas)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
  std::optional<std::uint32_t> timeout;
  app.add_option("--timeout", timeout);

  std::string mode;
  app.add_option("--mode", mode);
  for (const OutputModeInfo& info : output_modes()) {
    if (info.mode == OutputMode::Insert) continue;  // It wants a table; --cmd ".mode insert t" gives it one.
    app.add_flag_callback("--" + std::string(info.name), [&options, chosen = info.mode] { options.mode = chosen; });
  }
  app.add_flag_callback("--header,--headers", [&] { options.headers = true; });
  app.add_flag_callback("--noheader,--noheaders", [&] { options.headers = false; });
  app.add_option("--separator", options.column_separator);
  app.add_option("--newline", options.row_separator);
  app.add_option("--nullvalue", options.null_value);

  app.add_option("--cmd", options.commands)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  app.add_option("--init", options.init_file);
  app.add_flag("--bail", options.bail);
  app.add_flag("--echo", options.echo);
  app.add_flag("--stats", options.stats);
  app.add_flag("--batch", options.batch);
  app.add_flag("--interactive", options.interactive);

  std::vector<std::string> positional;
  app.add_option("arguments", positional);

  std::vector<std::string> arguments;
  bool only_positional = false;
  for (int i = 1; i < argc; ++i) {
    only_positional = only_positional || std::string_view(argv[i]) == "--";
    arguments.push_back(only_positional ? argv[i] : with_two_dashes(argv[i]));
  }
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back.
  try {
    app.parse(arguments);
  } catch (const CLI::ExtrasError&) {
    const std::string unknown = app.remaining().front();
    // Without its value, which may be a secret.
    throw UsageError("unknown option " + unknown.substr(0, unknown.find('=')) + "; see libsql --help");
  } catch (const CLI::Error& error) {
    throw UsageError(error.what());
  }

  for (const std::string& pragma : pragmas) database.pragmas.push_back(parse_pragma(pragma));
  if (timeout) database.timeout = std::chrono::milliseconds(*timeout);
  if (!mode.empty()) {
    options.mode = output_mode_of(mode);
    if (!options.mode) throw UsageError("--mode: no mode \"" + mode + "\"; see libsql --help");
  }
  if (!database.replica_file.empty() && positional.empty()) {
    throw UsageError("--replica FILE needs the URL of the server that it follows");
  }
  if (!positional.empty()) {
    options.file_given = true;
    database.path = positional.front();
    options.sql.assign(positional.begin() + 1, positional.end());
  }
  return options;
}

std::string help_text() {
  std::string text =
      R"(libsql - a shell for SQLite and libSQL databases

USAGE
  libsql [OPTIONS] [FILE] [SQL ...]
  libsql sync ...      Bring a replica up to date; see libsql sync --help
  libsql serve ...     A server for databases; see libsql serve --help
  libsql token ...     Keys and tokens for the server; see libsql token --help

  Opens FILE, which is created if it does not exist, and runs the SQL or dot
  commands given as further arguments. Without any, it reads them from standard
  input; on a terminal with line editing, history and completion. Without FILE the
  database is in memory and ends with the program. FILE may be a "file:" URI, or
  the URL of a database on a server: libsql:, https:, http:, wss: or ws:.

DATABASE
  --readonly           Open the database for reading only
  --nofollow           Refuse to open a symbolic link
  --vfs NAME           Use the VFS of that name
  --cipher NAME        The file is encrypted with this cipher: aes256cbc (as libSQL
                       does), aes128cbc, chacha20, sqlcipher, rc4, ascon128, aegis.
                       The key comes from --key-file or LIBSQL_ENCRYPTION_KEY
  --key-file FILE      Read the key from FILE, without its final line break
  --auth-token-file FILE
                       Read the token for a server from FILE, without its final
                       line break
  --namespace NAME     The namespace on the server, if the URL does not name it
  --replica FILE       Open FILE, a replica of the database at the URL: it is read
                       here and written there; .sync brings it up to date
  --pragma NAME=VALUE  Set a PRAGMA after opening; may be repeated
  --double-quoted-strings WHERE
                       Where "x" is a string if no column has that name: off,
                       schema (the default: in existing schema objects, and in
                       statements that create or alter them), or on (everywhere)
  --timeout MS         How many milliseconds to wait for locks (default 5000)

OUTPUT
  --mode MODE          How results are printed; --MODE means the same:
)";
  for (const OutputModeInfo& info : output_modes()) {
    text += "                         " + std::string(info.name);
    text.append(info.name.size() < 10 ? 10 - info.name.size() : 1, ' ').append(info.summary).append("\n");
  }
  text +=
      R"(                       The default is box on a terminal, otherwise list
  --header, --noheader Print column names, or do not
  --separator TEXT     Put TEXT between columns (modes list, csv and quote)
  --newline TEXT       Put TEXT between rows (the same modes)
  --nullvalue TEXT     Print TEXT for NULL

RUNNING
  --cmd COMMAND        Run COMMAND (SQL or a dot command) first; may be repeated
  --init FILE          Run FILE first, in place of ~/.libsqlrc
  --bail               Stop at the first error, also in a script
  --echo               Print each statement before it runs
  --stats              Print counters after each statement
  --batch              Treat standard input as a script, even from a terminal
  --interactive        Show prompts, even if standard input is not a terminal
  -h, --help           Print this text
  --version            Print the versions of the library, SQLite and the ciphers

  Long options may also be written with one dash, as in sqlite3: -json, -readonly.

EXIT STATUS
  0    Everything succeeded
  1    SQL or a dot command failed, or the database could not be opened. (In an
       interactive session errors do not change the exit status.)
  2    The command line is wrong
  130  Ctrl-C ended a script
  A dot command .exit CODE overrides these.

ENVIRONMENT
  LIBSQL_ENCRYPTION_KEY  The key of every file that is opened, without --key-file
  LIBSQL_AUTH_TOKEN      The token for a server, without --auth-token-file
  LIBSQL_HISTORY         The history file (default ~/.libsql_history; empty: none)
  NO_COLOR               If set, no colours

FILES
  ~/.libsqlrc            Run at the start of an interactive session

EXAMPLES
  libsql app.db
  libsql app.db "SELECT * FROM users" --json
  libsql app.db ".import --csv users.csv users"
  libsql app.db .dump > backup.sql
  libsql secret.db --cipher aes256cbc --key-file key.txt .tables
  libsql libsql://db.example.org --auth-token-file token.txt
  libsql --replica copy.db libsql://db.example.org

  In the shell, .help lists the dot commands.
)";
  return text;
}

std::string version_text() {
  std::string text = "libsql-cpp " + std::string(version()) + "\nSQLite " + std::string(sqlite_version()) + "\n";
  if (!cipher_version().empty()) text += std::string(cipher_version()) + "\n";
  return text;
}

}  // namespace libsql::cli
