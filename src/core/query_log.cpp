#include "core/query_log.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>

#include "core/errors.hpp"

namespace libsql {

struct QueryLog::State {
  Callback callback;
  QueryLogOptions options;
  std::atomic<std::uint64_t> reported = 0;
  std::atomic<std::uint64_t> callback_failures = 0;
  std::atomic<std::uint64_t> connections = 0;
};

QueryLog::QueryLog(Callback callback, QueryLogOptions options) : state_(std::make_shared<State>()) {
  if (!callback) core::throw_error(ErrorCode::Misuse, "a query log needs a callback");
  if (options.slower_than < std::chrono::nanoseconds(0)) {
    core::throw_error(ErrorCode::OutOfRange, "the threshold of a query log cannot be negative");
  }
  state_->callback = std::move(callback);
  state_->options = options;
}
QueryLog::QueryLog(const QueryLog&) = default;
QueryLog::QueryLog(QueryLog&&) noexcept = default;
QueryLog& QueryLog::operator=(const QueryLog&) = default;
QueryLog& QueryLog::operator=(QueryLog&&) noexcept = default;
QueryLog::~QueryLog() = default;

const QueryLogOptions& QueryLog::options() const noexcept { return state_->options; }
std::uint64_t QueryLog::reported() const noexcept { return state_->reported.load(std::memory_order_relaxed); }
std::uint64_t QueryLog::callback_failures() const noexcept {
  return state_->callback_failures.load(std::memory_order_relaxed);
}

namespace core {
namespace {

LoggedParameter describe(std::string_view name, const ValueRef& value, const QueryLogOptions& options) {
  LoggedParameter parameter;
  parameter.name = name;
  parameter.type = value.type();
  if (value.type() == ValueType::Text || value.type() == ValueType::Blob) parameter.size = value.size();
  if (options.parameters != LoggedParameters::Values) return parameter;
  const std::size_t kept = std::min(parameter.size, options.max_value_bytes);
  parameter.is_shortened = kept < parameter.size;
  if (value.is_zero_blob()) {
    parameter.value = Blob(kept);
  } else if (value.type() == ValueType::Text) {
    parameter.value = value.text().substr(0, kept);
  } else if (value.type() == ValueType::Blob) {
    parameter.value = value.blob().first(kept);
  } else {
    parameter.value = Value(value);
  }
  return parameter;
}

class QueryLogObserver final : public StatementObserver {
 public:
  explicit QueryLogObserver(std::shared_ptr<QueryLog::State> state)
      : state_(std::move(state)), number_(state_->connections.fetch_add(1) + 1) {}

  bool wants_rows_scanned() const noexcept override { return state_->options.rows_scanned; }

  void started(const void* run, const detail::ParamsView& params) noexcept override {
    if (state_->options.parameters == LoggedParameters::None || reporting_) return;
    try {
      Run& known = run_of(run);
      known.parameters.clear();
      for (const ValueRef& value : params.positional) known.parameters.push_back(describe({}, value, state_->options));
      for (const detail::NamedRef& named : params.named) {
        known.parameters.push_back(describe(named.name, named.value, state_->options));
      }
    } catch (...) {  // no memory for the copies: the log does without
      forget(run);
    }
  }

  void finished(const void* run, const StatementRun& ended) noexcept override {
    const QueryLogOptions& options = state_->options;
    const bool wanted = (ended.failed && options.failures) || ended.duration >= options.slower_than;
    if (wanted && !reporting_) {
      QueryEvent event;
      event.sql = ended.sql;
      const auto known = find(run);
      if (known != runs_.end()) event.parameters = known->parameters;
      event.duration = ended.duration;
      event.rows = ended.rows;
      event.changes = ended.changes;
      event.fullscan_steps = ended.fullscan_steps;
      if (options.rows_scanned) event.rows_scanned = ended.rows_scanned;
      event.failed = ended.failed;
      event.error = ended.error;
      report(event);
    }
    forget(run);
  }

