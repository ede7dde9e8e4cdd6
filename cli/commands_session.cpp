// Dot commands about the session: help, leaving, parameters, limits, extensions.
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "cli/commands.hpp"
#include "cli/errors.hpp"
#include "cli/shell.hpp"
#include "cli/value_text.hpp"
#include "sql/parameters.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {
namespace {

void run_help(Shell& shell, const Arguments& arguments) {
  if (arguments.size() > 1) throw UsageError("usage: .help ?COMMAND?");
  if (!arguments.empty() && arguments[0] != "--all" && arguments[0] != "-all") {
    const std::string name = arguments[0].starts_with('.') ? arguments[0].substr(1) : arguments[0];
    const Command& command = find_command(name);
    shell.print_line("." + std::string(command.name) + " " + std::string(command.usage));
    shell.print_line("  " + std::string(command.summary));
    return shell.print(command.details);
  }
  constexpr std::size_t kSummaryColumn = 30;
  for (const Command& command : commands()) {
    std::string line = "." + std::string(command.name) + " " + std::string(command.usage);
    line.append(line.size() < kSummaryColumn ? kSummaryColumn - line.size() : 1, ' ');
    shell.print_line(line + std::string(command.summary));
    if (!arguments.empty()) shell.print(command.details);
  }
  if (arguments.empty()) shell.print("\n.help COMMAND describes one. Commands may be abbreviated.\n");
}

void run_exit(Shell& shell, const Arguments& arguments) {
  if (arguments.size() > 1) throw UsageError("usage: .exit ?CODE?");
  const long long status = arguments.empty() ? 0 : parse_number(arguments[0]);
  if (status < 0 || status > 255) throw UsageError("an exit status is 0 to 255");
  shell.quit(static_cast<int>(status));
}

void run_quit(Shell& shell, const Arguments& arguments) {
  if (!arguments.empty()) throw UsageError("usage: .quit");
  shell.leave();
}

void run_print(Shell& shell, const Arguments& arguments) {
  std::string line;
  for (const std::string& argument : arguments) line += (line.empty() ? "" : " ") + argument;
  shell.print_line(line);
}

void run_version(Shell& shell, const Arguments&) { shell.print(version_text()); }

void run_shell(Shell& shell, const Arguments& arguments) {
  if (arguments.empty()) throw UsageError("usage: .shell COMMAND");
  std::string command;
  for (const std::string& argument : arguments) command += (command.empty() ? "" : " ") + argument;
  shell.output().flush();
  const int status = std::system(command.c_str());
  if (status == -1) throw CommandError("the command cannot be started");
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
    throw CommandError("the command ended with status " + std::to_string(WEXITSTATUS(status)));
  }
}

// Takes what an SQL expression without tables may be, else the text itself.
Value parameter_value(Shell& shell, const std::string& text) {
  try {
    Rows rows = shell.connection().query("SELECT " + text);
    if (rows.column_count() == 1 && rows.next()) return Value(rows.row().value(0));
  } catch (const Error&) {
    // Not an expression: plain text.
  }
  return Value(text);
}

void run_parameter(Shell& shell, const Arguments& arguments) {
  constexpr const char* kUsage = "usage: .parameter list | set NAME VALUE | unset NAME | clear";
  const std::string action = arguments.empty() ? "" : arguments[0];
  auto& parameters = shell.parameters();
  if (action == "list" && arguments.size() == 1) {
    std::size_t width = 0;
    for (const auto& [name, value] : parameters) width = std::max(width, name.size());
    for (const auto& [name, value] : parameters) {
      std::string line = name + std::string(width - name.size() + 2, ' ');
      sql::append_literal(line, value.ref());
      shell.print_line(line);
    }
  } else if (action == "set" && arguments.size() == 3) {
    const std::string& name = arguments[1];
    const sql::ParameterList parsed = sql::parameters(name);
    if (parsed.parameters.size() != 1 || parsed.parameters[0].text != name || name == "?") {
      throw UsageError("\"" + name + "\" is not a parameter; parameters are written :name, @name, $name or ?1");
    }
    parameters[name] = parameter_value(shell, arguments[2]);
  } else if (action == "unset" && arguments.size() == 2) {
    if (parameters.erase(arguments[1]) == 0) throw CommandError("no parameter " + arguments[1] + " is set");
  } else if (action == "clear" && arguments.size() == 1) {
    parameters.clear();
  } else if (action != "init" || arguments.size() != 1) {  // sqlite3 wants an init; here there is nothing to do first.
    throw UsageError(kUsage);
  }
}

