// Runs the code blocks of a page, each in an empty directory of its own, and looks at what they print.
#pragma once

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <initializer_list>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "support/temporary_directory.hpp"

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
  const auto directory = std::make_unique<libsql::test::TemporaryDirectory>();
  fs::current_path(directory->path());
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
  if (failed) std::exit(1);
}

}  // namespace libsql_docs
