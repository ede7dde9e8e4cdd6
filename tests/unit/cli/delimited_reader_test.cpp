#include "cli/delimited_reader.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace libsql::cli {
namespace {

using Records = std::vector<std::vector<std::string>>;

struct Outcome {
  Records records;
  std::vector<std::string> warnings;
};

Outcome read_all(std::string text, const DelimitedFormat& format = {}) {
  Outcome outcome;
  // fmemopen() refuses an empty buffer.
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(
      text.empty() ? std::fopen("/dev/null", "r") : fmemopen(text.data(), text.size(), "r"), std::fclose);
  DelimitedReader reader(stream.get(), format, [&](std::uint64_t line, std::string_view message) {
    outcome.warnings.push_back(std::to_string(line) + ": " + std::string(message));
  });
  std::vector<std::string> fields;
  while (reader.next(fields)) outcome.records.push_back(fields);
  return outcome;
}

TEST(DelimitedReader, ReadsPlainRecords) {
  EXPECT_EQ(read_all("a,b\nc,d\n").records, (Records{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(read_all("a,b\r\nc,d").records, (Records{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(read_all("").records, Records{});
  EXPECT_EQ(read_all("\n").records, (Records{{""}}));
  EXPECT_EQ(read_all(",\n").records, (Records{{"", ""}}));
  EXPECT_EQ(read_all("a,").records, (Records{{"a", ""}}));
  EXPECT_EQ(read_all("\xEF\xBB\xBF"
                     "a\n")
                .records,
            (Records{{"a"}}));
}

TEST(DelimitedReader, ReadsQuotedFields) {
  const Outcome outcome = read_all("\"a,b\",\"c\nd\",\"e\"\"f\"\r\n\"\",x\n\"last\"");
  EXPECT_EQ(outcome.records, (Records{{"a,b", "c\nd", "e\"f"}, {"", "x"}, {"last"}}));
  EXPECT_TRUE(outcome.warnings.empty());
  EXPECT_EQ(read_all("a\"b,c\n").records, (Records{{"a\"b", "c"}}));
  EXPECT_EQ(read_all("\"a\"\"\"\n").records, (Records{{"a\""}}));
}

TEST(DelimitedReader, WarnsAboutQuotesThatAreWrong) {
  const Outcome inside = read_all("\"a\"b\",c\nd,e\n");
  EXPECT_EQ(inside.records, (Records{{"a\"b", "c"}, {"d", "e"}}));
  ASSERT_EQ(inside.warnings.size(), 1U);
  EXPECT_TRUE(inside.warnings[0].starts_with("1: "));
  const Outcome open = read_all("a\n\"b\nc");
  EXPECT_EQ(open.records, (Records{{"a"}, {"b\nc"}}));
  ASSERT_EQ(open.warnings.size(), 1U);
  EXPECT_TRUE(open.warnings[0].starts_with("2: "));
}

TEST(DelimitedReader, TakesSeparatorsOfSeveralBytes) {
  const DelimitedFormat format{"::", "##", true};
  EXPECT_EQ(read_all("a::b##c:d::e#f##\"x::y\"::\"z\"##", format).records,
            (Records{{"a", "b"}, {"c:d", "e#f"}, {"x::y", "z"}}));
  EXPECT_EQ(read_all("a\x1F"
                     "b\x1E\"c\x1F",
                     {"\x1F", "\x1E", false})
                .records,
            (Records{{"a", "b"}, {"\"c", ""}}));
}

TEST(DelimitedReader, CountsLines) {
  std::string text = "a\n\"b\nb\"\nc\n";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(fmemopen(text.data(), text.size(), "r"), std::fclose);
  DelimitedReader reader(stream.get(), {}, nullptr);
  std::vector<std::string> fields;
  std::vector<std::uint64_t> lines;
  while (reader.next(fields)) lines.push_back(reader.line());
  EXPECT_EQ(lines, (std::vector<std::uint64_t>{1, 2, 4}));
  EXPECT_EQ(reader.bytes_read(), text.size());
}

}  // namespace
}  // namespace libsql::cli
