// Reading lines from a person: editing, history, completion.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace libsql::cli {

class InterruptWatcher;

class LineEditor {
 public:
  enum class Result : unsigned char { Line, Interrupted, End };

  /// Given the whole line and the start of the word to complete, returns what the word may become.
  using Completer = std::function<std::vector<std::string>(std::string_view line, std::size_t word_start)>;

  /// One at a time per program. `history_file` empty: the history is forgotten at the end.
  LineEditor(const InterruptWatcher& watcher, std::string history_file, Completer completer);
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;
  /// Writes the history; a file that cannot be written is passed over.
  ~LineEditor();

  /// Reads one line, without the line break. Interrupted: Ctrl-C was typed. End: Ctrl-D, or the terminal is gone.
  Result read(const std::string& prompt, std::string& line);

  void add_history(const std::string& line);

 private:
  const InterruptWatcher& watcher_;
  std::string history_file_;
};

}  // namespace libsql::cli
