// The large pieces of memory that the engine takes in this process: texts, blobs, sorts. Nothing else bounds how many
// of them a statement may hold.
#pragma once

#include <cstddef>

namespace libsql::engine {

/// From that many bytes on a block counts. Smaller ones are bounded by what they are: pages of caches, compiled texts.
inline constexpr std::size_t kLargeBlock = std::size_t{64} << 10;

/// Lets the engine have at most `total` bytes in large blocks, and one thread at most `for_one` of them since its last
/// begin_large_work(); beyond it a statement fails with NoMemory. For the whole process, and before the engine is used
/// for the first time; throws Misuse after that.
void bound_large_blocks(std::size_t total, std::size_t for_one);

/// What the calling thread holds from now on is counted anew.
void begin_large_work() noexcept;

/// Of all threads; 0 without a bound.
std::size_t large_bytes() noexcept;

}  // namespace libsql::engine
