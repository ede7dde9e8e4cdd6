// Arguments are checked by one set of rules: a local connection and a remote one say the same, word for word.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <libsql/libsql.hpp>

#include "support/expect_error.hpp"
#include "support/scripted_wire.hpp"

namespace libsql {
namespace {

using test::error_of;
using test::ScriptedServer;

struct Call {
  const char* sql;
  Params params;
};

std::string many(int count) {
  std::string sql = "SELECT :p1";
  for (int i = 2; i <= count; ++i) sql.append(", :p").append(std::to_string(i));
  return sql;
}

Params named(int from, int to) {
  Params params;
  for (int i = from; i <= to; ++i) params.add(std::string(":p").append(std::to_string(i)), i);
  return params;
}

template <class Run>
std::unique_ptr<Error> failure_of(Run&& run) {
  try {
    run();
  } catch (const Error& error) {
    return std::make_unique<Error>(error);
  }
  return nullptr;
}

class ArgumentRules : public ::testing::Test {
 protected:
  std::shared_ptr<ScriptedServer> server_ = std::make_shared<ScriptedServer>();
  Connection local_ = Builder::local(":memory:").build().connect();
  Connection remote_ = server_->database().connect();
};

TEST_F(ArgumentRules, WhatDoesNotFitIsRefusedInTheSameWords) {
  const std::string hundred = many(100);
  Params twice = named(1, 100);
  twice.add("p70", 0);
  const std::vector<Call> calls = {
      {"SELECT ?", Params()},
      {"SELECT ?, ?", Params().add(1)},
      {"SELECT :a, :b", Params().add(1)},
      {"SELECT 1", Params().add(1)},
      {"SELECT ?", Params().add(1).add(2)},
      {"SELECT :a", Params().add("b", 1)},
      {"SELECT :a", Params().add("", 1)},
      {"SELECT :a", Params().add(std::string("a\0b", 3), 1)},
      {"SELECT :a, @a", Params().add("a", 1)},
      {"SELECT $a, @a", Params().add("a", 1)},
      {"SELECT :a", Params().add("a", 1).add(":a", 2)},
      {"SELECT ?, :a", Params().add(1).add("1", 2)},
      {"SELECT :a, :b", Params().add("a", 1)},
      {"SELECT ?5, ?2", Params().add("?5", 1)},
      {"SELECT :a, ?", Params().add("a", 1)},
      {"SELECT ?", Params().add(std::numeric_limits<double>::quiet_NaN())},
      {"SELECT :a", Params().add("a", std::numeric_limits<double>::quiet_NaN())},
      {"SELECT ?", Params().add(1).add(2).add("a", 3)},
      {hundred.c_str(), named(1, 99)},
      {hundred.c_str(), named(2, 100)},
      {hundred.c_str(), twice},
  };
  for (const Call& call : calls) {
    SCOPED_TRACE(call.sql);
    const auto here = failure_of([&] { local_.execute(call.sql, call.params); });
    const auto there = failure_of([&] { remote_.execute(call.sql, call.params); });
    ASSERT_TRUE(here != nullptr && there != nullptr);
    EXPECT_EQ(there->message(), here->message());
    EXPECT_EQ(there->code(), here->code());
    EXPECT_EQ(there->sql(), here->sql());
  }
  EXPECT_TRUE(server_->ran.empty());
  for (const int number : {0, -1, 3}) {
    Statement here = local_.prepare("SELECT ?, ?");
    Statement there = remote_.prepare("SELECT ?, ?");
    EXPECT_EQ(error_of<OutOfRange>([&] { static_cast<void>(there.parameter_name(number)); }).message(),
              error_of<OutOfRange>([&] { static_cast<void>(here.parameter_name(number)); }).message());
  }
}

TEST_F(ArgumentRules, WhatFitsIsTakenByBoth) {
  const std::string hundred = many(100);
  const std::vector<Call> calls = {
      {"SELECT ?5, ?2", Params().add("?5", 1).add("2", 2)},  // 1, 3 and 4 want nothing
      {"SELECT :a, @b, $c", Params().add("c", 1).add("@b", 2).add("a", 3)},
      {"SELECT ?, :a", Params().add(1).add("a", 2)},
      {hundred.c_str(), named(1, 100)},
  };
  for (const Call& call : calls) {
    EXPECT_NO_THROW(local_.execute(call.sql, call.params)) << call.sql;
    EXPECT_NO_THROW(remote_.execute(call.sql, call.params)) << call.sql;
  }
}

}  // namespace
}  // namespace libsql
