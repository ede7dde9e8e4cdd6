#include "server/metrics/exposition.hpp"

#include <gtest/gtest.h>

#include <array>

namespace libsql::server {
namespace {

TEST(Exposition, WritesFamiliesAsTheFormatWants) {
  Exposition exposition;
  exposition.counter("requests_total", "All requests.", 7);
  exposition.begin("size_bytes", Exposition::Kind::Gauge, "Now.");
  exposition.sample(std::uint64_t{1}, {{"namespace", "a"}});
  exposition.sample(0.5, {{"namespace", "say \"hi\"\\\n"}, {"x", "y"}});
  EXPECT_EQ(exposition.take(),
            "# HELP requests_total All requests.\n"
            "# TYPE requests_total counter\n"
            "requests_total 7\n"
            "# HELP size_bytes Now.\n"
            "# TYPE size_bytes gauge\n"
            "size_bytes{namespace=\"a\"} 1\n"
            "size_bytes{namespace=\"say \\\"hi\\\"\\\\\\n\",x=\"y\"} 0.5\n");
}

TEST(Exposition, AddsUpTheBucketsOfAHistogram) {
  Exposition exposition;
  exposition.begin("t_seconds", Exposition::Kind::Histogram, "Times.");
  const std::array<double, 2> bounds = {0.1, 1};
  const std::array<std::uint64_t, 3> counts = {2, 3, 4};
  exposition.histogram(bounds, counts, 12.5, {{"a", "b"}});
  EXPECT_EQ(exposition.take(),
            "# HELP t_seconds Times.\n"
            "# TYPE t_seconds histogram\n"
            "t_seconds_bucket{a=\"b\",le=\"0.1\"} 2\n"
            "t_seconds_bucket{a=\"b\",le=\"1\"} 5\n"
            "t_seconds_bucket{a=\"b\",le=\"+Inf\"} 9\n"
            "t_seconds_sum{a=\"b\"} 12.5\n"
            "t_seconds_count{a=\"b\"} 9\n");
}

TEST(Exposition, WritesNumbersThatAreNone) {
  Exposition exposition;
  exposition.begin("x", Exposition::Kind::Gauge, "X.");
  exposition.sample(std::numeric_limits<double>::infinity());
  exposition.sample(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(exposition.take(), "# HELP x X.\n# TYPE x gauge\nx +Inf\nx NaN\n");
}

}  // namespace
}  // namespace libsql::server
