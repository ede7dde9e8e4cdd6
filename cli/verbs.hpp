// What the program does besides being a shell: `libsql VERB ...`.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace libsql::cli {

/// Runs the verb that the first argument names, to its end; nothing if it names none. Returns the exit status. Throws
/// UsageError and what the verb throws.
std::optional<int> run_verb(const std::vector<std::string>& arguments);

// The verbs; `arguments` are those after it.
int run_serve(const std::vector<std::string>& arguments);
int run_sync(const std::vector<std::string>& arguments);
int run_token(const std::vector<std::string>& arguments);

}  // namespace libsql::cli
