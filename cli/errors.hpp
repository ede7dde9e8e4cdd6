// Failures that are not the database's.
#pragma once

#include <stdexcept>

namespace libsql::cli {

/// A dot command or an option that cannot be carried out; the message says why.
class CommandError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A dot command or option that is written wrongly. On the command line it leads to another exit code.
class UsageError : public CommandError {
 public:
  using CommandError::CommandError;
};

}  // namespace libsql::cli
