// Runs the code blocks of a page, each in an empty directory of its own, and looks at what they print.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <initializer_list>
#include <iostream>
#include <sstream>
#include <string>

namespace libsql_docs {

/// Whether `output` has these lines, in this order, maybe with others between them. If not, says which is missing.
inline bool has_lines(const std::string& output, std::initializer_list<const char*> expected) {
  std::istringstream lines(output);
  for (const char* wanted : expected) {
    std::string line;
    do {
      if (!std::getline(lines, line)) {
        std::cerr << "the page says that it prints '" << wanted << "'; it printed:\n" << output << std::flush;
        return false;
      }
    } while (line != wanted);
  }
  return true;
}

inline void run(const char* place, void (*snippet)(), std::initializer_list<const char*> expected) {
  namespace fs = std::filesystem;
  std::cout << "-- " << place << std::endl;
  static int number = 0;
  const fs::path directory =
      fs::temp_directory_path() / ("libsql-docs-" + std::to_string(getpid()) + "-" + std::to_string(++number));
  fs::create_directory(directory);
  fs::current_path(directory);
  bool failed = false;
  std::ostringstream output;
  std::streambuf* const screen = std::cout.rdbuf(output.rdbuf());
  try {
    snippet();
  } catch (const std::exception& error) {
    std::cerr << place << ": " << error.what() << std::endl;
    failed = true;
  }
  std::cout.rdbuf(screen);
  if (!failed && !has_lines(output.str(), expected)) {
    std::cerr << "(" << place << ")" << std::endl;
    failed = true;
  }
  fs::current_path("/");
  fs::remove_all(directory);
  if (failed) std::exit(1);
}

}  // namespace libsql_docs
