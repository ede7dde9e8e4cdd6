// Runs the code blocks of a page, each in an empty directory of its own.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

namespace libsql_docs {

inline void run(const char* place, void (*snippet)()) {
  namespace fs = std::filesystem;
  std::cout << "-- " << place << std::endl;
  static int number = 0;
  const fs::path directory =
      fs::temp_directory_path() / ("libsql-docs-" + std::to_string(getpid()) + "-" + std::to_string(++number));
  fs::create_directory(directory);
  fs::current_path(directory);
  bool failed = false;
  try {
    snippet();
  } catch (const std::exception& error) {
    std::cerr << place << ": " << error.what() << std::endl;
    failed = true;
  }
  fs::current_path("/");
  fs::remove_all(directory);
  if (failed) std::exit(1);
}

}  // namespace libsql_docs
