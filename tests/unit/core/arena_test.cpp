#include "core/arena.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/decoded.hpp"

namespace libsql::core {
namespace {

TEST(Arena, WhatItGivesIsAlignedAndApart) {
  alignas(std::max_align_t) std::byte first[64];
  Arena arena(first);
  std::vector<std::pair<char*, std::size_t>> given;
  for (std::size_t i = 0; i < 2000; ++i) {
    const std::size_t size = i * 37 % 300;
    const std::size_t alignment = std::size_t{1} << i % 5;
    auto* const at = static_cast<char*>(arena.allocate(size, alignment));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % alignment, 0U);
    std::memset(at, static_cast<int>(i), size);
    given.emplace_back(at, size);
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    for (std::size_t k = 0; k < given[i].second; ++k) ASSERT_EQ(given[i].first[k], static_cast<char>(i));
  }
}

TEST(Arena, ItBeginsWithTheMemoryOfItsOwner) {
  alignas(std::max_align_t) std::byte first[64];
  Arena arena(first);
  EXPECT_EQ(arena.bytes(10), reinterpret_cast<char*>(first));
  EXPECT_NE(static_cast<void*>(arena.bytes(5000)), static_cast<void*>(first + 10)) << "there is no room";
  EXPECT_EQ(arena.bytes(10), reinterpret_cast<char*>(first + 10))
      << "a large piece does not cost the rest of the memory";
  arena.reset();
  EXPECT_EQ(arena.bytes(64), reinterpret_cast<char*>(first));
}

TEST(Arena, AnImpossibleSizeIsRefused) {
  Arena arena;
  EXPECT_THROW(arena.allocate(SIZE_MAX, 1), std::bad_alloc);
  EXPECT_THROW(arena.allocate(SIZE_MAX - 4, 8), std::bad_alloc);
}

TEST(ArrayBuilder, ArraysOfEverySizeComeOutWhole) {
  Arena arena;
  std::vector<std::span<int>> arrays;
  for (int size = 0; size < 3000; size += 1 + size / 4) {
    ArrayBuilder<int> builder(arena);
    for (int i = 0; i < size; ++i) builder.push_back(size + i);
    EXPECT_EQ(builder.size(), static_cast<std::size_t>(size));
    arrays.push_back(builder.finish());
    EXPECT_TRUE(builder.empty());
  }
  int size = 0;
  for (const auto& array : arrays) {
    ASSERT_EQ(array.size(), static_cast<std::size_t>(size));
    for (int i = 0; i < size; ++i) ASSERT_EQ(array[static_cast<std::size_t>(i)], size + i);
    size += 1 + size / 4;
  }
}

TEST(ArrayBuilder, ItMayBeUsedAgain) {
  Arena arena;
  ArrayBuilder<char> builder(arena);
  const std::string large(100000, 'a');
  builder.append(large);
  const auto first = builder.finish();
  builder.append(std::string_view("bc"));
  builder.append({});
  const auto second = builder.finish();
  builder.append(large);
  builder.clear();
  EXPECT_TRUE(builder.finish().empty());
  EXPECT_EQ(std::string_view(first.data(), first.size()), large);
  EXPECT_EQ(std::string_view(second.data(), second.size()), "bc");
}

TEST(Decoded, ShortBytesStayWhereTheyAreWhenItMoves) {
  auto storage = std::make_unique<DecodedStorage>(Source(std::string("short")));
  const std::string_view view = storage->bytes();
  Decoded<std::string_view> first(std::move(storage), view);
  const Decoded<std::string_view> second = std::move(first);
  EXPECT_EQ(*second, "short");
  EXPECT_EQ(second->data(), view.data());
}

}  // namespace
}  // namespace libsql::core
