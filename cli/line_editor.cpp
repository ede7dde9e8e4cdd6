#include "cli/line_editor.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <utility>

#include "cli/interrupt.hpp"
#include "sql/tokenizer.hpp"

#ifdef LIBSQL_HAVE_READLINE
#include <readline/history.h>
#include <readline/readline.h>
#endif

namespace libsql::cli {
namespace {

#ifdef LIBSQL_HAVE_READLINE

// A key in a PRAGMA or ATTACH must not end up in a file.
bool may_hold_a_key(std::string_view line) {
  sql::Tokenizer tokenizer(line);
  for (sql::Token token = tokenizer.next_significant(); token.kind != sql::TokenKind::End;
       token = tokenizer.next_significant()) {
    for (const std::string_view word : {"KEY", "REKEY", "HEXKEY", "HEXREKEY", "TEXTKEY", "TEXTREKEY"}) {
      if (sql::is_keyword(token, word)) return true;
    }
  }
  return false;
}

constexpr int kHistoryLines = 2000;

// Readline has one state per program, and calls back without an argument.
LineEditor::Completer completer_of_readline;
std::optional<std::string> line_of_readline;
bool end_of_readline = false;
std::vector<std::string> candidates;

void take_line(char* line) {
  if (line == nullptr) {
    end_of_readline = true;
  } else {
    line_of_readline = line;
    std::free(line);
  }
  // Else readline would print the prompt for a further line.
  rl_callback_handler_remove();
}

char* next_candidate(const char*, int state) {
  static std::size_t next = 0;
  if (state == 0) next = 0;
  return next < candidates.size() ? strdup(candidates[next++].c_str()) : nullptr;
}

char** complete(const char* text, int start, int) {
  rl_attempted_completion_over = 1;
  try {
    candidates = completer_of_readline(rl_line_buffer, static_cast<std::size_t>(start));
  } catch (const std::exception&) {
    candidates.clear();  // There is no way to report it, and the line can still be typed.
  }
  return candidates.empty() ? nullptr : rl_completion_matches(text, next_candidate);
}

#endif

}  // namespace

#ifdef LIBSQL_HAVE_READLINE

LineEditor::LineEditor(const InterruptWatcher& watcher, std::string history_file, Completer completer)
    : watcher_(watcher), history_file_(std::move(history_file)) {
  std::setlocale(LC_CTYPE, "");
  completer_of_readline = std::move(completer);
  static char name[] = "libsql";
  rl_readline_name = name;
  rl_catch_signals = 0;
  rl_attempted_completion_function = complete;
  static char breaks[] = " \t\n\"'`;,()=<>+-*/%|&~[]";
  rl_completer_word_break_characters = breaks;
  using_history();
  stifle_history(kHistoryLines);
  if (!history_file_.empty()) read_history(history_file_.c_str());
}

LineEditor::~LineEditor() {
  if (!history_file_.empty()) {
    const mode_t mask = umask(S_IRWXG | S_IRWXO);
    write_history(history_file_.c_str());
    umask(mask);
  }
  completer_of_readline = nullptr;
}

LineEditor::Result LineEditor::read(const std::string& prompt, std::string& line) {
  line_of_readline.reset();
  end_of_readline = false;
  watcher_.drain_wake();
  rl_callback_handler_install(prompt.c_str(), take_line);
  while (!line_of_readline && !end_of_readline) {
    pollfd waiting[2] = {{STDIN_FILENO, POLLIN, 0}, {watcher_.wake_fd(), POLLIN, 0}};
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) {
      watcher_.drain_wake();
      rl_free_line_state();
      rl_callback_sigcleanup();
      rl_replace_line("", 0);
      rl_callback_handler_remove();
      std::fputs("^C\n", stdout);
      std::fflush(stdout);
      return Result::Interrupted;
    }
    if (waiting[0].revents != 0) rl_callback_read_char();
  }
  if (end_of_readline) {
    std::fputs("\n", stdout);
    return Result::End;
  }
  line = *std::move(line_of_readline);
  return Result::Line;
}

void LineEditor::add_history(const std::string& line) {
  if (line.empty() || may_hold_a_key(line)) return;
  const HIST_ENTRY* const last = history_length > 0 ? history_get(history_base + history_length - 1) : nullptr;
  if (last == nullptr || line != last->line) ::add_history(line.c_str());
}

#else

LineEditor::LineEditor(const InterruptWatcher& watcher, std::string history_file, Completer)
    : watcher_(watcher), history_file_(std::move(history_file)) {}

LineEditor::~LineEditor() = default;

LineEditor::Result LineEditor::read(const std::string& prompt, std::string& line) {
  watcher_.drain_wake();
  std::fputs(prompt.c_str(), stdout);
  std::fflush(stdout);
  line.clear();
  while (true) {
    pollfd waiting[2] = {{STDIN_FILENO, POLLIN, 0}, {watcher_.wake_fd(), POLLIN, 0}};
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) {
      watcher_.drain_wake();
      std::fputs("^C\n", stdout);
      return Result::Interrupted;
    }
    if (waiting[0].revents == 0) continue;
    char byte = 0;
    if (::read(STDIN_FILENO, &byte, 1) != 1) return line.empty() ? Result::End : Result::Line;
    if (byte == '\n') return Result::Line;
    line += byte;
  }
}

void LineEditor::add_history(const std::string&) {}

#endif

}  // namespace libsql::cli
