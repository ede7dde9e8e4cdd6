// .expert: which indexes would serve some statements.
#pragma once

#include <libsql/error.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "cli/shell.hpp"

namespace libsql::cli {

/// Works on copies of the schema of the main database, in this process, and changes nothing: one whose tables tell what
/// the planner asks of them, and one where the indexes that come of that are tried.
class Expert {
 public:
  Expert(Shell& shell, const ExpertOptions& options);
  Expert(const Expert&) = delete;
  Expert& operator=(const Expert&) = delete;
  ~Expert();

  /// One more statement to serve. Throws SqlError if it does not compile.
  void add(std::string_view statement);
  /// Prints the indexes and plans of all statements.
  void report();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace libsql::cli