  void refused(std::string_view sql, const Error& error) noexcept override {
    if (!state_->options.failures || reporting_) return;
    QueryEvent event;
    event.sql = sql;
    event.failed = true;
    event.error = &error;
    report(event);
  }

 private:
  struct Run {
    const void* id = nullptr;
    std::vector<LoggedParameter> parameters;
  };

  void report(QueryEvent& event) noexcept {
    using std::chrono::system_clock;
    event.started_at = system_clock::now() - std::chrono::duration_cast<system_clock::duration>(event.duration);
    event.connection = number_;
    reporting_ = true;
    state_->reported.fetch_add(1, std::memory_order_relaxed);
    try {
      state_->callback(event);
    } catch (...) {  // the log must not fail the statement
      state_->callback_failures.fetch_add(1, std::memory_order_relaxed);
    }
    reporting_ = false;
  }

  std::vector<Run>::iterator find(const void* id) noexcept {
    return std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) { return run.id == id; });
  }
  Run& run_of(const void* id) {
    auto found = find(id);
    if (found == runs_.end()) found = find(nullptr);
    Run& run = found == runs_.end() ? runs_.emplace_back() : *found;
    run.id = id;
    return run;
  }
  void forget(const void* id) noexcept {
    const auto found = find(id);
    if (found != runs_.end()) found->id = nullptr;  // its memory serves the next run
  }

  std::shared_ptr<QueryLog::State> state_;
  std::uint64_t number_;
  bool reporting_ = false;
  std::vector<Run> runs_;  // those under way; a connection seldom has more than one or two
};

}  // namespace

std::shared_ptr<StatementObserver> make_query_log_observer(const QueryLog& log) {
  return std::make_shared<QueryLogObserver>(log.state());
}

}  // namespace core

namespace {

void append_duration(std::string& line, std::chrono::nanoseconds duration) {
  const double ns = static_cast<double>(duration.count());
  std::array<char, 48> text{};
  if (ns < 1e6) {
    std::snprintf(text.data(), text.size(), "%.1f us", ns / 1e3);
  } else if (ns < 1e9) {
    std::snprintf(text.data(), text.size(), "%.1f ms", ns / 1e6);
  } else {
    std::snprintf(text.data(), text.size(), "%.2f s", ns / 1e9);
  }
  line += text.data();
}

void append_count(std::string& line, std::uint64_t count, const char* what) {
  line += ", " + std::to_string(count) + ' ' + what;
  if (count != 1) line += 's';
}

void append_parameter(std::string& line, const LoggedParameter& parameter) {
  if (!parameter.name.empty()) line += parameter.name + " = ";
  const bool has_size = parameter.type == ValueType::Text || parameter.type == ValueType::Blob;
  if (parameter.value.type() == parameter.type) {
    line += to_sql_literal(parameter.value.ref());
    if (parameter.is_shortened) line += "... of " + std::to_string(parameter.size) + " bytes";
    return;
  }
  line += to_string(parameter.type);
  if (has_size) line += '(' + std::to_string(parameter.size) + ')';
}

}  // namespace

std::string to_string(const QueryEvent& event) {
  std::string line;
  append_duration(line, event.duration);
  append_count(line, event.rows, "row");
  if (event.rows_scanned) line += " of " + std::to_string(*event.rows_scanned) + " scanned";
  append_count(line, event.changes, "change");
  if (event.failed) line += ", failed: " + (event.error == nullptr ? "an exception" : event.error->message());
  line += ": ";
  for (const char c : event.sql) line += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  if (!event.parameters.empty()) {
    line += " [";
    for (std::size_t i = 0; i < event.parameters.size(); ++i) {
      if (i != 0) line += ", ";
      append_parameter(line, event.parameters[i]);
    }
    line += ']';
  }
  return line;
}

}  // namespace libsql
