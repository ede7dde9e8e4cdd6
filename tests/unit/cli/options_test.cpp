#include "cli/options.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/errors.hpp"

namespace libsql::cli {
namespace {

Options parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "libsql");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, TakeAFileAndStatements) {
  const Options options = parse({"a.db", "SELECT 1", ".tables"});
  EXPECT_EQ(options.database.path, "a.db");
  EXPECT_EQ(options.sql, (std::vector<std::string>{"SELECT 1", ".tables"}));
  EXPECT_EQ(parse({}).database.path, ":memory:");
  EXPECT_FALSE(parse({}).file_given);
}

TEST(Options, MayHaveOneDashOrTwoAndStandAnywhere) {
  const Options options = parse({"-json", "a.db", "-readonly", "--timeout", "250", "-separator", ";", "-cmd", ".x",
                                 "--cmd", ".y", "-nullvalue", "", "-noheader", "-bail", "--pragma", "cache_size=-2000",
                                 "--pragma=foreign_keys=off", "SELECT -1"});
  EXPECT_EQ(options.mode, OutputMode::Json);
  EXPECT_TRUE(options.database.read_only);
  EXPECT_EQ(options.database.timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(options.column_separator, ";");
  EXPECT_EQ(options.commands, (std::vector<std::string>{".x", ".y"}));
  EXPECT_EQ(options.null_value, "");
  EXPECT_EQ(options.headers, false);
  EXPECT_TRUE(options.bail);
  ASSERT_EQ(options.database.pragmas.size(), 2U);
  EXPECT_EQ(options.database.pragmas[0], (std::pair<std::string, std::string>("cache_size", "-2000")));
  EXPECT_EQ(options.database.pragmas[1], (std::pair<std::string, std::string>("foreign_keys", "off")));
  EXPECT_EQ(options.sql, (std::vector<std::string>{"SELECT -1"}));
}

TEST(Options, TakeWhatFollowsTwoDashesAsItIs) {
  EXPECT_EQ(parse({"a.db", "--", "-- a comment"}).sql, (std::vector<std::string>{"-- a comment"}));
}

TEST(Options, RefuseWhatTheyDoNotKnow) {
  EXPECT_THROW(parse({"--nosuch"}), UsageError);
  EXPECT_THROW(parse({"-nosuch"}), UsageError);
  EXPECT_THROW(parse({"--mode", "nosuch"}), UsageError);
  EXPECT_THROW(parse({"--mode"}), UsageError);
  EXPECT_THROW(parse({"--timeout", "soon"}), UsageError);
  EXPECT_THROW(parse({"--timeout", "-1"}), UsageError);
  EXPECT_THROW(parse({"--pragma", "cache_size"}), UsageError);
  EXPECT_THROW(parse({"--pragma", "=1"}), UsageError);
}

TEST(Options, NameTheUnknownOneWithoutItsValue) {
  try {
    parse({"a.db", "-json", "--token=secret", "SELECT 1"});
    FAIL() << "taken";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "unknown option --token; see libsql --help");
  }
}

TEST(Options, HaveEachModeInTheHelp) {
  const std::string help = help_text();
  for (const OutputModeInfo& info : output_modes()) {
    EXPECT_NE(help.find(info.name), std::string::npos) << info.name;
    EXPECT_EQ(output_mode_of(info.name), info.mode);
    EXPECT_EQ(name_of(info.mode), info.name);
  }
  EXPECT_EQ(output_mode_of("mark"), OutputMode::Markdown);
  EXPECT_EQ(output_mode_of("l"), std::nullopt);  // line or list
  EXPECT_EQ(output_mode_of(""), std::nullopt);
}

}  // namespace
}  // namespace libsql::cli
