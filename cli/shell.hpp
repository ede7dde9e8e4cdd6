// The shell itself: reads statements and dot commands, runs them, reports what goes wrong.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/connection.hpp>
#include <libsql/database.hpp>
#include <libsql/value.hpp>

#include "cli/database_settings.hpp"
#include "cli/interrupt.hpp"
#include "cli/line_source.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/output_settings.hpp"

namespace libsql::cli {

enum class QueryPlanMode : unsigned char { Off, On, Full };
enum class ExplainFormat : unsigned char { Auto, On, Off };

/// What .bail, .echo, .timer and the like set.
struct ShellSettings {
  bool bail = false;
  bool echo = false;
  bool timer = false;
  bool changes = false;
  bool stats = false;
  QueryPlanMode query_plan = QueryPlanMode::Off;
  ExplainFormat explain = ExplainFormat::Auto;
  std::string prompt = "libsql> ";
  std::string continuation = "   ...> ";
};

class Shell {
 public:
  explicit Shell(const Options& options);
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  /// Does all that the command line asks for. Returns the exit status.
  int run();

  // What the dot commands use.

  Connection& connection();
  const DatabaseSettings& database() const noexcept { return database_settings_; }
  /// Opens another database in place of this one. If that fails, this one stays.
  void open(const DatabaseSettings& settings);
  Output& output() noexcept { return output_; }
  OutputSettings& format() noexcept { return format_; }
  ShellSettings& settings() noexcept { return settings_; }
  std::map<std::string, Value>& parameters() noexcept { return parameters_; }
  InterruptWatcher& interrupts() noexcept { return interrupts_; }
  bool is_interactive() const noexcept { return interactive_; }

  void print(std::string_view text) { output_.write(text); }
  void print_line(std::string_view text) {
    output_.write(text);
    output_.write("\n");
  }
  /// Writes to standard error.
  void warn(std::string_view text);
  /// Prints an error and counts it.
  void report(std::string_view kind, std::string_view message);

  /// Runs the statements and dot commands of a source up to its end, .quit, Ctrl-C, or under .bail the first error.
  void process(LineSource& source);
  /// Prints the plan of a statement as a tree.
  void print_query_plan(std::string_view sql);
  /// Ends the program after this command, with this exit status, or with the one that its errors give.
  void quit(int status) noexcept { exit_status_ = status; }
  void leave() noexcept { left_ = true; }

 private:
  void process_interactively();
  // Takes one more line; runs what is complete.
  void feed(const std::string& line);
  // Runs what is left at the end of a source, complete or not.
  void finish_input();
  void run_statements(std::string_view text, std::size_t first_line);
  void run_statement(std::string_view statement);
  void run_explain(Statement& statement, const Params& params);
  void run_dot_command(const std::string& line);
  void report_error(const Error& error, std::string_view script, std::size_t statement_offset, std::size_t first_line);
  Params parameters_for(const Statement& statement) const;
  void after_statement(Statement& statement);
  bool stopped() const noexcept;
  std::vector<std::string> complete(std::string_view line, std::size_t word_start);

  Options options_;
  bool interactive_;
  InterruptWatcher interrupts_;
  Output output_;
  OutputSettings format_;
  ShellSettings settings_;
  DatabaseSettings database_settings_;
  std::optional<Database> database_;
  std::optional<Connection> connection_;
  std::map<std::string, Value> parameters_;

  // The statement that is being read, and where it began.
  std::string pending_;
  std::size_t pending_line_ = 0;
  std::size_t line_ = 0;
  int depth_ = 0;
  bool has_line_numbers_ = true;
  std::size_t errors_ = 0;
  bool interrupted_ = false;
  bool left_ = false;
  bool preparing_ = false;  // what fails now is the text of the statement
  std::optional<int> exit_status_;
};

}  // namespace libsql::cli
