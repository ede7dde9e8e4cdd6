#include "server/base/budget.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "server/base/budgets.hpp"
#include "server/base/options.hpp"

namespace libsql::server {
namespace {

TEST(Budget, LeavesTheOthersWhatOneMayNotHave) {
  Budget budget(Resource::StoredSqlBytes, 100, 60);
  const auto alice = std::make_shared<Taken>(), bob = std::make_shared<Taken>();
  const auto shop = std::make_shared<Taken>(), blog = std::make_shared<Taken>();
  BudgetShare first(budget, {alice, shop});
  EXPECT_EQ(first.take(50), Whose::Nobody);
  BudgetShare second(budget, {alice, blog});
  EXPECT_EQ(second.take(11), Whose::Bearer);
  BudgetShare third(budget, {bob, shop});
  EXPECT_EQ(third.take(11), Whose::Namespace);
  BudgetShare fourth(budget, {bob, blog});
  EXPECT_EQ(fourth.take(51), Whose::Server);
  EXPECT_EQ(fourth.take(50), Whose::Nobody);
  EXPECT_EQ(budget.held(), 100U);
  EXPECT_EQ(second.take(1), Whose::Server);
}

TEST(Budget, TakesNothingWhereItRefuses) {
  Budget budget(Resource::HttpStreams, 10, 5);
  const auto bearer = std::make_shared<Taken>(), name_space = std::make_shared<Taken>();
  BudgetShare share(budget, {bearer, name_space});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(share.take(6), Whose::Bearer);
  EXPECT_EQ(share.take(SIZE_MAX), Whose::Bearer);
  EXPECT_EQ(budget.held(), 0U);
  EXPECT_EQ(share.take(5), Whose::Nobody);
}

TEST(Budget, IsGivenBackAtTheEndOfAShare) {
  Budget budget(Resource::HttpStreams, 10, 5);
  const auto bearer = std::make_shared<Taken>(), name_space = std::make_shared<Taken>();
  {
    BudgetShare share(budget, {bearer, name_space});
    EXPECT_EQ(share.take(5), Whose::Nobody);
    share.give(2);
    EXPECT_EQ(share.held(), 3U);
    EXPECT_EQ(budget.held(), 3U);
  }
  EXPECT_EQ(budget.held(), 0U);
  EXPECT_EQ(bearer->of(Resource::HttpStreams), 0U);
  EXPECT_EQ(name_space->of(Resource::HttpStreams), 0U);
}

TEST(Budget, KnowsOnlyTheTotalOfThoseWhoAreNotToldApart) {
  Budget budget(Resource::ResponseBytes, 10, 5);
  BudgetShare share(budget, {});
  EXPECT_EQ(share.take(10), Whose::Nobody);
  EXPECT_EQ(share.take(1), Whose::Server);
}

TEST(Budget, SharesOfLimitsAreTheirPercentage) {
  Limits limits;
  limits.tenant_share = 50;
  EXPECT_EQ(limits.share_of(64 << 20), std::size_t{32} << 20);
  EXPECT_EQ(limits.share_of(5), 3U);
  limits.tenant_share = 75;
  EXPECT_EQ(limits.share_of(144), 108U);
  limits.tenant_share = 1;
  EXPECT_EQ(limits.share_of(1), 1U) << "of very little one may have everything";
  EXPECT_EQ(limits.share_of(0), 0U);
  limits.tenant_share = 100;
  EXPECT_EQ(limits.share_of(SIZE_MAX), SIZE_MAX);
}

TEST(Budget, OneShareHoldsARequestOfTheLargestSize) {
  for (const unsigned share : {1U, 7U, 50U, 75U, 99U, 100U}) {
    Limits limits;
    limits.tenant_share = share;
    EXPECT_GE(limits.share_of(limits.request_memory()), limits.request_bytes) << share;
    limits.request_bytes = 10;
    limits.total_request_bytes = 1;
    EXPECT_GE(limits.share_of(limits.request_memory()), 10U) << share;
  }
}

TEST(Budget, OfEachResourceOneTenantMayHaveTheSameShare) {
  Limits limits;
  limits.tenant_share = 20;
  const Budgets budgets(limits, 1000);
  for (const Budget* budget : {&budgets.responses, &budgets.stored_sql, &budgets.http_streams,
                               &budgets.websocket_streams, &budgets.websockets, &budgets.dumps, &budgets.decoded}) {
    EXPECT_EQ(budget->most_for_one(), limits.share_of(budget->total()));
  }
}

}  // namespace
}  // namespace libsql::server
