// Dot commands that change how results are shown and how statements run.
#include <array>
#include <chrono>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/errors.hpp"
#include "cli/shell.hpp"
#include "cli/value_text.hpp"

namespace libsql::cli {
namespace {

[[noreturn]] void wrong_usage(std::string_view name) {
  const Command& command = find_command(name);
  throw UsageError("usage: ." + std::string(command.name) + " " + std::string(command.usage));
}

// A command of one argument that is on or off.
template <bool ShellSettings::*Member>
void switch_setting(Shell& shell, const Arguments& arguments) {
  if (arguments.size() != 1) throw UsageError("this command needs \"on\" or \"off\"");
  shell.settings().*Member = parse_switch(arguments[0]);
}

void run_headers(Shell& shell, const Arguments& arguments) {
  if (arguments.size() != 1) wrong_usage("headers");
  shell.format().headers = parse_switch(arguments[0]);
  shell.format().headers_chosen = true;
}

void run_mode(Shell& shell, const Arguments& arguments) {
  OutputSettings& format = shell.format();
  if (arguments.empty()) {
    std::string line = "current output mode: " + std::string(name_of(format.mode));
    if (format.mode == OutputMode::Insert) line += " " + format.insert_table;
    if (format.wrap != 0) line += " --wrap " + std::to_string(format.wrap);
    if (format.word_wrap) line += " --wordwrap on";
    return shell.print_line(line);
  }
  std::optional<OutputMode> mode;
  std::string table;
  int wrap = 0;
  bool word_wrap = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string word = arguments[i];
    if (word.starts_with('-')) {
      const std::string option = word.substr(word.starts_with("--") ? 2 : 1);
      if (option == "ww") {
        wrap = 60;
        word_wrap = true;
      } else if ((option == "wrap" || option == "wordwrap") && i + 1 < arguments.size()) {
        ++i;
        if (option == "wrap") {
          const long long columns = parse_number(arguments[i]);
          if (columns < 0 || columns > 10000) throw UsageError("--wrap needs 0 to 10000");
          wrap = static_cast<int>(columns);
        } else {
          word_wrap = parse_switch(arguments[i]);
        }
      } else {
        throw UsageError("unknown option " + word);
      }
    } else if (!mode) {
      mode = output_mode_of(word);
      if (!mode) {
        std::string names;
        for (const OutputModeInfo& info : output_modes()) names.append(" ").append(info.name);
        throw UsageError("no mode \"" + word + "\"; there are:" + names);
      }
    } else if (table.empty()) {
      table = word;
    } else {
      wrong_usage("mode");
    }
  }
  if (mode) format.choose(*mode);
  if (mode == OutputMode::Insert) {
    format.insert_table = table.empty() ? "table" : table;
  } else if (!table.empty()) {
    throw UsageError("only the mode insert takes a table");
  }
  format.wrap = wrap;
  format.word_wrap = word_wrap;
}

void run_nullvalue(Shell& shell, const Arguments& arguments) {
  if (arguments.size() != 1) wrong_usage("nullvalue");
  shell.format().null_value = arguments[0];
}

void run_separator(Shell& shell, const Arguments& arguments) {
  if (arguments.empty() || arguments.size() > 2) wrong_usage("separator");
  shell.format().column_separator = arguments[0];
  if (arguments.size() == 2) shell.format().row_separator = arguments[1];
}

void run_width(Shell& shell, const Arguments& arguments) {
  std::vector<int> widths;
  for (const std::string& argument : arguments) {
    const long long width = parse_number(argument);
    if (width < -10000 || width > 10000) throw UsageError("a width is at most 10000");
    widths.push_back(static_cast<int>(width));
  }
  shell.format().widths = std::move(widths);
}

void run_prompt(Shell& shell, const Arguments& arguments) {
  if (arguments.empty() || arguments.size() > 2) wrong_usage("prompt");
  shell.settings().prompt = arguments[0];
  if (arguments.size() == 2) shell.settings().continuation = arguments[1];
}

void run_eqp(Shell& shell, const Arguments& arguments) {
  if (arguments.size() != 1) wrong_usage("eqp");
  if (arguments[0] == "full") {
    shell.settings().query_plan = QueryPlanMode::Full;
  } else {
    shell.settings().query_plan = parse_switch(arguments[0]) ? QueryPlanMode::On : QueryPlanMode::Off;
  }
}

void run_explain(Shell& shell, const Arguments& arguments) {
  if (arguments.size() > 1) wrong_usage("explain");
  if (arguments.empty() || arguments[0] == "auto") {
    shell.settings().explain = ExplainFormat::Auto;
  } else {
    shell.settings().explain = parse_switch(arguments[0]) ? ExplainFormat::On : ExplainFormat::Off;
  }
}

void run_timeout(Shell& shell, const Arguments& arguments) {
  if (arguments.size() > 1) wrong_usage("timeout");
  const long long milliseconds = arguments.empty() ? 0 : parse_number(arguments[0]);
  if (milliseconds < 0 || milliseconds > 1000LL * 3600 * 24)
    throw UsageError("a timeout is 0 to 86400000 milliseconds");
  shell.connection().busy_timeout(std::chrono::milliseconds(milliseconds));
}

constexpr std::array<std::string_view, 4> kScanStats = {"off", "on", "est", "vm"};

void run_scanstats(Shell& shell, const Arguments& arguments) {
  if (arguments.size() != 1) wrong_usage("scanstats");
  if (arguments[0] == "est") return shell.count_scans(ScanStats::Estimates);
  if (arguments[0] == "vm") return shell.count_scans(ScanStats::Program);
  shell.count_scans(parse_switch(arguments[0]) ? ScanStats::On : ScanStats::Off);
}

// As .separator would take it back.
std::string escaped(std::string_view text) {
  std::string out;
  append_c_string(out, text);
  return out;
}

void run_show(Shell& shell, const Arguments& arguments) {
  if (!arguments.empty()) wrong_usage("show");
  const ShellSettings& settings = shell.settings();
  const OutputSettings& format = shell.format();
  const auto on_off = [](bool value) { return std::string(value ? "on" : "off"); };
  std::string widths;
  for (const int width : format.widths) widths += std::to_string(width) + " ";
  constexpr std::array<std::string_view, 3> kPlans = {"off", "on", "full"};
  constexpr std::array<std::string_view, 3> kExplains = {"auto", "on", "off"};
  std::string mode(name_of(format.mode));
  if (format.mode == OutputMode::Insert) mode += " " + format.insert_table;
  const std::array<std::pair<std::string_view, std::string>, 16> lines = {{
      {"bail", on_off(settings.bail)},
      {"changes", on_off(settings.changes)},
      {"echo", on_off(settings.echo)},
      {"eqp", std::string(kPlans[static_cast<std::size_t>(settings.query_plan)])},
      {"explain", std::string(kExplains[static_cast<std::size_t>(settings.explain)])},
      {"headers", on_off(format.headers)},
      {"mode", mode},
      {"nullvalue", escaped(format.null_value)},
      {"output", shell.output().name()},
      {"colseparator", escaped(format.column_separator)},
      {"rowseparator", escaped(format.row_separator)},
      {"stats", on_off(settings.stats)},
      {"scanstats", std::string(kScanStats[static_cast<std::size_t>(settings.scan_stats)])},
      {"timer", on_off(settings.timer)},
      {"width", widths},
      {"filename", shell.database().path},
  }};
  for (const auto& [name, value] : lines) {
    shell.print_line(std::string(12 - name.size(), ' ') + std::string(name) + ": " + value);
  }
}

constexpr std::array<Command, 16> kCommands = {{
    {"bail", "on|off", "Stop a script at its first error", "", switch_setting<&ShellSettings::bail>},
    {"changes", "on|off", "Print the number of changed rows after each statement", "",
     switch_setting<&ShellSettings::changes>},
    {"echo", "on|off", "Print each statement before it runs", "", switch_setting<&ShellSettings::echo>},
    {"eqp", "on|off|full", "Print the query plan before each statement; full: also its program", "", run_eqp},
    {"explain", "?on|off|auto?", "Format the results of EXPLAIN", "  off   print them like any other rows\n",
     run_explain},
    {"headers", "on|off", "Print the column names", "", run_headers},
    {"mode", "?MODE? ?OPTIONS?", "Choose how results are printed, or print the current mode",
     "  --wrap N       wrap cells wider than N\n"
     "  --wordwrap on  wrap between words\n"
     "  --ww           --wrap 60 --wordwrap on\n"
     "  The mode insert takes the name of a table. libsql --help lists the modes.\n",
     run_mode},
    {"nullvalue", "TEXT", "Print TEXT for NULL", "", run_nullvalue},
    {"prompt", "MAIN ?CONTINUATION?", "Change the prompts", "", run_prompt},
    {"scanstats", "on|off|est|vm", "Print how often each loop of a statement ran, and its rows",
     "  est  also what the planner expected\n"
     "  vm   also each instruction of its program\n"
     "  Statements take two to three times as long while this is on.\n",
     run_scanstats},
    {"separator", "COLUMN ?ROW?", "Change the separators of columns and rows",
     "  For the modes list, csv and quote, and for .import. \"\\t\" is a tab.\n", run_separator},
    {"show", "", "Print all settings", "", run_show},
    {"stats", "on|off", "Print counters after each statement", "", switch_setting<&ShellSettings::stats>},
    {"timeout", "MS", "Set how many milliseconds to wait for locks", "", run_timeout},
    {"timer", "on|off", "Print how long each statement took", "", switch_setting<&ShellSettings::timer>},
    {"width", "N1 N2 ...", "Set the widths of columns; negative: right-aligned",
     "  For the modes box, column, markdown and table. 0 or none: as wide as needed.\n", run_width},
}};

}  // namespace

std::span<const Command> settings_commands() { return kCommands; }

}  // namespace libsql::cli
