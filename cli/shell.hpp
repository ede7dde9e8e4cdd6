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
#include <libsql/plan_counters.hpp>
#include <libsql/value.hpp>

#include "cli/database_settings.hpp"
#include "cli/interrupt.hpp"
#include "cli/line_source.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/output_settings.hpp"
#include "sql/split.hpp"

namespace libsql::cli {

enum class QueryPlanMode : unsigned char { Off, On, Full };
enum class ExplainFormat : unsigned char { Auto, On, Off };
enum class ScanStats : unsigned char { Off, On, Estimates, Program };

/// What .expert asked for the statements of the next line.
struct ExpertOptions {
  bool verbose = false;
  int sample = 0;  // percent of the rows that are looked at
};

/// What .bail, .echo, .timer and the like set.
struct ShellSettings {
  bool bail = false;
  bool echo = false;
  bool timer = false;
  bool changes = false;
  bool stats = false;
  QueryPlanMode query_plan = QueryPlanMode::Off;
  ExplainFormat explain = ExplainFormat::Auto;
  ScanStats scan_stats = ScanStats::Off;
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
  bool has_connection() const noexcept { return connection_.has_value(); }
  /// The database of connection().
  const Database& opened() { return connection(), *database_; }
  const DatabaseSettings& database() const noexcept { return database_settings_; }
  /// The key of the database is another now, or gone.
  void rekeyed(const std::string& key_file);
  /// Opens another database in place of this one. If that fails, this one stays.
  void open(const DatabaseSettings& settings);
  Output& output() noexcept { return output_; }
  OutputSettings& format() noexcept { return format_; }
  ShellSettings& settings() noexcept { return settings_; }
  std::map<std::string, Value>& parameters() noexcept { return parameters_; }
  InterruptWatcher& interrupts() noexcept { return interrupts_; }

  void print(std::string_view text) { output_.write(text); }
  void print_line(std::string_view text) {
    output_.write(text);
    output_.write("\n");
  }
  /// Writes to standard error.
  void warn(std::string_view text);
  /// Prints an error and counts it.
  void report(std::string_view kind, std::string_view message);

  /// Runs the statements and dot commands of a source up to its end, .quit, Ctrl-C, under .bail the first error, and in
  /// any case an error after which the rest would do something else than it says. Errors name the line, and `name`
  /// unless it is empty.
  void process(LineSource& source, const std::string& name = {});
  /// Prints the plan of a statement as a tree.
  void print_query_plan(std::string_view sql);
  /// Has what each statement did counted from now on, and printed.
  void count_scans(ScanStats what);
  /// Has indexes suggested for the statements of the next line in place of running them.
  void ask_expert(const ExpertOptions& options) { expert_ = options; }
  /// Ends the program after this command, with this exit status, or with the one that its errors give.
  void quit(int status) noexcept { exit_status_ = status; }
  void leave() noexcept { left_ = true; }

 private:
  bool open_first();
  bool open_with_damaged_schema(const Corrupt& damage);
  void process_interactively();
  // Takes one more line; runs what is complete.
  void feed(const std::string& line);
  void run_pending();
  bool ends_before_terminator() const;
  // Runs what is left at the end of a source, complete or not.
  void finish_input();
  void run_statements(std::string_view text, std::size_t first_line);
  void run_statement(std::string_view statement);
  void run_expert(std::string_view text, std::size_t first_line);
  void show(Rows& rows);
  void run_explain(Statement& statement, const Params& params);
  void run_dot_command(const std::string& line);
  void report_error(const Error& error, std::string_view script, std::size_t statement_offset, std::size_t first_line);
  Params parameters_for(const Statement& statement) const;
  void print_scan_counts(const Statement& statement, std::string_view sql);
  void after_statement(Statement& statement);
  // To a server, the changes of a transaction in a script travel together: this one with those before it.
  bool queue(std::string_view statement, std::size_t line);
  void run_queue();
  // Whether what follows in a script relies on what has failed.
  bool is_fatal(const Error& error, std::string_view statement);
  // " line 3 of FILE", as far as there are lines and a file.
  std::string place(std::size_t line) const;
  bool stopped() const noexcept;
  std::vector<std::string> complete(std::string_view line, std::size_t word_start);

  Options options_;
  bool interactive_;
  InterruptWatcher interrupts_;
  Output output_;
  OutputSettings format_;
  ShellSettings settings_;
  DatabaseSettings database_settings_;
  bool refuses_plain_files_ = false;
  std::optional<Database> database_;
  std::optional<Connection> connection_;
  std::optional<PlanCounters> counters_;
  std::optional<ExpertOptions> expert_;
  std::map<std::string, Value> parameters_;

  // The statement that is being read, and where it began.
  struct Pending {
    std::string text;
    sql::CompletionWatcher watcher;
    std::size_t line = 0;
  };
  Pending pending_;
  struct Queued {
    std::string text;
    std::size_t line = 0;
  };
  std::vector<Queued> queue_;
  std::size_t queued_bytes_ = 0;
  std::size_t line_ = 0;
  std::string source_name_;
  int depth_ = 0;
  bool has_line_numbers_ = true;
  std::size_t errors_ = 0;
  bool interrupted_ = false;
  bool schema_damaged_ = false;
  bool given_up_ = false;  // the rest of the script is not run
  bool left_ = false;
  bool preparing_ = false;  // what fails now is the text of the statement
  std::optional<int> exit_status_;
};

}  // namespace libsql::cli
