#include "cli/verbs.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace libsql::cli {

std::optional<int> run_verb(const std::vector<std::string>& arguments) {
  constexpr std::array<std::pair<std::string_view, int (*)(const std::vector<std::string>&)>, 3> kVerbs = {
      {{"serve", run_serve}, {"sync", run_sync}, {"token", run_token}}};
  if (arguments.empty()) return std::nullopt;
  for (const auto& [name, run] : kVerbs) {
    if (name == arguments.front()) return run({arguments.begin() + 1, arguments.end()});
  }
  return std::nullopt;
}

}  // namespace libsql::cli
