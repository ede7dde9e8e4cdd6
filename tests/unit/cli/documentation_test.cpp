// docs/shell.md has to name what there is.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "cli/commands.hpp"
#include "cli/output_settings.hpp"

namespace libsql::cli {
namespace {

TEST(Documentation, NamesEachCommandWithItsUsageAndEachMode) {
  std::ifstream file(LIBSQL_SHELL_PAGE);
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(page.empty());
  for (const Command& command : commands()) {
    std::string usage("| `.");
    usage.append(command.name).append(command.usage.empty() ? "" : " ");
    for (const char byte : command.usage) {
      if (byte == '|') usage += '\\';
      usage += byte;
    }
    usage.append("`");
    EXPECT_NE(page.find(usage), std::string::npos) << usage;
  }
  for (const OutputModeInfo& info : output_modes()) {
    EXPECT_NE(page.find(std::string("`").append(info.name)), std::string::npos) << info.name;
  }
}

}  // namespace
}  // namespace libsql::cli
