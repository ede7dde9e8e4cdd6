#include "server/budget.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "server/options.hpp"

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
  EXPECT_EQ(limits.share_of(5), 2U);
  limits.tenant_share = 100;
  EXPECT_EQ(limits.share_of(SIZE_MAX), SIZE_MAX);
}

}  // namespace
}  // namespace libsql::server