struct LimitName {
  std::string_view name;
  Limit limit;
};

constexpr std::array<LimitName, 12> kLimits = {{
    {"length", Limit::Length},
    {"sql_length", Limit::SqlLength},
    {"column", Limit::Column},
    {"expr_depth", Limit::ExprDepth},
    {"compound_select", Limit::CompoundSelect},
    {"vdbe_op", Limit::VdbeOp},
    {"function_arg", Limit::FunctionArg},
    {"attached", Limit::Attached},
    {"like_pattern_length", Limit::LikePatternLength},
    {"variable_number", Limit::VariableNumber},
    {"trigger_depth", Limit::TriggerDepth},
    {"worker_threads", Limit::WorkerThreads},
}};

void print_limit(Shell& shell, const LimitName& limit) {
  std::string line(20 - limit.name.size(), ' ');
  line.append(limit.name).append(" ").append(std::to_string(shell.connection().limit(limit.limit)));
  shell.print_line(line);
}

void run_limit(Shell& shell, const Arguments& arguments) {
  if (arguments.size() > 2) throw UsageError("usage: .limit ?NAME? ?VALUE?");
  if (arguments.empty()) {
    for (const LimitName& limit : kLimits) print_limit(shell, limit);
    return;
  }
  for (const LimitName& limit : kLimits) {
    if (limit.name != arguments[0]) continue;
    if (arguments.size() == 2) {
      const long long value = parse_number(arguments[1]);
      if (value < 0 || value > 0x7FFFFFFF) throw UsageError("a limit is 0 to 2147483647");
      shell.connection().limit(limit.limit, static_cast<int>(value));
    }
    return print_limit(shell, limit);
  }
  throw UsageError("no limit \"" + arguments[0] + "\"; .limit lists them");
}

void run_load(Shell& shell, const Arguments& arguments) {
  if (arguments.empty() || arguments.size() > 2) throw UsageError("usage: .load FILE ?ENTRY?");
  Connection& connection = shell.connection();
  const ExtensionGuard guard = connection.enable_load_extension();
  connection.load_extension(arguments[0], arguments.size() == 2 ? std::string_view(arguments[1]) : std::string_view());
}

void run_rekey(Shell& shell, const Arguments& arguments) {
  if (arguments.size() != 1) throw UsageError("usage: .rekey KEYFILE|--decrypt");
  if (arguments[0] == "--decrypt") {
    shell.connection().rekey(std::string_view());
    shell.rekeyed({});
  } else {
    shell.connection().rekey(std::string_view(read_key_file(arguments[0])));
    shell.rekeyed(arguments[0]);
  }
}

constexpr std::array<Command, 10> kCommands = {{
    {"exit", "?CODE?", "Leave, with CODE as the exit status", "", run_exit},
    {"help", "?COMMAND?", "List the commands, or describe one", "  --all  describe all\n", run_help},
    {"limit", "?NAME? ?VALUE?", "Print or change the limits of the connection", "", run_limit},
    {"load", "FILE ?ENTRY?", "Load an extension", "", run_load},
    {"parameter", "list|set|unset|clear", "Manage the values of statement parameters",
     "  list            print them\n"
     "  set NAME VALUE  set :name, @name, $name or ?1; VALUE is an SQL expression or text\n"
     "  unset NAME      remove one\n"
     "  clear           remove all\n",
     run_parameter},
    {"print", "TEXT ...", "Print TEXT", "", run_print},
    {"quit", "", "Leave", "", run_quit},
    {"rekey", "KEYFILE|--decrypt", "Change the key of an encrypted database",
     "  Encrypts an unencrypted database as well. Rewrites every page.\n", run_rekey},
    {"shell", "COMMAND", "Run a system command", "", run_shell},
    {"version", "", "Print the versions of the library, SQLite and the ciphers", "", run_version},
}};

}  // namespace

std::span<const Command> session_commands() { return kCommands; }

}  // namespace libsql::cli
