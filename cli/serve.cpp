#include <cstdio>

#include "cli/errors.hpp"
#include "cli/verbs.hpp"
#include "server/config/load.hpp"
#include "server/serve/service.hpp"

namespace libsql::cli {

int run_serve(const std::vector<std::string>& arguments) {
  if (server::wants_help(arguments)) {
    std::fputs(server::serve_help().c_str(), stdout);
    return 0;
  }
  try {
    return server::run_service(server::load_config(arguments, server::process_environment));
  } catch (const server::ConfigError& error) {
    throw UsageError(std::string("serve: ") + error.what());
  }
}

}  // namespace libsql::cli
