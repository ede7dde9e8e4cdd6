// The program libsql.
#include <cstdio>
#include <exception>

#include "cli/errors.hpp"
#include "cli/options.hpp"
#include "cli/shell.hpp"
#include "cli/verbs.hpp"

int main(int argc, char** argv) {
  constexpr int kUsage = 2;
  try {
    if (const auto status = libsql::cli::run_verb({argv + 1, argv + argc})) return *status;
    const libsql::cli::Options options = libsql::cli::parse_options(argc, argv);
    if (options.help) {
      std::fputs(libsql::cli::help_text().c_str(), stdout);
      return 0;
    }
    if (options.version) {
      std::fputs(libsql::cli::version_text().c_str(), stdout);
      return 0;
    }
    return libsql::cli::Shell(options).run();
  } catch (const libsql::cli::UsageError& error) {
    std::fprintf(stderr, "libsql: %s\n", error.what());
    return kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "libsql: %s\n", error.what());
    return 1;
  }
}
