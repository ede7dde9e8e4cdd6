// Running the program as its users do: with pipes, or in a terminal.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace libsql::test {

struct ProcessResult {
  int status = -1;  // exit status; 128 + signal if a signal ended it
  std::string out;
  std::string err;
};

using Environment = std::map<std::string, std::string>;

/// Runs `program` to its end with `input` on standard input. The environment is the given one and PATH only.
ProcessResult run_process(const std::string& program, const std::vector<std::string>& arguments,
                          const std::string& input = {}, const Environment& environment = {});

/// Runs the program libsql.
ProcessResult run_shell(const std::vector<std::string>& arguments, const std::string& input = {},
                        const Environment& environment = {});

/// A program in a terminal of its own.
class Terminal {
 public:
  /// TERM is set to "xterm" unless the environment says otherwise.
  Terminal(const std::string& program, const std::vector<std::string>& arguments, Environment environment = {});
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  void type(const std::string& text);
  /// Waits until the terminal shows `text` after what an earlier expect() found. False at the end of the program, or
  /// after 20 s.
  bool expect(const std::string& text);
  /// Waits for the program's end; its exit status as in ProcessResult, or -1 after 20 s.
  int wait();
  /// All that was shown.
  const std::string& shown() const noexcept { return shown_; }

 private:
  bool read_more(std::chrono::steady_clock::time_point until);

  int pid_ = -1;
  int fd_ = -1;
  std::string shown_;
  std::size_t seen_ = 0;
};

}  // namespace libsql::test
