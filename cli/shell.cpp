#include "cli/shell.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <libsql/error.hpp>
#include <libsql/rows.hpp>
#include <libsql/statement.hpp>
#include <libsql/version.hpp>
#include <utility>

#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/errors.hpp"
#include "cli/explain.hpp"
#include "cli/line_editor.hpp"
#include "cli/render.hpp"
#include "cli/style.hpp"
#include "sql/classify.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {
namespace {

constexpr int kDeepestScript = 25;

bool use_prompts(const Options& options) {
  if (options.interactive) return true;
  return !options.batch && options.sql.empty() && isatty(STDIN_FILENO) != 0;
}

std::string home_file(const char* name) {
  const char* const home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? std::string() : std::string(home) + "/" + name;
}

std::string history_file() {
  const char* const chosen = std::getenv("LIBSQL_HISTORY");
  return chosen != nullptr ? std::string(chosen) : home_file(".libsql_history");
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// Prints how long a piece of work took, at its end.
class Stopwatch {
 public:
  Stopwatch(Shell& shell, bool on) : shell_(shell), on_(on), start_(Clock::now()) {
    if (on_) getrusage(RUSAGE_SELF, &usage_);
  }

  void print() {
    if (!on_) return;
    rusage now = {};
    getrusage(RUSAGE_SELF, &now);
    std::array<char, 120> text;
    std::snprintf(text.data(), text.size(), "Run Time: real %.3f user %.6f sys %.6f\n",
                  std::chrono::duration<double>(Clock::now() - start_).count(),
                  seconds(now.ru_utime) - seconds(usage_.ru_utime), seconds(now.ru_stime) - seconds(usage_.ru_stime));
    shell_.print(text.data());
  }

 private:
  using Clock = std::chrono::steady_clock;
  Shell& shell_;
  bool on_;
  Clock::time_point start_;
  rusage usage_ = {};
};

bool is_blank(std::string_view text) {
  sql::Tokenizer tokenizer(text);
  sql::Token token = tokenizer.next();
  while (token.terminated && (token.kind == sql::TokenKind::Space || token.kind == sql::TokenKind::Comment)) {
    token = tokenizer.next();
  }
  return token.kind == sql::TokenKind::End;
}

// The line of `text` that holds `offset`, and a mark below the place.
std::string excerpt(std::string_view text, std::size_t offset) {
  constexpr std::size_t kBefore = 40;
  constexpr std::size_t kWidth = 78;
  const std::size_t line_start = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;
  std::size_t start = line_start;
  if (offset - start > kBefore) start = offset - kBefore;
  while (start < offset && (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80) ++start;
  const std::size_t line_end = std::min(text.find('\n', offset), text.size());
  std::size_t end = std::min(line_end, start + kWidth);
  while (end < line_end && end > offset && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  std::string line(text.substr(start, end - start));
  std::size_t column = 0;
  for (std::size_t i = start; i < offset; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80) ++column;
  }
  for (char& byte : line) {
    if (byte == '\t') byte = ' ';
  }
  const bool room_left = column >= 14;
  std::string mark =
      room_left ? std::string(column - 14, ' ') + "error here ---^" : std::string(column, ' ') + "^--- error here";
  return "  " + line + "\n  " + mark + "\n";
}

}  // namespace

Shell::Shell(const Options& options)
    : options_(options), interactive_(use_prompts(options)), interrupts_(interactive_) {
  if (options.mode) {
    format_.choose(*options.mode);
  } else if (interactive_ && output_.is_terminal()) {
    format_.choose(OutputMode::Box);
  }
  if (options.headers) {
    format_.headers = *options.headers;
    format_.headers_chosen = true;
  }
  if (options.column_separator) format_.column_separator = *options.column_separator;
  if (options.row_separator) format_.row_separator = *options.row_separator;
  if (options.null_value) format_.null_value = *options.null_value;
  settings_.bail = options.bail;
  settings_.echo = options.echo;
  settings_.stats = options.stats;
}

int Shell::run() {
  // A pager that quits early must not take an interactive session with it. (A handler, unlike SIG_IGN, is not inherited
  // by the programs that the shell starts.)
  if (interactive_) signal(SIGPIPE, [](int) {});
  try {
    open(options_.database);
  } catch (const std::exception& error) {
    report("Error", error.what());
    return 1;
  }
  try {
    if (!options_.init_file.empty()) {
      InputFile file(options_.init_file);
      StreamSource source(file.stream());
      process(source);
    } else if (interactive_) {
      const std::string path = home_file(".libsqlrc");
      if (!path.empty() && access(path.c_str(), R_OK) == 0) {
        InputFile file(path);
        StreamSource source(file.stream());
        process(source);
      }
    }
    has_line_numbers_ = false;
    for (const std::vector<std::string>* texts : {&options_.commands, &options_.sql}) {
      for (const std::string& text : *texts) {
        if (stopped() || (errors_ > 0 && !interactive_ && texts == &options_.sql)) break;
        TextSource source(text);
        process(source);
      }
    }
    has_line_numbers_ = true;
    if (!stopped() && options_.sql.empty()) {
      if (interactive_) {
        process_interactively();
        if (!exit_status_) exit_status_ = 0;
      } else {
        StreamSource source(stdin);
        process(source);
      }
    }
    output_.restore();
    output_.flush();
  } catch (const std::exception& error) {
    report("Error", error.what());
  }
  if (exit_status_) return *exit_status_;
  if (interrupted_) return kInterruptedExitCode;
  return errors_ > 0 ? 1 : 0;
}

Connection& Shell::connection() {
  if (!connection_) throw CommandError("no database is open; use .open FILE");
  return *connection_;
}

void Shell::open(const DatabaseSettings& settings) {
  Database database = open_database(settings);
  Connection connection = database.connect();
  connection_.reset();
  database_ = std::move(database);
  connection_ = std::move(connection);
  database_settings_ = settings;
}

void Shell::warn(std::string_view text) {
  std::fflush(stdout);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void Shell::report(std::string_view kind, std::string_view message) {
  ++errors_;
  const bool colour = isatty(STDERR_FILENO) != 0 && style::wanted();
  std::string text;
  if (colour) text += style::kError;
  text += kind;
  if (colour) text += style::kPlain;
  text.append(": ").append(message).append("\n");
  warn(text);
}

bool Shell::stopped() const noexcept {
  return exit_status_.has_value() || left_ || interrupted_ || (settings_.bail && errors_ > 0 && !interactive_);
}

void Shell::process(LineSource& source) {
  if (depth_ >= kDeepestScript) throw CommandError("scripts read each other too deeply");
  // A script that .read starts has lines and unfinished statements of its own.
  const std::string outer_pending = std::exchange(pending_, {});
  const std::size_t outer_pending_line = std::exchange(pending_line_, 0);
  const std::size_t outer_line = std::exchange(line_, 0);
  ++depth_;
  std::string line;
  while (!stopped() && source.next(line)) feed(line);
  if (!stopped()) finish_input();
  --depth_;
  pending_ = outer_pending;
  pending_line_ = outer_pending_line;
  line_ = outer_line;
}

void Shell::process_interactively() {
  const bool terminal = isatty(STDIN_FILENO) != 0;
  if (terminal) {
    print("libsql shell, SQLite " + std::string(sqlite_version()) + ". Type .help for help, .quit to leave.\n");
    if (!options_.file_given)
      print("The database is in memory; .open FILE opens another, .save FILE keeps this one.\n");
  }
  output_.flush();
  LineEditor editor(interrupts_, terminal ? history_file() : std::string(),
                    [this](std::string_view line, std::size_t start) { return complete(line, start); });
  std::string line;
  while (!exit_status_ && !left_) {
    const auto result = editor.read(pending_.empty() ? settings_.prompt : settings_.continuation, line);
    if (result == LineEditor::Result::End) break;
    if (result == LineEditor::Result::Interrupted) {
      pending_.clear();
      continue;
    }
    editor.add_history(line);
    feed(line);
    interrupted_ = false;
    interrupts_.clear();
    // On standard output prompts and results follow each other; on .output they do not, and may be written later.
    if (!output_.is_redirected()) output_.flush();
  }
  if (!exit_status_ && !left_) finish_input();
}

void Shell::feed(const std::string& line) {
  ++line_;
  const bool starts = is_blank(pending_);
  if (starts && (line.starts_with('.') || line.starts_with('#'))) {
    pending_.clear();
    if (settings_.echo) print_line(line);
    if (line.starts_with('.')) run_dot_command(line);
    return;
  }
  if (starts) {
    pending_.clear();
    if (is_blank(line)) return;
    pending_line_ = line_;
  }
  pending_ += line;
  pending_ += '\n';
  if (line.find(';') == std::string::npos || !sql::is_complete(pending_)) return;
  const std::string text = std::exchange(pending_, {});
  run_statements(text, pending_line_);
}

void Shell::finish_input() {
  const std::string text = std::exchange(pending_, {});
  if (!is_blank(text)) run_statements(text, pending_line_);
}

void Shell::run_statements(std::string_view text, std::size_t first_line) {
  if (settings_.echo) print(text);
  const std::size_t errors_before = errors_;
  interrupts_.clear();
  const InterruptWatcher::Scope scope(interrupts_, connection_ ? connection_->interrupt_handle() : InterruptHandle());
  for (const sql::Statement& statement : sql::split(text)) {
    try {
      run_statement(statement.text);
      output_.statement_done();
    } catch (const Error& error) {
      report_error(error, text, statement.offset, first_line);
    } catch (const std::exception& error) {
      report("Error", error.what());
    }
    // What follows on the same lines would be a surprise.
    if (errors_ > errors_before) break;
    if (interrupts_.interrupted()) {  // while no statement ran that could fail of it
      report("Error", "interrupted");
      break;
    }
  }
  interrupted_ = interrupts_.interrupted();  // Ctrl-C ends the script too.
  if (!interactive_) return;
  try {
    if (!output_.is_redirected()) output_.flush();
  } catch (const std::exception& error) {
    report("Error", error.what());
  }
}

void Shell::run_statement(std::string_view text) {
  preparing_ = false;
  const sql::Classification kind = sql::classify(text);
  if (settings_.query_plan != QueryPlanMode::Off && kind.explain == sql::ExplainMode::None &&
      kind.access != sql::Access::Transaction) {
    print_query_plan(text);
    if (settings_.query_plan == QueryPlanMode::Full) {
      print(format_program(connection().query("EXPLAIN " + std::string(text))));
    }
  }
  Stopwatch stopwatch(*this, settings_.timer);
  preparing_ = true;
  Statement statement = connection().prepare(text);
  preparing_ = false;
  const Params params = parameters_for(statement);
  if (statement.is_explain() && settings_.explain != ExplainFormat::Off) {
    run_explain(statement, params);
  } else if (statement.column_count() == 0) {
    statement.execute(params);
  } else {
    format_.colour = output_.is_terminal() && style::wanted();
    Rows rows = statement.query(params);
    std::vector<std::string> names;
    for (const Column& column : rows.columns()) names.push_back(column.name);
    const std::unique_ptr<Renderer> renderer = make_renderer(format_, output_);
    renderer->begin(names);
    std::vector<ValueRef> values(names.size());
    try {
      while (rows.next()) {
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = rows.row().value(static_cast<int>(i));
        renderer->row(values);
      }
    } catch (...) {
      renderer->end();
      throw;
    }
    renderer->end();
  }
  if (settings_.changes) {
    print("changes: " + std::to_string(connection().changes()) +
          "   total_changes: " + std::to_string(connection().total_changes()) + "\n");
  }
  stopwatch.print();
  if (settings_.stats) after_statement(statement);
}

void Shell::run_explain(Statement& statement, const Params& params) {
  if (statement.explain_kind() == ExplainKind::QueryPlan) {
    print(format_query_plan(statement.query(params)));
  } else {
    print(format_program(statement.query(params)));
  }
}

void Shell::print_query_plan(std::string_view sql) {
  Statement statement = connection().prepare("EXPLAIN QUERY PLAN " + std::string(sql));
  print(format_query_plan(statement.query(parameters_for(statement))));
}

// An unset parameter is an error that the library reports by name; but a plan does not depend on values.
Params Shell::parameters_for(const Statement& statement) const {
  Params params;
  for (int number = 1; number <= statement.parameter_count(); ++number) {
    std::string name(statement.parameter_name(number));
    if (name.empty()) name = "?" + std::to_string(number);
    const auto found = parameters_.find(name);
    if (found != parameters_.end()) {
      params.add(name, found->second);
    } else if (statement.is_explain()) {
      params.add(name, null);
    } else {
      throw CommandError("the parameter " + name + " has no value; use .parameter set " + name + " VALUE");
    }
  }
  return params;
}

void Shell::after_statement(Statement& statement) {
  if (connection().capabilities().mode == Mode::Remote) return;  // the counters are the server's
  const StatementStatus status = statement.status();
  const std::array<std::pair<std::string_view, std::int64_t>, 6> counters = {{
      {"Full scan steps", status.fullscan_steps},
      {"Sort operations", status.sorts},
      {"Automatic index rows", status.auto_index_rows},
      {"Virtual machine steps", status.vm_steps},
      {"Recompilations", status.reprepares},
      {"Memory used by statement", status.memory_used_bytes},
  }};
  for (const auto& [name, value] : counters) {
    std::string line(name);
    line += ':';
    line.append(36 - std::min<std::size_t>(line.size(), 35), ' ');
    print_line(line + std::to_string(value));
  }
}

void Shell::run_dot_command(const std::string& line) {
  const InterruptWatcher::Scope scope(interrupts_, connection_ ? connection_->interrupt_handle() : InterruptHandle());
  interrupts_.clear();
  const std::string place = has_line_numbers_ && !interactive_ ? "line " + std::to_string(line_) + ": " : std::string();
  try {
    Arguments arguments = split_arguments(std::string_view(line).substr(1));
    if (arguments.empty()) throw UsageError("a dot needs a command; see .help");
    const Command& command = find_command(arguments.front());
    arguments.erase(arguments.begin());
    command.run(*this, arguments);
    output_.statement_done();
  } catch (const std::exception& error) {
    report("Error", place + error.what());
  }
  interrupted_ = interrupted_ || interrupts_.interrupted();
}

void Shell::report_error(const Error& error, std::string_view script, std::size_t statement_offset,
                         std::size_t first_line) {
  const bool parse_error = preparing_ && error.code() == ErrorCode::SqlError;
  const std::size_t offset = std::min(statement_offset + error.offset().value_or(0), script.size());
  std::string kind = parse_error ? "Parse error" : "Runtime error";
  if (error.origin() == ErrorOrigin::Api) kind = "Error";
  if (has_line_numbers_ && !interactive_) {
    std::size_t line = first_line;
    for (const char byte : script.substr(0, offset)) line += byte == '\n' ? 1 : 0;
    kind += " near line " + std::to_string(line);
  }
  std::string message = error.message();
  if (!parse_error && error.sqlite_code() != 0) message += " (" + std::to_string(error.sqlite_code() & 0xFF) + ")";
  report(kind, message);
  if (parse_error && error.offset()) warn(excerpt(script, offset));
}

std::vector<std::string> Shell::complete(std::string_view line, std::size_t word_start) {
  return complete_word(connection_ ? &*connection_ : nullptr, line, word_start);
}

}  // namespace libsql::cli
