#include "cli/commands.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "cli/errors.hpp"

namespace libsql::cli {
namespace {

TEST(Commands, AreSortedAndExplained) {
  std::set<std::string_view> names;
  std::string_view before;
  for (const Command& command : commands()) {
    EXPECT_LT(before, command.name);
    before = command.name;
    EXPECT_TRUE(names.insert(command.name).second);
    EXPECT_FALSE(command.summary.empty()) << command.name;
    EXPECT_TRUE(command.details.empty() || command.details.ends_with('\n')) << command.name;
    EXPECT_EQ(&find_command(command.name), &command);
  }
}

TEST(Commands, MayBeShortenedWhileTheyStayDistinct) {
  EXPECT_EQ(find_command("q").name, "quit");
  EXPECT_EQ(find_command("tab").name, "tables");
  EXPECT_EQ(find_command("head").name, "headers");
  EXPECT_EQ(find_command("h").name, "help");
  EXPECT_EQ(find_command("indices").name, "indexes");
  EXPECT_THROW(find_command("e"), UsageError);
  EXPECT_THROW(find_command(""), UsageError);
  EXPECT_THROW(find_command("nosuch"), UsageError);
}

TEST(SplitArguments, KeepsQuotedWordsTogether) {
  EXPECT_EQ(split_arguments("  mode  box "), (Arguments{"mode", "box"}));
  EXPECT_EQ(split_arguments(""), Arguments{});
  EXPECT_EQ(split_arguments("import 'a file.csv' \"a table\""), (Arguments{"import", "a file.csv", "a table"}));
  EXPECT_EQ(split_arguments(R"(separator "\t" "\r\n")"), (Arguments{"separator", "\t", "\r\n"}));
  EXPECT_EQ(split_arguments(R"(print "say \"hi\"" 'it''s' '\n')"), (Arguments{"print", "say \"hi\"", "it's", "\\n"}));
  EXPECT_EQ(split_arguments(R"(separator \t a\\b\"\q \101\012x "\101" \)"),
            (Arguments{"separator", "\t", "a\\b\"q", "A\nx", "A", "\\"}));
  EXPECT_EQ(split_arguments(R"(print \0 "\0")"), (Arguments{"print", std::string(1, '\0'), std::string(1, '\0')}));
  EXPECT_EQ(split_arguments("nullvalue ''"), (Arguments{"nullvalue", ""}));
  EXPECT_EQ(split_arguments("print 'open"), (Arguments{"print", "open"}));
}

TEST(ParseSwitch, TakesTheUsualWords) {
  for (const char* text : {"on", "ON", "yes", "true", "1"}) EXPECT_TRUE(parse_switch(text));
  for (const char* text : {"off", "No", "false", "0"}) EXPECT_FALSE(parse_switch(text));
  EXPECT_THROW(parse_switch("maybe"), UsageError);
  EXPECT_EQ(parse_number("-12"), -12);
  EXPECT_THROW(parse_number("12x"), UsageError);
  EXPECT_THROW(parse_number(""), UsageError);
}

}  // namespace
}  // namespace libsql::cli
