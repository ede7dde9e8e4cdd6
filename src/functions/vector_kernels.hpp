#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// The inner loops of the vector functions, one set for each instruction set, chosen once at run time.
//
// Every set gives the same bits. A sum of floats is kept in 32 lanes and one of doubles in 16: lane j takes the
// elements whose index is j modulo the lanes, in order, and at the end the upper half of the lanes is added to the
// lower half until one is left. A product is rounded before it is added, so no set may fuse the two. Hence an answer
// depends on the data alone, never on the processor. Pointers to elements need no alignment.
namespace libsql::functions {

inline constexpr std::size_t kFloatLanes = 32;
inline constexpr std::size_t kDoubleLanes = 16;

template <class T>
struct CosineSums {
  T dot = 0;
  T first_norm = 0;  // the sum of squares
  T second_norm = 0;
};

struct OverlapSums {
  double minimum = 0;
  double maximum = 0;
};

/// Of the bytes of two float8 vectors. They cannot overflow: 65536 * 255 * 255 < 2^32.
struct ByteSums {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  std::uint32_t first_squares = 0;
  std::uint32_t second_squares = 0;
  std::uint32_t products = 0;
};

struct BitOverlap {
  std::uint32_t both = 0;
  std::uint32_t either = 0;
};

struct Kernels {
  const char* name;
  CosineSums<float> (*cosine_float)(const void* a, const void* b, std::size_t n);
  CosineSums<double> (*cosine_double)(const void* a, const void* b, std::size_t n);
  float (*squared_l2_float)(const void* a, const void* b, std::size_t n);
  double (*squared_l2_double)(const void* a, const void* b, std::size_t n);
  /// Summed in double for both: the products of floats are exact there.
  double (*dot_float)(const void* a, const void* b, std::size_t n);
  double (*dot_double)(const void* a, const void* b, std::size_t n);
  OverlapSums (*overlap_float)(const void* a, const void* b, std::size_t n);
  OverlapSums (*overlap_double)(const void* a, const void* b, std::size_t n);
  ByteSums (*byte_sums)(const std::uint8_t* a, const std::uint8_t* b, std::size_t n);
  std::uint32_t (*differing_bits)(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes);
  BitOverlap (*bit_overlap)(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes);
  void (*float8_to_float32)(const std::uint8_t* bytes, float alpha, float shift, float* out, std::size_t n);
  void (*float16_to_float32)(const void* halves, float* out, std::size_t n);
  void (*floatb16_to_float32)(const void* halves, float* out, std::size_t n);
};

/// The fastest set this processor runs.
const Kernels& best_kernels() noexcept;

/// All sets this processor runs, the portable one first: for tests and benchmarks.
std::span<const Kernels* const> available_kernels() noexcept;

/// The sets, or null where they are not compiled in; those above the portable one ask for a processor that has them.
const Kernels& portable_kernels() noexcept;
const Kernels* avx2_kernels() noexcept;
const Kernels* avx512_kernels() noexcept;

}  // namespace libsql::functions
