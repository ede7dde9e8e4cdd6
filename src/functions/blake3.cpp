// After the paper of the hash's authors, "BLAKE3: one function, fast everywhere". The input is cut into chunks of 1024
// bytes; their values are the leaves of a binary tree, of which each left side is complete.
#include "functions/blake3.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "functions/arguments.hpp"

namespace libsql::functions {
namespace {

constexpr std::size_t kBlock = 64, kChunk = 1024;

using Words = std::array<std::uint32_t, 8>;
using Block = std::array<std::uint32_t, 16>;
constexpr Words kStart{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr std::array<std::uint8_t, 16> kOrder{2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};

enum Flag : std::uint32_t { kFirstOfChunk = 1, kLastOfChunk = 2, kParent = 4, kRoot = 8 };

constexpr std::uint32_t rotate(std::uint32_t word, int bits) noexcept { return word >> bits | word << (32 - bits); }

// What is left to do for a node of the tree: the root is compressed with one flag more.
struct Node {
  Words chain = kStart;
  Block block{};
  std::uint64_t counter = 0;
  std::uint32_t size = kBlock, flags = 0;
};

Words compress(const Node& node) noexcept {
  Block state{};
  std::copy(node.chain.begin(), node.chain.end(), state.begin());
  std::copy_n(kStart.begin(), 4, state.begin() + 8);
  state[12] = static_cast<std::uint32_t>(node.counter);
  state[13] = static_cast<std::uint32_t>(node.counter >> 32);
  state[14] = node.size;
  state[15] = node.flags;
  const auto mix = [&state](std::size_t a, std::size_t b, std::size_t c, std::size_t d, std::uint32_t x,
                            std::uint32_t y) {
    state[a] += state[b] + x;
    state[d] = rotate(state[d] ^ state[a], 16);
    state[c] += state[d];
    state[b] = rotate(state[b] ^ state[c], 12);
    state[a] += state[b] + y;
    state[d] = rotate(state[d] ^ state[a], 8);
    state[c] += state[d];
    state[b] = rotate(state[b] ^ state[c], 7);
  };
  Block message = node.block;
  for (int round = 0; round < 7; ++round) {
    for (std::size_t i = 0; i < 4; ++i) mix(i, 4 + i, 8 + i, 12 + i, message[2 * i], message[2 * i + 1]);
    for (std::size_t i = 0; i < 4; ++i) {
      mix(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, message[8 + 2 * i], message[9 + 2 * i]);
    }
    Block next;
    for (std::size_t i = 0; i < next.size(); ++i) next[i] = message[kOrder[i]];
    message = next;
  }
  Words result;
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = state[i] ^ state[i + 8];
  return result;
}

Block words_of(std::string_view bytes) noexcept {
  Block block{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    block[i / 4] |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (i % 4 * 8);
  }
  return block;
}

// The last block of a chunk, the others compressed.
Node chunk_node(std::string_view chunk, std::uint64_t counter) noexcept {
  Node node;
  node.counter = counter;
  node.flags = kFirstOfChunk;
  while (chunk.size() > kBlock) {
    node.block = words_of(chunk.substr(0, kBlock));
    node.chain = compress(node);
    node.flags = 0;
    chunk.remove_prefix(kBlock);
  }
  node.block = words_of(chunk);
  node.size = static_cast<std::uint32_t>(chunk.size());
  node.flags |= kLastOfChunk;
  return node;
}

Node parent_node(const Words& left, const Words& right) noexcept {
  Node node;
  node.flags = kParent;
  std::copy(left.begin(), left.end(), node.block.begin());
  std::copy(right.begin(), right.end(), node.block.begin() + 8);
  return node;
}

}  // namespace

std::array<unsigned char, 32> blake3(std::string_view bytes, Work& work) {
  std::vector<Words> complete;  // one for each bit that is set in the number of chunks so far
  std::uint64_t chunks = 0;
  for (; bytes.size() > kChunk; bytes.remove_prefix(kChunk)) {
    Words value = compress(chunk_node(bytes.substr(0, kChunk), chunks));
    for (std::uint64_t rest = ++chunks; rest % 2 == 0; rest /= 2) {
      value = compress(parent_node(complete.back(), value));
      complete.pop_back();
    }
    complete.push_back(value);
    work.spend(kChunk);
  }
  Node node = chunk_node(bytes, chunks);
  for (; !complete.empty(); complete.pop_back()) node = parent_node(complete.back(), compress(node));
  node.counter = 0;  // of the first 64 bytes of the result
  node.flags |= kRoot;
  const Words root = compress(node);
  std::array<unsigned char, 32> result;
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = static_cast<unsigned char>(root[i / 4] >> (i % 4 * 8) & 0xff);
  }
  return result;
}

}  // namespace libsql::functions
