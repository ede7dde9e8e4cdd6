#include "cli/style.hpp"

#include <cstdlib>

namespace libsql::cli::style {

bool wanted() noexcept {
  const char* const no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* const terminal = std::getenv("TERM");
  return terminal != nullptr && std::string_view(terminal) != "dumb";
}

}  // namespace libsql::cli::style
