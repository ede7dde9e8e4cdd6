#include "core/text_lru.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace libsql::core {
namespace {

struct Entry {
  std::string name;
  std::size_t bytes;
  bool pinned = false;
  std::string_view text() const noexcept { return name; }
};

class TextLruTest : public testing::Test {
 protected:
  std::string shrink(std::size_t bytes) {
    std::string gone;
    lru.shrink(
        bytes, [](const Entry& entry) { return !entry.pinned; },
        [&](auto entry) {
          gone += entry->name;
          lru.erase(entry);
        });
    return gone;
  }
  TextLru<Entry> lru;
};

TEST_F(TextLruTest, GivesUpTheLeastRecentlyUsedUntilTheRestFits) {
  for (const char* name : {"a", "b", "c", "d"}) lru.insert({name, 10});
  lru.touch(lru.find("a"));
  EXPECT_EQ(shrink(40), "");
  EXPECT_EQ(shrink(25), "bc");
  EXPECT_EQ(lru.bytes(), 20U);
  EXPECT_EQ(lru.find("b"), lru.end());
  EXPECT_EQ(lru.peek("a")->bytes, 10U);
}

TEST_F(TextLruTest, KeepsTheNewestAndWhatMayNotGo) {
  lru.insert({"a", 10, true});
  lru.insert({"b", 10});
  lru.insert({"c", 10});
  lru.grow(lru.find("c"), 90);
  EXPECT_EQ(shrink(50), "b");
  EXPECT_EQ(lru.size(), 2U);
  EXPECT_EQ(lru.bytes(), 110U);
  lru.clear();
  EXPECT_EQ(lru.bytes(), 0U);
  EXPECT_EQ(lru.find("a"), lru.end());
}

}  // namespace
}  // namespace libsql::core
