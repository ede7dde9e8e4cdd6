#include "server/log/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "server/log/access_log.hpp"
#include "server/log/json_line.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::server {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string content(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

std::vector<std::string> lines(const std::string& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(Log, WritesTimeLevelPartAndMessage) {
  libsql::test::TemporaryDirectory directory;
  Log log(directory.file("log"), LogFormat::Text, {});
  log.info("http", "hello");
  EXPECT_THAT(content(directory.file("log")),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z info http: hello\n"));
}

TEST(Log, WritesOneJsonObjectForEachMessage) {
  libsql::test::TemporaryDirectory directory;
  Log log(directory.file("log"), LogFormat::Json, {});
  log.error("http", "say \"hi\"\nto\xff");
  const auto line = nlohmann::json::parse(content(directory.file("log")));
  EXPECT_EQ(line["level"], "error");
  EXPECT_EQ(line["part"], "http");
  EXPECT_EQ(line["message"], "say \"hi\"\nto\xef\xbf\xbd");
}

TEST(Log, LetsNoMessageLookLikeTwo) {
  libsql::test::TemporaryDirectory directory;
  Log log(directory.file("log"), LogFormat::Text, {});
  log.warn("http", "a\nb\x1b[31m");
  EXPECT_THAT(content(directory.file("log")), HasSubstr("a\\x0ab\\x1b[31m\n"));
}

TEST(Log, LeavesOutWhatItsFilterDoesNotWant) {
  libsql::test::TemporaryDirectory directory;
  Log log(directory.file("log"), LogFormat::Text, LogFilter::parse("warn,admin=debug"));
  log.info("http", "not this");
  log.debug("admin", "but this");
  log.set_filter(LogFilter::parse("off"));
  log.error("http", "nor this");
  EXPECT_EQ(lines(directory.file("log")).size(), 1u);
  EXPECT_THAT(content(directory.file("log")), HasSubstr("admin: but this"));
}

TEST(LogFilter, RefusesWhatItDoesNotKnow) {
  for (const char* const wrong : {"", "loud", "info,", "=info", "http=loud", "info,,warn"}) {
    EXPECT_THROW(LogFilter::parse(wrong), std::invalid_argument) << wrong;
  }
}

TEST(Log, GoesOnInANewFileAfterReopen) {
  libsql::test::TemporaryDirectory directory;
  Log log(directory.file("log"), LogFormat::Text, {});
  log.info("x", "one");
  std::filesystem::rename(directory.file("log"), directory.file("log.1"));
  log.info("x", "two");
  log.reopen();
  log.info("x", "three");
  EXPECT_EQ(lines(directory.file("log.1")).size(), 2u);
  EXPECT_THAT(content(directory.file("log")), HasSubstr("three"));
}

TEST(Log, ThatCannotBeOpenedIsAnErrorThatNamesTheFile) {
  try {
    Log log("/no/such/folder/log", LogFormat::Text, {});
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/no/such/folder/log"));
  }
}

TEST(LineFile, CountsWhatAFullDiskLost) {
  LineFile full("/dev/full", LineFile::Buffering::None);
  full.append("one\n");
  full.append("two\n");
  EXPECT_EQ(full.lost(), 2u);
}

TEST(LineFile, TearsNoLineThatThreadsAppendWhileItIsReopened) {
  libsql::test::TemporaryDirectory directory;
  {
    LineFile file(directory.file("log"), LineFile::Buffering::Short);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        std::string line(100, static_cast<char>('a' + i));
        line += '\n';
        for (int j = 0; j < 1000; ++j) file.append(line);
      });
    }
    for (int i = 0; i < 10; ++i) {
      file.reopen();
      file.flush();
    }
    for (std::thread& thread : threads) thread.join();
  }
  const auto written = lines(directory.file("log"));
  EXPECT_EQ(written.size(), 4000u);
  for (const std::string& line : written) EXPECT_EQ(line, std::string(100, line.front()));
}

TEST(AccessLog, WritesWhatIsKnownOfARequestButNotItsQuery) {
  libsql::test::TemporaryDirectory directory;
  AccessLog log(directory.file("access"));
  AccessRecord record;
  record.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1714558830123));
  record.peer = "127.0.0.1:4711";
  record.method = "POST";
  record.target = "/v2/pipeline?authToken=secret";
  record.name_space = "shop";
  record.status = 200;
  record.request_bytes = 10;
  record.response_bytes = 20;
  record.duration = std::chrono::microseconds(1500);
  record.rows_read = 3;
  record.rows_written = 4;
  log.write(record);
  EXPECT_EQ(content(directory.file("access")), "") << "lines are collected";
  log.flush();
  EXPECT_EQ(content(directory.file("access")),
            R"({"time":"2024-05-01T10:20:30.123Z","peer":"127.0.0.1:4711","method":"POST","path":"/v2/pipeline",)"
            R"("namespace":"shop","status":200,"bytes_in":10,"bytes_out":20,"ms":1.500,"rows_read":3,"rows_written":4})"
            "\n");
}

TEST(SlowLog, WritesTheTextOfAStatement) {
  libsql::test::TemporaryDirectory directory;
  Log log(directory.file("log"), LogFormat::Text, {});
  SlowLog to_file(directory.file("slow"), log, std::chrono::milliseconds(100));
  SlowLog to_log("", log, std::chrono::milliseconds(100));
  SlowRecord record;
  record.name_space = "shop";
  record.sql = "SELECT ?1";
  record.duration = std::chrono::milliseconds(250);
  to_file.write(record);
  to_log.write(record);
  EXPECT_THAT(content(directory.file("log")),
              HasSubstr("warn slow: 250 ms in shop, rows read 0, written 0: SELECT ?1"));
  const auto line = nlohmann::json::parse(content(directory.file("slow")));
  EXPECT_EQ(line["sql"], "SELECT ?1");
  EXPECT_EQ(line["ms"], 250.0);
}

}  // namespace
}  // namespace libsql::server
