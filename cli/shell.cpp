#include "cli/shell.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <libsql/batch.hpp>
#include <libsql/error.hpp>
#include <libsql/rows.hpp>
#include <libsql/statement.hpp>
#include <libsql/version.hpp>
#include <utility>

#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/errors.hpp"
#include "cli/expert.hpp"
#include "cli/explain.hpp"
#include "cli/file_functions.hpp"
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

std::size_t line_breaks(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// Prints how long a piece of work took, at its end.
class Stopwatch {
 public:
  Stopwatch(Shell& shell, bool on) : shell_(shell), on_(on) {
    if (!on_) return;
    start_ = Clock::now();
    getrusage(RUSAGE_SELF, &usage_);
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

// `go` and `/` on a line of their own end a statement in the tools of other databases, and so in sqlite3's.
bool is_terminator(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return false;
  line = line.substr(first, line.find_last_not_of(" \t") - first + 1);
  return line == "/" || sql::equals_ignoring_case(line, "go");
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
  if (!open_first()) return 1;
  try {
    if (!options_.init_file.empty()) {
      InputFile file(options_.init_file);
      StreamSource source(file.stream());
      process(source, options_.init_file);
    } else if (interactive_) {
      const std::string path = home_file(".libsqlrc");
      if (!path.empty() && access(path.c_str(), R_OK) == 0) {
        InputFile file(path);
        StreamSource source(file.stream());
        process(source, path);
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
  return errors_ > 0 || schema_damaged_ ? 1 : 0;
}

// Opens what the command line names, damaged or not.
bool Shell::open_first() {
  try {
    open(options_.database);
    return true;
  } catch (const Corrupt& error) {
    if (open_with_damaged_schema(error)) return true;
    report("Error", error.what());
  } catch (const std::exception& error) {
    report("Error", error.what());
  }
  // .recover makes do with the bytes of the file.
  const bool recovers = !options_.sql.empty() && options_.commands.empty() &&
                        std::all_of(options_.sql.begin(), options_.sql.end(),
                                    [](const std::string& text) { return text.starts_with(".recover"); });
  if (!recovers || !std::filesystem::is_regular_file(options_.database.path)) return false;
  database_settings_ = options_.database;
  errors_ = 0;
  return true;
}

// An entry of the schema that cannot be understood keeps the engine from opening the database. It passes over such an
// entry if it is told to; then nothing may be written.
bool Shell::open_with_damaged_schema(const Corrupt& damage) {
  DatabaseSettings settings = options_.database;
  if (is_url(settings.path)) return false;
  settings.read_only = true;
  settings.pragmas.insert(settings.pragmas.begin(), {"writable_schema", "ON"});
  try {
    open(settings);
  } catch (const std::exception&) {
    return false;
  }
  schema_damaged_ = true;
  warn(std::string("Warning: ") + damage.what() +
       ". The database is open read-only, without the damaged entries; .dump and .recover show the rest\n");
  return true;
}

Connection& Shell::connection() {
  if (!connection_) throw CommandError("no database is open; use .open FILE");
  return *connection_;
}

namespace {

// To the engine a file with a wrong key looks like one that is not a database.
Database open_or_advise(const DatabaseSettings& settings) {
  try {
    return open_database(settings);
  } catch (const NotADatabase& error) {
    throw CommandError(std::string(error.what()) + "; if it is encrypted, check --key-file and --cipher");
  }
}

}  // namespace

void Shell::open(const DatabaseSettings& settings) {
  Database database = open_or_advise(settings);
  Connection connection = database.connect();
  if (connection.capabilities().mode != Mode::Remote) add_file_functions(connection);
  counters_.reset();
  connection_.reset();
  database_ = std::move(database);
  connection_ = std::move(connection);
  database_settings_ = settings;
  refuses_plain_files_ = makes_unwanted_plain_files(settings);
  if (settings_.scan_stats == ScanStats::Off) return;
  if (connection_->capabilities().mode == Mode::Remote) {
    settings_.scan_stats = ScanStats::Off;  // the counters are the server's
  } else {
    counters_.emplace(*connection_);
  }
}

void Shell::rekeyed(const std::string& key_file) {
  database_settings_.key_file = key_file.empty() ? key_file : std::filesystem::absolute(key_file).string();
  database_settings_.decrypted = key_file.empty();
  refuses_plain_files_ = makes_unwanted_plain_files(database_settings_);
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
  return exit_status_.has_value() || left_ || interrupted_ || given_up_ ||
         (settings_.bail && errors_ > 0 && !interactive_);
}

void Shell::process(LineSource& source, const std::string& name) {
  if (depth_ >= kDeepestScript) throw CommandError("scripts are nested too deeply");
  // A script that .read starts has lines and unfinished statements of its own.
  const Pending outer_pending = std::exchange(pending_, {});
  const std::size_t outer_line = std::exchange(line_, 0);
  const std::string outer_name = std::exchange(source_name_, name);
  ++depth_;
  std::string line;
  while (!stopped() && source.next(line)) feed(line);
  if (!stopped()) finish_input();
  run_queue();
  --depth_;
  pending_ = outer_pending;
  line_ = outer_line;
  source_name_ = outer_name;
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
    const auto result = editor.read(pending_.text.empty() ? settings_.prompt : settings_.continuation, line);
    if (result == LineEditor::Result::End) break;
    if (result == LineEditor::Result::Interrupted) {
      pending_ = {};
      continue;
    }
    editor.add_history(line);
    feed(line);
    interrupted_ = false;
    given_up_ = false;
    interrupts_.clear();
    // On standard output prompts and results follow each other; on .output they do not, and may be written later.
    if (!output_.is_redirected()) output_.flush();
  }
  if (!exit_status_ && !left_) finish_input();
}

void Shell::feed(const std::string& line) {
  ++line_;
  const bool starts = pending_.watcher.is_blank();
  if (starts) {
    if (!pending_.text.empty()) pending_ = {};
    if (line.starts_with('.') || line.starts_with('#')) {
      if (settings_.echo) print_line(line);
      if (line.starts_with('.')) run_dot_command(line);
      return;
    }
    if (is_blank(line) || is_terminator(line)) return;
    pending_.line = line_;
  } else if (is_terminator(line) && ends_before_terminator()) {
    pending_.text += ";\n";
    return run_pending();
  }
  pending_.text += line;
  pending_.text += '\n';
  if (pending_.watcher.look_at(pending_.text)) run_pending();
}

// Whether a semicolon would complete what is pending: then a line that another program's scripts end statements with
// does so, too.
bool Shell::ends_before_terminator() const {
  if (pending_.watcher.is_open()) return false;
  sql::CompletionWatcher watcher = pending_.watcher;
  return watcher.look_at(pending_.text + ";\n");
}

void Shell::run_pending() {
  const Pending pending = std::exchange(pending_, {});
  run_statements(pending.text, pending.line);
}

void Shell::finish_input() {
  if (!is_blank(pending_.text)) run_pending();
}

void Shell::run_statements(std::string_view text, std::size_t first_line) {
  if (settings_.echo) print(text);
  std::size_t errors_before = errors_;
  interrupts_.clear();
  const InterruptWatcher::Scope scope(interrupts_, connection_ ? connection_->interrupt_handle() : InterruptHandle());
  if (expert_) {
    run_expert(text, first_line);
    interrupted_ = interrupts_.interrupted();
    return;
  }
  for (const sql::Statement& statement : sql::split(text)) {
    if (queue(statement.text, first_line + line_breaks(text.substr(0, statement.offset)))) continue;
    run_queue();
    if (stopped()) break;
    errors_before = errors_;  // those of the queue belong to other lines
    try {
      run_statement(statement.text);
      output_.statement_done();
    } catch (const Error& error) {
      report_error(error, text, statement.offset, first_line);
      given_up_ = is_fatal(error, statement.text);
    } catch (const std::exception& error) {
      const std::string where = place(first_line + line_breaks(text.substr(0, statement.offset)));
      report(where.empty() ? "Error" : "Error near" + where, error.what());
    }
    // What follows on the same lines would be a surprise.
    if (errors_ > errors_before || stopped()) break;
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

void Shell::run_expert(std::string_view text, std::size_t first_line) {
  const ExpertOptions options = std::exchange(expert_, std::nullopt).value();
  std::size_t offset = 0;
  preparing_ = false;
  try {
    run_queue();
    Expert expert(*this, options);
    preparing_ = true;
    for (const sql::Statement& statement : sql::split(text)) {
      offset = statement.offset;
      expert.add(statement.text);
    }
    preparing_ = false;
    expert.report();
    output_.statement_done();
    if (interactive_ && !output_.is_redirected()) output_.flush();
  } catch (const Error& error) {
    report_error(error, text, offset, first_line);
  } catch (const std::exception& error) {
    const std::string where = place(first_line + line_breaks(text.substr(0, offset)));
    report(where.empty() ? "Error" : "Error near" + where, error.what());
  }
}

void Shell::run_statement(std::string_view text) {
  preparing_ = false;
  if (settings_.query_plan != QueryPlanMode::Off) {
    const sql::Classification kind = sql::classify(text);
    if (kind.explain == sql::ExplainMode::None && kind.access != sql::Access::Transaction) {
      print_query_plan(text);
      if (settings_.query_plan == QueryPlanMode::Full) {
        print(format_program(connection().query("EXPLAIN " + std::string(text))));
      }
    }
  }
  if (refuses_plain_files_) require_key_for_files(text);
  Stopwatch stopwatch(*this, settings_.timer);
  preparing_ = true;
  Statement statement = connection().prepare(text);
  preparing_ = false;
  const Params params = parameters_for(statement);
  if (statement.is_explain() && settings_.explain != ExplainFormat::Off) {
    run_explain(statement, params);
  } else if (connection().capabilities().mode == Mode::Remote && statement.column_count() == 0) {
    statement.execute(params);
  } else {
    // Locally the columns of a statement that does not run are looked up in the schema, which takes longer than many
    // a statement.
    Rows rows = statement.query(params);
    if (rows.column_count() == 0) {
      rows.next();
    } else {
      show(rows);
    }
  }
  if (settings_.changes) {
    print("changes: " + std::to_string(connection().changes()) +
          "   total_changes: " + std::to_string(connection().total_changes()) + "\n");
  }
  stopwatch.print();
  if (settings_.stats) after_statement(statement);
  if (settings_.scan_stats != ScanStats::Off && !statement.is_explain()) print_scan_counts(statement, text);
}

void Shell::show(Rows& rows) {
  format_.colour = output_.is_terminal() && style::wanted();
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

void Shell::count_scans(ScanStats what) {
  if (what == ScanStats::Off) {
    counters_.reset();
  } else if (!counters_) {
    counters_.emplace(connection());
  }
  settings_.scan_stats = what;
}

void Shell::print_scan_counts(const Statement& statement, std::string_view sql) {
  const RunCounts counts = counters_.value().counts(statement);
  if (settings_.scan_stats == ScanStats::Program && !counts.instructions.empty()) {
    Statement explained = connection().prepare("EXPLAIN " + std::string(sql));
    print(format_program(explained.query(parameters_for(explained)), counts.instructions));
  }
  print(format_counts(counts, settings_.scan_stats == ScanStats::Estimates ? Estimates::Shown : Estimates::Hidden));
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

bool Shell::queue(std::string_view statement, std::size_t line) {
  constexpr std::size_t kMost = 500;
  constexpr std::size_t kMostBytes = std::size_t{1} << 20;
  const bool watched = settings_.changes || settings_.stats || settings_.timer || settings_.echo ||
                       settings_.query_plan != QueryPlanMode::Off;
  if (interactive_ || watched || !connection_ || connection_->capabilities().mode == Mode::Local ||
      connection_->is_autocommit()) {
    return false;
  }
  const sql::Classification kind = sql::classify(statement);
  if (kind.explain != sql::ExplainMode::None ||
      (kind.kind != sql::StatementKind::Insert && kind.kind != sql::StatementKind::Replace &&
       kind.kind != sql::StatementKind::Update && kind.kind != sql::StatementKind::Delete)) {
    return false;
  }
  sql::Tokenizer tokenizer(statement);
  for (sql::Token token = tokenizer.next(); token.kind != sql::TokenKind::End; token = tokenizer.next()) {
    if (token.kind == sql::TokenKind::Parameter || sql::is_keyword(token, "RETURNING")) return false;
  }
  queue_.push_back({std::string(statement), line});
  queued_bytes_ += statement.size();
  if (queue_.size() >= kMost || queued_bytes_ >= kMostBytes) run_queue();
  return true;
}

void Shell::run_queue() {
  std::vector<Queued> left = std::exchange(queue_, {});
  queued_bytes_ = 0;
  while (!left.empty() && !stopped()) {
    const InterruptWatcher::Scope scope(interrupts_, connection_->interrupt_handle());
    std::vector<BatchStatement> batch;
    for (const Queued& queued : left) batch.emplace_back(queued.text);
    try {
      connection_->execute_batch(batch);
      return;
    } catch (const Error& error) {
      // The statements before the one that failed have run.
      const Queued& failed = left[std::min(error.statement_index().value_or(0), left.size() - 1)];
      preparing_ = error.offset().has_value();
      report_error(error, failed.text, 0, failed.line);
      given_up_ = is_fatal(error, failed.text);
      if (!error.statement_index() && !given_up_) {
        warn("The rest of the script is not run: it is unknown how far the following statements got\n");
        given_up_ = true;
      }
      left.erase(left.begin(), left.begin() + (&failed - left.data()) + 1);
    }
  }
}

void Shell::run_dot_command(const std::string& line) {
  run_queue();
  if (stopped()) return;
  const InterruptWatcher::Scope scope(interrupts_, connection_ ? connection_->interrupt_handle() : InterruptHandle());
  interrupts_.clear();
  std::string where = place(line_);
  if (!where.empty()) where = where.substr(1) + ": ";
  try {
    Arguments arguments = split_arguments(std::string_view(line).substr(1));
    if (arguments.empty()) throw UsageError("a dot needs a command; see .help");
    const Command& command = find_command(arguments.front());
    arguments.erase(arguments.begin());
    command.run(*this, arguments);
    output_.statement_done();
  } catch (const std::exception& error) {
    report("Error", where + error.what());
  }
  interrupted_ = interrupted_ || interrupts_.interrupted();
}

void Shell::report_error(const Error& error, std::string_view script, std::size_t statement_offset,
                         std::size_t first_line) {
  const bool parse_error = preparing_ && error.code() == ErrorCode::SqlError;
  const std::size_t offset = std::min(statement_offset + error.offset().value_or(0), script.size());
  std::string kind = parse_error ? "Parse error" : "Runtime error";
  if (error.origin() == ErrorOrigin::Api) kind = "Error";
  const std::string where = place(first_line + line_breaks(script.substr(0, offset)));
  if (!where.empty()) kind += " near" + where;
  std::string message = error.message();
  if (!parse_error && error.sqlite_code() != 0) message += " (" + std::to_string(error.sqlite_code() & 0xFF) + ")";
  report(kind, message);
  if (parse_error && error.offset()) warn(excerpt(script, offset));
}

std::string Shell::place(std::size_t line) const {
  if (source_name_.empty()) {
    return has_line_numbers_ && !interactive_ ? " line " + std::to_string(line) : std::string();
  }
  return " line " + std::to_string(line) + " of " + source_name_;
}

bool Shell::is_fatal(const Error& error, std::string_view statement) {
  if (depth_ == 0 || connection().capabilities().mode == Mode::Local) return false;
  const auto give_up = [&](const char* why) {
    warn(std::string("The rest of the script is not run: ") + why + "\n");
    return true;
  };
  if (error.code() == ErrorCode::TransactionLost) {
    return give_up("it belongs to a transaction of which nothing is committed");
  }
  const sql::Classification kind = sql::classify(statement);
  const bool sets_up = kind.kind == sql::StatementKind::Attach || kind.kind == sql::StatementKind::Begin ||
                       (kind.kind == sql::StatementKind::Pragma && kind.has_value);
  if (sets_up && kind.explain == sql::ExplainMode::None) {
    return give_up(error.transaction_open().value_or(false)
                       ? "it relies on this statement. Nothing of the open transaction is committed"
                       : "it relies on this statement");
  }
  switch (error.code()) {
    case ErrorCode::Auth:
      return give_up("the server refuses it");
    case ErrorCode::Network:
    case ErrorCode::Protocol:
      return give_up("the connection to the server failed");
    default:
      return false;
  }
}

std::vector<std::string> Shell::complete(std::string_view line, std::size_t word_start) {
  return complete_word(connection_ ? &*connection_ : nullptr, line, word_start);
}

}  // namespace libsql::cli
