// The verbs of a program that was built without the server (LIBSQL_BUILD_SERVER=OFF).
#include "cli/errors.hpp"
#include "cli/verbs.hpp"

namespace libsql::cli {
namespace {

[[noreturn]] void refuse(const char* verb) {
  throw CommandError(std::string(verb) + ": this program was built without the server");
}

}  // namespace

int run_serve(const std::vector<std::string>&) { refuse("serve"); }
int run_token(const std::vector<std::string>&) { refuse("token"); }

}  // namespace libsql::cli
