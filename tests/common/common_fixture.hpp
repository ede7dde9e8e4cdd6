// What the tests of all modes stand on: the same statements, whatever the builder call was.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include <libsql/libsql.hpp>

#include "support/database_under_test.hpp"
#include "support/expect_error.hpp"

namespace libsql::test {

class AllModes : public ::testing::TestWithParam<Way> {
 protected:
  explicit AllModes(const ServerLimits& limits = {})
      : under_test_(make_database_under_test(GetParam(), limits)), db_(under_test_->open()), conn_(db_.connect()) {}

  /// Whether statements that write run on a server; on a replica others run here.
  bool is_remote() const noexcept { return under_test_->is_remote(); }
  static bool is_replica() noexcept { return GetParam() == Way::Replica; }
  int count(const char* table = "t") { return conn_.query_value<int>("SELECT count(*) FROM " + std::string(table)); }

  std::unique_ptr<DatabaseUnderTest> under_test_;
  Database db_;
  Connection conn_;
};

}  // namespace libsql::test

/// Runs the suite in every mode.
#define LIBSQL_IN_ALL_MODES(suite)                                                        \
  INSTANTIATE_TEST_SUITE_P(Modes, suite, ::testing::ValuesIn(::libsql::test::all_ways()), \
                           [](const auto& way) { return ::libsql::test::name_of(way.param); })
