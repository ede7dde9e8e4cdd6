#pragma once

#include <cstddef>
#include <cstdint>

#include "functions/vector_codec.hpp"

// Distances between two vectors of the same type and length, which the caller has checked.
//
// libSQL adds up the float terms one after another and rounds after each, so the last bits of its cosine and L2
// distances depend on that order. A vector unit adds in another order. Both are offered, because no single one is right
// for all:
// - Sequential gives libSQL's bits. The SQL functions vector_distance_cos() and vector_distance_l2() use it for every
// length, so that
//   a value computed here equals one computed, stored or indexed by libSQL. It is bound by the latency of one addition
//   per element.
// - Lanes uses the kernels: several times as fast (bench/vector_distance.cpp), and as 32 short sums err less than one
// long sum,
//   usually nearer to the exact result. The same on every processor, but not always libSQL's last bits.
// error_bound() tells how far the two can lie apart, so a search can discard with Lanes and decide with Sequential.
// What is new to libSQL (dot, Jaccard) or made of integers (float1bit, float8 sums) always uses the kernels.
namespace libsql::functions {

enum class Summation { Sequential, Lanes };

/// 1 - cos, rounded to float; for float1bit the number of differing bits. NaN where libSQL answers NULL: a zero or
/// empty vector, or squares whose product leaves the range of float. Sparse vectors are computed in double and not
/// rounded.
double cosine_distance(const VectorView& a, const VectorView& b, Summation summation);

/// The Euclidean distance, rounded to float. Not for float1bit.
double l2_distance(const VectorView& a, const VectorView& b, Summation summation);

/// The inner product, in double; +1 and -1 for float1bit.
double inner_product(const VectorView& a, const VectorView& b);

/// 1 - sum of minima / sum of maxima; for float1bit 1 - bits in both / bits in either. NaN if the denominator is 0.
double jaccard_distance(const VectorView& a, const VectorView& b);

/// Elements that differ; float1bit only.
std::uint32_t hamming_distance(const VectorView& a, const VectorView& b) noexcept;

/// How far the cosine distances of the two summations can lie apart, and by which part of itself an L2 distance can,
/// for float elements. Holds for sums away from the limits of float.
double error_bound(std::size_t dimensions) noexcept;

/// Less than or equal to the Sequential distance, computed by the lanes: what is too far by this is too far. Minus
/// infinity where nothing can be promised. For float32, float16, floatb16, and l2_floor() for float8 as well.
double cosine_floor(const VectorView& a, const VectorView& b);
double l2_floor(const VectorView& a, const VectorView& b);

}  // namespace libsql::functions
