#include "server/metrics/monitor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "server/metrics/exposition.hpp"

namespace libsql::server {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

std::vector<std::string> texts(const std::vector<RankedQuery>& queries) {
  std::vector<std::string> texts;
  for (const RankedQuery& query : queries) texts.push_back(query.sql);
  return texts;
}

TEST(QueryRanking, KeepsTheTenDearestOfEachKindTheDearestFirst) {
  QueryRanking ranking;
  for (std::uint64_t i = 1; i <= 30; ++i)
    ranking.add(std::string("q").append(std::to_string(i)), i, 0, milliseconds(100 - i));
  EXPECT_THAT(texts(ranking.by_rows()),
              ::testing::ElementsAre("q30", "q29", "q28", "q27", "q26", "q25", "q24", "q23", "q22", "q21"));
  EXPECT_THAT(texts(ranking.by_time()),
              ::testing::ElementsAre("q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10"));
}

TEST(QueryRanking, ListsATextOnceWithItsDearestRun) {
  QueryRanking ranking;
  ranking.add("q", 5, 0, milliseconds(0));
  ranking.add("q", 9, 1, milliseconds(0));
  ranking.add("q", 7, 0, milliseconds(0));
  ASSERT_EQ(ranking.by_rows().size(), 1u);
  EXPECT_EQ(ranking.by_rows()[0].rows_read, 9u);
  EXPECT_EQ(ranking.by_rows()[0].rows_written, 1u);
}

TEST(QueryRanking, BeginsAnewAfterAReset) {
  QueryRanking ranking;
  for (std::uint64_t i = 10; i < 30; ++i)
    ranking.add(std::string("q").append(std::to_string(i)), i, 0, milliseconds(i));
  ranking.reset_by_rows();
  EXPECT_TRUE(ranking.by_rows().empty());
  EXPECT_EQ(ranking.by_time().size(), QueryRanking::kEntries);
  ranking.add("small", 1, 0, milliseconds(0));
  EXPECT_THAT(texts(ranking.by_rows()), ::testing::ElementsAre("small"));
}

// Twenty minutes past some full hour.
constexpr HourlyQueries::Clock::time_point kNoon =
    std::chrono::sys_days(std::chrono::year(2024) / 5 / 1) + std::chrono::minutes(12 * 60 + 20);

TEST(HourlyQueries, AddUpTheRunsOfEachText) {
  HourlyQueries queries;
  EXPECT_FALSE(queries.report(kNoon));
  queries.add("a", 1, 0, milliseconds(5), kNoon);
  queries.add("b", 7, 2, milliseconds(8), kNoon + std::chrono::minutes(1));
  queries.add("a", 2, 3, milliseconds(4), kNoon + std::chrono::minutes(39));
  const auto hour = queries.report(kNoon + std::chrono::minutes(39));
  ASSERT_TRUE(hour);
  EXPECT_EQ(hour->begun, kNoon);
  EXPECT_EQ(hour->count, 3u);
  EXPECT_EQ(hour->elapsed, milliseconds(17));
  ASSERT_EQ(hour->queries.size(), 2u);
  EXPECT_EQ(hour->queries[0].sql, "a");
  EXPECT_EQ(hour->queries[0].count, 2u);
  EXPECT_EQ(hour->queries[0].rows_read, 3u);
  EXPECT_EQ(hour->queries[0].rows_written, 3u);
  EXPECT_EQ(hour->queries[0].elapsed, milliseconds(9));
  EXPECT_EQ(hour->queries[1].sql, "b");
}

TEST(HourlyQueries, BeginAnewWithTheHourOfTheClock) {
  HourlyQueries queries;
  queries.add("a", 1, 0, milliseconds(5), kNoon);
  const uuid::Uuid id = queries.report(kNoon)->id;
  const auto next = kNoon + std::chrono::minutes(40);
  EXPECT_FALSE(queries.report(next));
  queries.add("b", 1, 0, milliseconds(1), next);
  const auto hour = queries.report(next);
  ASSERT_TRUE(hour);
  EXPECT_NE(hour->id, id);
  EXPECT_EQ(hour->begun, next);
  EXPECT_EQ(hour->count, 1u);
  EXPECT_EQ(hour->queries[0].sql, "b");
}

TEST(HourlyQueries, TellTheThirtyThatTookMostTimeAndCountTheOthers) {
  HourlyQueries queries;
  for (int i = 1; i <= 1000; ++i) {
    queries.add(std::string("q").append(std::to_string(i)), 1, 0, milliseconds(i), kNoon);
  }
  for (int i = 0; i < 300; ++i) queries.add("q1000", 1, 0, milliseconds(1), kNoon);
  const auto hour = queries.report(kNoon);
  EXPECT_EQ(hour->count, 1300u);
  ASSERT_EQ(hour->queries.size(), HourlyQueries::kEntries);
  EXPECT_EQ(hour->queries[0].sql, "q1000");
  EXPECT_EQ(hour->queries[0].count, 301u);
  EXPECT_EQ(hour->queries[29].sql, "q971");
}

TEST(HourlyQueries, TellPercentilesOfAllTimes) {
  HourlyQueries queries;
  for (int i = 1; i <= 1000; ++i) queries.add("q", 1, 0, milliseconds(i), kNoon);
  const auto hour = queries.report(kNoon);
  for (std::size_t i = 0; i < HourOfQueries::kParts.size(); ++i) {
    const double expected = HourOfQueries::kParts[i] * 1000;
    EXPECT_NEAR(static_cast<double>(hour->percentiles[i].count()) / 1e6, expected, expected / 16);
  }
}

RequestRecord request_to(std::string_view target, int status) {
  RequestRecord record;
  record.target = target;
  record.status = status;
  record.request_bytes = 10;
  record.response_bytes = 20;
  record.duration = milliseconds(3);
  return record;
}

TEST(Monitor, CountsRequestsStatementsAndEvents) {
  Monitor monitor(nullptr, nullptr);
  monitor.request_finished(request_to("/v2/pipeline", 200));
  monitor.request_finished(request_to("/v2/pipeline", 401));
  StatementRecord statement;
  statement.name_space = "shop";
  statement.sql = "INSERT INTO t VALUES (1)";
  statement.is_write = true;
  statement.rows_written = 1;
  monitor.statement_finished(statement);
  statement.is_write = false;
  statement.error_code = "SQLITE_UNKNOWN";
  monitor.statement_finished(statement);
  monitor.happened(Event::StreamExpired, "shop");

  Exposition exposition;
  monitor.expose(exposition);
  const std::string text = exposition.take();
  for (const char* const line :
       {"libsql_server_user_http_response{status=\"200\"} 1\n", "libsql_server_user_http_response{status=\"401\"} 1\n",
        "libsql_server_request_duration_seconds_bucket{le=\"0.0025\"} 0\n",
        "libsql_server_request_duration_seconds_bucket{le=\"0.005\"} 2\n", "libsql_server_request_bytes_total 20\n",
        "libsql_server_returned_bytes_total 40\n", "libsql_server_writes_count 1\n", "libsql_server_reads_count 1\n",
        "libsql_server_hrana_step_errors 1\n", "libsql_server_query_rows_written 2\n",
        "libsql_server_streams_expired_total 1\n", "libsql_server_websockets_opened_total 0\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  const uuid::Uuid id = monitor.queries("shop")->id;
  EXPECT_EQ(monitor.queries("shop")->hourly.report(std::chrono::system_clock::now())->count, 2u);
  EXPECT_EQ(monitor.queries("shop")->id, id);
  monitor.forget("shop");
  EXPECT_TRUE(monitor.queries("shop")->ranking.by_rows().empty());
  EXPECT_NE(monitor.queries("shop")->id, id);
}

TEST(Monitor, TakesAllButTheHealthCheckForActivity) {
  Monitor monitor(nullptr, nullptr);
  monitor.request_finished(request_to("/health", 200));
  monitor.request_finished(request_to("/health?x", 200));
  EXPECT_EQ(monitor.last_activity(), std::chrono::steady_clock::time_point());
  monitor.request_finished(request_to("/healthy", 404));
  EXPECT_GT(monitor.last_activity(), std::chrono::steady_clock::time_point());
}

TEST(Monitor, LosesNothingWhenThreadsCountAtOnce) {
  Monitor monitor(nullptr, nullptr);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, name = std::string(i % 2 == 0 ? "ns0" : "ns1")] {
      StatementRecord statement;
      statement.name_space = name;
      statement.sql = "SELECT 1";
      for (int j = 0; j < 1000; ++j) {
        statement.rows_read = static_cast<std::uint64_t>(j);
        monitor.statement_finished(statement);
        monitor.request_finished(request_to("/", 200));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Exposition exposition;
  monitor.expose(exposition);
  const std::string text = exposition.take();
  EXPECT_THAT(text, HasSubstr("libsql_server_reads_count 4000\n"));
  EXPECT_THAT(text, HasSubstr("libsql_server_query_rows_read 1998000\n"));
  EXPECT_EQ(monitor.queries("ns0")->ranking.by_rows()[0].rows_read, 999u);
}

}  // namespace
}  // namespace libsql::server
