// Where results go: standard output, a file or a program, as .output and .once choose.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace libsql::cli {

/// The current destination of results. Errors never go here.
class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  void write(std::string_view text);
  /// Passes everything on. Throws std::runtime_error if it could not be written (once; later output is dropped).
  void flush();

  /// Sends what follows to a file, or with a leading "|" to the input of a shell command; empty: to standard output.
  /// Throws std::runtime_error.
  void redirect(const std::string& destination, bool only_next_statement);
  /// Ends a redirection. Throws std::runtime_error if what was written did not arrive.
  void restore();
  /// To be called after each statement or command: ends a redirection of .once.
  void statement_done();

  bool is_redirected() const noexcept { return file_ != stdout; }
  /// "stdout", or what redirect() was told.
  std::string name() const { return is_redirected() ? name_ : "stdout"; }
  /// Whether it goes to a terminal.
  bool is_terminal() const noexcept;

 private:
  std::FILE* file_ = stdout;
  std::string name_;
  bool is_pipe_ = false;
  int statements_left_ = -1;
};

}  // namespace libsql::cli
